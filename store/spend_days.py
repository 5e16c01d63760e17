"""Spend by the day, kept ready: summing half a year of usage anew takes seconds.

The process that watches (``classifier.watch``) reads the days before today and keeps their sums
here. Whoever writes usage of such a day, or what it is booked by, takes it out again in the same
transaction (``store.outdated_days``), and the day is summed from usage until it is read anew. The
running day is always summed. So answers are what summing all usage anew would give; without these
rows they are the same, and later.

A day is read in one state of the database and kept in a later one. So that none is kept that was
written to in between, it is claimed first: a row without a time. Who writes deletes it, and what
was read is kept only where the row still stands.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select

from domain.budgets import Basis, Part, ScopeKind
from domain.record import EPOCH
from store import spending
from store import tables as t
from store.outdated_days import CLAIMING
from store.spending import Spend
from store.upsert import merge_into, replaced

_DAY = timedelta(days=1)
_FIRST_DAY = EPOCH.date()
# So many days that were written to lately are summed in a moment.
_FEW = 7
# What ``read_at`` says of a day that is claimed and was not read yet.
_CLAIMED = EPOCH


def unclaimed(connection: Connection, basis: Basis, first: date, after: date) -> list[date]:
    """Days from ``first`` up to, not including, ``after`` that were neither read nor claimed."""
    r = t.spend_days_read.c
    standing = set(connection.execute(select(r.day).where(r.basis == basis.value)).scalars())
    return [day for day in days_between(first, after) if _number(day) not in standing]


def claim(connection: Connection, basis: Basis, days: Iterable[date]) -> None:
    """Announce that these days will be read: from now on who writes to one takes it out.

    A reader that begins once this is committed may keep what it finds. Where others write usage of
    past days just now, PostgreSQL claims none: theirs may be committed after it was read.
    """
    if connection.dialect.name == "postgresql" and not (
        connection.execute(select(func.pg_try_advisory_xact_lock(CLAIMING))).scalar_one()
    ):
        return
    rows = [{"basis": basis.value, "day": _number(day), "read_at": _CLAIMED} for day in days]
    merge_into(connection, t.spend_days_read, rows, {})


def keep(
    connection: Connection, basis: Basis, days: Mapping[date, Mapping[Part, Spend]], at: datetime
) -> None:
    """Take over the sums of whole days in the place of those before. People have none.

    Days that were not claimed, or written to since, are left out.
    """
    d, r = t.spend_days.c, t.spend_days_read.c
    told = {_number(day): sums for day, sums in days.items()}
    if not told:
        return
    standing = select(r.day).where(r.basis == basis.value, r.day.in_(sorted(told)))
    query = standing.order_by(r.day).with_for_update()
    numbers = list(connection.execute(query).scalars())
    if not numbers:
        return
    connection.execute(delete(t.spend_days).where(d.basis == basis.value, d.day.in_(numbers)))
    rows = [
        {
            "basis": basis.value,
            "scope": part.kind.value,
            "value": part.value,
            "day": number,
            "nanousd": spend.nanousd,
            "tokens": spend.tokens,
            "unpriced_tokens": spend.unpriced_tokens,
        }
        for number in numbers
        for part, spend in sorted(told[number].items())
        if part.kind is not ScopeKind.PERSON
    ]
    if rows:
        connection.execute(insert(t.spend_days), rows)
    read = [{"basis": basis.value, "day": number, "read_at": at} for number in numbers]
    merge_into(connection, t.spend_days_read, read, {"read_at": replaced})


def forget(connection: Connection, before: date) -> None:
    """Drop days that nobody asks for any more."""
    for table in (t.spend_days, t.spend_days_read):
        connection.execute(delete(table).where(table.c.day < _number(before)))


def days_read(connection: Connection, basis: Basis) -> set[date]:
    """The days that were read and not written to since."""
    r = t.spend_days_read.c
    read = select(r.day).where(r.basis == basis.value, r.read_at > _CLAIMED)
    return {_FIRST_DAY + number * _DAY for number in connection.execute(read).scalars()}


def complete_since(connection: Connection, basis: Basis, today: date) -> date:
    """The first of the days before today all of which were read but for a few; today for none."""
    read = days_read(connection, basis)
    day = since = today
    unread = 0
    while unread <= _FEW:
        day -= _DAY
        if day in read:
            since = day
        else:
            unread += 1
    return since


def by_day(
    connection: Connection, part: Part, basis: Basis, first: date, after: date, today: date
) -> dict[date, Spend]:
    """What ``spending.by_day`` answers, from what is kept as far as that is."""
    return of_each(connection, [part], basis, first, after, today)[part]


def of_each(
    connection: Connection,
    parts: Collection[Part],
    basis: Basis,
    first: date,
    after: date,
    today: date,
) -> dict[Part, dict[date, Spend]]:
    """What each of these parts spent on each day; the running day is always summed from usage."""
    told: dict[Part, dict[date, Spend]] = {part: {} for part in parts}
    wanted = set(days_between(first, min(after, today)))
    read = days_read(connection, basis) & wanted
    by_kind: defaultdict[ScopeKind, list[str]] = defaultdict(list)
    for part in told:
        if part.kind is ScopeKind.PERSON:
            told[part] = spending.by_day(connection, part, basis, first, after)
        else:
            by_kind[part.kind].append(part.value)
    for kind, values in by_kind.items():
        for part, day, spend in _kept(connection, kind, values, basis, read):
            told[part][day] = spend
        for begin, end in runs_without(read, first, after):
            found = spending.by_day_of(connection, kind, values, basis, begin, end)
            for part, days in found.items():
                told[part] |= days
    return told


def days_between(first: date, after: date) -> Iterator[date]:
    """The days from ``first`` up to, not including, ``after``."""
    return (first + number * _DAY for number in range((after - first).days))


def runs_without(read: Collection[date], first: date, after: date) -> Iterator[tuple[date, date]]:
    """Spans (first day, day after the last) of the days that are not among these."""
    begin = None
    for day in days_between(first, after):
        if day in read and begin is not None:
            yield begin, day
        if day in read:
            begin = None
        elif begin is None:
            begin = day
    if begin is not None:
        yield begin, after


def _kept(
    connection: Connection,
    kind: ScopeKind,
    values: Collection[str],
    basis: Basis,
    days: Collection[date],
) -> Iterator[tuple[Part, date, Spend]]:
    if not days:
        return
    d = t.spend_days.c
    query = select(d.value, d.day, d.nanousd, d.tokens, d.unpriced_tokens).where(
        d.basis == basis.value,
        d.scope == kind.value,
        d.value.in_(sorted(values)),
        d.day >= _number(min(days)),
        d.day <= _number(max(days)),
    )
    for value, number, nanousd, tokens, unpriced in connection.execute(query):
        day = _FIRST_DAY + number * _DAY
        if day in days:
            spend = Spend(nanousd=nanousd, tokens=tokens, unpriced_tokens=unpriced)
            yield Part(kind=kind, value=value), day, spend


def _number(day: date) -> int:
    return (day - _FIRST_DAY).days
