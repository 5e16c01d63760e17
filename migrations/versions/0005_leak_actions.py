"""What was tried against leaks"""

import sqlalchemy as sa
from alembic import op


revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "leak_measurements",
        sa.Column("measured_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("since", sa.String(length=10), nullable=False),
        sa.Column("until", sa.String(length=10), nullable=False),
        sa.Column("low_nanousd", sa.BigInteger(), nullable=False),
        sa.Column("estimate_nanousd", sa.BigInteger(), nullable=False),
        sa.Column("high_nanousd", sa.BigInteger(), nullable=False),
        sa.Column("spent_nanousd", sa.BigInteger(), nullable=False),
        sa.Column("sessions", sa.Integer(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("coverage", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("measured_at", name=op.f("pk_leak_measurements")),
    )
    op.create_table(
        "leaks",
        sa.Column("leak_id", sa.String(length=16), nullable=False),
        sa.Column("detector", sa.String(length=32), nullable=False),
        sa.Column("tool", sa.String(length=64), nullable=False),
        sa.Column("team", sa.Text(), nullable=True),
        sa.Column("repo", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("work_type", sa.String(length=32), nullable=True),
        sa.Column("low_nanousd", sa.BigInteger(), nullable=False),
        sa.Column("estimate_nanousd", sa.BigInteger(), nullable=False),
        sa.Column("high_nanousd", sa.BigInteger(), nullable=False),
        sa.Column("spent_nanousd", sa.BigInteger(), nullable=False),
        sa.Column("sessions", sa.Integer(), nullable=False),
        sa.Column("seen_on", sa.String(length=10), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("leak_id", name=op.f("pk_leaks")),
    )
    op.create_table(
        "leak_people",
        sa.Column("leak_id", sa.String(length=16), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("leak_id", "person", name=op.f("pk_leak_people")),
    )
    op.create_table(
        "leak_evidence",
        sa.Column("leak_id", sa.String(length=16), nullable=False),
        sa.Column("session_pk", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("low_nanousd", sa.BigInteger(), nullable=False),
        sa.Column("estimate_nanousd", sa.BigInteger(), nullable=False),
        sa.Column("high_nanousd", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("leak_id", "session_pk", name=op.f("pk_leak_evidence")),
    )
    op.create_index("ix_leak_evidence_session_pk", "leak_evidence", ["session_pk"])
    op.create_table(
        "leak_weeks",
        sa.Column("leak_id", sa.String(length=16), nullable=False),
        sa.Column("week", sa.String(length=10), nullable=False),
        sa.Column("detector", sa.String(length=32), nullable=False),
        sa.Column("low_nanousd", sa.BigInteger(), nullable=False),
        sa.Column("estimate_nanousd", sa.BigInteger(), nullable=False),
        sa.Column("high_nanousd", sa.BigInteger(), nullable=False),
        sa.Column("spent_nanousd", sa.BigInteger(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("leak_id", "week", name=op.f("pk_leak_weeks")),
    )
    op.create_index("ix_leak_weeks_detector_week", "leak_weeks", ["detector", "week"])
    op.create_table(
        "leak_actions",
        sa.Column("leak_id", sa.String(length=16), nullable=False),
        sa.Column("tried_on", sa.String(length=10), nullable=False),
        sa.Column("detector", sa.String(length=32), nullable=False),
        sa.Column("tool", sa.String(length=64), nullable=False),
        sa.Column("team", sa.Text(), nullable=True),
        sa.Column("repo", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("work_type", sa.String(length=32), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("tried_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("leak_id", "tried_on", name=op.f("pk_leak_actions")),
    )
