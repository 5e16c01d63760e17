"""Rule set 5: links, landings, reverts, sizes and costs are found otherwise, so all is concluded anew"""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. The worker concludes all of it after its start: a minute for some 60,000 sessions."""
    _mark("dirty_sessions", "session_pk", "SELECT pk AS session_pk FROM sessions")
    _mark("dirty_labels", "session_pk", "SELECT pk AS session_pk FROM sessions")
    _mark("dirty_changes", "repo, number", "SELECT repo, number FROM changes")
    _mark(
        "dirty_work",
        "kind, repo, target_id",
        "SELECT 'change' AS kind, repo, CAST(number AS TEXT) AS target_id FROM changes",
    )
    # A week is the number of Mondays since that of 1969-12-29 (UTC); moments are microseconds.
    _mark(
        "dirty_weeks",
        "week",
        "SELECT DISTINCT (landed_at / 86400000000 + 3) / 7 AS week FROM landed_changes",
    )


def _mark(table: str, columns: str, found: str) -> None:
    same = " AND ".join(f"marked.{name} = found.{name}" for name in columns.split(", "))
    op.execute(
        f"INSERT INTO {table} ({columns}, marks) SELECT {columns}, 1 FROM ({found}) AS found"
        f" WHERE NOT EXISTS (SELECT 1 FROM {table} AS marked WHERE {same})"
    )
