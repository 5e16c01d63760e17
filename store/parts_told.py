"""Which parts of the company sums may be told of to whoever may not see everybody.

The rules are those of ``domain.privacy``, for sums that run from the beginning of a month, or from
any day, up to now. The pieces of time are the blocks of four weeks that usage is told by; from the
block in which a budget's period begins they are cut as well where a month begins, and on the
Mondays around that, since ratios are told by single weeks. A part is told where it has people
enough in each piece that it has usage in, and so has what is left beside it. So whatever of these
sums, and of those of whole weeks and blocks, is subtracted, too few people never remain. By day
nothing is told to whom this is for.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any, TypeAlias

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    String,
    and_,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
)

from domain.budgets import COMPANY, Part, ScopeKind
from domain.privacy import People, merged, part
from domain.record import EPOCH
from domain.weeks import BLOCK, WEEK, block_of, monday, week_of
from store import report_outcomes
from store import tables as t
from store.remembered import Remembered
from store.report_usage import BOOKED_BY_PERSON, COLUMNS, SOMEBODY, Dimension

_DIMENSION = {
    ScopeKind.TEAM: Dimension.TEAM,
    ScopeKind.REPO: Dimension.REPO,
    ScopeKind.TOOL: Dimension.TOOL,
    ScopeKind.MODEL: Dimension.MODEL,
}
# A forecast's level, shape and trend follow from the last eight weeks.
_LOOKS_BACK = 8 * WEEK
_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
_NOT_TOLD = literal_column("''", String)

_Groups: TypeAlias = Mapping[str, People]
_Named: TypeAlias = Mapping[str, Set[str]]
_REMEMBERED = Remembered(most=512)


@dataclass(frozen=True, slots=True)
class PartsTold:
    """What may be told. ``held`` says who has usage, by kind of part, first day and value."""

    floor: int
    today: date
    held: Mapping[ScopeKind, Mapping[date, _Groups]]
    _shown: dict[tuple[ScopeKind, date | None], frozenset[str]] = field(default_factory=dict)

    def tells(self, of: Part, since: date | None = None) -> bool:
        """Whether a sum from this day up to now may be told, with the forecast that goes on.

        ``since`` is the first day of a budget's period; None: only the forecast. What is about one
        person is none of it. A floor of one is none: what nobody used may be told then, too.
        """
        if self.floor <= 1:
            return of.kind is not ScopeKind.PERSON
        return of.value in self.shown(of.kind, since)

    def shown(self, kind: ScopeKind, since: date | None = None) -> frozenset[str]:
        """The values of which it may be told."""
        if kind is ScopeKind.PERSON:
            return frozenset()
        key = (kind, since)
        if key not in self._shown:
            self._shown[key] = self._found(kind, since)
        return self._shown[key]

    def _found(self, kind: ScopeKind, since: date | None) -> frozenset[str]:
        pieces = self._pieces(ScopeKind.COMPANY, since)
        if self.floor <= 1:
            # Also what is of nobody who is named.
            return frozenset(value for groups in self._pieces(kind, since) for value in groups)
        if not pieces or any(part({0: groups}, self.floor) is None for groups in pieces):
            return frozenset()
        if kind is ScopeKind.COMPANY:
            return frozenset({COMPANY.value})
        present: set[str] = set()
        hidden: set[str] = set()
        for groups in self._pieces(kind, since):
            parted = part({0: groups}, self.floor)
            present |= groups.keys()
            hidden |= groups.keys() - (parted.shown if parted else frozenset())
        return frozenset(present - hidden)

    def every_one(self, kind: ScopeKind) -> bool:
        """Whether each value has people enough by itself: then any of them together may be told."""
        return self.floor <= 1 or all(
            who.bit_count() >= self.floor
            for groups in self._pieces(kind, None)
            for who in groups.values()
        )

    def _pieces(self, kind: ScopeKind, since: date | None) -> list[_Groups]:
        """Who is in each group, by the pieces of time that sums from this day on are made of.

        Those without any usage are left out: they are no part of any sum.
        """
        begin = _begin(self.today, since)
        cuts = _cuts(begin, since, self.today)
        held = {day: groups for day, groups in self.held[kind].items() if day >= begin}
        pieces: dict[date, list[_Groups]] = defaultdict(list)
        for day, groups in held.items():
            pieces[max(cut for cut in cuts if cut <= day)].append(groups)
        return [groups for of in pieces.values() if (groups := merged(of))]


def parts_told(
    connection: Connection,
    kinds: Collection[ScopeKind],
    since: Collection[date],
    now: datetime,
    floor: int,
) -> PartsTold:
    """What may be told of parts of these kinds, of sums from these days on, and of forecasts."""
    today = now.date()
    begins = [_begin(today, day) for day in (None, *since)]
    cuts = {cut for day in since for cut in _cuts(_begin(today, day), day, today)}
    first, last = _week(min(begins)), _week(today)
    weeks = [monday(week).date() for week in range(first + 1, last + 1)]
    starts = sorted({*begins, *cuts, *weeks})
    asked = [each for each in ScopeKind if each in kinds and each in _DIMENSION]
    held = _held(connection, asked, [*starts, today + _DAY])
    numbers: dict[str, int] = {}
    bits = {
        kind: {day: _as_bits(groups, numbers) for day, groups in of.items()}
        for kind, of in held.items()
    }
    return PartsTold(floor, today, bits)


def _as_bits(groups: _Named, numbers: dict[str, int]) -> dict[str, People]:
    """Who is in each group, as bits; whose name nobody tells is nobody."""
    return {
        value: sum(1 << numbers.setdefault(person, len(numbers)) for person in people)
        for value, people in groups.items()
    }


def _held(
    connection: Connection, kinds: Sequence[ScopeKind], bounds: Sequence[date]
) -> dict[ScopeKind, dict[date, _Named]]:
    """Who has usage between each two bounds, by kind and value; none is longer than a week.

    What is known of a week is remembered until its sums change.
    """
    told = report_outcomes.stamps(connection)
    stamps = {week: each.sums for week, each in told.items()}
    found: dict[ScopeKind, dict[date, _Named]] = {kind: {} for kind in (ScopeKind.COMPANY, *kinds)}
    missing: set[tuple[date, date]] = set()
    for start, end in pairwise(bounds):
        stamp = stamps.get(_week(start))
        for kind, of in found.items():
            known = None if stamp is None else _REMEMBERED.get((kind, start, end, stamp))
            if known is None:
                missing.add((start, end))
            else:
                of[start] = known
    if missing:
        read = _read(connection, kinds, sorted(missing))
        for kind, of in found.items():
            for start, end in missing:
                of[start] = read[kind].get(start, {})
                stamp = stamps.get(_week(start))
                if stamp is not None:
                    _REMEMBERED.put((kind, start, end, stamp), of[start])
    return found


def _read(
    connection: Connection, kinds: Sequence[ScopeKind], spans: Sequence[tuple[date, date]]
) -> dict[ScopeKind, dict[date, dict[str, set[str]]]]:
    starts = [start for start, _ in spans]
    keys = [func.coalesce(cast(COLUMNS[_DIMENSION[each]], String), _NOT_TOLD) for each in kinds]
    hour = t.usage.c.hour
    within = or_(*(and_(hour >= _hour(start), hour < _hour(end)) for start, end in spans))
    query = select(_place(starts), SOMEBODY, *keys).select_from(BOOKED_BY_PERSON)
    found: dict[ScopeKind, dict[date, dict[str, set[str]]]] = {
        kind: defaultdict(lambda: defaultdict(set)) for kind in (ScopeKind.COMPANY, *kinds)
    }
    for place, person, *values in connection.execute(query.where(within).distinct()):
        for kind, value in zip(found, (COMPANY.value, *values), strict=True):
            people = found[kind][starts[place]][value]
            if person is not None:
                people.add(person)
    return found


def _begin(today: date, since: date | None) -> date:
    """The first day that a sum from ``since`` on, or the forecast, is made of."""
    back = monday(block_of(week_of(_midnight(today) - _LOOKS_BACK))).date()
    return back if since is None else min(monday(block_of(_week(since))).date(), back)


def _cuts(begin: date, since: date | None, today: date) -> list[date]:
    """Where pieces begin: with a block; from ``since`` on with a month, and Mondays around it."""
    first = block_of(_week(begin))
    blocks = range(first + BLOCK, _week(today) + 1, BLOCK)
    found = {begin, *(monday(week).date() for week in blocks)}
    day = since
    while day is not None and day <= today:
        week = _week(day)
        around = {monday(each).date() for each in (week, week + 1)}
        found |= {day} if day in around else {day, *around}
        day = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return sorted(found)


def _week(day: date) -> int:
    return week_of(_midnight(day))


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _hour(day: date) -> int:
    return (_midnight(day) - EPOCH) // _HOUR


def _place(starts: Sequence[date]) -> ColumnElement[Any]:
    """The place of the last of these days, rising, that a row of usage does not lie before."""
    within = [
        (t.usage.c.hour < _hour(after), _number(place))
        for place, (_, after) in enumerate(pairwise(starts))
    ]
    last = _number(len(starts) - 1)
    return case(*within, else_=last) if within else last


def _number(value: int) -> ColumnElement[int]:
    return literal_column(str(value), Integer)
