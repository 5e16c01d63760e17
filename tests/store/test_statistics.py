"""What an embedded database knows of its own tables."""

from sqlalchemy import insert, text

from store import statistics
from store import tables as t
from store.engine import Database


def use(database: Database, first: int, last: int) -> None:
    """Rows of usage, one for each session of these numbers."""
    rows = [
        {
            "session_pk": number,
            "rank": 0,
            "hour": number % 100,
            "model": "m",
            "purpose": "",
            "context_pk": 1,
            "prompt_over": -1,
            "prompt_upto": -1,
            "source": "log",
            **dict.fromkeys(t.USAGE_RESTS, 0),
        }
        for number in range(first, last + 1)
    ]
    with database.writing() as connection:
        connection.execute(insert(t.usage), rows)


def known(database: Database) -> set[str]:
    with database.reading() as connection:
        if not connection.execute(
            text("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_stat1'")
        ).first():
            return set()
        return set(connection.execute(text("SELECT tbl FROM sqlite_stat1")).scalars())


def test_a_large_database_is_looked_at_and_a_small_one_is_not(embedded: Database) -> None:
    use(embedded, 1, 50_000)
    statistics.refresh(embedded)
    assert known(embedded) == set()
    use(embedded, 50_001, 50_001)
    statistics.refresh(embedded)
    assert "usage" in known(embedded)
