"""Captured telemetry through the real inbox and folder, and what the database then says."""

import re
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text

from collector.decode import Encoding
from collector.ingest import ingest
from collector.spool import pack_otlp
from domain.record import Signal
from store import inbox
from store.engine import Database
from tests.capturing import PSEUDONYMS, Counts
from tests.otlp import Body

# Opens another empty database each time; closed and gone when its block ends.
Fresh = Callable[[], AbstractContextManager[Database]]

RECEIVED_AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
_ENCODING = {".json": Encoding.JSON, ".pb": Encoding.PROTOBUF}
_USAGE = """
    SELECT usage.model, SUM(requests) AS requests, SUM(input) AS input,
           SUM(cache_read) AS cache_read, SUM(cache_write) AS cache_write, SUM(output) AS output
    FROM usage JOIN sessions ON sessions.pk = usage.session_pk
    WHERE usage.rank = sessions.usage_rank
    GROUP BY usage.model
"""
# Everything that telemetry is folded into. Not coverage, which counts arrivals, duplicates too.
_FOLDED = {
    "context_sizes": "*",
    "contexts": "*",
    "dirty_sessions": "session_pk",
    "repeated": "*",
    "request_spans": "*",
    "series": "*",
    "session_counts": "*",
    "session_families": "*",
    "session_traces": "*",
    "sessions": "*",
    "usage": "*",
}


def bodies(scenario: Path) -> list[Body]:
    """The bodies of a capture in the order they were sent."""
    return [
        (Signal(path.name.split(".")[1]), _ENCODING[path.suffix], path.read_bytes())
        for path in sorted(scenario.glob("*.*.*"))
        if ".meta." not in path.name
    ]


def put(database: Database, sent: Iterable[Body]) -> None:
    """Acknowledge these bodies, each in its own row of the inbox."""
    rows = [pack_otlp(*body, RECEIVED_AT) for body in sent]
    with database.arrivals.writing() as connection:
        inbox.put(connection, rows)


def fold_all(database: Database, limit: int | None = None) -> None:
    """Fold until the inbox is empty, so many rows at a time, or as many as a worker would."""
    while ingest(database, PSEUDONYMS, limit):
        pass


def fill(database: Database, sent: Iterable[Body], limit: int | None = None) -> None:
    """Acknowledge and fold."""
    put(database, sent)
    fold_all(database, limit)


def usage(database: Database) -> dict[str, Counts]:
    """Requests and disjoint tokens by model, each session by its best source."""
    with database.reading() as connection:
        rows = connection.execute(text(_USAGE)).mappings().all()
    counted = {row["model"]: {k: v for k, v in row.items() if k != "model"} for row in rows}
    return {model: counts for model, counts in counted.items() if any(counts.values())}


def folded(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables that telemetry is folded into."""
    tables = {table: rows(database, table, columns) for table, columns in _FOLDED.items()}
    return {**tables, "seen": seen(database)}


def seen(database: Database) -> list[tuple[int, int, list[bytes]]]:
    """By session and hour the keys of the records that were counted."""
    return [
        (session, hour, sorted(keys[i : i + 8] for i in range(0, len(keys), 8)))
        for session, hour, keys in rows(database, "seen", "session_pk, hour, keys")
    ]


def rows(database: Database, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
    """A table's rows as the database keeps them, in an order that depends on nothing else."""
    with _place(database, table).reading() as connection:
        found = connection.execute(text(f"SELECT {columns} FROM {table}"))
        return sorted((tuple(row) for row in found), key=repr)


def one(database: Database, query: str, **values: Any) -> Any:
    """The one value that a query gives."""
    with _place(database, query).reading() as connection:
        return connection.execute(text(query), values).scalar_one()


def _place(database: Database, asked: str) -> Database:
    """Where the rows of this table stand, or of the table that is asked in this query."""
    return database.arrivals if re.search(r"\b(inbox|deliveries)\b", asked) else database
