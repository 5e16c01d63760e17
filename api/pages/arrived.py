"""The first page while too little is known for ratios: what has arrived, and what is missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from api.wiring import Wiring
from domain.judgement import By
from domain.labels import Decision, Label, Requirement, Verdict
from domain.usage import Tokens
from store import report_sessions, report_status
from store.access import MAY_SEND, Access
from store.engine import Connection
from store.report_sessions import SessionFilter, SessionSeen
from store.report_status import Arrival, LabelSum, ToolSeen
from store.report_usage import Dimension, Selection, Usage, by_dimensions, combined
from store.unlinked import UnlinkedSpend, spend_unlinked

_NEWEST = 15
_SETTLED = ("understood", "ignored", "duplicate_source", "too_old")

MEANINGS: Mapping[Label | None, str] = {
    Label.PRODUCTIVE: "work that landed and stands",
    Label.INEFFICIENT: "work that landed, at too high a price",
    Label.WASTEFUL: "work that came to nothing",
    Label.NEUTRAL: "no work was meant to come of it",
    Label.PENDING: "too early to tell",
    Label.UNKNOWN: "can't be told",
    None: "not classified yet",
}
DECISIONS: Mapping[Decision, str] = {
    Decision.KEEP: "Keep",
    Decision.SCOPE: "Scope",
    Decision.CUT: "Cut",
    Decision.INSUFFICIENT_EVIDENCE: "Cannot say yet",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelLine:
    """Sessions of one label. ``part`` is their share of the list price of all sessions."""

    name: str
    meaning: str
    sessions: int
    list_nanousd: int | None
    part: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolLine:
    """One tool. ``usage`` is None where none was told, ``verdict`` until it was judged."""

    tool: str
    sessions: int
    usage: Usage | None
    verdict: Verdict | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One requirement of a verdict. ``have`` is its measure of each tool, in their order."""

    name: str
    sentence: str
    is_share: bool
    have: Sequence[Requirement | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelLine:
    """Usage of one model through one tool."""

    tool: str | None
    model: str | None
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """Everything that it says. ``sessions`` counts active sessions with an id."""

    now: datetime
    arrival: Arrival
    tools: Sequence[ToolLine]
    needs: Sequence[Need]
    sessions: int
    total: Usage
    sessionless: Usage | None
    labels: Sequence[LabelLine]
    models: Sequence[ModelLine]
    newest: Sequence[SessionSeen]
    forges: Mapping[str, int]
    unlinked: Sequence[UnlinkedSpend]
    not_understood: int
    ingest_token_needed: bool


def arrived(wiring: Wiring) -> Arrived:
    """Gather it, all from one state of the database."""
    now = wiring.clock()
    with wiring.database.reading() as connection:
        models = _model_lines(connection)
        seen = report_status.tools(connection)
        tools = tool_lines(seen, models, wiring.judge(connection, now, By.TOOL).verdicts)
        sessions = sum(tool.sessions for tool in tools)
        labels, sessionless = report_status.labels(connection)
        return Arrived(
            now=now,
            arrival=report_status.arrival(wiring.database),
            tools=tools,
            needs=missing([line.verdict for line in tools]),
            sessions=sessions,
            total=combined((line.usage for line in models), sessions),
            sessionless=sessionless,
            labels=label_lines(labels),
            models=models,
            newest=report_sessions.page(connection, SessionFilter(), _NEWEST),
            forges=report_status.forges(connection),
            unlinked=spend_unlinked(connection),
            not_understood=report_status.not_understood(connection, _SETTLED),
            ingest_token_needed=wiring.gate.check(None, MAY_SEND) is not Access.GRANTED,
        )


def _model_lines(connection: Connection) -> list[ModelLine]:
    by = (Dimension.TOOL, Dimension.MODEL)
    return [
        ModelLine(tool=values[by[0]], model=values[by[1]], usage=usage)
        for values, usage in by_dimensions(connection, by, Selection())
    ]


def tool_lines(
    seen: Sequence[ToolSeen], models: Sequence[ModelLine], verdicts: Sequence[Verdict]
) -> list[ToolLine]:
    """Tools by name, each with the usage of all its models."""
    by_tool = {verdict.tool: verdict for verdict in verdicts}
    lines = []
    for each in seen:
        usages = [line.usage for line in models if line.tool == each.tool]
        lines.append(
            ToolLine(
                tool=each.tool,
                sessions=each.sessions,
                usage=combined(usages, each.sessions) if usages else None,
                verdict=by_tool.get(each.tool),
            )
        )
    return lines


def missing(verdicts: Sequence[Verdict | None]) -> list[Need]:
    """Requirements that at least one of these verdicts still lacks, in their order."""
    measured = [
        {each.name: each for each in verdict.requirements} if verdict else {}
        for verdict in verdicts
    ]
    samples = {name: each for of_tool in measured for name, each in of_tool.items()}
    return [
        Need(
            name=name,
            sentence=sample.sentence,
            is_share=sample.sentence.startswith("Share"),
            have=[of_tool.get(name) for of_tool in measured],
        )
        for name, sample in samples.items()
        if any(name in of_tool and not of_tool[name].met for of_tool in measured)
    ]


def label_lines(sums: Sequence[LabelSum]) -> list[LabelLine]:
    """Labels in their own order; those without any session are left out."""
    by_label = {each.label: each for each in sums}
    whole = sum(each.usage.list_nanousd or 0 for each in sums if each.usage)
    lines = []
    for label, meaning in MEANINGS.items():
        each = by_label.get(label.value if label else None)
        if each is None:
            continue
        priced = each.usage.list_nanousd if each.usage else None
        lines.append(
            LabelLine(
                name=label.value if label else "none yet",
                meaning=meaning,
                sessions=each.sessions,
                list_nanousd=priced,
                part=priced / whole if priced is not None and whole else None,
            )
        )
    return lines


def buckets(told: Tokens) -> list[tuple[str, str, str, int | None]]:
    """Token buckets for people: (field, name, meaning, count)."""
    return [
        ("tokens.input", "Input", "prompt tokens from no cache", told.input),
        ("tokens.cache_read", "Cache read", "prompt tokens from the cache", told.cache_read),
        ("tokens.cache_write", "Cache write", "prompt tokens put into the cache", told.cache_write),
        ("tokens.output", "Output", "tokens produced, reasoning included", told.output),
    ]
