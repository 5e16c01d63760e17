"""Which records have been counted: eight bytes each, packed by session and hour.

One row a record would cost an index entry in a random place for each; packed, an hour of a session
is one row that is read and written once a batch. Within an hour of a session 64 bits tell records
apart: a million of them collide with a chance of one in thirty million.
"""

from array import array
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import BigInteger, Connection, Select, Subquery, and_, select

from store.given import asking
from store.tables import seen
from store.upsert import Row, merge_into, replaced

HourKey = tuple[int, int]
"""(session, hour since the epoch)"""


def unseen(
    connection: Connection, keys: Mapping[HourKey, Collection[int]]
) -> dict[HourKey, set[int]]:
    """Remember these record keys (64 bits); of each hour those that were new to this call alone."""
    # Sorted, so that two folders that meet the same hours wait for each other and never deadlock.
    ordered = sorted(keys)
    if connection.dialect.name == "postgresql":
        # Writing the rows first locks them against other folders until this transaction ends.
        empty = [{"session_pk": pk, "hour": hour, "keys": b""} for pk, hour in ordered]
        merge_into(connection, seen, empty, {"keys": lambda old, _: old})
    known = _known(connection, ordered)
    new: dict[HourKey, set[int]] = {}
    rows: list[Row] = []
    for key in ordered:
        packed = known.get(key, b"")
        fresh = set(keys[key]).difference(memoryview(packed).cast("Q"))
        if fresh:
            new[key] = fresh
            grown = packed + array("Q", sorted(fresh)).tobytes()
            rows.append({"session_pk": key[0], "hour": key[1], "keys": grown})
    merge_into(connection, seen, rows, {"keys": replaced})
    return new


def _known(connection: Connection, keys: list[HourKey]) -> dict[HourKey, bytes]:
    return {(row.session_pk, row.hour): bytes(row.keys) for row in _kept(connection, keys)}


# Not by IN: for pairs SQLite would read the whole table, and each batch cost more than the last.
@asking({"session_pk": BigInteger(), "hour": BigInteger()})
def _kept(wanted: Subquery) -> Select[Any]:
    same = and_(seen.c.session_pk == wanted.c.session_pk, seen.c.hour == wanted.c.hour)
    return select(seen).select_from(wanted.join(seen, same))
