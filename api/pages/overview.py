"""The overview: where the spend goes, what it buys, and what is missing to say more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from api.floor import WIDER, too_few
from api.pages import formats, ratios
from api.pages import tables as cells
from api.pages.arrived import DECISIONS
from api.pages.charts import Chart
from api.pages.filters import PageParameters
from api.pages.tables import CANNOT_SAY, Cell, Column, Table
from api.wiring import Wiring
from domain.contributions import Facet
from domain.efficiency import (
    EfficiencyReport,
    EfficiencyRow,
    Interval,
    Kind,
    Period,
    TooFewPeople,
)
from domain.judgement import By
from domain.labels import Label, Verdict
from domain.leaks import Measured
from store import report_status
from store.engine import Connection
from store.report_status import Arrival
from store.unlinked import UnlinkedSpend, spend_unlinked

SILENT_AFTER = timedelta(days=7)
# Groups that are named; the rest is told together.
_MOST = 10
_GROUPED = (Facet.WORK_TYPE, Facet.MODEL, Facet.TOOL, Facet.TEAM, Facet.REPO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What keeps the numbers from saying more.

    ``unknown`` are rules by which spend is unknown, with what it cost; ``unpriced_sessions`` are
    those of unknown cost, which no sum of spend has; ``lower_bound_sessions`` and
    ``incomplete_sessions`` cost more than these sums have (``domain.efficiency``); ``silent`` are
    tools with the time of their last record.
    """

    unknown: Sequence[tuple[str, int]]
    unpriced_sessions: int
    lower_bound_sessions: int
    incomplete_sessions: int
    unlinked: Sequence[UnlinkedSpend]
    silent: Sequence[tuple[str, datetime]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Everything that the page says. ``total`` is of what the page is narrowed to.

    ``doubts`` says why it cost at least ``spent_nanousd``.
    """

    now: datetime
    arrival: Arrival
    period: Period
    total: EfficiencyRow
    spent_nanousd: int | None
    doubts: str | None
    open_nanousd: int | None
    opens_unknown: bool
    sessions: int
    leaks: Measured | None
    charts: Sequence[Chart]
    tables: Sequence[Table]
    missing: Missing
    choices: Mapping[str, Sequence[str]]


def overview(wiring: Wiring, parameters: PageParameters) -> Overview | None:
    """Gather the page; None as long as nothing at all can be said of what the spend bought."""
    now = wiring.clock()
    with wiring.database.reading() as connection:
        by_week = ratios.report(wiring, connection, parameters, now, None, Interval.WEEK)
        if by_week is None and parameters.one():
            raise too_few(wiring.privacy_floor, WIDER)
        if by_week is None or by_week.total is None:
            return None
        if by_week.total.by_spend is None and not parameters.query():
            return None
        whole = ratios.report(wiring, connection, parameters, now, None)
        grouped = _grouped(wiring, connection, parameters, now)
        leaks = wiring.leaks(connection, wiring.privacy_floor)
        verdicts = wiring.judge(connection, now, By.TOOL).verdicts
        total = whole.total if whole and whole.total else by_week.total
        return Overview(
            now=now,
            arrival=report_status.arrival(wiring.database),
            period=by_week.period,
            total=total,
            spent_nanousd=total.cost_nanousd,
            doubts=ratios.doubts(total),
            open_nanousd=ratios.open_of(total),
            opens_unknown=ratios.opens_unknown(total),
            sessions=ratios.sessions_of(total),
            leaks=None if leaks.withheld else leaks.measured,
            charts=_charts(by_week, total, narrowed=parameters.one() is not None),
            tables=[
                ratios.by_week("by_week", by_week.rows),
                *_tables(grouped, verdicts, parameters),
                *_loops(wiring, connection, parameters, now),
            ],
            missing=missing(connection, total, parameters, now),
            choices=_choices(grouped, parameters),
        )


def _grouped(
    wiring: Wiring, connection: Connection, parameters: PageParameters, now: datetime
) -> dict[Facet, EfficiencyReport]:
    """What the page tells by each dimension; those are left out that too few people are behind."""
    found = {
        facet: ratios.report(wiring, connection, parameters, now, facet, limit=_MOST)
        for facet in _GROUPED
    }
    return {facet: told for facet, told in found.items() if told is not None}


def _charts(by_week: EfficiencyReport, total: EfficiencyRow, *, narrowed: bool) -> list[Chart]:
    whole = total.by_spend.value if total.by_spend else None
    rows = by_week.rows
    if narrowed:
        beside, baseline = (
            "whole company",
            [row.baseline if ratios.is_settled(row) else None for row in rows],
        )
    else:
        beside, baseline = "whole period", [whole] * len(rows)
    return [ratios.spend_chart(rows), ratios.ratio_chart(rows, beside, baseline)]


def _tables(
    grouped: Mapping[Facet, EfficiencyReport],
    verdicts: Sequence[Verdict],
    parameters: PageParameters,
) -> list[Table]:
    captions = {
        Facet.WORK_TYPE: "Spend by type of work",
        Facet.MODEL: "Spend by model",
        Facet.TEAM: "Spend by team",
        Facet.REPO: "Spend by repository",
    }
    made = [
        ratios.spending(f"by_{facet}", caption, grouped[facet], facet, parameters)
        for facet, caption in captions.items()
        if facet in grouped
    ]
    if Facet.WORK_TYPE in grouped:
        made.append(_earning(grouped[Facet.WORK_TYPE], parameters))
    return [*made, _verdicts(verdicts)]


def _loops(
    wiring: Wiring, connection: Connection, parameters: PageParameters, now: datetime
) -> list[Table]:
    """Sessions in which the same call failed again and again, of those whose tool tells calls."""
    asked = ratios.question(parameters, now, Facet.TOOL, limit=_MOST)
    try:
        told = wiring.kpis(connection, asked, now, wiring.privacy_floor)
    except TooFewPeople:
        return []
    rows = []
    for row in told.rows:
        rate = next(each for each in row.kpis if each.name == "loop_rate")
        rows.append(
            (
                ratios.name_of(row.measured, Facet.TOOL, "/", parameters),
                cells.count(None if rate.value is None else round(rate.value * rate.sessions)),
                cells.part(rate.value),
                cells.count(rate.sessions),
                Cell(
                    text=None if rate.missing is None else formats.share(rate.missing),
                    values=(rate.missing,),
                    missing=CANNOT_SAY,
                ),
            )
        )
    rows.sort(key=lambda row: -(row[2].part or 0))
    made = Table(
        name="loops",
        caption="Sessions that loop, by tool",
        columns=(
            Column(title="Tool", names=("tool",)),
            Column(title="Loop", names=("looping_sessions",), numeric=True),
            Column(title="Of those that tell", names=("looping_share",), numeric=True),
            Column(title="Tell", names=("sessions_that_tell",), numeric=True, wide=True),
            Column(title="Don't tell", names=("share_untold",), numeric=True, wide=True),
        ),
        rows=rows,
    )
    return [made]


def _earning(of: EfficiencyReport, parameters: PageParameters) -> Table:
    """Types of work by their productive share, the best first."""
    told = [row for row in of.rows if row.by_spend and row.measured.kind is Kind.GROUP]
    told.sort(key=lambda row: -(row.by_spend.value if row.by_spend else 0))
    return Table(
        name="earning",
        caption="Productive share by type of work",
        columns=(
            Column(title="Type of work", names=("work_type",)),
            ratios.RATIO,
            Column(title="Productive", names=("productive_usd",), numeric=True),
            ratios.SESSIONS,
        ),
        rows=[
            (
                ratios.name_of(row.measured, Facet.WORK_TYPE, "/", parameters),
                ratios.ratio(row),
                cells.dollars(_productive(row)),
                cells.count(ratios.sessions_of(row)),
            )
            for row in told
        ],
    )


def _productive(row: EfficiencyRow) -> int:
    return sum(each.final_nanousd or 0 for each in row.spent if each.label is Label.PRODUCTIVE)


def _verdicts(verdicts: Sequence[Verdict]) -> Table:
    return Table(
        name="verdicts",
        caption="Verdicts on tools",
        columns=(
            Column(title="Tool", names=("tool",)),
            Column(title="Verdict", names=("verdict",)),
            ratios.AT_MIX,
        ),
        rows=[
            (
                cells.words(each.tool, href=f"/tools/{each.tool}"),
                decision(each),
                cells.share(each.standardised_share, each.interval),
            )
            for each in sorted(verdicts, key=lambda each: each.tool)
        ],
    )


def decision(verdict: Verdict) -> Cell:
    """A verdict with what it takes still, or else its reason."""
    met = sum(each.met for each in verdict.requirements)
    short = met < len(verdict.requirements)
    return Cell(
        text=DECISIONS[verdict.decision],
        values=(verdict.decision.value,),
        mark=f"decision {verdict.decision.value}",
        note=f"{met} of {len(verdict.requirements)} requirements met" if short else verdict.reason,
        missing=CANNOT_SAY,
    )


def missing(
    connection: Connection, total: EfficiencyRow, parameters: PageParameters, now: datetime
) -> Missing:
    """What keeps this total, narrowed as the page is, from saying more."""
    unknown: dict[str, int] = {}
    for each in total.spent:
        if each.label is Label.UNKNOWN:
            unknown = {rule: cost for rule, (_, cost) in each.rules.items() if cost is not None}
    last: dict[str, datetime] = {}
    for kind in report_status.coverage(connection):
        last[kind.tool] = max(kind.last_at, last.get(kind.tool, kind.last_at))
    return Missing(
        unknown=sorted(unknown.items(), key=lambda item: (-item[1], item[0])),
        unpriced_sessions=total.unpriced_sessions,
        lower_bound_sessions=total.lower_bound_sessions,
        incomplete_sessions=total.incomplete_sessions,
        unlinked=[]
        if parameters.one()
        else sorted(
            spend_unlinked(connection, parameters.since(now)),
            key=lambda each: -(each.cost_nanousd or 0),
        ),
        silent=sorted((tool, at) for tool, at in last.items() if now - at > SILENT_AFTER),
    )


def _choices(
    grouped: Mapping[Facet, EfficiencyReport], parameters: PageParameters
) -> dict[str, list[str]]:
    """What the page may be narrowed to: groups that it shows, and what it is narrowed to now."""
    found = {}
    for facet in (Facet.TOOL, Facet.TEAM, Facet.REPO):
        rows = grouped[facet].rows if facet in grouped else ()
        values = {row.measured.value for row in rows if row.measured.kind is Kind.GROUP}
        own = getattr(parameters, facet.value)
        named = {value for value in (*values, own) if value is not None}
        if named:
            found[facet.value] = sorted(named)
    one = parameters.one()
    if one is not None and one[0].value not in found:
        found[one[0].value] = [one[1]]
    return found
