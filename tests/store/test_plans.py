"""What is asked for each batch is looked up by its key: it costs the same however much is kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from store import retention, seen
from store.engine import Connection, Database
from store.tables import seen as seen_table


@contextmanager
def plans(connection: Connection) -> Iterator[list[str]]:
    """The steps by which SQLite does what is asked meanwhile."""
    steps: list[str] = []

    def explain(_: Any, cursor: Any, statement: str, parameters: Any, __: Any, many: bool) -> None:
        raw = cursor.connection.cursor()
        raw.execute(f"EXPLAIN QUERY PLAN {statement}", parameters[0] if many else parameters)
        steps.extend(row[3] for row in raw.fetchall())

    event.listen(connection, "before_cursor_execute", explain)
    yield steps
    event.remove(connection, "before_cursor_execute", explain)


def test_records_seen_are_found_without_reading_all_of_them(embedded: Database) -> None:
    keys = {(session, 480_000 + session % 5): {session} for session in range(40)}
    with embedded.writing() as connection:
        assert seen.unseen(connection, keys) == keys
    with embedded.writing() as connection, plans(connection) as steps:
        assert seen.unseen(connection, keys) == {}
    assert any(step.startswith("SEARCH seen") for step in steps), steps
    assert not any(step.startswith("SCAN seen") for step in steps), steps


def test_records_seen_are_forgotten_one_by_one(embedded: Database) -> None:
    keys = {(session, 480_000): {session} for session in range(40)}
    with embedded.writing() as connection:
        seen.unseen(connection, keys)
    with embedded.writing() as connection, plans(connection) as steps:
        retention._delete_keys(connection, seen_table, sorted(keys))
    assert steps
    assert not any(step.startswith("SCAN seen") for step in steps), steps
    with embedded.writing() as connection:
        assert seen.unseen(connection, keys) == keys
