"""Spend by the day, kept ready: summing half a year of usage anew takes seconds.

The process that watches (``classifier.watch``) reads days in turn and keeps their sums here: today
and yesterday with every look, older ones within the hour. Who asks gets these sums where every day
was read, and where today's are of the last minutes; else usage itself is summed. Nothing rests on
these rows: without them answers are the same, and later.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select

from domain.budgets import Basis, Part, ScopeKind
from domain.record import EPOCH
from store import spending
from store import tables as t
from store.spending import Spend
from store.upsert import merge_into, replaced

_DAY = timedelta(days=1)
_FRESH = timedelta(minutes=2)
_FIRST_DAY = EPOCH.date()


def keep(
    connection: Connection, basis: Basis, days: Mapping[date, Mapping[Part, Spend]], at: datetime
) -> None:
    """Take over the sums of whole days in the place of those before. People have none."""
    d = t.spend_days.c
    numbers = [_number(day) for day in days]
    if not numbers:
        return
    connection.execute(delete(t.spend_days).where(d.basis == basis.value, d.day.in_(numbers)))
    rows = [
        {
            "basis": basis.value,
            "scope": part.kind.value,
            "value": part.value,
            "day": _number(day),
            "nanousd": spend.nanousd,
            "tokens": spend.tokens,
            "unpriced_tokens": spend.unpriced_tokens,
        }
        for day, sums in sorted(days.items())
        for part, spend in sorted(sums.items())
        if part.kind is not ScopeKind.PERSON
    ]
    if rows:
        connection.execute(insert(t.spend_days), rows)
    read = [{"basis": basis.value, "day": number, "read_at": at} for number in sorted(numbers)]
    merge_into(connection, t.spend_days_read, read, {"read_at": replaced})


def touch(connection: Connection, basis: Basis, days: Iterable[date], at: datetime) -> None:
    """These days were read at this time, and are as they were."""
    read = [{"basis": basis.value, "day": _number(day), "read_at": at} for day in days]
    merge_into(connection, t.spend_days_read, read, {"read_at": replaced})


def forget(connection: Connection, before: date) -> None:
    """Drop days that nobody asks for any more."""
    for table in (t.spend_days, t.spend_days_read):
        connection.execute(delete(table).where(table.c.day < _number(before)))


def days_read(connection: Connection, basis: Basis) -> set[date]:
    """The days that were read at some time."""
    r = t.spend_days_read.c
    found = connection.execute(select(r.day).where(r.basis == basis.value)).scalars()
    return {_FIRST_DAY + number * _DAY for number in found}


def complete_since(connection: Connection, basis: Basis, today: date) -> date:
    """The first of the days before today all of which were read; today where yesterday was not."""
    read = days_read(connection, basis)
    since = today
    while since - _DAY in read:
        since -= _DAY
    return since


def by_day(
    connection: Connection, part: Part, basis: Basis, first: date, after: date, now: datetime
) -> dict[date, Spend]:
    """What ``spending.by_day`` answers, from what is kept as far as that is complete.

    Days before yesterday may be as they were within the last hour, today as of two minutes ago.
    """
    if part.kind is ScopeKind.PERSON:
        return spending.by_day(connection, part, basis, first, after)
    open_from = min(now.date() - _DAY, after)
    if not _read(connection, basis, first, open_from, None):
        return spending.by_day(connection, part, basis, first, after)
    if _read(connection, basis, open_from, after, now - _FRESH):
        return _kept(connection, part, basis, first, after)
    return {
        **_kept(connection, part, basis, first, open_from),
        **spending.by_day(connection, part, basis, open_from, after),
    }


def _read(
    connection: Connection, basis: Basis, first: date, after: date, since: datetime | None
) -> bool:
    """Whether every day was read, and since then."""
    r = t.spend_days_read.c
    wanted = (after - first).days
    if wanted <= 0:
        return True
    query = select(func.count()).where(
        r.basis == basis.value, r.day >= _number(first), r.day < _number(after)
    )
    if since is not None:
        query = query.where(r.read_at >= since)
    return connection.execute(query).scalar_one() == wanted


def _kept(
    connection: Connection, part: Part, basis: Basis, first: date, after: date
) -> dict[date, Spend]:
    d = t.spend_days.c
    query = select(d.day, d.nanousd, d.tokens, d.unpriced_tokens).where(
        d.basis == basis.value,
        d.scope == part.kind.value,
        d.value == part.value,
        d.day >= _number(first),
        d.day < _number(after),
    )
    return {
        _FIRST_DAY + number * _DAY: Spend(nanousd=nanousd, tokens=tokens, unpriced_tokens=unpriced)
        for number, nanousd, tokens, unpriced in connection.execute(query)
    }


def _number(day: date) -> int:
    return (day - _FIRST_DAY).days
