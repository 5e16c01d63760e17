"""Leaks: spend that need not have been, what to try, and whether what was tried has helped."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from api.asker import Asker
from api.authority import marks_leak
from api.pages import formats
from api.pages import tables as cells
from api.pages.charts import Chart, Form, Series, Tone, Unit
from api.pages.filters import PageParameters
from api.pages.tables import CANNOT_SAY, Cell, Column, Row, Table
from api.wiring import Wiring
from domain.effects import Effect, EffectState
from domain.leaks import DetectorSeen, Group, LeakAction, LeakFound, LeakReport, Money
from domain.usage import NANOUSD

NARROWED_BY = ("tool", "team", "repo", "model")
STATES = {
    EffectState.TOO_EARLY: "too early to say",
    EffectState.NOTHING_BEFORE: "nothing to compare with",
    EffectState.WITHHELD: "too few people to tell",
}
"""Why an effect can't be said."""
_MOST_BARS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaksView:
    """All leaks, the dearest first.

    ``tried`` is the last try by the leak's id, ``theirs`` are the ids of those with a form.
    """

    now: datetime
    report: LeakReport
    found: Sequence[LeakFound]
    fixes: dict[str, DetectorSeen]
    tried: dict[str, LeakAction]
    theirs: frozenset[str]
    charts: Sequence[Chart]
    tables: Sequence[Table]


def leaks_view(wiring: Wiring, asking: Asker, parameters: PageParameters) -> LeaksView:
    """Gather the page."""
    with wiring.database.reading() as connection:
        report = wiring.leaks(connection, wiring.privacy_floor)
    found = [each for each in report.found if _wanted(each.group, parameters)]
    actions = [each for each in report.actions if _wanted(each.group, parameters)]
    fixes = {each.name: each for each in report.detectors}
    tried: dict[str, LeakAction] = {}
    for action in report.actions:
        tried.setdefault(action.group.id, action)
    return LeaksView(
        now=wiring.clock(),
        report=report,
        found=found,
        fixes=fixes,
        tried=tried,
        theirs=frozenset(e.group.id for e in found if marks_leak(asking, e.group.team)),
        charts=[_chart(found)] if found else [],
        tables=[_leaks(found, fixes), _tries(actions), _detectors(report.detectors)],
    )


def about(group: Group) -> str:
    """What a finding is about, in words."""
    parts = (group.team, group.repo, group.model, group.work_type)
    return ", ".join((group.tool, *(each for each in parts if each)))


def _wanted(group: Group, parameters: PageParameters) -> bool:
    return all(getattr(parameters, name) in (None, getattr(group, name)) for name in NARROWED_BY)


def _leaks(found: Sequence[LeakFound], fixes: dict[str, DetectorSeen]) -> Table:
    return Table(
        name="leaks",
        caption="Leaks, the dearest first",
        columns=(
            Column(title="Leak", names=("leak", "tool", "team", "repo", "model", "work_type")),
            Column(title="Lost", names=("lost_usd", "lost_low_usd", "lost_high_usd"), numeric=True),
            Column(title="Of its spend", names=("spent_usd",), numeric=True, wide=True),
            Column(title="Sessions", names=("sessions",), numeric=True, wide=True),
            Column(title="To try", names=("fix",), wide=True),
        ),
        rows=[_leak(each, fixes) for each in found],
    )


def _leak(each: LeakFound, fixes: dict[str, DetectorSeen]) -> Row:
    group, detector = each.group, fixes.get(each.group.detector)
    spent = each.spent_nanousd
    return (
        Cell(
            text=formats.capital(formats.words(group.detector)),
            values=(
                group.detector,
                group.tool,
                group.team,
                group.repo,
                group.model,
                group.work_type,
            ),
            href=f"#{group.id}",
            note=about(group),
        ),
        cells.dollars_between(each.lost),
        Cell(
            text=formats.share(each.lost.estimate / spent) if spent else None,
            values=(spent / NANOUSD,),
            missing=CANNOT_SAY,
            note=f"of {formats.money(spent)}",
        ),
        cells.count(each.sessions),
        cells.words(detector.fix if detector else None),
    )


def _chart(found: Sequence[LeakFound]) -> Chart:
    top = found[:_MOST_BARS]
    return Chart(
        title="Money lost, by leak (estimate)",
        form=Form.BARS,
        unit=Unit.USD,
        labels=tuple(f"{formats.words(e.group.detector)}: {e.group.tool}" for e in top),
        series=(
            Series("lost", Tone.WASTEFUL, tuple(each.lost.estimate / NANOUSD for each in top)),
        ),
        width=640,
        height=60 + 32 * len(top),
    )


def _tries(actions: Sequence[LeakAction]) -> Table:
    return Table(
        name="tried",
        caption="What was tried, the latest first",
        columns=(
            Column(title="Leak", names=("leak", "about")),
            Column(title="Tried", names=("tried_on", "note")),
            Column(title="Effect", names=("state", "before_share", "since_share")),
            Column(
                title="Saved a week",
                names=("saved_usd", "saved_low_usd", "saved_high_usd"),
                numeric=True,
            ),
        ),
        rows=[_action(each) for each in actions],
    )


def _action(each: LeakAction) -> Row:
    group, effect = each.group, each.effect
    return (
        Cell(
            text=formats.capital(formats.words(group.detector)),
            values=(group.detector, about(group)),
            note=about(group),
        ),
        Cell(
            text=f"{each.tried_on.day} {each.tried_on:%b %Y}",
            values=(each.tried_on.isoformat(), each.note),
            note=each.note or None,
        ),
        _effect(effect),
        saved(effect),
    )


def _effect(effect: Effect | None) -> Cell:
    if effect is None:
        return Cell(text=None, values=(None, None, None), missing="not measured yet")
    values = (effect.state.value, effect.before_share, effect.since_share)
    if effect.state is not EffectState.MEASURED or effect.change is None:
        weeks = f"{effect.weeks_before} weeks before, {effect.weeks_since} since"
        return Cell(text=STATES.get(effect.state, CANNOT_SAY), values=values, note=weeks)
    before, since = effect.before_share or 0.0, effect.since_share or 0.0
    change = effect.change
    sure = (
        "less leaks" if change.high < 0 else "more leaks" if change.low > 0 else "no clear change"
    )
    beside = effect.beside
    others = (
        f"; where nothing was tried {formats.share(beside.before_share)} to"
        f" {formats.share(beside.since_share)}"
        if beside
        else ""
    )
    return Cell(
        text=sure,
        values=values,
        mark="met" if change.high < 0 else "",
        note=f"{formats.share(before)} of spend before, {formats.share(since)} since{others}",
    )


def saved(effect: Effect | None) -> Cell:
    """What was saved a week, with its interval; below zero more is lost than before."""
    told = effect.saved_nanousd if effect else None
    if told is None:
        return cells.dollars_between(None)
    return cells.dollars_between(
        Money(low=round(told.low), estimate=round(told.estimate), high=round(told.high))
    )


def _detectors(told: Sequence[DetectorSeen]) -> Table:
    return Table(
        name="detectors",
        caption="What is looked for, and in how many sessions it could be",
        columns=(
            Column(title="Pattern", names=("detector",)),
            Column(title="Looked at", names=("judged_sessions",), numeric=True),
            Column(title="Cannot say", names=("untold_sessions", "why"), numeric=True),
        ),
        rows=[_detector(each) for each in told],
    )


def _detector(each: DetectorSeen) -> Row:
    covered = each.coverage
    untold = sum(covered.untold.values()) if covered else None
    why = (
        "; ".join(f"{formats.words(name)} {count:,}" for name, count in covered.untold.items())
        if covered
        else ""
    )
    return (
        Cell(
            text=formats.capital(formats.words(each.name)),
            values=(each.name,),
            note=each.sentence.replace("`", ""),
        ),
        cells.count(covered.judged if covered else None),
        Cell(
            text=None if untold is None else formats.number(untold),
            values=(untold, why),
            note=why or None,
            missing="not measured yet",
        ),
    )
