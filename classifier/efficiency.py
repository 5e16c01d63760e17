"""How efficient spend was: the productive share of settled spend, by group and time.

Settled are productive, inefficient and wasteful sessions whose label is final; neutral ones are
neither for nor against. What is provisional is told beside it, predictions never enter.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from classifier.intervals import difference
from classifier.measured import Detail, Row, Sheet, measure, total_of
from classifier.parting import Pieces, crossings
from classifier.tally import BRIEF, DOUBTS, Tally, together
from classifier.thresholds import EfficiencyThresholds
from domain.contributions import Facet
from domain.efficiency import (
    Asked,
    Beside,
    EfficiencyReport,
    EfficiencyRow,
    Interval,
    Kind,
    Measured,
    Reading,
    Share,
    Spent,
    Trend,
)
from domain.weeks import BLOCK, monday
from store.engine import Connection
from store.report_outcomes import Span

_DETAIL = Detail(counts=(*BRIEF, *DOUBTS), by_label=True)
# Labels of the last two or three blocks are mostly open: of those before, four to compare with.
_RECENT = 8
_Name: TypeAlias = tuple[Kind, str | None]
DEFAULTS = EfficiencyThresholds()


class _Timed(NamedTuple):
    """The tally of a time that begins with this week, with so many weeks that have sessions."""

    week: int
    weeks: int
    tally: Tally


def efficiency(
    connection: Connection,
    asked: Asked,
    now: datetime,
    floor: int,
    thresholds: EfficiencyThresholds = DEFAULTS,
) -> EfficiencyReport:
    """The efficiency of every group asked for. Raises TooFewPeople."""
    sheet = measure(connection, asked, floor, now, _DETAIL)
    if sheet.total is None:
        return EfficiencyReport(period=sheet.period, rows=(), total=None)
    company = _company(sheet)
    usual = _same_mix(sheet, thresholds)
    series = _series(sheet)

    def row(each: Row) -> EfficiencyRow:
        measured, sums, _ = each
        return _row(
            measured,
            sums.tally,
            sums.spent,
            company.get(measured.time),
            usual.get(measured.value) if measured.kind is Kind.GROUP else None,
            trend_of(series.get(_name(measured), ()), thresholds, measured.time),
            thresholds,
        )

    return EfficiencyReport(
        period=sheet.period, rows=tuple(map(row, sheet.rows)), total=row(sheet.total)
    )


def read(
    trend: Trend | None, settled: int, thresholds: EfficiencyThresholds, priced: int | None = None
) -> tuple[Reading, str]:
    """What follows for a group of so many settled sessions, as a code and a sentence.

    ``priced`` are those of them whose cost is known; None: all.
    """
    if settled < thresholds.settled_sessions:
        return (
            Reading.TOO_LITTLE,
            f"Only {settled} settled sessions: too few to say how efficient this is"
            f" ({thresholds.settled_sessions} are needed).",
        )
    if trend is None and priced == 0:
        return (
            Reading.NOTHING_BEFORE,
            "What the settled sessions cost is not known: no share of spend can be told.",
        )
    if trend is None:
        return (
            Reading.NOTHING_BEFORE,
            "There is no time that is settled enough to be compared with the four before it.",
        )
    return _moved(trend, more=trend.spend_change >= thresholds.spend_change)


def _moved(trend: Trend, *, more: bool) -> tuple[Reading, str]:
    ratios = f"{trend.before * 100:.0f} % to {trend.ratio * 100:.0f} %"
    spend = f"{trend.spend_change * 100:+.0f} %"
    said = Reading.GROWTH if more else Reading.STEADY
    if trend.high < 0:
        said = Reading.PROBLEM if more else Reading.FALLING
    elif trend.low > 0:
        said = Reading.RISING
    sentences = {
        Reading.PROBLEM: f"Spend rose ({spend}) while its productive share fell from {ratios}:"
        " a problem.",
        Reading.FALLING: f"The productive share fell from {ratios}; spend {spend}.",
        Reading.RISING: f"The productive share rose from {ratios}; spend {spend}.",
        Reading.GROWTH: f"Spend rose ({spend}), with no clear change in the productive share"
        f" ({ratios}): growth.",
        Reading.STEADY: f"No clear change in the productive share ({ratios}); spend {spend}.",
    }
    return said, sentences[said]


def trend_of(
    series: Sequence[_Timed], thresholds: EfficiencyThresholds, time: int | None = None
) -> Trend | None:
    """A time against the four before it: this one, None: the last that is settled enough."""
    place = _place(series, thresholds, time)
    if place is None:
        return None
    return _trend(tuple(series[max(place - thresholds.trend_intervals, 0) : place + 1]))


# Nearly all times that an answer is about are what they were in the last one.
@lru_cache(maxsize=4096)
def _trend(times: Sequence[_Timed]) -> Trend | None:
    """The last of these times against those before it."""
    *earlier, at = times
    past = together([each.tally for each in earlier])
    now, before = at.tally.ratio, past.ratio
    if now is None or before is None:
        return None
    low, high = difference(now, before)
    weeks_before = sum(each.weeks for each in earlier)
    a_week = past.cost / weeks_before
    return Trend(
        start=monday(at.week),
        weeks=at.weeks,
        weeks_before=weeks_before,
        ratio=now.value,
        before=before.value,
        change=now.value - before.value,
        low=low,
        high=high,
        spend_change=at.tally.cost / at.weeks / a_week - 1 if a_week else 0.0,
    )


def _place(
    series: Sequence[_Timed], thresholds: EfficiencyThresholds, time: int | None
) -> int | None:
    """Where the time that is compared stands; None: there is none, or none before it."""
    places: Iterable[int] = range(len(series) - 1, 0, -1)
    if time is not None:
        place = bisect_left(series, time, key=lambda each: each.week)
        places = (place,) if 0 < place < len(series) and series[place].week == time else ()
    enough = thresholds.settled_share
    return next((each for each in places if series[each].tally.settled_share >= enough), None)


def usual_by_type(by_type: Mapping[str, Tally]) -> dict[str, float]:
    """The company's ratio at each type of work; "" is work of no known type."""
    known = {kind: told for kind, told in by_type.items() if kind}
    untold = by_type.get("", Tally())
    whole = sum(told.settled_cost for told in known.values())
    return {
        kind: (told.good_cost + untold.good_cost * told.settled_cost / whole)
        / (told.settled_cost * (1 + untold.settled_cost / whole))
        for kind, told in known.items()
        if told.settled_cost
    }


# As many as four of the longest answers have; what it takes follows from the same sums each time.
@lru_cache(maxsize=2048)
def _row(
    measured: Measured,
    told: Tally,
    spent: tuple[Spent, ...],
    company: Tally | None,
    same_mix: float | None,
    trend: Trend | None,
    thresholds: EfficiencyThresholds,
) -> EfficiencyRow:
    by_spend, base = told.ratio, company.ratio if company else None
    reading, sentence = read(trend, told.settled_sessions, thresholds, told.settled_priced)
    enough = told.settled_sessions >= thresholds.settled_sessions
    return EfficiencyRow(
        measured=measured,
        by_spend=by_spend,
        by_sessions=told.ratio_by_sessions,
        coverage=told.coverage,
        spent=spent,
        unpriced_sessions=told.sessions - told.priced,
        lower_bound_sessions=told.lower_bounds,
        incomplete_sessions=told.incomplete,
        baseline=base.value if base else None,
        same_mix=same_mix,
        outlier=_outlier(by_spend, same_mix) if enough else None,
        trend=trend,
        reading=reading,
        sentence=sentence,
    )


def _outlier(by_spend: Share | None, same_mix: float | None) -> Beside | None:
    if by_spend is None or same_mix is None:
        return None
    if by_spend.low > same_mix:
        return Beside(by=by_spend.low - same_mix)
    return Beside(by=by_spend.high - same_mix) if by_spend.high < same_mix else None


def _company(sheet: Sheet) -> Mapping[int | None, Tally]:
    """The whole company over the same time, by interval."""
    asked = sheet.asked
    if asked.only is None and sheet.total and asked.interval is Interval.NONE:
        return {None: sheet.total.sums.tally}
    if asked.only is None and sheet.total and asked.group_by is None:
        # The rows are the company itself.
        return {row.measured.time: row.sums.tally for row in (*sheet.rows, sheet.total)}
    held = total_of(replace(asked, only=None), sheet.pieces, _DETAIL)
    found: dict[int | None, Tally] = {time: sums.tally for (time, _), sums in held.items()}
    found[None] = together(list(found.values()))
    return found


def _series(sheet: Sheet) -> Mapping[_Name, Sequence[_Timed]]:
    """Each row's group over time: by the interval asked for, else by blocks."""
    found: dict[_Name, list[_Timed]] = defaultdict(list)
    asked, made = sheet.asked, sheet.pieces
    if asked.interval is not Interval.NONE:
        for row, sums, _ in sheet.rows:
            if row.time is not None:
                found[_name(row)].append(_Timed(row.time, row.weeks or 1, sums.tally))
        return found
    recent = made.blocks[-_RECENT:]
    facet = asked.group_by or (asked.only[0] if asked.only else None)
    if asked.only is None:
        for first, groups in sorted(made.weeks.tallies(None, recent).items()):
            found[Kind.TOTAL, None].append(_timed(made, first, together(list(groups.values()))))
    named = {row.measured.value for row in sheet.rows} | {asked.only[1] if asked.only else None}
    for first, groups in sorted(made.weeks.tallies(facet, recent).items()) if facet else ():
        for group in made.shown[Span(BLOCK, first)] & groups.keys() & named:
            timed = _timed(made, first, groups[group])
            found[Kind.GROUP, group].append(timed)
            if asked.only is not None:
                found[Kind.TOTAL, None].append(timed)
    return found


def _timed(made: Pieces, first: int, told: Tally) -> _Timed:
    return _Timed(first, len(made.live[Span(BLOCK, first)]), told)


def _same_mix(sheet: Sheet, thresholds: EfficiencyThresholds) -> dict[str | None, float]:
    """What the company's ratio would be over each group's own mix of types of work.

    Only pairs of a group and a type that may be shown are looked at; where they are too small a
    part of the group's settled spend, nothing is said. Work of no known type, which mostly came to
    nothing, is taken to be spread as the known work is.
    """
    asked, weeks = sheet.asked, sheet.pieces.weeks
    by, asked_over_all = asked.group_by, asked.only is None and asked.interval is Interval.NONE
    if by is None or by is Facet.WORK_TYPE or not asked_over_all:
        return {}
    usual = usual_by_type(_by_type(sheet))
    mixes: dict[str, dict[str, int]] = defaultdict(dict)
    quarters = crossings(weeks, by, Facet.WORK_TYPE) if usual else []
    for (group, kind), spent in weeks.mix(by, Facet.WORK_TYPE, quarters).items():
        if kind in usual:
            mixes[group][kind] = spent
    found: dict[str | None, float] = {}
    for row, sums, _ in sheet.rows:
        mix = mixes.get(row.value or "", {}) if row.kind is Kind.GROUP else {}
        known, whole = sum(mix.values()), sums.tally.settled_cost
        if known and known >= thresholds.mix_known * whole:
            found[row.value] = sum(of * usual[kind] for kind, of in mix.items()) / known
    return found


def _by_type(sheet: Sheet) -> dict[str, Tally]:
    """The company by type of work, of the blocks and types that may be shown."""
    weeks, kind = sheet.pieces.weeks, Facet.WORK_TYPE
    found: dict[str, list[Tally]] = defaultdict(list)
    for first, groups in weeks.tallies(kind, sheet.pieces.blocks).items():
        live = sheet.pieces.live[Span(BLOCK, first)]
        parted = weeks.parted(kind, weeks.held(kind, live), live)
        for group in groups.keys() & parted.shown if parted else ():
            found[group].append(groups[group])
    return {group: together(of) for group, of in found.items()}


def _name(measured: Measured) -> _Name:
    return measured.kind, measured.value
