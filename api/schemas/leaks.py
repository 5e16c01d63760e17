"""What spend leaks through: findings, what they rest on, and what was tried."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api.parameters import Instant, Text
from api.schemas.shape import MODEL, TOOL, Shape
from domain.effects import Beside, Difference, Effect, EffectState
from domain.leaks import (
    DetectorSeen,
    Group,
    LeakAction,
    LeakEvidence,
    LeakFound,
    LeakReport,
    Measured,
    Money,
    Others,
    Untold,
)
from domain.usage import NANOUSD, usd

_LEAK_ID = "The leak's id, for `/v1/leaks/{leak_id}/tried`: always the same for the same group."
_APART = "; null: not told, or not told apart by this detector"


class MoneyRange(Shape):
    """An amount that is not known exactly."""

    low_usd: float = Field(description="At least so much, US dollars.")
    estimate_usd: float = Field(description="The estimate, US dollars.")
    high_usd: float = Field(description="At most so much, US dollars.")


class GroupRow(Shape):
    """What a finding is about, never a person."""

    id: str = Field(description=_LEAK_ID)
    detector: str = Field(description="The detector's name, as in `detectors`.")
    tool: str = Field(description=TOOL)
    team: str | None = Field(description=f"The team{_APART}.")
    repo: str | None = Field(description=f"The repository, as owner/name{_APART}.")
    model: str | None = Field(description=f"{MODEL.partition(';')[0]}{_APART}.")
    work_type: str | None = Field(description=f"The type of work, for example `bug`{_APART}.")


class DifferenceRow(Shape):
    """A difference of shares of spend with its 95 % interval."""

    low: float = Field(description="Lower end, from -1 to 1 or beyond where weeks differ much.")
    estimate: float = Field(description="The difference itself; below zero: it became less.")
    high: float = Field(description="Upper end.")


class BesideRow(Shape):
    """The same weeks in the groups of the same leak in which nothing was tried."""

    groups: int = Field(description="How many groups.")
    before_share: float = Field(description="Lost over spent before, mean of the weeks.")
    since_share: float = Field(description="Lost over spent since, mean of the weeks.")
    change: DifferenceRow | None = Field(
        description="How much more the group that tried has changed than these (difference in"
        " differences); null: too few weeks have both."
    )


class EffectRow(Shape):
    """What became of a leak since something was tried."""

    state: EffectState = Field(
        description="`measured`; `too_early`: fewer than two whole weeks since that can be judged;"
        " `nothing_before`: fewer than two weeks of spend before; `withheld`: too few people."
    )
    weeks_before: int = Field(description="Weeks with spend before the week of the try, at most 4.")
    weeks_since: int = Field(description="Whole weeks with spend after it, up to the next try.")
    before_share: float | None = Field(
        description="Lost over spent before, mean of the weeks; null: not measured."
    )
    since_share: float | None = Field(
        description="Lost over spent since, mean of the weeks; null: not measured."
    )
    change: DifferenceRow | None = Field(description="Since less before; null: not measured.")
    saved_a_week: MoneyRange | None = Field(
        description="The change in money a week, at what the group spends now; above zero: saved."
        " Null: not measured."
    )
    beside: BesideRow | None = Field(
        description="The same where nothing was tried; null: there is no such group."
    )


class ActionRow(GroupRow):
    """A fix that was marked as tried."""

    tried_on: date = Field(description="The day, UTC.")
    note: str = Field(description="What was tried, in somebody's words.")
    tried_by: str = Field(description="The id of the token, or `local`.")
    recorded_at: datetime = Field(description="When it was marked, UTC.")
    effect: EffectRow | None = Field(
        description="What became of it; null: leaks were not measured yet."
    )


class ActionReport(Shape):
    """Everything that was tried."""

    rows: list[ActionRow] = Field(description="One row for each leak and day, the latest first.")


class LeakSession(Shape):
    """A session behind a finding."""

    tool: str = Field(description=TOOL)
    session_id: str = Field(description="The session's id, as the tool tells it.")
    lost: MoneyRange = Field(description="What it lost.")


class LeakRow(GroupRow):
    """Spend that leaks in one group."""

    lost: MoneyRange = Field(description="What was lost in the period.")
    spent_usd: float | None = Field(
        description="What all sessions of the group cost in the period, US dollars."
    )
    how: str = Field(description="How the amount was worked out for this group.")
    fix: str = Field(description="What to try.")
    sessions: int = Field(description="How many sessions leak.")
    people: int = Field(description="How many people are behind them, as far as told.")
    evidence: list[LeakSession] = Field(
        description="The sessions that lose most, as far as they are still known."
    )
    more_sessions: int = Field(description="How many leaking sessions are not named here.")
    seen_on: date = Field(description="The Monday of the last week in which it was seen.")
    tried: ActionRow | None = Field(description="The last fix tried; null: none was.")


class OthersRow(Shape):
    """Findings about too few people to be told apart, together."""

    findings: int = Field(description="How many findings.")
    lost: MoneyRange = Field(description="What they lost; they may overlap.")
    sessions: int = Field(description="Their sessions, added up.")
    people: int = Field(description="How many people are behind them together.")


class LeakTotal(Shape):
    """All leaks together."""

    lost: MoneyRange | None = Field(
        description="What was lost. Each session's cost counts once at most, though it may leak in"
        " several ways. Null: withheld, as too few people are behind it."
    )
    spent_usd: float | None = Field(
        description="What all sessions of the period cost, US dollars; null: withheld."
    )
    sessions: int | None = Field(description="Sessions that leak at all; null: withheld.")
    how: str = Field(description="How it is added up.")


class LeakPeriod(Shape):
    """The weeks that were measured."""

    since: date = Field(description="The first day, a Monday (UTC).")
    until: date = Field(description="The day after the last one, a Monday (UTC).")
    measured_at: datetime = Field(description="When it was measured, UTC.")


class DetectorRow(Shape):
    """One way in which spend leaks, and how much could be looked at."""

    name: str = Field(description="Its name.")
    sentence: str = Field(description="What is looked for.")
    money: str = Field(description="How the loss is estimated, and what its bounds are.")
    fix: str = Field(description="What to try.")
    judged_sessions: int = Field(description="Sessions that it could look at.")
    untold_sessions: dict[str, int] = Field(
        description="Sessions of which it can't say anything, by why: "
        + ", ".join(f"`{each.value}`" for each in Untold)
        + "."
    )


class LeakReportShape(Shape):
    """What spend leaks through."""

    period: LeakPeriod | None = Field(description="The weeks measured; null: none was yet.")
    total: LeakTotal | None = Field(description="All together; null: nothing was measured yet.")
    rows: list[LeakRow] = Field(description="One row for each finding, the dearest first.")
    others: OthersRow | None = Field(
        description="Findings about too few people, together; null: none, or too few even so."
    )
    detectors: list[DetectorRow] = Field(description="Everything that is looked for, in order.")


class Tried(BaseModel):
    """What was tried against a leak, and when."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"note": "Turned caching on in the gateway."}]},
    )

    note: Text = Field(default="", max_length=1000, description="What was tried, in your words.")
    at: Instant | None = Field(
        default=None, description="On which day (UTC); default: today. Not in the future."
    )
    withdrawn: bool = Field(
        default=False, strict=True, description="Take back that anything was tried on that day."
    )


class TriedNoted(Shape):
    """What was noted."""

    id: str = Field(description=_LEAK_ID)
    tried_on: date = Field(description="The day, UTC.")
    note: str = Field(description="What was tried; empty where it was withdrawn.")
    withdrawn: bool = Field(description="Whether it was taken back.")
    tried_by: str = Field(description="The id of the token, or `local` on a server without tokens.")
    recorded_at: datetime = Field(description="When it was noted, UTC.")


_HOW = (
    "A session counts once: with the largest of its estimates and of its lower bounds, and with all"
    " its upper bounds together, but at most with what it cost."
)


def leak_report(told: LeakReport, wanted: Mapping[str, frozenset[str]]) -> LeakReportShape:
    """All of it; rows only of groups that have one of the wanted values of each attribute."""
    fixes = {each.name: each.fix for each in told.detectors}
    # The latest comes first.
    tried: dict[str, LeakAction] = {}
    for action in told.actions:
        tried.setdefault(action.group.id, action)
    return LeakReportShape(
        period=_period(told.measured),
        total=_total(told.measured, withheld=told.withheld),
        rows=[
            _row(each, fixes.get(each.group.detector, ""), tried.get(each.group.id))
            for each in told.found
            if all(getattr(each.group, name) in values for name, values in wanted.items())
        ],
        others=_others(told.others) if told.others else None,
        detectors=[_detector(each) for each in told.detectors],
    )


def action_report(told: LeakReport) -> ActionReport:
    """What was tried."""
    return ActionReport(rows=[_action(each) for each in told.actions])


def _row(found: LeakFound, fix: str, tried: LeakAction | None) -> LeakRow:
    return LeakRow(
        **_group(found.group),
        lost=_money(found.lost),
        spent_usd=usd(found.spent_nanousd),
        how=found.how,
        fix=fix,
        sessions=found.sessions,
        people=found.people,
        evidence=[_session(each) for each in found.evidence],
        more_sessions=max(found.sessions - len(found.evidence), 0),
        seen_on=found.seen_on,
        tried=_action(tried) if tried else None,
    )


def _group(group: Group) -> dict[str, Any]:
    return {
        "id": group.id,
        "detector": group.detector,
        "tool": group.tool,
        "team": group.team,
        "repo": group.repo,
        "model": group.model,
        "work_type": group.work_type,
    }


def _session(told: LeakEvidence) -> LeakSession:
    return LeakSession(tool=told.tool, session_id=told.session_id, lost=_money(told.lost))


def _money(money: Money) -> MoneyRange:
    return _dollars(Difference(low=money.low, estimate=money.estimate, high=money.high))


def _dollars(nano: Difference) -> MoneyRange:
    return MoneyRange(
        low_usd=nano.low / NANOUSD,
        estimate_usd=nano.estimate / NANOUSD,
        high_usd=nano.high / NANOUSD,
    )


def _period(measured: Measured | None) -> LeakPeriod | None:
    if measured is None:
        return None
    return LeakPeriod(since=measured.since, until=measured.until, measured_at=measured.at)


def _total(measured: Measured | None, *, withheld: bool) -> LeakTotal | None:
    if measured is None:
        return None
    return LeakTotal(
        lost=None if withheld else _money(measured.lost),
        spent_usd=None if withheld else usd(measured.spent_nanousd),
        sessions=None if withheld else measured.sessions,
        how=_HOW,
    )


def _others(others: Others) -> OthersRow:
    return OthersRow(
        findings=others.findings,
        lost=_money(others.lost),
        sessions=others.sessions,
        people=others.people,
    )


def _detector(seen: DetectorSeen) -> DetectorRow:
    return DetectorRow(
        name=seen.name,
        sentence=seen.sentence,
        money=seen.money,
        fix=seen.fix,
        judged_sessions=seen.coverage.judged if seen.coverage else 0,
        untold_sessions=dict(seen.coverage.untold) if seen.coverage else {},
    )


def _action(action: LeakAction) -> ActionRow:
    return ActionRow(
        **_group(action.group),
        tried_on=action.tried_on,
        note=action.note,
        tried_by=action.tried_by,
        recorded_at=action.recorded_at,
        effect=_effect(action.effect) if action.effect else None,
    )


def _effect(effect: Effect) -> EffectRow:
    saved = effect.saved_nanousd
    return EffectRow(
        state=effect.state,
        weeks_before=effect.weeks_before,
        weeks_since=effect.weeks_since,
        before_share=effect.before_share,
        since_share=effect.since_share,
        change=_difference(effect.change),
        saved_a_week=_dollars(saved) if saved else None,
        beside=_beside(effect.beside),
    )


def _beside(beside: Beside | None) -> BesideRow | None:
    if beside is None:
        return None
    return BesideRow(
        groups=beside.groups,
        before_share=beside.before_share,
        since_share=beside.since_share,
        change=_difference(beside.change),
    )


def _difference(told: Difference | None) -> DifferenceRow | None:
    if told is None:
        return None
    return DifferenceRow(low=told.low, estimate=told.estimate, high=told.high)
