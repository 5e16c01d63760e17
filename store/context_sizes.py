"""How the context of each session's conversation grew, one row a session and source."""

from collections.abc import Collection, Iterable
from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, select

from domain.folded import ContextSizes, SessionSums
from store import tables as t
from store.upsert import Merge, Row, added, earliest, latest, merge_into


def apply(connection: Connection, sums: Iterable[tuple[int, SessionSums]]) -> None:
    """Add what a batch told. Rows are written in key order, so that folders never deadlock."""
    rows: list[Row] = [
        {"session_pk": pk, "rank": rank, **asdict(sizes)}
        for pk, each in sums
        for rank, sizes in sorted(each.contexts.items())
    ]
    merge_into(connection, t.context_sizes, rows, _MERGES)


def of(connection: Connection, session_pks: Collection[int]) -> dict[int, ContextSizes]:
    """Sizes by session, from the source that its usage is booked from."""
    c = t.context_sizes.c
    booked = t.context_sizes.join(
        t.sessions, and_(t.sessions.c.pk == c.session_pk, t.sessions.c.usage_rank == c.rank)
    )
    query = select(t.context_sizes).select_from(booked).where(c.session_pk.in_(session_pks))
    return {
        row.session_pk: ContextSizes(**{name: row._mapping[name] for name in _NAMES})
        for row in connection.execute(query)
    }


def _at_first(old: ColumnElement[Any], new: ColumnElement[Any]) -> ColumnElement[Any]:
    """The value of the earlier row; of two of one moment the lesser."""
    before, after = old.table.c.first_at, new.table.c.first_at
    return case((after < before, new), (after > before, old), (new < old, new), else_=old)


def _at_last(old: ColumnElement[Any], new: ColumnElement[Any]) -> ColumnElement[Any]:
    """The value of the later row; of two of one moment the greater."""
    before, after = old.table.c.last_at, new.table.c.last_at
    return case((after > before, new), (after < before, old), (new > old, new), else_=old)


_MERGES: dict[str, Merge] = {
    "first_at": earliest,
    "first_tokens": _at_first,
    "last_at": latest,
    "last_tokens": _at_last,
    "largest_tokens": latest,
    **dict.fromkeys(t.CONTEXT_COUNTERS, added),
}
_NAMES = tuple(_MERGES)
