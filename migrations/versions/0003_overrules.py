"""What people said of labels, and how landed changes compare with others"""

import sqlalchemy as sa
from alembic import op


revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "label_overrules",
        sa.Column("session_pk", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("said_at", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("said_by", sa.Text(), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_by", sa.Text(), nullable=True),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("rule_label", sa.String(length=16), nullable=False),
        sa.Column("rule_set", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("session_pk", "said_at", name=op.f("pk_label_overrules")),
    )
    op.create_table(
        "landed_changes",
        sa.Column("repo", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("landed_at", sa.BigInteger(), nullable=False),
        sa.Column("first_reverted_at", sa.BigInteger(), nullable=True),
        sa.Column("lines", sa.Integer(), nullable=True),
        sa.Column("size", sa.String(length=16), nullable=True),
        sa.Column("rounds", sa.Integer(), nullable=False),
        sa.Column("work_type", sa.String(length=16), nullable=True),
        sa.Column("by_bot", sa.Boolean(), nullable=False),
        sa.Column("tied", sa.Boolean(), nullable=False),
        sa.Column("cost_nanousd", sa.BigInteger(), nullable=True),
        sa.Column("tool", sa.String(length=64), nullable=True),
        sa.Column("scope", sa.String(length=16), nullable=True),
        sa.Column("peers", sa.Integer(), nullable=True),
        sa.Column("expected_nanousd", sa.BigInteger(), nullable=True),
        sa.Column("percentile", sa.Float(), nullable=True),
        sa.Column("tool_factor", sa.Float(), nullable=True),
        sa.Column("usual_rounds", sa.Integer(), nullable=True),
        sa.Column("rounds_peers", sa.Integer(), nullable=True),
        sa.Column("tied_share", sa.Float(), nullable=True),
        sa.Column("tied_peers", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("repo", "number", name=op.f("pk_landed_changes")),
    )
    with op.batch_alter_table("landed_changes", schema=None) as batch_op:
        batch_op.create_index("ix_landed_changes_landed_at", ["landed_at"], unique=False)
        batch_op.create_index(
            "ix_landed_changes_repo_landed_at", ["repo", "landed_at"], unique=False
        )
        batch_op.create_index(
            "ix_landed_changes_size_landed_at", ["size", "landed_at"], unique=False
        )
        batch_op.create_index(
            "ix_landed_changes_tool_landed_at", ["tool", "landed_at"], unique=False
        )
        batch_op.create_index(
            "ix_landed_changes_work_type_landed_at",
            ["work_type", "repo", "landed_at"],
            unique=False,
        )
    op.create_table(
        "dirty_changes",
        sa.Column("repo", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("marks", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("repo", "number", name=op.f("pk_dirty_changes")),
    )
    op.create_table(
        "dirty_weeks",
        sa.Column("week", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("marks", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("week", name=op.f("pk_dirty_weeks")),
    )
