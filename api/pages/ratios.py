"""Rows of efficiency as pages show them: columns, cells, and the charts over time.

A group that too few people are behind is in the row of the others, and says so.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from api.pages import formats
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
    Spent,
    TooFewPeople,
)
from domain.labels import Label
from domain.usage import usd
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
_SETTLED = (Label.PRODUCTIVE, Label.INEFFICIENT, Label.WASTEFUL)
# Two charts over time stand side by side.
_HALF = 540
NOT_KNOWN = "not known"
DOUBTS = ("unpriced_sessions", "lower_bound_sessions", "incomplete_sessions")
SPEND = Column(title="Spend", names=("cost_usd", *DOUBTS), numeric=True)
PART = Column(title="Of all", names=("share_of_spend",), numeric=True)
RATIO = Column(
    title="Productive share",
    names=("productive_share", "productive_share_low", "productive_share_high"),
    numeric=True,
)
AT_MIX = Column(
    title="At the company's mix", names=("standardised_share", "low", "high"), numeric=True
)
"""The share that a verdict rests on: not what a tool's own work came to, which ``RATIO`` is."""
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


def known_of(row: EfficiencyRow) -> int:
    """What those sessions of a row cost whose cost is known, in nano-dollars."""
    return row.cost_nanousd or 0


def open_of(row: EfficiencyRow) -> int | None:
    """What those cost whose label is pending or unknown; None: of none of them it is known."""
    costs = [each.cost_nanousd for each in row.spent if each.label in _OPEN]
    known = [cost for cost in costs if cost is not None]
    return sum(known) if known or not costs else None


def opens_unknown(row: EfficiencyRow) -> bool:
    """Whether some sessions that are pending or unknown are of unknown cost."""
    return any(each.unpriced_sessions for each in row.spent if each.label in _OPEN)


def spend(row: EfficiencyRow, *, note: str | None = None) -> Cell:
    """What all sessions of a row cost; in a file with how many of them cost more than that."""
    why = doubts(row)
    cell = _spent(row.cost_nanousd, why, note)
    return replace(cell, values=(*cell.values, *_doubted(row)))


def doubts(row: EfficiencyRow) -> str | None:
    """Why the sessions of a row cost at least what is known of them; None: nothing says so."""
    ways = ("of unknown cost", "in part of unknown cost", "incomplete")
    told = zip(_doubted(row), ways, strict=True)
    return ", ".join(f"{formats.number(many)} {how}" for many, how in told if many) or None


def _doubted(row: EfficiencyRow) -> tuple[int, int, int]:
    return row.unpriced_sessions, row.lower_bound_sessions, row.incomplete_sessions


def _spent(nanousd: int | None, why: str | None, note: str | None = None) -> Cell:
    if nanousd is not None and why:
        least = f"at least: {why}"
        note = least if note is None else f"{least}; {note}"
    return cells.dollars(nanousd, note=note, missing=NOT_KNOWN)


def spent_on(spent: Spent | None) -> Cell:
    """What sessions of one label cost; None: there are none."""
    if spent is None:
        return cells.dollars(0)
    many = spent.unpriced_sessions
    why = f"{formats.number(many)} of unknown cost" if many else None
    return _spent(spent.cost_nanousd, why)


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
        why = "cost not known" if lacks_cost(row) else "nothing is settled"
        return Cell(text=None, values=(None, None, None), missing=CANNOT_SAY, note=why)
    return cells.share(told.value, (told.low, told.high))


def lacks_cost(row: EfficiencyRow) -> bool:
    """Whether sessions are settled and of none of them the cost is known."""
    settled = [each for each in row.spent if each.label in _SETTLED and each.final_sessions]
    return bool(settled) and all(each.final_nanousd is None for each in settled)


def spending(
    name: str, caption: str, of: EfficiencyReport, facet: Facet, parameters: PageParameters
) -> Table:
    """Groups by what they cost, each with what came of it."""
    parts = cells.parts([row.cost_nanousd for row in of.rows])
    return Table(
        name=name,
        caption=caption,
        columns=(Column(title=FACET_NAMES[facet], names=(facet.value,)), SPEND, PART, RATIO),
        rows=[
            (name_of(row.measured, facet, "/", parameters), spend(row), part, ratio(row))
            for row, part in zip(of.rows, parts, strict=True)
        ],
    )


def by_week(name: str, rows: Sequence[EfficiencyRow]) -> Table:
    """What was spent on each label and what share was productive, over time."""
    return Table(
        name=name,
        caption="Spend and productive share by week",
        columns=(
            Column(title="Week from", names=("from", "weeks", *DOUBTS)),
            *(
                Column(title=label.value.capitalize(), names=(f"{label}_usd",), numeric=True)
                for label in Label
            ),
            RATIO,
        ),
        rows=[_week(row) for row in rows],
    )


def _week(row: EfficiencyRow) -> Row:
    spent = {each.label: each for each in row.spent}
    start = row.measured.start
    early = Cell(
        text=None, values=(None, None, None), missing="too early", note="less than half is settled"
    )
    day = start.date().isoformat() if start else None
    told = (day, row.measured.weeks, *_doubted(row))
    return (
        Cell(text=time_of(row), values=told),
        *(spent_on(spent.get(label)) for label in Label),
        ratio(row) if is_settled(row) else early,
    )


def is_settled(row: EfficiencyRow) -> bool:
    """Whether enough of a time's spend has a final label to be read beside other times."""
    final = sum(each.final_nanousd or 0 for each in row.spent if each.label not in _OPEN)
    return final >= SETTLED_LEAST * known_of(row)


def time_of(row: EfficiencyRow) -> str:
    """The beginning of a row's time, shortly, with its weeks where they are several."""
    start, weeks = row.measured.start, row.measured.weeks
    if start is None:
        return ""
    return f"{start.day} {start:%b}" + (f" ({weeks} weeks)" if weeks and weeks > 1 else "")


def spend_chart(rows: Sequence[EfficiencyRow]) -> Chart:
    """Spend by label over time, as far as it is known."""
    spent = [{each.label: usd(each.cost_nanousd) for each in row.spent} for row in rows]
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
