"""The sums of what sessions bought, by group and time, as far as they may be told apart."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from classifier.parting import Pieces, pieces
from domain.contributions import NOTHING, Counts, Facet, Standing
from domain.efficiency import Asked, Interval, Kind, Measured, Period
from domain.privacy import together
from domain.weeks import BLOCK, HALF, QUARTER, block_of, monday
from store import report_outcomes
from store.engine import Connection
from store.outcomes import EVERYTHING, paired
from store.report_outcomes import Slice, Span, Summed

Sums = Mapping[Standing, Counts]
_Bucket = int | None
_Held = dict[tuple[_Bucket, str], dict[Standing, dict[str, int]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """Which counts are read, and whether labels are told apart."""

    counts: tuple[str, ...]
    by_label: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """All rows of an answer; ``pieces`` is what they are made of."""

    asked: Asked
    detail: Detail
    pieces: Pieces
    rows: tuple[Measured, ...]
    total: Measured | None

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
    whole = total_of(connection, asked, made, detail)
    total = _row(made, None, Kind.TOTAL, None, made.spans, added(whole.values()))
    if asked.group_by is None and asked.interval is Interval.NONE:
        return Sheet(asked=asked, detail=detail, pieces=made, rows=(), total=total)
    if asked.group_by is None:
        rows = [
            _row(made, bucket, Kind.TOTAL, None, _in(made, asked, bucket), sums)
            for (bucket, _), sums in sorted(whole.items(), key=_order)
        ]
        return Sheet(asked=asked, detail=detail, pieces=made, rows=tuple(rows), total=total)
    told = _rows(connection, asked, made, whole, detail)
    return Sheet(asked=asked, detail=detail, pieces=made, rows=tuple(told), total=total)


def bucket_of(asked: Asked, span: Span) -> _Bucket:
    """By what of the asked interval a piece is told apart: the first week; None: not at all."""
    if asked.interval is Interval.NONE:
        return None
    if asked.interval is Interval.FOUR_WEEKS and span.weeks < QUARTER:
        return block_of(span.week)
    return span.week


def total_of(connection: Connection, asked: Asked, made: Pieces, detail: Detail) -> _Held:
    """The sums of everything, or of the one value asked for, by interval.

    Answers that differ in how they group have this in common.
    """
    live = [week for of in made.live.values() for week in of]
    key = ("total", asked.only, asked.interval, detail, made.spans)
    return made.weeks.remembered(key, live, lambda: _total(connection, asked, made, detail))


def _total(connection: Connection, asked: Asked, made: Pieces, detail: Detail) -> _Held:
    by_span = asked.interval is not Interval.NONE
    of_piece = {small: span for span in made.spans for small in _blocks(made, span)}
    if asked.only is not None:
        facet, value = asked.only
        shown = [(span, value) for span in of_piece]
        wanted = _slice(detail, dimension=facet.value, spans=tuple(of_piece), shown=shown)
    else:
        spans = list(of_piece)
        if not by_span:
            for first, blocks in made.halves().items():
                spans = [span for span in spans if span not in blocks] + [Span(HALF, first)]
        wanted = _slice(detail, dimension=EVERYTHING, spans=tuple(spans))
    found = report_outcomes.summed(connection, wanted, by_value=False, by_span=by_span)
    return _held(
        (bucket_of(asked, of_piece[each.span]) if each.span else None, "", each) for each in found
    )


def _slice(detail: Detail, **which: Any) -> Slice:
    return Slice(counts=detail.counts, by_label=detail.by_label, **which)


def _blocks(made: Pieces, span: Span) -> list[Span]:
    """The pieces that sums of one dimension are kept by: a quarter's blocks."""
    if span.weeks < QUARTER:
        return [span]
    return [Span(BLOCK, first) for first in sorted({block_of(week) for week in made.live[span]})]


def _rows(
    connection: Connection,
    asked: Asked,
    made: Pieces,
    whole: _Held,
    detail: Detail,
) -> list[Measured]:
    ranked = _ranked(connection, asked, made)
    named, beyond = ranked[: asked.limit], frozenset(ranked[asked.limit :])
    shown = _shown(connection, asked, made, frozenset(named), detail)
    rows: list[Measured] = []
    for (bucket, value), sums in shown.items():
        spans = [s for s in _in(made, asked, bucket) if value in made.shown[s]]
        rows.append(_row(made, bucket, Kind.GROUP, value, spans, sums))
    ranks = {value: rank for rank, value in enumerate(named)}
    rows.sort(key=lambda row: (row.start or monday(0), ranks[row.value or ""]))
    everything: _Held | None = None
    for bucket in sorted({bucket for bucket, _ in whole}, key=lambda each: each or 0):
        spans = _in(made, asked, bucket)
        hidden = [(s, g) for s in spans for g in made.groups[s] if _hidden(made, s, g, beyond)]
        if hidden:
            if everything is None:
                everything = _everything(connection, asked, made, whole, detail)
            known = [of for (at, _), of in shown.items() if at == bucket]
            left = _without(everything.get((bucket, ""), {}), added(known))
            rows.append(_row_of_others(made, bucket, spans, hidden, left))
    return rows


def _hidden(made: Pieces, span: Span, group: str, beyond: Collection[str]) -> bool:
    return group not in made.shown[span] or group in beyond


def _ranked(connection: Connection, asked: Asked, made: Pieces) -> list[str]:
    """The groups that are shown, the costliest first; by whole blocks where weeks are told."""
    if asked.group_by is None:
        return []
    spent = dict.fromkeys((group for of in made.shown.values() for group in of), 0)
    if _is_crossed(asked):
        wanted = _crossed(asked, made, _COST)
        for each in report_outcomes.summed(connection, wanted, by_span=True):
            group = _group(wanted, each)
            if each.span and group in made.shown[each.span]:
                spent[group] += each.counts.get("cost_nanousd", 0)
    else:
        blocks = {block_of(span.week) for span in made.spans}
        for held in made.weeks.brief(asked.group_by, blocks).values():
            for group in spent.keys() & held.keys():
                spent[group] += sum(cost for _, _, cost, _ in held[group].values())
    return sorted(spent, key=lambda group: (-spent[group], group))


def _is_crossed(asked: Asked) -> bool:
    return asked.only is not None and asked.group_by not in (None, asked.only[0])


def _shown(
    connection: Connection,
    asked: Asked,
    made: Pieces,
    named: frozenset[str],
    detail: Detail,
) -> _Held:
    """The sums of these groups as far as they are shown, by interval and value."""
    by = asked.group_by
    pairs = [(span, group) for span, of in made.shown.items() for group in of & named]
    if by is None or not pairs:
        return {}
    by_span = asked.interval is not Interval.NONE
    if _is_crossed(asked):
        wanted = _crossed(asked, made, detail, pairs)
    else:
        shown = pairs if by_span else made.joined(pairs)
        wanted = _slice(detail, dimension=by.value, spans=made.spans, shown=shown)
    found = report_outcomes.summed(connection, wanted, by_span=by_span)
    return _held((_bucket(asked, each), _group(wanted, each), each) for each in found)


def _crossed(
    asked: Asked,
    made: Pieces,
    detail: Detail,
    shown: Collection[tuple[Span, str]] | None = None,
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


def _bucket(asked: Asked, each: Summed) -> _Bucket:
    return bucket_of(asked, each.span) if each.span else None


def _everything(
    connection: Connection, asked: Asked, made: Pieces, whole: _Held, detail: Detail
) -> _Held:
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
    told = report_outcomes.summed(connection, wanted, by_value=False, by_span=by_span)
    return _held((_bucket(asked, each), "", each) for each in told)


def _row_of_others(
    made: Pieces,
    bucket: _Bucket,
    spans: Collection[Span],
    hidden: Iterable[tuple[Span, str]],
    sums: Sums,
) -> Measured:
    who = together(made.groups[span][group] for span, group in hidden)
    start, weeks = _time(made, bucket, spans)
    return Measured(
        kind=Kind.OTHERS,
        value=None,
        time=bucket,
        start=start,
        weeks=weeks,
        weeks_pooled=0,
        people=who.bit_count(),
        sums=sums,
    )


def _row(
    made: Pieces,
    bucket: _Bucket,
    kind: Kind,
    value: str | None,
    spans: Collection[Span],
    sums: Sums,
) -> Measured:
    start, weeks = _time(made, bucket, spans)
    if value is None:
        who = together(made.everybody[span] for span in spans)
        pooled = 0
    else:
        who = together(made.groups[span][value] for span in spans)
        pooled = sum(
            len(made.live[span])
            for span, groups in made.groups.items()
            if value in groups and value not in made.shown[span]
        )
    return Measured(
        kind=kind,
        value=value,
        time=bucket,
        start=start,
        weeks=weeks,
        weeks_pooled=pooled if bucket is None else 0,
        people=who.bit_count(),
        sums=sums,
    )


def _time(
    made: Pieces, bucket: _Bucket, spans: Collection[Span]
) -> tuple[datetime | None, int | None]:
    if bucket is None:
        return None, None
    live = [week for span in spans for week in made.live[span]]
    # A block of which only some weeks have sessions is over all four all the same.
    return monday(min(live)), max(live) - min(live) + 1


def _in(made: Pieces, asked: Asked, bucket: _Bucket) -> list[Span]:
    return [span for span in made.spans if bucket_of(asked, span) == bucket]


def counted(sums: Sums) -> Counts:
    """The sums over all labels; what is not counted is zero."""
    found: dict[str, int] = defaultdict(int)
    for counts in sums.values():
        for name, amount in counts.items():
            found[name] += amount
    return found


def _held(told: Iterable[tuple[_Bucket, str, Summed]]) -> _Held:
    found: _Held = defaultdict(lambda: defaultdict(lambda: defaultdict(int)))
    for bucket, value, each in told:
        into = found[bucket, value][each.standing]
        for name, amount in each.counts.items():
            into[name] += amount
    return {key: {s: dict(counts) for s, counts in of.items()} for key, of in found.items()}


def added(all_of: Iterable[Sums]) -> Sums:
    """All of these together."""
    found: dict[Standing, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for sums in all_of:
        for standing, counts in sums.items():
            for name, amount in counts.items():
                found[standing][name] += amount
    return found


def _without(whole: Sums, known: Sums) -> Sums:
    left: dict[Standing, Counts] = {}
    for standing, counts in whole.items():
        less = known.get(standing, NOTHING)
        rest = {name: amount - less.get(name, 0) for name, amount in counts.items()}
        if any(rest.values()):
            left[standing] = {name: amount for name, amount in rest.items() if amount}
    return left


def _order(item: tuple[tuple[_Bucket, str], object]) -> tuple[int, str]:
    (bucket, value), _ = item
    return bucket or 0, value
