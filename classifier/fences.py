"""How costs and lead times of sessions are spread, and what is out of the ordinary."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from math import floor
from typing import TypeAlias

from classifier.measured import Row, Sheet
from classifier.parting import Pieces
from domain.contributions import Facet
from domain.efficiency import Interval, Kind
from domain.weeks import BLOCK, HALF
from store import report_outcomes
from store.outcomes import EVERYTHING
from store.report_outcomes import Shown, Span

_FENCE = 3
_FEWEST = 20
_DOUBLING = 4

_Shown: TypeAlias = Mapping[Span, frozenset[str]]
_Bins: TypeAlias = Mapping[str, Mapping[int, int]]


@dataclass(frozen=True, slots=True)
class Spread:
    """How a group's costs and lead times are spread.

    Of ``compared`` sessions, whose tool has enough to say what is usual, ``beyond`` cost more than
    that. ``leads`` are landed changes by the bin of their lead time.
    """

    compared: int
    beyond: int
    leads: Mapping[int, int]


def fence_of(bins: Mapping[int, int]) -> float | None:
    """The bin beyond which a cost is out of the ordinary; None where there are too few to say.

    Bins are even on a logarithmic scale: the third quartile and three times the quartiles' distance
    on it, which is taken to be a doubling at least.
    """
    if sum(bins.values()) < _FEWEST:
        return None
    low, high = quantile(bins, 0.25), quantile(bins, 0.75)
    return high + _FENCE * max(high - low, _DOUBLING)


def quantile(bins: Mapping[int, int], at: float) -> int:
    """The bin that so large a share lies in or below."""
    needed = at * sum(bins.values())
    so_far = 0
    for number, sessions in sorted(bins.items()):
        so_far += sessions
        if so_far >= needed:
            return number
    raise ValueError("there is nothing in any bin")


def spread_of(sheet: Sheet) -> dict[tuple[Kind, str | None], Spread]:
    """The spread of each row, over whole blocks and of one dimension at a time."""
    made, asked = sheet.pieces, sheet.asked
    if asked.interval is not Interval.NONE or any(span.weeks != BLOCK for span in made.spans):
        return {}
    everything = dict.fromkeys(_halved(made), frozenset({EVERYTHING}))
    fences = _fences(made, everything)
    rows = {
        row.measured.value: row
        for row in sheet.rows
        if row.measured.kind is Kind.GROUP and row.measured.value is not None
    }
    found: dict[tuple[Kind, str | None], Spread] = {}
    if asked.only is None and sheet.total:
        told = _of(made, EVERYTHING, everything, fences, {EVERYTHING: sheet.total})
        found[Kind.TOTAL, None] = told[EVERYTHING]
    facet = asked.group_by or (asked.only[0] if asked.only else None)
    if facet is None:
        return found
    if asked.only is not None and sheet.total:
        rows = {asked.only[1]: sheet.total}
    shown = made.joined({span: of.intersection(rows) for span, of in made.shown.items()})
    for value, spread in _of(made, facet.value, shown, fences, rows).items():
        if asked.only is not None:
            found[Kind.TOTAL, None] = spread
        found[Kind.GROUP, value] = spread
    return found


def _fences(made: Pieces, everything: _Shown) -> dict[str, float | None]:
    """The fence of each tool's costs, by the kind of their bins."""
    weeks = [week for live in made.live.values() for week in live]
    tools = {tool for of in made.weeks.held(Facet.TOOL, weeks).values() for tool in of}
    kinds = [f"cost {tool}" for tool in sorted(tools)]
    return {
        kind: fence_of(_bins(made, EVERYTHING, kind, everything).get(EVERYTHING, {}))
        for kind in kinds
    }


def _halved(made: Pieces) -> list[Span]:
    """The pieces, with half-years in the place of all their blocks."""
    halves = made.halves()
    within = {span for spans in halves.values() for span in spans}
    return [span for span in made.spans if span not in within] + [Span(HALF, w) for w in halves]


def _of(
    made: Pieces,
    dimension: str,
    shown: _Shown,
    fences: Mapping[str, float | None],
    rows: Mapping[str, Row],
) -> dict[str, Spread]:
    known = {kind: floor(fence) for kind, fence in fences.items() if fence is not None}
    above = _beyond(made, dimension, known, shown) if known else {}
    leads = _bins(made, dimension, "lead", shown)
    apart: Counter[str] = Counter()
    for kind in fences.keys() - known.keys():
        for value, held in _bins(made, dimension, kind, shown).items():
            apart[value] += sum(held.values())
    return {
        value: Spread(
            compared=row.sums.counted["priced"] - apart[value] if known else 0,
            beyond=above.get(value, 0),
            leads=leads.get(value, {}),
        )
        for value, row in rows.items()
    }


def _bins(made: Pieces, dimension: str, kind: str, shown: _Shown) -> _Bins:
    """How many are in each bin of a kind, by value."""

    def read(part: Shown) -> _Bins:
        return report_outcomes.bins(made.weeks.connection, dimension, kind, part)

    found: dict[str, Counter[int]] = defaultdict(Counter)
    for part in _remembered(made, ("bins", dimension, kind), shown, read):
        for value, held in part.items():
            found[value].update(held)
    return found


def _beyond(
    made: Pieces, dimension: str, fences: Mapping[str, int], shown: _Shown
) -> Mapping[str, int]:
    """How many sessions lie beyond the fence of their kind, by value."""

    def read(part: Shown) -> _Bins:
        told = report_outcomes.beyond(made.weeks.connection, dimension, fences, part)
        return {value: {0: many} for value, many in told.items()}

    key = "beyond", dimension, tuple(sorted(fences.items()))
    found: Counter[str] = Counter()
    for part in _remembered(made, key, shown, read):
        found.update({value: of[0] for value, of in part.items()})
    return found


def _remembered(
    made: Pieces, key: tuple[object, ...], shown: _Shown, read: Callable[[Shown], _Bins]
) -> Iterable[_Bins]:
    for spans in made.parts(shown):
        part = tuple((span, shown[span]) for span in sorted(spans))
        yield made.weeks.remembered((*key, part), spans, partial(read, part), _many)


def _many(told: _Bins) -> int:
    return sum(map(len, told.values()))
