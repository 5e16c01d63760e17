"""Listing sessions: how the database goes about it."""

from typing import Any

from sqlalchemy import event

from domain.folded import SessionKey, SessionSums
from store import report_sessions, sessions
from store.engine import Database
from store.report_sessions import SessionFilter
from tests.store.working import at


def test_labels_are_looked_up_by_session_also_without_statistics(database: Database) -> None:
    """SQLite once took all current labels for each session, which took seconds."""
    if not database.embedded:
        return
    with database.writing() as connection:
        sums = SessionSums(at(0), at(1), usage_rank=0, active=True)
        sessions.apply(connection, {SessionKey("codex", "s", "i"): sums})
    asked: list[tuple[str, Any]] = []
    with database.reading() as connection:

        @event.listens_for(connection, "before_cursor_execute")
        def note(*told: Any) -> None:
            asked.append(told[2:4])

        for wanted in (SessionFilter(), SessionFilter(tools=frozenset({"codex"}))):
            asked.clear()
            assert len(report_sessions.page(connection, wanted, 9)) == 1
            query, values = asked[0]
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values).all()
            assert any("SEARCH labels USING INDEX sqlite_autoindex" in row[3] for row in plan)
