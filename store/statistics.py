"""What an embedded database knows of its own tables, to plan queries by.

Without it SQLite reads 800,000 rows of usage in the order of an index over hours, one by one, and
needs half as long again. PostgreSQL sees to this by itself.
"""

from sqlalchemy import select

from store import tables as t
from store.engine import Database

# Of a small database any plan is quick, and what was learned of it would soon mislead.
_WORTH_IT = 50_000
# Rows that are looked at of each index; it takes milliseconds whatever the size.
_SAMPLE = 1000


def refresh(database: Database) -> None:
    """Look at the tables anew; to be called from time to time while they grow."""
    if not database.embedded:
        return
    with database.reading() as connection:
        many = select(t.usage.c.hour).order_by(t.usage.c.hour).offset(_WORTH_IT).limit(1)
        if connection.execute(many).first() is None:
            return
    with database.writing() as connection:
        connection.exec_driver_sql(f"PRAGMA analysis_limit = {_SAMPLE}")
        connection.exec_driver_sql("ANALYZE")
