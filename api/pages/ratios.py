"""Rows of efficiency as pages show them: columns, cells, and the charts over time.

A group that too few people are behind is in the row of the others, and says so.
"""

from collections.abc import Sequence
from datetime import datetime

from api.pages import tables as cells
from api.pages.charts import Chart, Form, Series, Tone, Unit
from api.pages.filters import PageParameters, narrowed
from api.pages.tables import CANNOT_SAY, Cell, Column, Row, Table
from api.wiring import Wiring
from domain.contributions import Facet
from domain.efficiency import (
    Asked,
    EfficiencyReport,
    EfficiencyRow,
    Interval,
    Kind,
    Measured,
    TooFewPeople,
)
from domain.labels import Label
from domain.usage import NANOUSD
from store.engine import Connection

TONES = {label: Tone(label.value) for label in Label}
FACET_NAMES = {
    Facet.TOOL: "Tool",
    Facet.TEAM: "Team",
    Facet.REPO: "Repository",
    Facet.MODEL: "Model",
    Facet.WORK_TYPE: "Type of work",
}
# Bad ends settle sooner: a time of which less is settled would look worse than it is.
SETTLED_LEAST = 0.5
_OPEN = (Label.PENDING, Label.UNKNOWN)
# Two charts over time stand side by side.
_HALF = 540
SPEND = Column(title="Spend", names=("cost_usd",), numeric=True)
PART = Column(title="Of all", names=("share_of_spend",), numeric=True)
RATIO = Column(
    title="Productive share",
    names=("productive_share", "productive_share_low", "productive_share_high"),
    numeric=True,
)
SESSIONS = Column(title="Sessions", names=("sessions",), numeric=True, wide=True)


def report(
    wiring: Wiring,
    connection: Connection,
    parameters: PageParameters,
    now: datetime,
    group_by: Facet | None,
    interval: Interval = Interval.NONE,
    *,
    quarters: bool = False,
    limit: int = 50,
) -> EfficiencyReport | None:
    """What the page is narrowed to, by one dimension; None where it is about too few people.

    ``quarters``: the period goes back to the beginning of one, as groups are compared by their
    kinds of work, of which twelve weeks are the finest time.
    """
    asked = question(parameters, now, group_by, interval, quarters=quarters, limit=limit)
    try:
        return wiring.efficiency(connection, asked, now, wiring.privacy_floor)
    except TooFewPeople:
        return None


def question(
    parameters: PageParameters,
    now: datetime,
    group_by: Facet | None,
    interval: Interval = Interval.NONE,
    *,
    quarters: bool = False,
    limit: int = 50,
) -> Asked:
    """What is asked for by what the page is narrowed to; see ``report``."""
    only = parameters.one()
    crossed = only is not None and group_by not in (None, only[0])
    return Asked(
        group_by=group_by,
        only=only,
        interval=interval,
        start=parameters.since(now, crossed=crossed or quarters),
        limit=limit,
    )


def spend_of(row: EfficiencyRow) -> int:
    """What all sessions of a row cost, in nano-dollars."""
    return sum(each.cost_nanousd for each in row.spent)


def sessions_of(row: EfficiencyRow) -> int:
    """How many sessions are in a row."""
    return sum(each.sessions for each in row.spent)


def name_of(measured: Measured, facet: Facet, here: str, parameters: PageParameters) -> Cell:
    """The name of a row's group, leading to the page narrowed to it."""
    if measured.kind is Kind.OTHERS:
        return Cell(
            text="All others",
            values=("(others)",),
            note="each with too few people, or too small to list",
        )
    value = measured.value or ""
    return Cell(
        text=value or "not told",
        values=(value,),
        href=narrowed(here, parameters, facet, value),
    )


def spelled(row: EfficiencyRow) -> str:
    """The name of a row's group in a chart."""
    return "all others" if row.measured.kind is Kind.OTHERS else row.measured.value or "not told"


def ratio(row: EfficiencyRow) -> Cell:
    """The productive share of settled spend with its interval."""
    told = row.by_spend
    if told is None:
        return Cell(
            text=None, values=(None, None, None), missing=CANNOT_SAY, note="nothing is settled"
        )
    return cells.share(told.value, (told.low, told.high))


def spending(
    name: str, caption: str, of: EfficiencyReport, facet: Facet, parameters: PageParameters
) -> Table:
    """Groups by what they cost, each with what came of it."""
    whole = sum(spend_of(row) for row in of.rows)
    return Table(
        name=name,
        caption=caption,
        columns=(Column(title=FACET_NAMES[facet], names=(facet.value,)), SPEND, PART, RATIO),
        rows=[_spending(row, facet, whole, parameters) for row in of.rows],
    )


def _spending(row: EfficiencyRow, facet: Facet, whole: int, parameters: PageParameters) -> Row:
    spent = spend_of(row)
    return (
        name_of(row.measured, facet, "/", parameters),
        cells.dollars(spent),
        cells.part(spent / whole if whole else None),
        ratio(row),
    )


def by_week(name: str, rows: Sequence[EfficiencyRow]) -> Table:
    """What was spent on each label and what share was productive, over time."""
    return Table(
        name=name,
        caption="Spend and productive share by week",
        columns=(
            Column(title="Week from", names=("from", "weeks")),
            *(
                Column(title=label.value.capitalize(), names=(f"{label}_usd",), numeric=True)
                for label in Label
            ),
            RATIO,
        ),
        rows=[_week(row) for row in rows],
    )


def _week(row: EfficiencyRow) -> Row:
    spent = {each.label: each.cost_nanousd for each in row.spent}
    start = row.measured.start
    early = Cell(
        text=None, values=(None, None, None), missing="too early", note="less than half is settled"
    )
    told = (start.date().isoformat() if start else None, row.measured.weeks)
    return (
        Cell(text=time_of(row), values=told),
        *(cells.dollars(spent.get(label, 0)) for label in Label),
        ratio(row) if is_settled(row) else early,
    )


def is_settled(row: EfficiencyRow) -> bool:
    """Whether enough of a time's spend has a final label to be read beside other times."""
    final = sum(each.final_nanousd for each in row.spent if each.label not in _OPEN)
    return final >= SETTLED_LEAST * spend_of(row)


def time_of(row: EfficiencyRow) -> str:
    """The beginning of a row's time, shortly, with its weeks where they are several."""
    start, weeks = row.measured.start, row.measured.weeks
    if start is None:
        return ""
    return f"{start.day} {start:%b}" + (f" ({weeks} weeks)" if weeks and weeks > 1 else "")


def spend_chart(rows: Sequence[EfficiencyRow]) -> Chart:
    """Spend by label over time."""
    spent = [{each.label: each.cost_nanousd / NANOUSD for each in row.spent} for row in rows]
    return Chart(
        title="Spend by what came of it, by week (UTC)",
        form=Form.STACKED,
        unit=Unit.USD,
        labels=tuple(time_of(row) for row in rows),
        series=tuple(
            Series(label.value, TONES[label], tuple(each.get(label, 0.0) for each in spent))
            for label in Label
            if any(label in each for each in spent)
        ),
        width=_HALF,
    )


def ratio_chart(
    rows: Sequence[EfficiencyRow], beside: str, baseline: Sequence[float | None]
) -> Chart:
    """The productive share over time, beside a baseline; with gaps where it is too early."""
    own = tuple(row.by_spend.value if row.by_spend and is_settled(row) else None for row in rows)
    return Chart(
        title="Productive share of settled spend, by week (UTC)",
        form=Form.LINES,
        unit=Unit.SHARE,
        labels=tuple(time_of(row) for row in rows),
        series=(
            Series("productive share", Tone.MAIN, own),
            Series(beside, Tone.BASELINE, tuple(baseline)),
        ),
        width=_HALF,
    )
