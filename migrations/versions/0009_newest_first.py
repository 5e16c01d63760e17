"""Lists of changes and tickets begin with the newest without sorting all"""

from alembic import op


revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_index("ix_changes_created_at", "changes", ["created_at"], unique=False)
    op.create_index("ix_tickets_updated_at", "tickets", ["updated_at"], unique=False)
