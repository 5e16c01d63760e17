"""What a session's changes cost is held against what one change with all their lines would cost"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. All that landed is compared once more, and what is tied to changes is labelled anew."""
    op.add_column("landed_changes", sa.Column("slope", sa.Float()))
    op.add_column("landed_changes", sa.Column("most_lines", sa.Integer()))
    op.add_column("landed_changes", sa.Column("upper_times", sa.Float()))
    # A week is the number of Mondays since that of 1969-12-29 (UTC); moments are microseconds.
    op.execute(
        "INSERT INTO dirty_weeks (week, marks) SELECT week, 1 FROM"
        " (SELECT DISTINCT (landed_at / 86400000000 + 3) / 7 AS week FROM landed_changes) AS landed"
        " WHERE NOT EXISTS (SELECT 1 FROM dirty_weeks AS marked WHERE marked.week = landed.week)"
    )
    op.execute(
        "INSERT INTO dirty_labels (session_pk, marks) SELECT session_pk, 1 FROM"
        " (SELECT DISTINCT session_pk FROM links WHERE kind = 'change') AS tied WHERE NOT EXISTS"
        " (SELECT 1 FROM dirty_labels AS marked WHERE marked.session_pk = tied.session_pk)"
    )
