"""Verdicts by tool and model, routing and evaluations"""

import json

import sqlalchemy as sa
from alembic import op


revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    _verdicts()
    op.create_table(
        "judgements",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("judged_at", sa.BigInteger(), nullable=False),
        sa.Column("took_ms", sa.BigInteger(), nullable=False),
        sa.Column("judged", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "day", name=op.f("pk_judgements")),
    )
    op.create_table(
        "evaluations",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluations")),
    )


def _verdicts() -> None:
    """The key gets a model: the table is made anew with the verdicts that it held, few as they are.

    What they were given on was not kept but for the share.
    """
    told = op.get_bind().execute(
        sa.text("SELECT tool, given_at, judged_at, decision, reason, share FROM verdicts")
    )
    kept = [row._asdict() for row in told]
    op.drop_table("verdicts")
    verdicts = op.create_table(
        "verdicts",
        sa.Column("tool", sa.String(length=64), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("given_at", sa.BigInteger(), nullable=False),
        sa.Column("judged_at", sa.BigInteger(), nullable=False),
        sa.Column("decision", sa.String(length=24), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("grounds", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tool", "model", "given_at", name=op.f("pk_verdicts")),
    )
    rows = [{**row, "model": "", "grounds": json.dumps({"share": row["share"]})} for row in kept]
    for row in rows:
        del row["share"]
    if rows:
        op.bulk_insert(verdicts, rows)
