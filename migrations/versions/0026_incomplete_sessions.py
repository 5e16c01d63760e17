"""Sums say how many of their sessions are incomplete, and of how many the cost is a lower bound"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_TABLES = ("session_outcomes", "session_model_outcomes", "outcome_rollups")
_COUNTS = ("incomplete", "lower_bounds")


def upgrade() -> None:
    """Apply. Sessions count as complete until the worker has concluded them once more."""
    for table in _TABLES:
        for name in _COUNTS:
            added = sa.Column(name, sa.BigInteger(), nullable=False, server_default="0")
            op.add_column(table, added)
    few = sa.text("incomplete + lower_bounds > 0")
    op.create_index(
        "ix_session_outcomes_in_doubt",
        "session_outcomes",
        ["week"],
        sqlite_where=few,
        postgresql_where=few,
    )
    op.execute(
        "INSERT INTO dirty_labels (session_pk, marks) SELECT pk, 1 FROM sessions WHERE NOT EXISTS"
        " (SELECT 1 FROM dirty_labels AS marked WHERE marked.session_pk = sessions.pk)"
    )
