"""What an answer about groups may be made of: pieces of time, and the groups shown in each.

The rules stand in ``domain.privacy``; here they are put to what is in the database and asked for.
What follows for a week or block is remembered until anything is written about it.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeAlias, TypeVar

from domain.contributions import Facet
from domain.efficiency import Asked, Interval, Period, TooFewPeople
from domain.labels import Label
from domain.privacy import Parted, People, cross, merged, part, together
from domain.weeks import BLOCK, HALF, QUARTER, block_of, half_of, monday, quarter_of
from store import report_outcomes
from store.engine import Connection
from store.outcomes import EVERYTHING, paired
from store.remembered import Remembered
from store.report_outcomes import Span

_REMEMBERED = Remembered()
# Sums, each number of which takes some eighty bytes with all around it.
_NUMBERS = Remembered(most=400_000)
# Whole blocks before the running one in which labels still change now and then.
_RECENT = 2
_Made = TypeVar("_Made")
SETTLED = frozenset({Label.PRODUCTIVE, Label.INEFFICIENT, Label.WASTEFUL})
"""Labels that count in a ratio, once they are final."""

Brief: TypeAlias = Mapping[str, Mapping[tuple[str, str], tuple[int, int, int, int]]]
"""Sessions, those of known cost, their cost and its squares, by group, label and maturity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pieces:
    """The pieces of time of an answer, who is in each group then, and which groups are shown.

    ``everybody`` are all people of a piece; where one value is asked for, those behind that.
    ``live`` holds the weeks with any sessions of each piece.
    """

    weeks: "Weeks"
    period: Period
    live: Mapping[Span, tuple[int, ...]]
    everybody: Mapping[Span, People]
    groups: Mapping[Span, Mapping[str, People]]
    shown: Mapping[Span, frozenset[str]]

    @property
    def spans(self) -> tuple[Span, ...]:
        """The pieces, the first one first."""
        return tuple(self.live)

    @property
    def blocks(self) -> tuple[int, ...]:
        """The blocks that are pieces as a whole."""
        return tuple(span.week for span in self.live if span.weeks == BLOCK)

    def parts(self, spans: Iterable[Span]) -> list[frozenset[Span]]:
        """These in two: what ended some blocks ago, and the rest, as far as there is any.

        What is written is nearly always about the last weeks, so what is remembered of the first
        part lasts.
        """
        recent = block_of(self.weeks.seen[-1]) - _RECENT * BLOCK
        held = frozenset(spans)
        late = frozenset(span for span in held if span.week + span.weeks > recent)
        return [part for part in (held - late, late) if part]

    def halves(self) -> dict[int, list[Span]]:
        """The half-years of which each block that has sessions is a piece, with these."""
        found: dict[int, list[Span]] = defaultdict(list)
        for span in self.live:
            found[half_of(span.week)].append(span)
        seen: dict[int, set[int]] = defaultdict(set)
        for week in self.weeks.seen:
            seen[half_of(week)].add(block_of(week))
        return {
            first: spans
            for first, spans in found.items()
            if all(span.weeks == BLOCK for span in spans)
            and {span.week for span in spans} == seen[first]
        }

    def joined(self, shown: Collection[tuple[Span, str]]) -> list[tuple[Span, str]]:
        """The same (piece, group) pairs, with half-years in the place of all their blocks."""
        halves = self.halves()
        by_group: dict[str, set[Span]] = defaultdict(set)
        for span, group in shown:
            by_group[group].add(span)
        found: list[tuple[Span, str]] = []
        for group, spans in by_group.items():
            left = set(spans)
            for first, blocks in halves.items():
                there = {span for span in blocks if group in self.groups[span]}
                if there and there <= left:
                    left -= there
                    found.append((Span(HALF, first), group))
            found += [(span, group) for span in left]
        return found


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    span: Span
    live: tuple[int, ...]
    everybody: People
    groups: Mapping[str, People]
    shown: frozenset[str]


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

        ``weigh`` tells how many numbers there are in it.
        """
        within = {week for span in spans for week in range(span.week, span.week + span.weeks)}
        stamps = self._of(week for week in self.seen if week in within)
        return _NUMBERS.made((*key, stamps), make, weigh)

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


def pieces(connection: Connection, asked: Asked, floor: int, now: datetime) -> Pieces:
    """What the answer is made of. Raises TooFewPeople for a value that is never shown."""
    weeks = Weeks(connection, asked, floor, now)
    crossed = asked.only is not None and asked.group_by not in (None, asked.only[0])
    found = _crossed(weeks, asked) if crossed else _alone(weeks, asked)
    if asked.only is not None and not found:
        raise TooFewPeople
    used = [week for piece in found for week in piece.live]
    return Pieces(
        weeks=weeks,
        period=_period(asked, weeks.seen, used, now),
        live={piece.span: piece.live for piece in found},
        everybody={piece.span: piece.everybody for piece in found},
        groups={piece.span: piece.groups for piece in found},
        shown={piece.span: piece.shown for piece in found},
    )


def crossings(weeks: Weeks, one: Facet, other: Facet) -> list[Crossing]:
    """Two dimensions crossed in each quarter that is wholly in the period asked for."""
    found = (
        weeks.crossing(one, other, live)
        for live in weeks.by(quarter_of).values()
        if weeks.wanted.issuperset(live)
    )
    return [each for each in found if each is not None]


def _crossed(weeks: Weeks, asked: Asked) -> list[_Piece]:
    """By one dimension, within one value of another: by whole quarters."""
    if asked.only is None or asked.group_by is None:
        raise ValueError("two dimensions are crossed")
    (within, value), by = asked.only, asked.group_by
    return [
        _Piece(
            span=each.span,
            live=each.live,
            everybody=each.ones[value],
            groups={other: who for (one, other), who in each.cells.items() if one == value},
            shown=frozenset(other for one, other in each.shown if one == value),
        )
        for each in crossings(weeks, within, by)
        if value in each.ones
    ]


def _alone(weeks: Weeks, asked: Asked) -> list[_Piece]:
    """By one dimension, or none."""
    facet = asked.group_by or (asked.only[0] if asked.only else None)
    blocks = weeks.by(block_of)
    all_of_them = [week for live in blocks.values() for week in live]
    everybody = weeks.held(None, all_of_them)
    held = everybody if facet is None else weeks.held(facet, all_of_them)
    found: list[_Piece] = []
    for first, live in blocks.items():
        whole, own = weeks.parted(None, everybody, live), weeks.parted(facet, held, live)
        if whole is None or own is None:
            continue
        weekly = whole.weekly and own.weekly
        asked_for = tuple(week for week in live if week in weeks.wanted)
        if asked_for != live and not weekly:
            continue
        spans: list[tuple[Span, tuple[int, ...]]] = [(Span(1, w), (w,)) for w in asked_for]
        if not weekly or (asked.interval is not Interval.WEEK and asked_for == live):
            spans = [(Span(BLOCK, first), live)]
        for span, of in spans:
            piece = _piece(span, of, everybody, held, own, asked)
            if piece is not None:
                found.append(piece)
    return found


def _piece(
    span: Span,
    live: tuple[int, ...],
    everybody: Mapping[int, Mapping[str, People]],
    held: Mapping[int, Mapping[str, People]],
    own: Parted,
    asked: Asked,
) -> _Piece | None:
    groups: Mapping[str, People] = merged(held[week] for week in live if week in held)
    shown = own.shown & groups.keys()
    if asked.only is not None:
        shown &= {asked.only[1]}
        if not shown:
            return None
        groups = {group: groups[group] for group in shown}
    people = groups if asked.only else merged(everybody[week] for week in live)
    return _Piece(
        span=span, live=live, everybody=together(people.values()), groups=groups, shown=shown
    )


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


def _period(asked: Asked, seen: Sequence[int], used: Collection[int], now: datetime) -> Period:
    touched = {
        week
        for week in seen
        if (asked.start is None or asked.start < monday(week + 1))
        and (asked.end is None or monday(week) < asked.end)
        and monday(week) <= now
    }
    return Period(
        start=monday(min(used)) if used else None,
        end=monday(max(used) + 1) if used else None,
        weeks=len(used),
        narrowed=touched != set(used),
    )
