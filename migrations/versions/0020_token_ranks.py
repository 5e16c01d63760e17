"""What tells no tokens hides none, and session-less telemetry gives way by the day"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_TELLS = " OR ".join(f"{name} IS NOT NULL" for name in ("input", "cache_read", "cache_write", "output"))


def upgrade() -> None:
    """Apply. Sessions whose tokens were hidden by a source that told none are concluded anew.

    Session-less telemetry from before stays as it is, in one piece.
    """
    op.add_column("sessions", sa.Column("token_rank", sa.SmallInteger()))
    op.execute(
        "UPDATE sessions SET token_rank = (SELECT MIN(rank) FROM usage"
        f" WHERE usage.session_pk = sessions.pk AND ({_TELLS}))"
    )
    hidden = "session_id IS NOT NULL AND token_rank <> usage_rank"
    op.execute(
        f"INSERT INTO dirty_sessions (session_pk, marks) SELECT pk, 1 FROM sessions WHERE {hidden}"
        " AND NOT EXISTS (SELECT 1 FROM dirty_sessions AS marked WHERE marked.session_pk = sessions.pk)"
    )
    op.execute(f"UPDATE sessions SET usage_rank = token_rank WHERE {hidden}")
    op.create_table(
        "repeated",
        sa.Column("pk", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("usage_rank", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_repeated")),
    )
    op.create_index("ix_repeated_day", "repeated", ["day"])
    op.drop_table("installations")
