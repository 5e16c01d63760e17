"""The sums of what sessions bought, by group and time, as far as they may be told apart."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

from classifier.parting import Pieces, pieces
from classifier.sums import Bucket, Held, Sums, added, held, without
from classifier.unnamed import Unnamed
from domain.contributions import Facet
from domain.efficiency import Asked, Interval, Kind, Measured, Period
from domain.privacy import together
from domain.weeks import BLOCK, HALF, QUARTER, block_of, monday
from store import report_outcomes
from store.engine import Connection
from store.outcomes import EVERYTHING, paired
from store.report_outcomes import Shown, Slice, Span, Summed

_Times: TypeAlias = Mapping[Bucket, Sequence[Span]]
"""The pieces of each interval."""


class Row(NamedTuple):
    """What a row is about, its sums, and how many of its sessions nobody is told of."""

    measured: Measured
    sums: Sums
    unnamed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """Which counts are read, whether labels are told apart, and sessions of nobody counted."""

    counts: tuple[str, ...]
    by_label: bool
    unnamed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """All rows of an answer; ``pieces`` is what they are made of."""

    asked: Asked
    detail: Detail
    pieces: Pieces
    rows: tuple[Row, ...]
    total: Row | None

    @property
    def period(self) -> Period:
        """Which time the answer is about."""
        return self.pieces.period


_COST = Detail(counts=("cost_nanousd",), by_label=False)


def measure(
    connection: Connection, asked: Asked, floor: int, now: datetime, detail: Detail
) -> Sheet:
    """Read the sums that are asked for. Raises TooFewPeople."""
    made = pieces(connection, asked, floor, now)
    if not made.spans:
        return Sheet(asked=asked, detail=detail, pieces=made, rows=(), total=None)
    whole = total_of(asked, made, detail)
    unnamed = Unnamed(made, asked, detail.unnamed)
    total = _row(unnamed, None, Kind.TOTAL, None, made.spans, added(whole.values()))
    times = _times(made, asked)
    if asked.group_by is not None:
        told = _rows(connection, unnamed, times, whole, detail)
    elif asked.interval is Interval.NONE:
        told = []
    else:
        told = [
            _row(unnamed, bucket, Kind.TOTAL, None, times[bucket], sums)
            for (bucket, _), sums in sorted(whole.items(), key=_order)
        ]
    return Sheet(asked=asked, detail=detail, pieces=made, rows=tuple(told), total=total)


def bucket_of(asked: Asked, span: Span) -> Bucket:
    """By what of the asked interval a piece is told apart: the first week; None: not at all."""
    if asked.interval is Interval.NONE:
        return None
    if asked.interval is Interval.FOUR_WEEKS and span.weeks < QUARTER:
        return block_of(span.week)
    return span.week


def total_of(asked: Asked, made: Pieces, detail: Detail) -> Held:
    """The sums of everything, or of the one value asked for, by interval."""
    by_span = asked.interval is not Interval.NONE
    of_piece = {small: span for span in made.spans for small in _blocks(made, span)}
    if asked.only is not None:
        facet, value = asked.only
        shown = tuple((span, frozenset({value})) for span in of_piece)
        wanted = _slice(detail, dimension=facet.value, spans=tuple(of_piece), shown=shown)
    else:
        spans = list(of_piece)
        if not by_span:
            for first, blocks in made.halves().items():
                spans = [span for span in spans if span not in blocks] + [Span(HALF, first)]
        wanted = _slice(detail, dimension=EVERYTHING, spans=tuple(spans))

    def placed(each: Summed) -> tuple[Bucket, str]:
        return bucket_of(asked, of_piece[each.span]) if each.span else None, ""

    quarters = any(span.weeks == QUARTER for span in made.spans)
    how = "total", asked.interval, quarters
    return held(made, wanted, placed, how, by_value=False, by_span=by_span)


def _slice(detail: Detail, **which: Any) -> Slice:
    return Slice(counts=detail.counts, by_label=detail.by_label, **which)


def _blocks(made: Pieces, span: Span) -> list[Span]:
    """The pieces that sums of one dimension are kept by: a quarter's blocks."""
    if span.weeks < QUARTER:
        return [span]
    return [Span(BLOCK, first) for first in sorted({block_of(week) for week in made.live[span]})]


def _rows(
    connection: Connection, unnamed: Unnamed, times: _Times, whole: Held, detail: Detail
) -> list[Row]:
    asked, made = unnamed.asked, unnamed.made
    ranked = _ranked(connection, asked, made)
    named, beyond = ranked[: asked.limit], frozenset(ranked[asked.limit :])
    shown = _shown(asked, made, frozenset(named), detail)
    pooled = _pooled(made) if asked.interval is Interval.NONE else Counter()
    rows: list[Row] = []
    known: dict[Bucket, list[Sums]] = defaultdict(list)
    for (bucket, value), sums in shown.items():
        spans = [span for span in times[bucket] if value in made.shown[span]]
        rows.append(_row(unnamed, bucket, Kind.GROUP, value, spans, sums, pooled[value]))
        known[bucket].append(sums)
    ranks = {value: rank for rank, value in enumerate(named)}
    rows.sort(key=lambda row: (row.measured.time or 0, ranks[row.measured.value or ""]))
    everything: Held | None = None
    for bucket in sorted({bucket for bucket, _ in whole}, key=lambda each: each or 0):
        hidden = _hidden(made, times[bucket], beyond)
        if hidden:
            if everything is None:
                everything = _everything(asked, made, whole, detail)
            left = without(everything.get((bucket, ""), Sums()), added(known[bucket]))
            rows.append(_row_of_others(unnamed, bucket, times[bucket], hidden, left))
    return rows


def _hidden(made: Pieces, spans: Iterable[Span], beyond: frozenset[str]) -> list[tuple[Span, str]]:
    return [
        (span, group)
        for span in spans
        for group in made.groups[span].keys() - (made.shown[span] - beyond)
    ]


def _ranked(connection: Connection, asked: Asked, made: Pieces) -> list[str]:
    """The groups that are shown, the costliest first; by whole blocks where weeks are told.

    Only what they spent where they are shown counts: their order must not tell the rest.
    """
    if asked.group_by is None:
        return []
    spent = dict.fromkeys(frozenset().union(*made.shown.values()), 0)
    if _is_crossed(asked):
        wanted = _crossed(asked, made, _COST)
        for each in report_outcomes.summed(connection, wanted, by_span=True):
            group = _group(wanted, each)
            if each.span and group in made.shown[each.span]:
                spent[group] += each.counts.get("cost_nanousd", 0)
    else:
        shown: dict[int, set[str]] = defaultdict(set)
        for span in made.spans:
            shown[block_of(span.week)] |= made.shown[span]
        for first, groups in made.weeks.tallies(asked.group_by, shown).items():
            for group in shown[first] & groups.keys():
                spent[group] += groups[group].cost
    return sorted(spent, key=lambda group: (-spent[group], group))


def _is_crossed(asked: Asked) -> bool:
    return asked.only is not None and asked.group_by not in (None, asked.only[0])


def _shown(asked: Asked, made: Pieces, named: frozenset[str], detail: Detail) -> Held:
    """The sums of these groups as far as they are shown, by interval and value."""
    by = asked.group_by
    shown = {span: of & named for span, of in made.shown.items() if of & named}
    if by is None or not shown:
        return {}
    by_span = asked.interval is not Interval.NONE
    if _is_crossed(asked):
        wanted = _crossed(asked, made, detail, tuple(shown.items()))
    else:
        shown = shown if by_span else made.joined(shown)
        wanted = _slice(detail, dimension=by.value, spans=made.spans, shown=tuple(shown.items()))

    def placed(each: Summed) -> tuple[Bucket, str]:
        return _bucket(asked, each), _group(wanted, each)

    return held(made, wanted, placed, ("shown", asked.interval), by_span=by_span)


def _crossed(
    asked: Asked,
    made: Pieces,
    detail: Detail,
    shown: Shown | None = None,
) -> Slice:
    """The groups within the one value asked for: these, or all, shown or not."""
    if asked.only is None or asked.group_by is None:
        raise ValueError("two dimensions are crossed")
    (within, value), by = asked.only, asked.group_by
    dimension = paired(within, by)
    first = dimension.startswith(f"{within},")
    return _slice(
        detail,
        dimension=dimension,
        spans=made.spans,
        shown=shown,
        value=value if first else None,
        other=None if first else value,
    )


def _group(wanted: Slice, each: Summed) -> str:
    """The group that a sum of a slice is of: where it is narrowed to one of a pair, the other."""
    return each.value if wanted.value is None else each.other


def _bucket(asked: Asked, each: Summed) -> Bucket:
    return bucket_of(asked, each.span) if each.span else None


def _everything(asked: Asked, made: Pieces, whole: Held, detail: Detail) -> Held:
    """The sums of all groups together, by interval: what those that are named are taken from."""
    by = asked.group_by
    if by is not None and _is_crossed(asked):
        wanted = _crossed(asked, made, detail)
    elif by is Facet.MODEL:
        # A session with two models counts with both: they do not add up to the sessions.
        wanted = _slice(detail, dimension=by.value, spans=made.spans)
    else:
        return whole
    by_span = asked.interval is not Interval.NONE

    def placed(each: Summed) -> tuple[Bucket, str]:
        return _bucket(asked, each), ""

    how = "everything", asked.interval
    return held(made, wanted, placed, how, by_value=False, by_span=by_span)


def _row_of_others(
    unnamed: Unnamed,
    bucket: Bucket,
    spans: Collection[Span],
    hidden: Collection[tuple[Span, str]],
    sums: Sums,
) -> Row:
    made = unnamed.made
    who = together(made.groups[span][group] for span, group in hidden)
    start, weeks = _time(made, bucket, spans)
    measured = Measured(
        kind=Kind.OTHERS,
        value=None,
        time=bucket,
        start=start,
        weeks=weeks,
        weeks_pooled=0,
        people=who.bit_count(),
    )
    return Row(measured, sums, unnamed.groups(hidden))


def _row(
    unnamed: Unnamed,
    bucket: Bucket,
    kind: Kind,
    value: str | None,
    spans: Collection[Span],
    sums: Sums,
    pooled: int = 0,
) -> Row:
    made = unnamed.made
    start, weeks = _time(made, bucket, spans)
    if value is None:
        who = together(made.everybody[span] for span in spans)
        nobodys = unnamed.whole(spans)
    else:
        who = together(made.groups[span][value] for span in spans)
        nobodys = unnamed.groups([(span, value) for span in spans])
    measured = Measured(
        kind=kind,
        value=value,
        time=bucket,
        start=start,
        weeks=weeks,
        weeks_pooled=pooled,
        people=who.bit_count(),
    )
    return Row(measured, sums, nobodys)


def _pooled(made: Pieces) -> Counter[str]:
    """In how many weeks each group has sessions and is not shown."""
    found: Counter[str] = Counter()
    for span, groups in made.groups.items():
        weeks = len(made.live[span])
        for group in groups.keys() - made.shown[span]:
            found[group] += weeks
    return found


def _time(
    made: Pieces, bucket: Bucket, spans: Collection[Span]
) -> tuple[datetime | None, int | None]:
    if bucket is None:
        return None, None
    live = [week for span in spans for week in made.live[span]]
    # A block of which only some weeks have sessions is over all four all the same.
    return monday(min(live)), max(live) - min(live) + 1


def _times(made: Pieces, asked: Asked) -> _Times:
    found: dict[Bucket, list[Span]] = defaultdict(list)
    for span in made.spans:
        found[bucket_of(asked, span)].append(span)
    return found


def _order(item: tuple[tuple[Bucket, str], object]) -> tuple[int, str]:
    (bucket, value), _ = item
    return bucket or 0, value
