"""Days of which the sums that are kept no longer hold (``store.spend_days``).

Whoever writes usage, or what usage is booked by, says so here in the same transaction: then these
days count as never read, and are summed from usage until they are read again. What was read before
that is not taken over either: only a day that stands in ``spend_days_read`` is
(``spend_days.claim``), and here it is taken out.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    Select,
    Subquery,
    bindparam,
    delete,
    func,
    literal_column,
    select,
)

from domain.budgets import Basis
from store import tables as t
from store.given import asking

CLAIMING = 7_275_391
"""PostgreSQL's lock, shared by all who outdate days: none is claimed while their write lasts."""
_HOURS = 24
_BASES = tuple(each.value for each in Basis)
_OF_SESSIONS = {"pk": BigInteger()}
_OUTDATE = delete(t.spend_days_read).where(
    t.spend_days_read.c.basis == bindparam("of_basis"),
    t.spend_days_read.c.day == bindparam("of_day"),
)


def outdate(connection: Connection, days: Iterable[int]) -> None:
    """The sums of these days (since the epoch) hold no longer."""
    numbers = sorted(set(days))
    if not numbers:
        return
    _lock(connection)
    keys = [{"of_basis": basis, "of_day": day} for day in numbers for basis in _BASES]
    connection.execute(_OUTDATE, keys)


def outdate_hours(connection: Connection, hours: Iterable[int]) -> None:
    """The same for the days of these hours since the epoch."""
    outdate(connection, {hour // _HOURS for hour in hours})


def outdate_all(connection: Connection) -> None:
    """No sum holds any longer."""
    _lock(connection)
    connection.execute(delete(t.spend_days_read))


def outdate_sessions(connection: Connection, pks: Collection[int]) -> None:
    """All days with usage of these sessions."""
    outdate(connection, days_of(connection, pks))


def days_of(connection: Connection, pks: Collection[int]) -> set[int]:
    """The days, since the epoch, with usage of these sessions."""
    return {row.day for row in _days_of(connection, [(pk,) for pk in sorted(pks)])}


@asking(_OF_SESSIONS)
def _days_of(wanted: Subquery) -> Select[Any]:
    day = t.usage.c.hour // literal_column(str(_HOURS), Integer)
    query = select(day.label("day")).distinct()
    return query.select_from(t.usage.join(wanted, wanted.c.pk == t.usage.c.session_pk))


def booked_ranks(connection: Connection, pks: Collection[int]) -> dict[int, int]:
    """The rank of which each of these sessions' usage is booked, of those that have any."""
    rows = _ranks(connection, [(pk,) for pk in sorted(pks)])
    return {row.pk: row.usage_rank for row in rows}


@asking(_OF_SESSIONS)
def _ranks(wanted: Subquery) -> Select[Any]:
    s = t.sessions.c
    query = select(s.pk, s.usage_rank).join(wanted, wanted.c.pk == s.pk)
    return query.where(s.usage_rank.is_not(None))


def booked_otherwise(
    connection: Connection, before: Mapping[int, int], told: Mapping[int, int | None]
) -> set[int]:
    """Those of these sessions of which usage of another rank is booked than ``before``.

    ``told`` is the rank that was told of each now: of the same nothing changes.
    """
    open_ = [pk for pk, rank in before.items() if told.get(pk) != rank]
    return {pk for pk, rank in booked_ranks(connection, open_).items() if rank != before[pk]}


def _lock(connection: Connection) -> None:
    # SQLite has one writer: whoever claims a day sees all that was written before, and nobody
    # is writing.
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock_shared(CLAIMING)))
