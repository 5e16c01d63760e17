"""Who has sessions in which week, and what follows from it.

What follows for a week or block is remembered until that is written which it follows from: sums,
sums of final labels, or who is in it.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias, TypeVar

from classifier.tally import SETTLED, TALLIED, Tally
from domain.contributions import Facet
from domain.efficiency import Asked
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

Tallies: TypeAlias = Mapping[str, Tally]
"""What a ratio takes of each group."""


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
        told = report_outcomes.stamps(connection)
        self._sums = {week: each.sums for week, each in told.items()}
        self._settled = {week: each.settled for week, each in told.items()}
        self._people = {week: each.people for week, each in told.items()}
        self.floor = floor
        everybody = self.held(None, told)
        self.seen = [week for week in told if week in everybody]
        self.wanted = frozenset(week for week in self.seen if _within(week, asked, now))
        self._live = _by(block_of, self.seen)

    def held(self, facet: Facet | None, weeks: Iterable[int]) -> dict[int, Mapping[str, People]]:
        """Who is in each group of a week, of those weeks that have any."""
        dimension = EVERYTHING if facet is None else facet.value
        found: dict[int, Mapping[str, People]] = {}
        missing: list[int] = []
        for week in weeks:
            known = _REMEMBERED.get((dimension, week, self._people[week]))
            if known is None:
                missing.append(week)
            elif known:
                found[week] = known
        if missing:
            read = report_outcomes.people(self.connection, dimension, 1, missing)
            for week in missing:
                groups = {value: who for (value, _), who in read.get(week, {}).items()}
                _REMEMBERED.put((dimension, week, self._people[week]), groups)
                if groups:
                    found[week] = groups
        return found

    def nobodys(
        self, dimension: str, length: int, weeks: Iterable[int]
    ) -> dict[int, Mapping[tuple[str, str], int]]:
        """How many sessions nobody is told of in each cell of so many weeks, by its first week."""
        found: dict[int, Mapping[tuple[str, str], int]] = {}
        missing: dict[int, tuple[object, ...]] = {}
        for week in weeks:
            stamps: object = self._sums[week] if length == 1 else self._stamps(week, length)
            key: tuple[object, ...] = ("nobody", dimension, length, week, stamps)
            known = _REMEMBERED.get(key)
            if known is None:
                missing[week] = key
            else:
                found[week] = known
        if missing:
            read = report_outcomes.of_nobody(self.connection, dimension, length, missing.keys())
            for week, key in missing.items():
                found[week] = read.get(week, {})
                _REMEMBERED.put(key, found[week])
        return found

    def _stamps(self, week: int, length: int) -> tuple[object, ...]:
        return _of(self._sums, (each for each in self.seen if week <= each < week + length))

    def remembered(
        self,
        key: tuple[object, ...],
        spans: Iterable[Span],
        make: Callable[[], _Made],
        weigh: Callable[[_Made], int],
    ) -> _Made:
        """What was made of these spans before, as long as no sum in them has changed.

        ``weigh`` tells how many sums there are in it.
        """
        within = {week for span in spans for week in range(span.week, span.week + span.weeks)}
        stamps = _of(self._sums, (week for week in self.seen if week in within))
        return _SUMS.made((*key, stamps), make, weigh)

    def parted(
        self, facet: Facet | None, held: Mapping[int, Mapping[str, People]], live: Sequence[int]
    ) -> Parted | None:
        """How the groups of a block may be told apart."""
        key = ("parted", facet, self.floor, _of(self._people, live))
        return _REMEMBERED.made(
            key, lambda: part({w: held[w] for w in live if w in held}, self.floor)
        )

    def merged(
        self, facet: Facet | None, held: Mapping[int, Mapping[str, People]], live: Sequence[int]
    ) -> Mapping[str, People]:
        """Who is in each group of these weeks together."""
        key = ("merged", facet, _of(self._people, live))
        return _REMEMBERED.made(key, lambda: merged(held[w] for w in live if w in held))

    def tallies(self, facet: Facet | None, blocks: Iterable[int]) -> dict[int, Tallies]:
        """What a ratio takes of each group in each of these blocks."""
        dimension = EVERYTHING if facet is None else facet.value
        live = self._live
        keys = {first: ("tallies", dimension, _of(self._sums, live[first])) for first in blocks}
        found = {first: _REMEMBERED.get(key) for first, key in keys.items()}
        missing = [first for first, held in found.items() if held is None]
        if missing:
            read = report_outcomes.by_value(self.connection, dimension, missing, TALLIED)
            for first in missing:
                found[first] = {group: Tally(*sums) for group, sums in read[first].items()}
                _REMEMBERED.put(keys[first], found[first])
        return {first: held for first, held in found.items() if held is not None}

    def mix(
        self, one: Facet, other: Facet, quarters: Sequence[Crossing]
    ) -> Counter[tuple[str, str]]:
        """What settled sessions of these quarters cost, by those pairs of values that are shown."""
        before, last = quarters[:-1], quarters[-1:]
        live = [week for each in before for week in each.live]
        stamps = _of(self._settled, live), _of(self._people, live)
        key = ("mix", one, other, self.floor, stamps)
        found = Counter(_REMEMBERED.made(key, lambda: self._mixed(one, other, before)))
        found.update(self._mixed(one, other, last))
        return found

    def _mixed(
        self, one: Facet, other: Facet, quarters: Iterable[Crossing]
    ) -> Counter[tuple[str, str]]:
        found: Counter[tuple[str, str]] = Counter()
        for each in quarters:
            told = self._settled_pairs(one, other, each.live)
            found.update({pair: cost for pair, cost in told.items() if pair in each.shown})
        return found

    def _settled_pairs(
        self, one: Facet, other: Facet, live: tuple[int, ...]
    ) -> Mapping[tuple[str, str], int]:
        """What settled sessions of a quarter cost by pair of values, shown or not."""
        key = ("settled", one, other, _of(self._settled, live))
        return _REMEMBERED.made(key, lambda: self._read_settled(one, other, quarter_of(live[0])))

    def _read_settled(self, one: Facet, other: Facet, quarter: int) -> dict[tuple[str, str], int]:
        dimension = paired(one, other)
        read = report_outcomes.settled_pairs(self.connection, dimension, quarter, SETTLED)
        if dimension == f"{one},{other}":
            return read
        return {(b, a): cost for (a, b), cost in read.items()}

    def crossing(self, one: Facet, other: Facet, live: tuple[int, ...]) -> Crossing | None:
        """Two dimensions crossed in a quarter; None where it can't be told at all."""
        key = ("crossed", one, other, self.floor, _of(self._people, live))
        return _REMEMBERED.made(key, lambda: self._crossed(one, other, live))

    def by(self, first_of: Callable[[int], int]) -> dict[int, tuple[int, ...]]:
        """The weeks of each block (or quarter) of which any is wanted, by its first."""
        found = _by(first_of, self.seen)
        return {first: of for first, of in found.items() if not self.wanted.isdisjoint(of)}

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

        Whoever comes into a group of any dimension changes the stamps of a running quarter, and
        mostly none of these pairs.
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


def _of(stamps: Mapping[int, int], weeks: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """What a key holds of these weeks."""
    return tuple((week, stamps[week]) for week in weeks)


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
