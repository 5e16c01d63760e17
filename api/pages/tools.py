"""Tools: what to do about each, what that rests on, and how it came to be."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from api.pages import formats, ratios
from api.pages import tables as cells
from api.pages.arrived import DECISIONS
from api.pages.charts import Chart, Form, Series, Tone, Unit
from api.pages.filters import PageParameters
from api.pages.overview import decision
from api.pages.tables import CANNOT_SAY, Cell, Column, Row, Table
from api.problems import Refusal
from api.wiring import Wiring
from domain.efficiency import Interval
from domain.judgement import By, Given, Move, moves
from domain.labels import CostPerChange, Requirement, Use, Verdict, WorkTypeShare
from domain.usage import NANOUSD
from store import verdicts as kept

_USES = {Use.KEEP: "use it", Use.STOP: "do not use it", Use.UNCLEAR: "cannot say yet"}
_USE_TONES = {Use.KEEP: Tone.PRODUCTIVE, Use.STOP: Tone.WASTEFUL, Use.UNCLEAR: Tone.NEUTRAL}
_FINE = 10**9
_SHARE = Column(title="Productive share", names=("standardised_share", "low", "high"), numeric=True)
_COST = Column(
    title="Per surviving change",
    names=("cost_per_change_usd", "cost_low_usd", "cost_high_usd"),
    numeric=True,
    wide=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolsView:
    """All tools. ``judged_at`` is None until verdicts were first given."""

    judged_at: datetime | None
    verdicts: Sequence[Verdict]
    tables: Sequence[Table]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolView:
    """One tool. ``charts`` lacks what too little is known for."""

    now: datetime
    verdict: Verdict
    charts: Sequence[Chart]
    tables: Sequence[Table]


def tools_view(wiring: Wiring) -> ToolsView:
    """Gather the page of all tools."""
    now = wiring.clock()
    with wiring.database.reading() as connection:
        judged = wiring.judge(connection, now, By.TOOL)
        by_model = wiring.judge(connection, now, By.TOOL_MODEL)
    verdicts = sorted(judged.verdicts, key=lambda each: each.tool)
    return ToolsView(
        judged_at=judged.judged_at,
        verdicts=verdicts,
        tables=[
            Table(
                name="tools",
                caption="Verdicts on tools",
                columns=(Column(title="Tool", names=("tool",)), *_VERDICT),
                rows=[(_tool(each), *_verdict(each)) for each in verdicts],
            ),
            _needs(verdicts),
            _models("by_model", by_model.verdicts),
        ],
    )


def tool_view(wiring: Wiring, tool: str, parameters: PageParameters) -> ToolView:
    """Gather the page of one tool, or refuse with ``tool_not_found``."""
    now = wiring.clock()
    with wiring.database.reading() as connection:
        judged = wiring.judge(connection, now, By.TOOL)
        verdict = next((each for each in judged.verdicts if each.tool == tool), None)
        if verdict is None:
            detail = "No session of such a tool was seen when verdicts were given."
            raise Refusal(HTTPStatus.NOT_FOUND, "tool_not_found", detail)
        models = wiring.judge(connection, now, By.TOOL_MODEL).verdicts
        history = kept.history(connection, tool, now)
        asked = parameters.model_copy(
            update={"tool": tool, "team": None, "repo": None, "model": None, "work_type": None}
        )
        by_week = ratios.report(wiring, connection, asked, now, None, Interval.WEEK)
    charts = [_work_chart(verdict)] if verdict.by_work_type else []
    tables = [
        _requirements(verdict),
        _work_types(verdict.by_work_type),
        _sensitivity(verdict),
        _models("models", [each for each in models if each.tool == tool]),
        _history(history),
    ]
    if by_week is not None and by_week.rows:
        rows = by_week.rows
        baseline = [row.baseline if ratios.is_settled(row) else None for row in rows]
        charts.append(ratios.ratio_chart(rows, "whole company", baseline))
        tables.append(ratios.by_week("by_week", rows))
    return ToolView(now=now, verdict=verdict, charts=charts, tables=tables)


_VERDICT = (
    Column(title="Verdict", names=("verdict",)),
    ratios.AT_MIX,
    _COST,
    Column(title="Company's share", names=("baseline",), numeric=True, wide=True),
)


def _tool(verdict: Verdict) -> Cell:
    return cells.words(verdict.tool, href=f"/tools/{verdict.tool}")


def _verdict(verdict: Verdict) -> Row:
    return (
        decision(verdict),
        cells.share(verdict.standardised_share, verdict.interval),
        per_change(verdict.per_change),
        Cell(
            text=None if verdict.baseline is None else formats.share(verdict.baseline),
            values=(verdict.baseline,),
            missing=CANNOT_SAY,
        ),
    )


def per_change(told: CostPerChange | None) -> Cell:
    """The cost of a surviving change over the company's mix of work, with its interval."""
    if told is None:
        return Cell(text=None, values=(None, None, None), missing=CANNOT_SAY)
    return amount(told.standardised_nanousd, told.interval_nanousd)


def amount(nanousd: int | None, between: tuple[int, int] | None) -> Cell:
    """An amount with its interval; in a file value, low and high in US dollars."""
    if nanousd is None:
        return Cell(text=None, values=(None, None, None), missing=CANNOT_SAY)
    low, high = between or (None, None)
    return Cell(
        text=formats.money(nanousd),
        values=(
            nanousd / NANOUSD,
            None if low is None else low / NANOUSD,
            None if high is None else high / NANOUSD,
        ),
        note=f"{formats.money(between[0])} to {formats.money(between[1])}" if between else None,
    )


def _models(name: str, verdicts: Sequence[Verdict]) -> Table:
    ordered = sorted(verdicts, key=lambda each: (each.tool, each.model or ""))
    return Table(
        name=name,
        caption="Verdicts on tools with each of their models",
        columns=(
            Column(title="Model", names=("model",)),
            Column(title="Tool", names=("tool",)),
            *_VERDICT,
        ),
        rows=[(cells.words(each.model), _tool(each), *_verdict(each)) for each in ordered],
    )


def _needs(verdicts: Sequence[Verdict]) -> Table:
    """What each tool lacks still; a row for each requirement that is not met."""
    return Table(
        name="missing",
        caption="What verdicts still take",
        columns=(
            Column(title="Tool", names=("tool",)),
            Column(title="Requirement", names=("requirement",)),
            Column(title="There is", names=("have",), numeric=True),
            Column(title="Needed", names=("need",), numeric=True),
        ),
        rows=[
            (_tool(verdict), *_requirement(each))
            for verdict in verdicts
            for each in verdict.requirements
            if not each.met
        ],
    )


def _requirements(verdict: Verdict) -> Table:
    return Table(
        name="requirements",
        caption="What a verdict takes",
        columns=(
            Column(title="Requirement", names=("requirement",)),
            Column(title="There is", names=("have",), numeric=True),
            Column(title="Needed", names=("need",), numeric=True),
            Column(title="Met", names=("met",)),
        ),
        rows=[
            (
                *_requirement(each),
                Cell(
                    text="yes" if each.met else "not yet",
                    values=("yes" if each.met else "no",),
                    mark="met" if each.met else "quiet",
                ),
            )
            for each in verdict.requirements
        ],
    )


def _requirement(each: Requirement) -> Row:
    is_share = each.sentence.startswith("Share")
    return (
        Cell(
            text=formats.capital(formats.words(each.name)), values=(each.name,), note=each.sentence
        ),
        Cell(text=formats.measured(each.have, is_share), values=(each.have,)),
        Cell(text=formats.measured(each.need, is_share), values=(each.need,)),
    )


def _work_types(of: Sequence[WorkTypeShare]) -> Table:
    weights = [round(each.weight * _FINE) for each in of]
    *parts, _ = cells.parts([*weights, max(_FINE - sum(weights), 0)])
    return Table(
        name="work_types",
        caption="By type of work",
        columns=(
            Column(title="Type of work", names=("work_type",)),
            Column(title="What to do", names=("use",)),
            _SHARE,
            Column(title="Reaches the bar", names=("probability_of_bar",), numeric=True),
            Column(title="Of its spend", names=("share_of_spend",), numeric=True, wide=True),
            Column(title="Pieces of work", names=("pieces",), numeric=True, wide=True),
        ),
        rows=[
            (
                cells.words(each.work_type),
                Cell(text=_USES[each.use], values=(each.use.value,)),
                cells.share(each.share, each.interval),
                Cell(text=formats.share(each.good), values=(each.good,)),
                part,
                cells.count(round(each.pieces, 1)),
            )
            for each, part in zip(of, parts, strict=True)
        ],
    )


def _work_chart(verdict: Verdict) -> Chart:
    """A series for each use, so that colours say what the table does."""
    of = verdict.by_work_type
    return Chart(
        title="Expected productive share by type of work",
        form=Form.BARS,
        unit=Unit.SHARE,
        labels=tuple(each.work_type for each in of),
        series=tuple(
            Series(
                _USES[use],
                _USE_TONES[use],
                tuple(each.share if each.use is use else None for each in of),
            )
            for use in Use
            if any(each.use is use for each in of)
        ),
        width=640,
        height=80 + 34 * len(of),
    )


def _sensitivity(verdict: Verdict) -> Table:
    return Table(
        name="sensitivity",
        caption="What the verdict would be under other assumptions",
        columns=(
            Column(title="If", names=("changed",)),
            Column(title="Verdict", names=("verdict",)),
            Column(title=ratios.AT_MIX.title, names=("share",), numeric=True),
        ),
        rows=[
            (
                cells.words(each.changed),
                Cell(
                    text=DECISIONS[each.decision],
                    values=(each.decision.value,),
                    mark=f"decision {each.decision.value}",
                    note=None if each.decision is verdict.decision else "another verdict",
                ),
                Cell(
                    text=None if each.share is None else formats.share(each.share),
                    values=(each.share,),
                    missing=CANNOT_SAY,
                ),
            )
            for each in verdict.sensitivity
        ],
    )


def _history(given: Sequence[Given]) -> Table:
    rows: list[Row] = []
    for place, each in enumerate(given):
        same = (e for e in given[place + 1 :] if (e.by, e.model) == (each.by, each.model))
        before = next(same, None)
        moved = moves(before.grounds, each.grounds) if before else ()
        rows.append(_given(each, moved))
    return Table(
        name="history",
        caption="Verdicts that were given, newest first",
        columns=(
            Column(title="Given", names=("given_at",)),
            Column(title="On", names=("model",)),
            Column(title="Verdict", names=("verdict",)),
            Column(title=ratios.AT_MIX.title, names=("share",), numeric=True, wide=True),
            Column(title="What moved", names=("moved",)),
        ),
        rows=rows,
    )


def in_words(moved: Sequence[Move]) -> str:
    """What moved between two verdicts; empty where nothing did."""
    return "; ".join(
        f"{formats.words(move.name)}: {move.before or 'none'} to {move.after or 'none'}"
        for move in moved
    )


def _given(each: Given, moved: Sequence[Move]) -> Row:
    share = each.grounds.share
    told = in_words(moved)
    on = "all models" if each.by is By.TOOL else (each.model or "a model not told")
    return (
        cells.moment(each.given_at),
        Cell(text=on, values=(each.model,)),
        Cell(
            text=DECISIONS[each.decision],
            values=(each.decision.value,),
            mark=f"decision {each.decision.value}",
            note=each.reason,
        ),
        Cell(
            text=None if share is None else formats.share(share),
            values=(share,),
            missing=CANNOT_SAY,
        ),
        Cell(text=told or None, values=(told,), missing="the first one"),
    )
