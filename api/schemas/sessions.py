"""Sessions: listed, from all sides, and everything behind their label."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from api.schemas.activity import (
    Completeness,
    ContextGrowth,
    Counts,
    RepeatedFailures,
    ToolCalls,
    context_growth,
    counts_of,
    repeated_failures,
    tool_calls,
)
from api.schemas.overrules import OverruleRow, overrule_rows
from api.schemas.predictions import PredictionView, prediction_view
from api.schemas.shape import (
    LINK_ID,
    MODEL,
    PROBABILITY,
    PURPOSE,
    TARGET_ID,
    TARGET_KIND,
    TARGET_REPO,
    TIER,
    TOOL,
    USER,
    USER_NAME,
    Shape,
)
from api.schemas.usage import Counted, counted
from domain.events import Trace
from domain.labels import Label, Labelled, Maturity, Tier
from domain.overrules import Overrule
from domain.usage import usd
from store.predictions import Warned
from store.report_detail import LabelKept, SessionSides
from store.report_links import LinkSeen
from store.report_sessions import SessionSeen


class SpentAs(StrEnum):
    """Which cost stands."""

    REPORTED = "reported"
    LIST = "list"


class Identity(Shape):
    """Which session it is, when it was, and whose."""

    tool: str = Field(description=TOOL)
    session_id: str = Field(description="The session's id, as the tool tells it.")
    first_at: datetime = Field(description="Time of its first record, UTC.")
    last_at: datetime = Field(description="Time of its last record, UTC.")
    user: str | None = Field(description=f"{USER} The one with most of its tokens.")
    user_name: str | None = Field(description=USER_NAME)
    team: str | None = Field(description="Team with most of its tokens; null: not told.")
    repo: str | None = Field(
        description="Repository (owner/name) with most of its tokens; null: not told."
    )
    models: list[str] = Field(description="The models it used, as the tool spells them.")


class SessionBase(Counted, Identity):
    """A session of a tool, with all sessions that belong to it."""

    spent_usd: float | None = Field(
        description="US dollars that it cost, as it is summed everywhere: as reported where that is"
        " told for all of its tokens, else the greater of `cost.reported_usd` and `cost.list_usd`."
        " Null: neither is known."
    )
    spent_as: SpentAs | None = Field(
        description="Which of both `spent_usd` is: `reported` or `list`; null: it is not known."
    )
    lower_bound: bool = Field(
        description="True: it cost at least `spent_usd`, since some of the tokens that it told have"
        " no cost that is known. What was never told is another matter: see `complete`."
    )
    child_sessions: int = Field(
        description="Sessions of subagents that work under an id of their own and belong to this"
        " one: its numbers hold theirs. They are not listed beside it."
    )
    complete: bool | None = Field(
        description="False: something is known to be missing, now or for good. True: something"
        " confirms that nothing is. Null: the tool tells nothing by which to say."
    )


class ChildSession(Counted):
    """A session that belongs to another, with its own usage."""

    session_id: str = Field(description="The session's id, as the tool tells it.")
    parent_session_id: str | None = Field(
        description="The session that it belongs to directly; null: not known by itself."
    )
    first_at: datetime = Field(description="Time of its first record, UTC.")
    last_at: datetime = Field(description="Time of its last record, UTC.")


class HourUsage(Counted):
    """Usage of one hour."""

    hour: datetime = Field(description="The beginning of the hour, UTC.")


class SessionRow(SessionBase):
    """A session in a list, with its current label."""

    label: Label | None = Field(
        description="What the session bought; null: it is not classified yet."
    )
    maturity: Maturity | None = Field(
        description="`final`, or `provisional` where time alone may still change the label."
    )


class SessionPage(Shape):
    """Sessions that were used, by their last record, newest first."""

    rows: list[SessionRow] = Field(
        description="Sessions that have an id and in which more happened than a start."
    )
    next_cursor: str | None = Field(
        description="`cursor` of the next page; null: this is the last one."
    )


class ModelUsage(Counted):
    """Usage of one model for one purpose."""

    model: str | None = Field(description=MODEL)
    query_source: str | None = Field(description=PURPOSE)


class SourceUsage(Counted):
    """What one telemetry signal told of this session's usage."""

    source: str = Field(description="The signal: `log`, `metric` or `span`.")
    booked: bool = Field(
        description="Whether the session's numbers are taken from it. The others repeat it."
    )


class TraceRow(Shape):
    """A tie to the outside that the session's own telemetry names."""

    value: str = Field(description="The commit SHA, branch, repository or ticket.")
    first_at: datetime = Field(description="Time of the first record that names it, UTC.")


class EvidenceRow(Shape):
    """One reason for a link."""

    kind: str = Field(description="Kind of evidence, for example `commit_sha`.")
    value: str = Field(description="The value that matched.")
    observed_at: datetime = Field(description="When it was observed, UTC.")


class TargetRow(Shape):
    """A commit, a change or a ticket."""

    kind: str = Field(description=TARGET_KIND)
    repo: str = Field(description=TARGET_REPO)
    id: str = Field(description=TARGET_ID)
    title: str | None = Field(
        description="Title of the change or ticket; null: a commit, or not known."
    )
    state: str | None = Field(
        description="Of a change `open`, `merged` or `closed`, of a ticket `open`, `in_progress`,"
        " `done` or `dropped`; null: a commit, or not known."
    )


class LinkRow(Shape):
    """A commit, change or ticket that the session is tied to, and why."""

    id: str = Field(description=LINK_ID)
    target: TargetRow = Field(description="What it is tied to.")
    tier: Tier = Field(description=TIER)
    probability: float = Field(description=PROBABILITY)
    cost_usd: float | None = Field(
        description="The part of the session's cost split to this target, US dollars."
    )
    evidence: list[EvidenceRow] = Field(description="Everything that speaks for this link.")


class LabelView(Shape):
    """A label and the rule that gave it."""

    label: Label = Field(description="What the session bought.")
    maturity: Maturity = Field(
        description="`final`, or `provisional` where time alone may still change the label."
    )
    rule: str = Field(description="Name of the rule that gave the label.")
    reason: str = Field(description="The rule's reason, as a sentence.")
    rule_set: str = Field(description="Version of the rules.")
    due_at: datetime | None = Field(
        description="When the same facts would give another label or maturity, UTC; null: never."
    )


class SessionDetail(SessionBase):
    """One session from all sides."""

    as_of: datetime | None = Field(
        description="The time that was asked for, UTC; null: none was, so the label is today's."
    )
    label: LabelView | None = Field(
        description="What the session bought, and why; null: it is not known at that time."
    )
    prediction: PredictionView | None = Field(
        description="How it is likely to end, while that is open; null: it is not, or that can't be"
        " said. It is no part of the label."
    )
    tool_versions: list[str] = Field(description="Versions of the tool that it ran with.")
    parent_session_id: str | None = Field(
        description="The session that this one belongs to, in whose numbers its own are; null: it"
        " belongs to none."
    )
    children: list[ChildSession] = Field(
        description="Sessions that belong to this one, the first one first. All numbers here hold"
        " theirs, but links, label and context are the session's own."
    )
    usage: list[ModelUsage] = Field(description="Usage by model and purpose.")
    hours: list[HourUsage] = Field(description="Usage by hour, the first one first.")
    usage_source: str | None = Field(
        description="The signal that requests, tokens and cost come from: `log`, `metric` or"
        " `span`; null: none told any."
    )
    sources: list[SourceUsage] = Field(
        description="What every signal told. Signals repeat each other and are never added."
    )
    sources_agree: bool | None = Field(
        description="Whether all signals told the same tokens; null: only one told any. A signal"
        " that is still under way, or was lost, makes it false."
    )
    requests_unmeasured: int | None = Field(
        description="Answered requests whose usage the tool did not report; null: none known."
    )
    completeness: Completeness = Field(description="What is known to be missing.")
    context: ContextGrowth | None = Field(
        description="How the conversation's context grew; null: no request told its size."
    )
    tool_calls: list[ToolCalls] = Field(description="Calls of the tool's own tools, by name.")
    repeated_failures: RepeatedFailures | None = Field(
        description="Calls that failed again and again; null: no failed call told its arguments."
    )
    counts: Counts = Field(description="What else was counted.")
    commits: list[TraceRow] = Field(description="Commit SHAs that the session named.")
    branches: list[TraceRow] = Field(description="Branches that the session named.")
    repositories: list[TraceRow] = Field(description="Repositories that the session named.")
    tickets: list[TraceRow] = Field(description="Tickets that the session named.")
    links: list[LinkRow] = Field(
        description="Commits, changes and tickets it is tied to, strongest first."
    )


class LabelRow(LabelView):
    """A label that the session was given, and what spoke for it."""

    labelled_at: datetime = Field(description="From when on it had this label, UTC.")
    facts: dict[str, Any] = Field(description="The facts that the rule saw, by name.")
    current: bool = Field(description="Whether it is the session's label now.")


class Explanation(Shape):
    """Everything behind a session's label."""

    tool: str = Field(description=TOOL)
    session_id: str = Field(description="The session's id, as the tool tells it.")
    as_of: datetime | None = Field(
        description="The time that was asked for, UTC; null: none was, so the label is today's."
    )
    label: LabelView | None = Field(
        description="What the session bought, and why; null: it is not known at that time."
    )
    rules_say: LabelView | None = Field(
        description="What the rules say where the label is a person's; null: the label is theirs."
    )
    facts: dict[str, Any] = Field(
        description="The facts that the rules saw, by name; null values were not told."
    )
    overrules: list[OverruleRow] = Field(
        description="What people said that it bought, newest first; one at most stands."
    )
    links: list[LinkRow] = Field(
        description="Commits, changes and tickets it is tied to, strongest first."
    )
    history: list[LabelRow] = Field(description="All labels it was given, newest first.")


def session_row(seen: SessionSeen, names: Mapping[str, str]) -> SessionRow:
    """A listed session; ``names`` are those of people, by pseudonym."""
    return SessionRow(
        **_session(seen, names),
        label=Label(seen.label) if seen.label else None,
        maturity=Maturity(seen.maturity) if seen.maturity else None,
    )


def session_detail(
    seen: SessionSeen,
    names: Mapping[str, str],
    sides: SessionSides,
    labelled: Labelled | None,
    warned: Warned | None,
    asked: datetime | None,
) -> SessionDetail:
    """A session from all sides; ``labelled`` is its label at the time asked for."""
    booked = next((each for each in sides.sources if each.booked), None)
    return SessionDetail(
        **_session(seen, names),
        as_of=asked,
        label=label_view(labelled),
        prediction=prediction_view(warned)
        if warned is not None and warned.prediction.answer is not None
        else None,
        tool_versions=sorted(sides.traces.get(Trace.TOOL_VERSION, ())),
        usage=[
            ModelUsage(model=each.model, query_source=each.purpose, **counted(each.usage))
            for each in sides.usage
        ],
        parent_session_id=sides.parent_id,
        children=[
            ChildSession(
                session_id=each.session_id,
                parent_session_id=each.parent_id,
                first_at=each.first_at,
                last_at=each.last_at,
                **counted(each.usage),
            )
            for each in sides.children
        ],
        hours=[HourUsage(hour=each.hour, **counted(each.usage)) for each in sides.hours],
        usage_source=booked.source if booked else None,
        sources=[
            SourceUsage(source=each.source, booked=each.booked, **counted(each.usage))
            for each in sides.sources
        ],
        sources_agree=seen.completeness.sources_agree,
        requests_unmeasured=seen.completeness.requests_unmeasured,
        completeness=Completeness(**asdict(seen.completeness)),
        context=context_growth(sides),
        tool_calls=tool_calls(sides.counts),
        repeated_failures=repeated_failures(sides.counts),
        counts=counts_of(sides),
        commits=_traced(sides, Trace.COMMIT),
        branches=_traced(sides, Trace.BRANCH),
        repositories=_traced(sides, Trace.REPOSITORY),
        tickets=_traced(sides, Trace.TICKET),
        links=[link_row(each) for each in sides.links],
    )


def explanation(
    seen: SessionSeen,
    labelled: Labelled | None,
    asked: datetime | None,
    links: Sequence[LinkSeen],
    history: Sequence[LabelKept],
    overrules: Sequence[Overrule],
) -> Explanation:
    """Everything behind a session's label."""
    return Explanation(
        tool=seen.tool,
        session_id=seen.session_id,
        as_of=asked,
        label=label_view(labelled),
        rules_say=label_view(labelled.beside) if labelled else None,
        facts=labelled.facts if labelled else {},
        overrules=overrule_rows(overrules),
        links=[link_row(each) for each in links],
        history=[LabelRow(**asdict(each)) for each in history],
    )


def label_view(labelled: Labelled | None) -> LabelView | None:
    """A label as it is answered."""
    return None if labelled is None else view_of(labelled)


def view_of(labelled: Labelled) -> LabelView:
    """A label with the rule that gave it."""
    return LabelView(
        label=labelled.label,
        maturity=labelled.maturity,
        rule=labelled.rule,
        reason=labelled.reason,
        rule_set=labelled.rule_set,
        due_at=labelled.due_at,
    )


def link_row(link: LinkSeen) -> LinkRow:
    """A link as it is answered."""
    return LinkRow(
        id=link.id,
        target=TargetRow(
            kind=link.kind,
            repo=link.repo,
            id=link.target_id,
            title=link.title,
            state=link.state,
        ),
        tier=Tier(link.tier),
        probability=link.probability,
        cost_usd=usd(link.cost_nanousd),
        evidence=[EvidenceRow(**asdict(each)) for each in link.evidence],
    )


def _session(seen: SessionSeen, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "tool": seen.tool,
        "session_id": seen.session_id,
        "first_at": seen.first_at,
        "last_at": seen.last_at,
        "user": seen.user,
        "user_name": names.get(seen.user or ""),
        "team": seen.team,
        "repo": seen.repo,
        "models": list(seen.models),
        "spent_usd": usd(seen.cost.nanousd),
        "spent_as": _spent_as(seen),
        "lower_bound": seen.cost.lower_bound,
        "child_sessions": seen.children,
        "complete": seen.completeness.complete,
        **counted(seen.usage),
    }


def _spent_as(seen: SessionSeen) -> SpentAs | None:
    if seen.cost.nanousd is None:
        return None
    return SpentAs.REPORTED if seen.cost.reported else SpentAs.LIST


def _traced(sides: SessionSides, trace: Trace) -> list[TraceRow]:
    told = sides.traces.get(trace, {})
    return [TraceRow(value=value, first_at=first_at) for value, first_at in told.items()]
