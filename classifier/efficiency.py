"""How efficient spend was: the productive share of settled spend, by group and time.

Settled are productive, inefficient and wasteful sessions whose label is final; neutral ones are
neither for nor against. What is provisional is told beside it, predictions never enter.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple, TypeAlias

from classifier.intervals import difference, effective, share_of
from classifier.measured import (
    Sheet,
    Sums,
    added,
    cost_of,
    counted,
    measure,
    summed_up,
    total_of,
)
from classifier.parting import SETTLED, Pieces, crossings
from classifier.thresholds import EfficiencyThresholds
from domain.contributions import Facet, Standing
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
from domain.labels import Label, Maturity
from domain.weeks import BLOCK, monday
from store.engine import Connection
from store.report_outcomes import Span

_OPEN = frozenset({Label.PENDING, Label.UNKNOWN})
_NANO_A_SQUARED_UNIT = 100_000
# Labels of the last two or three blocks are mostly open: of those before, four to compare with.
_RECENT = 8
_Name: TypeAlias = tuple[Kind, str | None]
DEFAULTS = EfficiencyThresholds()


class _Timed(NamedTuple):
    """The sums of a time that begins with this week, with so many weeks that have sessions."""

    week: int
    weeks: int
    sums: Sums


def efficiency(
    connection: Connection,
    asked: Asked,
    now: datetime,
    floor: int,
    thresholds: EfficiencyThresholds = DEFAULTS,
) -> EfficiencyReport:
    """The efficiency of every group asked for. Raises TooFewPeople."""
    sheet = measure(connection, asked, floor, now)
    if sheet.total is None:
        return EfficiencyReport(period=sheet.period, rows=(), total=None)
    company: Mapping[int | None, Sums] = {}
    usual: Mapping[str | None, float] = {}
    series: Mapping[_Name, Sequence[_Timed]] = {}
    if not asked.plain:
        company = _company(connection, sheet)
    usual, series = _same_mix(sheet, thresholds), _series(sheet)

    def row(each: Measured) -> EfficiencyRow:
        told = series.get(_name(each), ())
        return _row(each, company, usual.get(each.value), told, thresholds)

    return EfficiencyReport(
        period=sheet.period, rows=tuple(map(row, sheet.rows)), total=row(sheet.total)
    )


def ratio(sums: Sums) -> Share | None:
    """The productive share of settled spend; None where nothing settled has cost anything."""
    settled = counted(sums, is_settled)
    good = counted(sums, is_good)
    spent = settled["cost_nanousd"]
    weight = effective(spent / _NANO_A_SQUARED_UNIT, settled["cost_squares"])
    # Costs below a hundredth of a cent have no square: each session then counts as one.
    weight = min(weight or settled["priced"], settled["priced"])
    return share_of(good["cost_nanousd"], spent, weight)


def ratio_by_sessions(sums: Sums) -> Share | None:
    """The productive share of settled sessions."""
    settled = counted(sums, is_settled)["sessions"]
    good = counted(sums, is_good)
    return share_of(good["sessions"], settled, settled)


def is_settled(standing: Standing) -> bool:
    """Whether sessions with this label count in a ratio."""
    return standing.maturity == Maturity.FINAL and standing.label in SETTLED


def is_good(standing: Standing) -> bool:
    """Whether settled sessions with this label were productive."""
    return is_settled(standing) and standing.label == Label.PRODUCTIVE


def coverage(sums: Sums) -> float | None:
    """The share of spend whose label says something, final or not."""
    whole = cost_of(sums)
    told = counted(sums, lambda standing: standing.label not in _OPEN)["cost_nanousd"]
    return told / whole if whole else None


def settled_share(sums: Sums) -> float:
    """The share of spend whose label is final, neutral ones too."""
    final = counted(sums, lambda s: s.maturity == Maturity.FINAL and s.label not in _OPEN)
    return final["cost_nanousd"] / (cost_of(sums) or 1)


def spent_by_label(sums: Sums) -> tuple[Spent, ...]:
    """What went to each label, by which rules; the labels in their own order."""
    found = []
    for label in Label:
        own = {standing: counts for standing, counts in sums.items() if standing.label == label}
        if not own:
            continue
        whole, final = counted(own), counted(own, lambda s: s.maturity == Maturity.FINAL)
        rules: dict[str, tuple[int, int]] = {}
        for standing, counts in sorted(own.items(), key=lambda item: item[0].rule):
            sessions, spent = rules.get(standing.rule, (0, 0))
            rules[standing.rule] = (
                sessions + counts.get("sessions", 0),
                spent + counts.get("cost_nanousd", 0),
            )
        found.append(
            Spent(
                label=label,
                sessions=whole["sessions"],
                cost_nanousd=whole["cost_nanousd"],
                final_sessions=final["sessions"],
                final_nanousd=final["cost_nanousd"],
                rules=rules,
            )
        )
    return tuple(found)


def read(trend: Trend | None, sums: Sums, thresholds: EfficiencyThresholds) -> tuple[Reading, str]:
    """What follows, as a code and a sentence."""
    settled = counted(sums, is_settled)["sessions"]
    if settled < thresholds.settled_sessions:
        return (
            Reading.TOO_LITTLE,
            f"Only {settled} settled sessions: too few to say how efficient this is"
            f" ({thresholds.settled_sessions} are needed).",
        )
    if trend is None:
        return (
            Reading.NOTHING_BEFORE,
            "There is no time that is settled enough to be compared with the four before it.",
        )
    return _moved(trend, more=trend.spend_change >= thresholds.spend_change)


def _moved(trend: Trend, *, more: bool) -> tuple[Reading, str]:
    ratios = f"{trend.before:.0%} to {trend.ratio:.0%}"
    spend = f"{trend.spend_change:+.0%}"
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
        Reading.GROWTH: f"Spend rose ({spend}) at a steady productive share ({ratios}): growth.",
        Reading.STEADY: f"The productive share is steady ({ratios}); spend {spend}.",
    }
    return said, sentences[said]


def trend_of(series: Sequence[_Timed], thresholds: EfficiencyThresholds) -> Trend | None:
    """The last time that is settled enough, against the four before it."""
    for place in range(len(series) - 1, 0, -1):
        at = series[place]
        if settled_share(at.sums) < thresholds.settled_share:
            continue
        earlier = series[max(place - thresholds.trend_intervals, 0) : place]
        now, before = ratio(at.sums), ratio(added([each.sums for each in earlier]))
        if now is None or before is None:
            return None
        low, high = difference(now, before)
        spent = sum(cost_of(each.sums) for each in earlier)
        a_week = spent / sum(each.weeks for each in earlier)
        return Trend(
            start=monday(at.week),
            weeks=at.weeks,
            ratio=now.value,
            before=before.value,
            change=now.value - before.value,
            low=low,
            high=high,
            spend_change=cost_of(at.sums) / at.weeks / a_week - 1 if a_week else 0.0,
        )
    return None


def _row(
    measured: Measured,
    company: Mapping[int | None, Sums],
    same_mix: float | None,
    series: Sequence[_Timed],
    thresholds: EfficiencyThresholds,
) -> EfficiencyRow:
    sums, time = measured.sums, measured.time
    by_spend, base = ratio(sums), ratio(company.get(time, {}))
    all_of_it = counted(sums)
    trend = trend_of([e for e in series if time is None or e.week <= time], thresholds)
    if trend is not None and time is not None and trend.start != monday(time):
        trend = None  # not of this time: it is not settled enough
    reading, sentence = read(trend, sums, thresholds)
    return EfficiencyRow(
        measured=measured,
        by_spend=by_spend,
        by_sessions=ratio_by_sessions(sums),
        coverage=coverage(sums),
        spent=spent_by_label(sums),
        unpriced_sessions=all_of_it["sessions"] - all_of_it["priced"],
        baseline=base.value if base else None,
        same_mix=same_mix,
        outlier=_outlier(by_spend, same_mix, sums, thresholds),
        trend=trend,
        reading=reading,
        sentence=sentence,
    )


def _outlier(
    by_spend: Share | None,
    same_mix: float | None,
    sums: Sums,
    thresholds: EfficiencyThresholds,
) -> Beside | None:
    if by_spend is None or same_mix is None:
        return None
    if counted(sums, is_settled)["sessions"] < thresholds.settled_sessions:
        return None
    if by_spend.low > same_mix:
        return Beside(by=by_spend.low - same_mix)
    return Beside(by=by_spend.high - same_mix) if by_spend.high < same_mix else None


def _name(measured: Measured) -> tuple[Kind, str | None]:
    return measured.kind, measured.value


def _company(connection: Connection, sheet: Sheet) -> Mapping[int | None, Sums]:
    """The sums of the whole company over the same time, by interval."""
    if sheet.asked.only is None and sheet.asked.interval is Interval.NONE and sheet.total:
        return {None: sheet.total.sums}
    held = total_of(connection, replace(sheet.asked, only=None), sheet.pieces)
    found: dict[int | None, Sums] = {time: sums for (time, _), sums in held.items()}
    found[None] = added(held.values())
    return found


def _series(sheet: Sheet) -> Mapping[_Name, Sequence[_Timed]]:
    """The sums of each row's group over time: by the interval asked for, else by blocks."""
    found: dict[_Name, list[_Timed]] = defaultdict(list)
    asked, made = sheet.asked, sheet.pieces
    if asked.interval is not Interval.NONE:
        for row in sheet.rows:
            if row.time is not None:
                found[_name(row)].append(_Timed(row.time, row.weeks or 1, row.sums))
        return found
    recent = made.blocks[-_RECENT:]
    facet = asked.group_by or (asked.only[0] if asked.only else None)
    if asked.only is None:
        for first, held in sorted(made.weeks.brief(None, recent).items()):
            found[Kind.TOTAL, None].append(_timed(made, first, held.values()))
    for first, held in sorted(made.weeks.brief(facet, recent).items()) if facet else ():
        for group in made.shown[Span(BLOCK, first)] & held.keys():
            timed = _timed(made, first, [held[group]])
            found[Kind.GROUP, group].append(timed)
            if asked.only is not None:
                found[Kind.TOTAL, None].append(timed)
    return found


def _timed(
    made: Pieces, first: int, told: Iterable[Mapping[tuple[str, str], Sequence[int]]]
) -> _Timed:
    return _Timed(first, len(made.live[Span(BLOCK, first)]), summed_up(told))


def _same_mix(sheet: Sheet, thresholds: EfficiencyThresholds) -> dict[str | None, float]:
    """What the company's ratio would be over each group's own mix of types of work.

    Only pairs of a group and a type that may be shown are looked at; where they are too small a
    part of the group's settled spend, nothing is said. Work of no known type, which mostly came to
    nothing, is taken to be spread as the known work is.
    """
    by, weeks = sheet.asked.group_by, sheet.pieces.weeks
    if by is None or by is Facet.WORK_TYPE or sheet.asked.only or sheet.asked.interval != "none":
        return {}
    usual = usual_by_type(_by_type(sheet))
    mixes: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for crossing in crossings(weeks, by, Facet.WORK_TYPE) if usual else ():
        for (group, kind), spent in weeks.mix(by, Facet.WORK_TYPE, crossing).items():
            if kind in usual:
                mixes[group][kind] += spent
    found: dict[str | None, float] = {}
    for row in sheet.rows:
        mix = mixes.get(row.value or "", {}) if row.kind is Kind.GROUP else {}
        known, whole = sum(mix.values()), counted(row.sums, is_settled)["cost_nanousd"]
        if known and known >= thresholds.mix_known * whole:
            found[row.value] = sum(of * usual[kind] for kind, of in mix.items()) / known
    return found


def _by_type(sheet: Sheet) -> dict[str, Sums]:
    """The company's sums by type of work, of the blocks and types that may be shown."""
    weeks, kind = sheet.pieces.weeks, Facet.WORK_TYPE
    told: dict[str, list[Mapping[tuple[str, str], Sequence[int]]]] = defaultdict(list)
    for first, held in weeks.brief(kind, sheet.pieces.blocks).items():
        live = sheet.pieces.live[Span(BLOCK, first)]
        parted = weeks.parted(kind, weeks.held(kind, live), live)
        for group in held.keys() & parted.shown if parted else ():
            told[group].append(held[group])
    return {group: summed_up(of) for group, of in told.items()}


def usual_by_type(by_type: Mapping[str, Sums]) -> dict[str, float]:
    """The company's ratio at each type of work; "" is work of no known type."""
    settled = {kind: counted(of, is_settled)["cost_nanousd"] for kind, of in by_type.items()}
    good = {kind: counted(of, is_good)["cost_nanousd"] for kind, of in by_type.items()}
    untold, untold_good = settled.pop("", 0), good.pop("", 0)
    whole = sum(settled.values())
    return {
        kind: (good[kind] + untold_good * spent / whole) / (spent * (1 + untold / whole))
        for kind, spent in settled.items()
        if spent
    }
