"""Teams: how efficient the spend of each is, beside what is usual for its kind of work."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from api.pages import formats, ratios
from api.pages import tables as cells
from api.pages.charts import Chart, Form, Series, Tone, Unit
from api.pages.filters import PageParameters
from api.pages.tables import CANNOT_SAY, Cell, Column, Row, Table
from api.wiring import Wiring
from domain.contributions import Facet
from domain.efficiency import EfficiencyReport, EfficiencyRow, Kind, Reading

_READINGS = {
    Reading.TOO_LITTLE: "too little settled",
    Reading.NOTHING_BEFORE: "nothing to compare with",
    Reading.GROWTH: "growth",
    Reading.PROBLEM: "a problem",
    Reading.RISING: "rising",
    Reading.FALLING: "falling",
    Reading.STEADY: "no clear change",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamsView:
    """All teams; ``report`` is None where nothing can be said of enough people."""

    now: datetime
    floor: int
    report: EfficiencyReport | None
    charts: Sequence[Chart]
    tables: Sequence[Table]


def teams_view(wiring: Wiring, parameters: PageParameters) -> TeamsView:
    """Gather the page."""
    now = wiring.clock()
    with wiring.database.reading() as connection:
        report = ratios.report(wiring, connection, parameters, now, Facet.TEAM, quarters=True)
    if report is None or report.total is None:
        return TeamsView(now=now, floor=wiring.privacy_floor, report=None, charts=(), tables=())
    return TeamsView(
        now=now,
        floor=wiring.privacy_floor,
        report=report,
        charts=[_chart(report)] if any(row.by_spend for row in report.rows) else [],
        tables=[_table(report, parameters)],
    )


def _table(report: EfficiencyReport, parameters: PageParameters) -> Table:
    total = (report.total,) if report.total else ()
    return Table(
        name="teams",
        caption="Efficiency by team",
        columns=(
            Column(title="Team", names=("team",)),
            ratios.SPEND,
            ratios.RATIO,
            Column(title="Usual for such work", names=("same_mix",), numeric=True, wide=True),
            Column(title="Beside the usual", names=("outlier",)),
            Column(title="Trend", names=("reading", "change", "change_low", "change_high")),
            Column(title="Labelled", names=("coverage",), numeric=True, wide=True),
            Column(title="People", names=("people",), numeric=True, wide=True),
        ),
        rows=[_row(row, parameters) for row in (*report.rows, *total)],
    )


def _row(row: EfficiencyRow, parameters: PageParameters) -> Row:
    whole = row.measured.kind is Kind.TOTAL
    name = (
        Cell(text="All together", values=("(total)",))
        if whole
        else ratios.name_of(row.measured, Facet.TEAM, "/", parameters)
    )
    return (
        name,
        ratios.spend(row, note=_pooled(row)),
        ratios.ratio(row),
        _plain_share(row.same_mix),
        _outlier(row),
        _trend(row),
        _plain_share(row.coverage),
        cells.count(row.measured.people),
    )


def _pooled(row: EfficiencyRow) -> str | None:
    weeks = row.measured.weeks_pooled
    return f"without {weeks} weeks with too few people" if weeks else None


def _plain_share(value: float | None) -> Cell:
    text = None if value is None else formats.share(value)
    return Cell(text=text, values=(value,), missing=CANNOT_SAY)


def _outlier(row: EfficiencyRow) -> Cell:
    if row.measured.kind is not Kind.GROUP or row.same_mix is None:
        return Cell(text=None, values=(None,), missing=CANNOT_SAY)
    if row.outlier is None:
        return Cell(text="within what is usual", values=(None,))
    by = row.outlier.by
    side = "above" if by > 0 else "below"
    return Cell(
        text=f"clearly {side}",
        values=(by,),
        mark="tone-low" if by < 0 else "met",
        note=f"the whole interval, by {formats.share(abs(by))} at least",
    )


def _trend(row: EfficiencyRow) -> Cell:
    trend = row.trend
    values = (trend.change, trend.low, trend.high) if trend else (None, None, None)
    return Cell(text=_READINGS[row.reading], values=(row.reading.value, *values), note=row.sentence)


def _chart(report: EfficiencyReport) -> Chart:
    rows = [row for row in report.rows if row.by_spend][:20]
    return Chart(
        title="Productive share by team, beside what is usual for its kind of work",
        form=Form.BARS,
        unit=Unit.SHARE,
        labels=tuple(ratios.spelled(row) for row in rows),
        series=(
            Series(
                "productive share",
                Tone.MAIN,
                tuple(row.by_spend.value if row.by_spend else None for row in rows),
            ),
            Series("usual for such work", Tone.NEUTRAL, tuple(row.same_mix for row in rows)),
        ),
        width=640,
        height=90 + 44 * len(rows),
    )
