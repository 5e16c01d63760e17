"""What was spent in each hour of the last weeks, held in memory by the one process that watches.

Every look reads today and yesterday anew, where nearly all that arrives belongs, then older days
that were written to, as far as there is time, and one in its turn. So a look costs the same however
long the history is. What was read of the days before today is kept for others, too
(``store.spend_days``).
"""

import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from classifier.forecast import MOST_DAYS
from domain.budgets import COMPANY, Basis, Part, ScopeKind
from domain.record import EPOCH
from store import spend_days, spending
from store.engine import Connection
from store.spending import HourSpend, Spend

HOURS = 24
DAYS_HELD = 7 * 9
"""Days that say what is usual: eight weeks, and one more for a window that ends today."""
_HOURLY = frozenset({ScopeKind.TEAM, ScopeKind.TOOL, ScopeKind.MODEL})
_DAY = timedelta(days=1)


@dataclass(slots=True)
class _Page:
    """One day: sums by part, nano-dollars by part and hour, and the hours each tool was used in.

    ``persons`` are those that it was read for: sums of others are not held.
    """

    persons: frozenset[Part]
    sums: dict[Part, Spend] = field(default_factory=dict)
    hours: dict[Part, list[int]] = field(default_factory=dict)
    used: dict[str, set[int]] = field(default_factory=dict)


class Ledger:
    """Spend by day and hour; ``refresh`` reads it, everything else only looks at what was read."""

    def __init__(self, basis: Basis) -> None:
        self.basis = basis
        self._pages: dict[date, _Page] = {}
        self._turn: Iterator[date] = iter(())
        self._old_turn: Iterator[date] = iter(())
        self._kept: dict[date, int] = {}
        self._unkept: dict[date, Mapping[Part, Spend]] = {}
        self._unread: set[date] = set()
        self._today = EPOCH.date()

    def refresh(
        self,
        connection: Connection,
        today: date,
        persons: Collection[Part],
        since: date,
        seconds: float,
    ) -> bool:
        """Read what is new; whether every day from ``since`` on, and those held, has been read.

        ``persons`` are the people that budgets are for. So many seconds are spent on older days,
        and one of these is read at least.
        """
        first = min(since, today - DAYS_HELD * _DAY)
        oldest = min(first, today - MOST_DAYS * _DAY)
        self._unkept, self._today = {}, today
        self._unread = set(_days(oldest, today)) - spend_days.days_read(connection, self.basis)
        held = frozenset(part for part in persons if part.kind is ScopeKind.PERSON)
        for day in [day for day in self._pages if day < first]:
            del self._pages[day]
        for day in (today, today - _DAY):
            self._read(connection, day, held)
        until = time.monotonic() + seconds
        missing = [day for day in _days(first, today) if not self._complete(day, held)]
        for number, day in enumerate(reversed(missing), start=1):
            self._read(connection, day, held)
            if time.monotonic() > until:
                return number == len(missing)
        self._read_again(connection, first, today - _DAY, held, until)
        if not missing:
            self._read_in_turn(connection, first, today, held)
        self._read_old(connection, first, today, until)
        return True

    def unkept(self) -> Mapping[date, Mapping[Part, Spend]]:
        """Sums of days before today that nobody has as this look found them."""
        return self._unkept

    def note_kept(self) -> None:
        """All of ``unkept`` has been kept."""
        self._kept |= {day: _mark(sums) for day, sums in self._unkept.items()}
        self._unkept = {}

    def spent(self, part: Part, first: date, after: date) -> Spend:
        """What a part spent from ``first`` up to, not including, ``after``."""
        pages = (self._pages.get(day) for day in _days(first, after))
        return sum((page.sums.get(part, Spend()) for page in pages if page), Spend())

    def parts(self) -> list[Part]:
        """All teams, tools and models that were seen, in order."""
        found = {part for page in self._pages.values() for part in page.hours}
        return sorted(found, key=lambda part: (part.kind, part.value))

    def window(self, part: Part, end: datetime, hours: int) -> int:
        """Nano-dollars of so many hours, the one that ``end`` is in the last of them."""
        last = (end - EPOCH) // timedelta(hours=1)
        return sum(self._hour(part, hour) for hour in range(last - hours + 1, last + 1))

    def begun(self, part: Part) -> date | None:
        """The first day held on which the part spent anything."""
        return min((day for day, page in self._pages.items() if part in page.sums), default=None)

    def tools(self) -> list[str]:
        """All tools that were seen."""
        return sorted({tool for page in self._pages.values() for tool in page.used})

    def used(self, tool: str) -> list[int]:
        """The hours since the epoch in which a tool was used, rising."""
        found = []
        for day, page in sorted(self._pages.items()):
            base = (day - EPOCH.date()).days * HOURS
            found += sorted(base + hour for hour in page.used.get(tool, ()))
        return found

    def _hour(self, part: Part, hour: int) -> int:
        page = self._pages.get(EPOCH.date() + (hour // HOURS) * _DAY)
        hours = page.hours.get(part) if page else None
        return hours[hour % HOURS] if hours else 0

    def _complete(self, day: date, persons: frozenset[Part]) -> bool:
        page = self._pages.get(day)
        return page is not None and persons <= page.persons

    def _read_in_turn(
        self, connection: Connection, first: date, today: date, persons: frozenset[Part]
    ) -> None:
        day = next(self._turn, None)
        if day is None or day < first:
            self._turn = iter(list(_days(first, today - _DAY)))
            day = next(self._turn, None)
        if day is not None:
            self._read(connection, day, persons)

    def _read_again(
        self,
        connection: Connection,
        first: date,
        after: date,
        persons: frozenset[Part],
        until: float,
    ) -> None:
        """Days held that were written to since they were read, the last ones first."""
        unread = self._unread - self._unkept.keys()
        outdated = [day for day in _days(first, after) if day in unread]
        for day in reversed(outdated):
            if time.monotonic() > until:
                return
            self._read(connection, day, persons)

    def _read_old(self, connection: Connection, first: date, today: date, until: float) -> None:
        """Days that only forecasts look back to: those not read or written to, then all in turn."""
        oldest = today - MOST_DAYS * _DAY
        if oldest >= first:
            return
        unread = [day for day in _days(oldest, first) if day in self._unread]
        for day in reversed(unread):
            self._note(day, self._page(connection, day, frozenset()))
            if time.monotonic() > until:
                return
        turn = next(self._old_turn, None)
        if turn is None or not oldest <= turn < first:
            self._old_turn = iter(list(_days(oldest, first)))
            turn = next(self._old_turn, None)
        if turn is not None:
            self._note(turn, self._page(connection, turn, frozenset()))

    def _read(self, connection: Connection, day: date, persons: frozenset[Part]) -> None:
        page = self._pages[day] = self._page(connection, day, persons)
        self._note(day, page)

    def _note(self, day: date, page: _Page) -> None:
        if day >= self._today:
            # What is still running is summed by whoever asks.
            return
        if day in self._unread or self._kept.get(day) != _mark(page.sums):
            self._unkept[day] = page.sums

    def _page(self, connection: Connection, day: date, persons: frozenset[Part]) -> _Page:
        page = _Page(persons=persons)
        sums: defaultdict[Part, Spend] = defaultdict(Spend)
        for each in spending.by_hour(connection, self.basis, day):
            page.used.setdefault(each.tool, set()).add(each.hour)
            for part in _parts(each):
                if part.kind is ScopeKind.PERSON and part not in persons:
                    continue
                if part.kind in _HOURLY:
                    hours = page.hours.setdefault(part, [0] * HOURS)
                    hours[each.hour] += each.spend.nanousd or 0
                sums[part] = sums[part] + each.spend
        page.sums = dict(sums)
        return page


def _mark(sums: Mapping[Part, Spend]) -> int:
    return hash(frozenset(sums.items()))


def _parts(each: HourSpend) -> Iterable[Part]:
    yield COMPANY
    named = (
        (ScopeKind.TOOL, each.tool),
        (ScopeKind.MODEL, each.model),
        (ScopeKind.TEAM, each.team),
        (ScopeKind.REPO, each.repo),
        (ScopeKind.PERSON, each.person),
    )
    for kind, value in named:
        if value:
            yield Part(kind=kind, value=value)


def _days(first: date, after: date) -> Iterator[date]:
    return (first + number * _DAY for number in range((after - first).days))
