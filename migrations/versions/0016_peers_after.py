"""What landed while there were no peers is compared with those of the weeks after it"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. The weeks of what could not be compared so far are compared once more."""
    op.add_column("landed_changes", sa.Column("cost_known_at", sa.BigInteger()))
    # A week is the number of Mondays since that of 1969-12-29 (UTC); moments are microseconds.
    op.execute(
        "INSERT INTO dirty_weeks (week, marks) SELECT week, 1 FROM"
        " (SELECT DISTINCT (landed_at / 86400000000 + 3) / 7 AS week FROM landed_changes"
        " WHERE scope IS NULL AND cost_nanousd > 0 AND lines > 0) AS without_peers"
        " WHERE NOT EXISTS"
        " (SELECT 1 FROM dirty_weeks AS marked WHERE marked.week = without_peers.week)"
    )
