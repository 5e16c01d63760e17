"""What sessions bought, summed by week and group"""

import sqlalchemy as sa
from alembic import op


revision = "0002"
down_revision = "0001b"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "outcome_people",
        sa.Column("number", serial, nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_outcome_people")),
        sa.UniqueConstraint("person", name=op.f("uq_outcome_people_person")),
    )
    op.create_table(
        "session_outcomes",
        sa.Column("session_pk", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("week", sa.Integer(), nullable=False),
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("repo", sa.Text(), nullable=False),
        sa.Column("work_type", sa.Text(), nullable=False),
        sa.Column("person", sa.Integer(), nullable=True),
        sa.Column("label", sa.String(length=16), nullable=False),
        sa.Column("maturity", sa.String(length=16), nullable=False),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("sessions", sa.BigInteger(), nullable=False),
        sa.Column("priced", sa.BigInteger(), nullable=False),
        sa.Column("cost_nanousd", sa.BigInteger(), nullable=False),
        sa.Column("cost_squares", sa.BigInteger(), nullable=False),
        sa.Column("input", sa.BigInteger(), nullable=False),
        sa.Column("cache_read", sa.BigInteger(), nullable=False),
        sa.Column("cache_write", sa.BigInteger(), nullable=False),
        sa.Column("output", sa.BigInteger(), nullable=False),
        sa.Column("tokens_told", sa.BigInteger(), nullable=False),
        sa.Column("prompts_told", sa.BigInteger(), nullable=False),
        sa.Column("requests_tried", sa.BigInteger(), nullable=False),
        sa.Column("failed_requests", sa.BigInteger(), nullable=False),
        sa.Column("requests_told", sa.BigInteger(), nullable=False),
        sa.Column("looping", sa.BigInteger(), nullable=False),
        sa.Column("loops_told", sa.BigInteger(), nullable=False),
        sa.Column("escalated", sa.BigInteger(), nullable=False),
        sa.Column("escalations_told", sa.BigInteger(), nullable=False),
        sa.Column("tasks", sa.BigInteger(), nullable=False),
        sa.Column("changes_landed", sa.BigInteger(), nullable=False),
        sa.Column("changes_standing", sa.BigInteger(), nullable=False),
        sa.Column("changes_reviewed", sa.BigInteger(), nullable=False),
        sa.Column("changes_first_pass", sa.BigInteger(), nullable=False),
        sa.Column("cost_bin", sa.SmallInteger(), nullable=True),
        sa.Column("lead_bins", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("session_pk", name=op.f("pk_session_outcomes")),
    )
    op.create_table(
        "session_model_outcomes",
        sa.Column("session_pk", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("sessions", sa.BigInteger(), nullable=False),
        sa.Column("priced", sa.BigInteger(), nullable=False),
        sa.Column("cost_nanousd", sa.BigInteger(), nullable=False),
        sa.Column("cost_squares", sa.BigInteger(), nullable=False),
        sa.Column("input", sa.BigInteger(), nullable=False),
        sa.Column("cache_read", sa.BigInteger(), nullable=False),
        sa.Column("cache_write", sa.BigInteger(), nullable=False),
        sa.Column("output", sa.BigInteger(), nullable=False),
        sa.Column("tokens_told", sa.BigInteger(), nullable=False),
        sa.Column("prompts_told", sa.BigInteger(), nullable=False),
        sa.Column("requests_tried", sa.BigInteger(), nullable=False),
        sa.Column("failed_requests", sa.BigInteger(), nullable=False),
        sa.Column("requests_told", sa.BigInteger(), nullable=False),
        sa.Column("looping", sa.BigInteger(), nullable=False),
        sa.Column("loops_told", sa.BigInteger(), nullable=False),
        sa.Column("escalated", sa.BigInteger(), nullable=False),
        sa.Column("escalations_told", sa.BigInteger(), nullable=False),
        sa.Column("tasks", sa.BigInteger(), nullable=False),
        sa.Column("changes_landed", sa.BigInteger(), nullable=False),
        sa.Column("changes_standing", sa.BigInteger(), nullable=False),
        sa.Column("changes_reviewed", sa.BigInteger(), nullable=False),
        sa.Column("changes_first_pass", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "session_pk", "model", name=op.f("pk_session_model_outcomes")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "outcome_claims",
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("session_pk", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("weight", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("ref", "session_pk", name=op.f("pk_outcome_claims")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("outcome_claims", schema=None) as batch_op:
        batch_op.create_index("ix_outcome_claims_session_pk", ["session_pk"], unique=False)

    op.create_table(
        "outcome_rollups",
        sa.Column("dimension", sa.String(length=24), nullable=False),
        sa.Column("weeks", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("week", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("other", sa.Text(), nullable=False),
        sa.Column("label", sa.String(length=16), nullable=False),
        sa.Column("maturity", sa.String(length=16), nullable=False),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("sessions", sa.BigInteger(), nullable=False),
        sa.Column("priced", sa.BigInteger(), nullable=False),
        sa.Column("cost_nanousd", sa.BigInteger(), nullable=False),
        sa.Column("cost_squares", sa.BigInteger(), nullable=False),
        sa.Column("input", sa.BigInteger(), nullable=False),
        sa.Column("cache_read", sa.BigInteger(), nullable=False),
        sa.Column("cache_write", sa.BigInteger(), nullable=False),
        sa.Column("output", sa.BigInteger(), nullable=False),
        sa.Column("tokens_told", sa.BigInteger(), nullable=False),
        sa.Column("prompts_told", sa.BigInteger(), nullable=False),
        sa.Column("requests_tried", sa.BigInteger(), nullable=False),
        sa.Column("failed_requests", sa.BigInteger(), nullable=False),
        sa.Column("requests_told", sa.BigInteger(), nullable=False),
        sa.Column("looping", sa.BigInteger(), nullable=False),
        sa.Column("loops_told", sa.BigInteger(), nullable=False),
        sa.Column("escalated", sa.BigInteger(), nullable=False),
        sa.Column("escalations_told", sa.BigInteger(), nullable=False),
        sa.Column("tasks", sa.BigInteger(), nullable=False),
        sa.Column("changes_landed", sa.BigInteger(), nullable=False),
        sa.Column("changes_standing", sa.BigInteger(), nullable=False),
        sa.Column("changes_reviewed", sa.BigInteger(), nullable=False),
        sa.Column("changes_first_pass", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "dimension", "weeks", "week", "value", "other", "label", "maturity", "rule",
            name=op.f("pk_outcome_rollups"),
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "outcome_presence",
        sa.Column("dimension", sa.String(length=24), nullable=False),
        sa.Column("weeks", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("week", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("other", sa.Text(), nullable=False),
        sa.Column("people", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint(
            "dimension", "weeks", "week", "value", "other", name=op.f("pk_outcome_presence")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "outcome_weeks",
        sa.Column("week", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("stamp", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("week", name=op.f("pk_outcome_weeks")),
    )
    op.create_table(
        "outcome_bins",
        sa.Column("dimension", sa.String(length=24), nullable=False),
        sa.Column("weeks", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("week", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("bin", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("sessions", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "dimension", "weeks", "week", "value", "kind", "bin", name=op.f("pk_outcome_bins")
        ),
        sqlite_with_rowid=False,
    )
    # What was labelled before is concluded once more, and then has its place in the sums.
    op.execute(
        "INSERT INTO dirty_labels (session_pk, marks) SELECT labels.session_pk, 1 FROM labels"
        " WHERE labels.current AND NOT EXISTS"
        " (SELECT 1 FROM dirty_labels AS marked WHERE marked.session_pk = labels.session_pk)"
    )
