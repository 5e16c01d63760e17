"""Requests that wait are in a file of their own beside an embedded database"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. What waits in the database itself stays there: a process of before may add more."""
    op.create_table(
        "folded_requests",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_folded_requests")),
    )
