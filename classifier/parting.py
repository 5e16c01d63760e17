"""What an answer about groups may be made of: pieces of time, and the groups shown in each.

The rules stand in ``domain.privacy``; here they are put to what is in the database and asked for.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from classifier.presence import Crossing, Weeks
from domain.contributions import Facet
from domain.efficiency import Asked, Interval, Period, TooFewPeople
from domain.privacy import Parted, People, together
from domain.weeks import BLOCK, HALF, block_of, half_of, monday, quarter_of
from store.engine import Connection
from store.report_outcomes import Span

# Whole blocks before the running one in which labels still change now and then.
_RECENT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Pieces:
    """The pieces of time of an answer, who is in each group then, and which groups are shown.

    ``everybody`` are all people of a piece; where one value is asked for, those behind that.
    ``live`` holds the weeks with any sessions of each piece.
    """

    weeks: Weeks
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

    @property
    def _running(self) -> int:
        return block_of(self.weeks.seen[-1])

    def parts(self, spans: Iterable[Span]) -> list[frozenset[Span]]:
        """These in three: what ended some blocks ago, since then, and what still runs, if any.

        What is written is nearly always about the last weeks, and mostly about this one, so what is
        remembered of the parts before lasts.
        """
        running = self._running
        held = frozenset(spans)
        now = frozenset(span for span in held if span.week + span.weeks > running)
        recent = frozenset(
            span for span in held - now if span.week + span.weeks > running - _RECENT * BLOCK
        )
        return [part for part in (held - recent - now, recent, now) if part]

    def halves(self) -> dict[int, list[Span]]:
        """The half-years of which each block that has sessions is a piece, with these.

        Not that of the running block: with each session its sums would be read anew, all of them.
        """
        found: dict[int, list[Span]] = defaultdict(list)
        for span in self.live:
            found[half_of(span.week)].append(span)
        seen: dict[int, set[int]] = defaultdict(set)
        for week in self.weeks.seen:
            seen[half_of(week)].add(block_of(week))
        return {
            first: spans
            for first, spans in found.items()
            if first + HALF <= self._running
            and all(span.weeks == BLOCK for span in spans)
            and {span.week for span in spans} == seen[first]
        }

    def joined(self, shown: Mapping[Span, frozenset[str]]) -> dict[Span, frozenset[str]]:
        """The same groups of pieces, with half-years in the place of all their blocks."""
        found = dict(shown)
        for first, blocks in self.halves().items():
            there = {group for block in blocks for group in self.groups[block]}
            there.difference_update(
                *(self.groups[block].keys() - shown.get(block, frozenset()) for block in blocks)
            )
            for block in blocks:
                found[block] = found.get(block, frozenset()) - there
            found[Span(HALF, first)] = frozenset(there)
        return {span: of for span, of in found.items() if of}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    span: Span
    live: tuple[int, ...]
    everybody: People
    groups: Mapping[str, People]
    shown: frozenset[str]


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
            piece = _piece(weeks, facet, span, of, everybody, held, own, asked)
            if piece is not None:
                found.append(piece)
    return found


def _piece(
    weeks: Weeks,
    facet: Facet | None,
    span: Span,
    live: tuple[int, ...],
    everybody: Mapping[int, Mapping[str, People]],
    held: Mapping[int, Mapping[str, People]],
    own: Parted,
    asked: Asked,
) -> _Piece | None:
    groups = weeks.merged(facet, held, live)
    shown = own.shown.intersection(groups)
    if asked.only is not None:
        shown &= {asked.only[1]}
        if not shown:
            return None
        groups = {group: groups[group] for group in shown}
    people = groups if asked.only else weeks.merged(None, everybody, live)
    return _Piece(
        span=span, live=live, everybody=together(people.values()), groups=groups, shown=shown
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
