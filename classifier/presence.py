"""Who has sessions in which week, and what follows from it.

What follows for a week or block is remembered until anything is written about it.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeAlias, TypeVar

from domain.contributions import Facet
from domain.efficiency import Asked
from domain.labels import Label
from domain.privacy import Parted, People, cross, merged, part
from domain.weeks import QUARTER, block_of, monday, quarter_of
from store import report_outcomes
from store.engine import Connection
from store.outcomes import EVERYTHING, paired
from store.remembered import Remembered
from store.report_outcomes import Span

_REMEMBERED = Remembered()
# By how many sums are in each value: one takes half a kilobyte with all around it.
_SUMS = Remembered(most=50_000)
_Made = TypeVar("_Made")
SETTLED = frozenset({Label.PRODUCTIVE, Label.INEFFICIENT, Label.WASTEFUL})
"""Labels that count in a ratio, once they are final."""

Brief: TypeAlias = Mapping[str, Mapping[tuple[str, str], tuple[int, int, int, int]]]
"""Sessions, those of known cost, their cost and its squares, by group, label and maturity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """Two dimensions crossed in one quarter: who is in each pair, and which pairs are shown.

    ``ones`` are the values of the first that are shown alone, with their people.
    """

    span: Span
    live: tuple[int, ...]
    ones: Mapping[str, People]
    cells: Mapping[tuple[str, str], People]
    shown: frozenset[tuple[str, str]]


class Weeks:
    """Who has sessions in which week, as one transaction sees it.

    ``seen`` are the weeks with any sessions, in order; ``wanted`` those asked for.
    """

    def __init__(self, connection: Connection, asked: Asked, floor: int, now: datetime) -> None:
        self.connection = connection
        self._stamps = report_outcomes.stamps(connection)
        self.floor = floor
        everybody = self.held(None, self._stamps)
        self.seen = [week for week in self._stamps if week in everybody]
        self.wanted = frozenset(week for week in self.seen if _within(week, asked, now))
        self._live = _by(block_of, self.seen)

    def held(self, facet: Facet | None, weeks: Iterable[int]) -> dict[int, Mapping[str, People]]:
        """Who is in each group of a week, of those weeks that have any."""
        dimension = EVERYTHING if facet is None else facet.value
        found: dict[int, Mapping[str, People]] = {}
        missing: list[int] = []
        for week in weeks:
            known = _REMEMBERED.get((dimension, week, self._stamps[week]))
            if known is None:
                missing.append(week)
            elif known:
                found[week] = known
        if missing:
            read = report_outcomes.people(self.connection, dimension, 1, missing)
            for week in missing:
                groups = {value: who for (value, _), who in read.get(week, {}).items()}
                _REMEMBERED.put((dimension, week, self._stamps[week]), groups)
                if groups:
                    found[week] = groups
        return found

    def remembered(
        self,
        key: tuple[object, ...],
        spans: Iterable[Span],
        make: Callable[[], _Made],
        weigh: Callable[[_Made], int],
    ) -> _Made:
        """What was made of these spans before, as long as nothing in them has changed.

        ``weigh`` tells how many sums there are in it.
        """
        within = {week for span in spans for week in range(span.week, span.week + span.weeks)}
        stamps = self._of(week for week in self.seen if week in within)
        return _SUMS.made((*key, stamps), make, weigh)

    def spent(self, facet: Facet, blocks: Iterable[int]) -> Counter[str]:
        """What all sessions of each group cost in these blocks, in nano-dollars."""
        found: Counter[str] = Counter()
        for first, held in self.brief(facet, blocks).items():
            key = ("spent", facet, self._of(self._live[first]))
            found.update(_REMEMBERED.made(key, partial(_spent, held)))
        return found

    def parted(
        self, facet: Facet | None, held: Mapping[int, Mapping[str, People]], live: Sequence[int]
    ) -> Parted | None:
        """How the groups of a block may be told apart."""
        key = ("parted", facet, self.floor, self._of(live))
        return _REMEMBERED.made(
            key, lambda: part({w: held[w] for w in live if w in held}, self.floor)
        )

    def merged(
        self, facet: Facet | None, held: Mapping[int, Mapping[str, People]], live: Sequence[int]
    ) -> Mapping[str, People]:
        """Who is in each group of these weeks together."""
        key = ("merged", facet, self._of(live))
        return _REMEMBERED.made(key, lambda: merged(held[w] for w in live if w in held))

    def brief(self, facet: Facet | None, blocks: Iterable[int]) -> dict[int, Brief]:
        """Sessions and cost of each group in each of these blocks, by label."""
        dimension = EVERYTHING if facet is None else facet.value
        keys = {first: ("brief", dimension, self._of(self._live[first])) for first in blocks}
        found = {first: _REMEMBERED.get(key) for first, key in keys.items()}
        missing = [first for first, held in found.items() if held is None]
        if missing:
            read = report_outcomes.brief(self.connection, dimension, missing)
            for first in missing:
                found[first] = read.get(first, {})
                _REMEMBERED.put(keys[first], found[first])
        return {first: held for first, held in found.items() if held is not None}

    def mix(self, one: Facet, other: Facet, crossing: Crossing) -> Mapping[tuple[str, str], int]:
        """What settled sessions of a quarter cost, by those pairs of values that are shown."""
        key = ("mix", one, other, self.floor, self._of(crossing.live))
        return _REMEMBERED.made(key, lambda: self._mix(one, other, crossing))

    def _mix(self, one: Facet, other: Facet, crossing: Crossing) -> Mapping[tuple[str, str], int]:
        dimension = paired(one, other)
        read = report_outcomes.settled_pairs(
            self.connection, dimension, crossing.span.week, SETTLED
        )
        if dimension != f"{one},{other}":
            read = {(b, a): cost for (a, b), cost in read.items()}
        return {pair: cost for pair, cost in read.items() if pair in crossing.shown}

    def crossing(self, one: Facet, other: Facet, live: tuple[int, ...]) -> Crossing | None:
        """Two dimensions crossed in a quarter; None where it can't be told at all."""
        key = ("crossed", one, other, self.floor, self._of(live))
        return _REMEMBERED.made(key, lambda: self._crossed(one, other, live))

    def by(self, first_of: Callable[[int], int]) -> dict[int, tuple[int, ...]]:
        """The weeks of each block (or quarter) of which any is wanted, by its first."""
        found = _by(first_of, self.seen)
        return {first: of for first, of in found.items() if not self.wanted.isdisjoint(of)}

    def _of(self, weeks: Iterable[int]) -> tuple[tuple[int, int], ...]:
        return tuple((week, self._stamps[week]) for week in weeks)

    def _crossed(self, one: Facet, other: Facet, live: tuple[int, ...]) -> Crossing | None:
        blocks = list(_by(block_of, live).values())
        everybody = self.held(None, live)
        if any(self.parted(None, everybody, of) is None for of in blocks):
            return None
        ones, others = self._steady(one, blocks), self._steady(other, blocks)
        if ones is None or others is None:
            return None
        first = quarter_of(live[0])
        dimension = paired(one, other)
        read = report_outcomes.people(self.connection, dimension, QUARTER, [first])
        told = read.get(first, {})
        if dimension != f"{one},{other}":
            told = {(b, a): who for (a, b), who in told.items()}
        over = merged(self.held(one, live).values())
        return Crossing(
            span=Span(QUARTER, first),
            live=live,
            ones={value: over[value] for value in ones},
            cells=told,
            shown=self._crossable(("shown", one, other, self.floor, first), told, ones, others),
        )

    def _crossable(
        self,
        key: tuple[object, ...],
        cells: Mapping[tuple[str, str], People],
        ones: frozenset[str],
        others: frozenset[str],
    ) -> frozenset[tuple[str, str]]:
        """The pairs that may be shown, as they were last if the same people are in all of them.

        Most sessions of a running quarter are of people who had one before: they change its stamps
        and none of this.
        """
        asked = (cells, ones, others)
        known = _REMEMBERED.get(key)
        if known is not None and known[0] == asked:
            shown: frozenset[tuple[str, str]] = known[1]
            return shown
        shown = cross(cells, ones, others, self.floor)
        _REMEMBERED.put(key, (asked, shown))
        return shown

    def _steady(self, facet: Facet, blocks: Iterable[Sequence[int]]) -> frozenset[str] | None:
        """The values shown in each block in which they have sessions; None: a block shows none."""
        present: set[str] = set()
        hidden: set[str] = set()
        for of in blocks:
            held = self.held(facet, of)
            parted = self.parted(facet, held, of)
            if parted is None:
                return None
            groups = {group for groups in held.values() for group in groups}
            present |= groups
            hidden |= groups - parted.shown
        return frozenset(present - hidden)


def _spent(held: Brief) -> dict[str, int]:
    return {group: sum(cost for _, _, cost, _ in of.values()) for group, of in held.items()}


def _by(first_of: Callable[[int], int], weeks: Iterable[int]) -> dict[int, tuple[int, ...]]:
    found: dict[int, list[int]] = defaultdict(list)
    for week in weeks:
        found[first_of(week)].append(week)
    return {first: tuple(of) for first, of in found.items()}


def _within(week: int, asked: Asked, now: datetime) -> bool:
    """Whether a week is wholly in the period; the one that still runs is, where all of it is."""
    begins, ends = monday(week), min(monday(week + 1), now)
    return (asked.start is None or asked.start <= begins) and (
        asked.end is None or ends <= asked.end
    )
