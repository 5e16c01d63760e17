"""Sessions of a model, and what is tied to nothing by reason, without looking through all"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_index("ix_usage_model_hour", "usage", ["model", "hour"], unique=False)
    op.create_index(
        "ix_unlinked_reason_first_at_cost_nanousd",
        "unlinked",
        ["reason", "first_at", "cost_nanousd"],
        unique=False,
    )
    op.drop_index("ix_unlinked_first_at_reason_cost_nanousd", "unlinked")
