"""Names that repositories had before; rule set 6, so all is concluded anew"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. The worker concludes all of it after its start: a minute for some 60,000 sessions."""
    op.create_table(
        "repository_names",
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("repo", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("before", name=op.f("pk_repository_names")),
    )
    _mark("dirty_sessions", "session_pk", "SELECT pk AS session_pk FROM sessions")
    _mark("dirty_labels", "session_pk", "SELECT pk AS session_pk FROM sessions")
    _mark("dirty_changes", "repo, number", "SELECT repo, number FROM changes")
    _mark(
        "dirty_work",
        "kind, repo, target_id",
        "SELECT 'change' AS kind, repo, CAST(number AS TEXT) AS target_id FROM changes",
    )


def _mark(table: str, columns: str, found: str) -> None:
    same = " AND ".join(f"marked.{name} = found.{name}" for name in columns.split(", "))
    op.execute(
        f"INSERT INTO {table} ({columns}, marks) SELECT {columns}, 1 FROM ({found}) AS found"
        f" WHERE NOT EXISTS (SELECT 1 FROM {table} AS marked WHERE {same})"
    )
