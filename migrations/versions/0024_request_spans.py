"""What spans of model requests told, so that of those inside each other each token counts once"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_AMOUNTS = ("input", "cache_read", "cache_write", "output", "reasoning", "reported_nanousd")


def upgrade() -> None:
    """Apply. What was counted before stays as it is: no span of then is known any more."""
    op.create_table(
        "request_spans",
        sa.Column("trace", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("span", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("within", sa.BigInteger(), nullable=False),
        sa.Column("response", sa.BigInteger(), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("tool", sa.String(64), nullable=False),
        sa.Column("session_id", sa.Text()),
        sa.Column("installation", sa.String(64), nullable=False),
        sa.Column("rank", sa.SmallInteger(), nullable=False),
        sa.Column("request", sa.Boolean(), nullable=False),
        sa.Column("tool_version", sa.Text()),
        sa.Column("user", sa.Text()),
        sa.Column("team", sa.Text()),
        sa.Column("repo", sa.Text()),
        sa.Column("tier", sa.Text()),
        sa.Column("model", sa.Text()),
        sa.Column("purpose", sa.String(16)),
        *(sa.Column(name, sa.BigInteger()) for name in _AMOUNTS),
        sa.PrimaryKeyConstraint("trace", "span", name=op.f("pk_request_spans")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_request_spans_hour", "request_spans", ["hour"])
