"""Peers of one size had a slope of rounding errors: all that landed is compared once more"""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. What is compared otherwise than before is labelled anew."""
    # A week is the number of Mondays since that of 1969-12-29 (UTC); moments are microseconds.
    op.execute(
        "INSERT INTO dirty_weeks (week, marks) SELECT week, 1 FROM"
        " (SELECT DISTINCT (landed_at / 86400000000 + 3) / 7 AS week FROM landed_changes) AS landed"
        " WHERE NOT EXISTS (SELECT 1 FROM dirty_weeks AS marked WHERE marked.week = landed.week)"
    )
