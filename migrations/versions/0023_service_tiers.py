"""Usage is kept by the service tier of its requests, where one is told"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. Usage from before has no tier: whether any was told is not kept."""
    op.add_column("contexts", sa.Column("tier", sa.Text()))
