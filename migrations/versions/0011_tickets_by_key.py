"""The moves of a ticket are found by its key, the tickets of a project by its name"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_index("ix_ticket_moves_key", "ticket_moves", ["key"], unique=False)
    op.create_index("ix_tickets_project", "tickets", ["project"], unique=False)
