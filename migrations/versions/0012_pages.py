"""Pages of people and of what is tied to nothing, however many sessions there are"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_index("ix_contexts_user", "contexts", ["user"], unique=False)
    op.create_index("ix_usage_context_pk_hour", "usage", ["context_pk", "hour"], unique=False)
    # A process of before adds rows without it: these are looked up.
    op.add_column("unlinked", sa.Column("first_at", sa.BigInteger))
    op.execute(
        "UPDATE unlinked SET first_at ="
        " (SELECT sessions.first_at FROM sessions WHERE sessions.pk = unlinked.session_pk)"
    )
    op.create_index(
        "ix_unlinked_first_at_reason_cost_nanousd",
        "unlinked",
        ["first_at", "reason", "cost_nanousd"],
        unique=False,
    )
    op.drop_index("ix_unlinked_reason", "unlinked")
