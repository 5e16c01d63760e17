"""Claude Code: CLI, VS Code extension, desktop, Agent SDK. Versions seen: 2.0.36 to 2.1.330.

Authority: log events for requests, tokens, cost, prompts, tools and commits; metrics for lines,
commit and pull-request counts and active time, and for tokens and cost where no logs came; spans
for requests last. All three repeat the same tokens.

Traps. Until 2.1.122 every number is a string. ``OTEL_RESOURCE_ATTRIBUTES`` are copied onto every
record (not by 2.0.36). ``--continue`` writes its start-up events and ``session.count`` under an id
that never returns. ``event.sequence`` restarts in each process. 2.0.36 reports a request of zero
tokens after an error it recovered from: its usage is unknown, not free. ``subagent_completed``
repeats the last request's size. ``query_source`` has other words in logs than in metrics.

Not told: repository, retried errors (spans have the attempt), commits made with ``-q``, the
number of a pull request, and commit, branch and edited files unless ``OTEL_LOG_TOOL_DETAILS=1``.
"""

import re
from datetime import UTC, datetime

from collector.attributes import counts, event_name, marks, remembered
from collector.dialects.amounts import cost_of, told_cost, whole
from collector.dialects.dialect import Dialect, identity, marked_identity, span_identity
from collector.dialects.edited_files import edited_file
from collector.dialects.grouped import entire, said
from collector.dialects.metrics import observe_point
from collector.dialects.tiers import tier_of
from collector.sender import SENDER, sender_of
from domain.events import (
    Counted,
    Fact,
    Observation,
    Origin,
    Outcome,
    Pass,
    Purpose,
    Quantity,
    RequestAnswered,
    RequestFailed,
    Source,
    Trace,
    Traced,
)
from domain.pseudonym import Pseudonyms
from domain.record import (
    Attributes,
    LogRecord,
    MetricPoint,
    Scope,
    Span,
    count,
    flag,
    recorded_us,
    text,
)
from domain.usage import Tokens

TOOL = "claude-code"
RANK = {Source.LOG: 0, Source.METRIC: 1, Source.SPAN: 2}
_EDIT_TOOLS = frozenset({"Edit", "MultiEdit", "Write", "NotebookEdit"})
_SHA = re.compile(r"^[0-9a-f]{7,64}$")

# Known, and nothing we account: housekeeping, or what another event says better.
_IGNORED_EVENTS = frozenset(
    "api_request_body api_response_body api_retries_exhausted api_refusal assistant_response "
    "at_mention auth feedback_survey hook_execution_complete hook_execution_start "
    "hook_plugin_metrics hook_registered internal_error managed_settings_resolved "
    "mcp_server_connection permission_mode_changed plugin_installed plugin_loaded "
    "retention_sweep skill_activated".split()
)


def read_log(record: LogRecord, pseudonyms: Pseudonyms) -> Outcome:
    """One log event; ``event.name`` comes without the prefix that its body has."""
    attributes, name = record.attributes, event_name(record).removeprefix("claude_code.")
    if name in _IGNORED_EVENTS:
        return Pass.IGNORED
    reader = _EVENTS.get(name)
    if reader is None:
        return Pass.UNKNOWN
    facts = reader(attributes, pseudonyms)
    at = recorded_us(record.time_ns)
    if at is None:
        at = recorded_us(_timestamp(attributes), record.observed_ns)
    if at is None or facts is None:
        return Pass.MALFORMED
    origin, who = _origin(attributes, record.scope, Source.LOG, pseudonyms)
    return Observation(origin, _log_identity(name, record, who), at, tuple(facts))


def read_point(point: MetricPoint, pseudonyms: Pseudonyms) -> Outcome:
    """One point of a counter; gauges and histograms are not used."""
    if not point.name.startswith("claude_code."):
        return Pass.UNKNOWN
    fact = _counted(point)
    if isinstance(fact, Pass):
        return fact
    origin, _ = _origin(point.attributes, point.scope, Source.METRIC, pseudonyms)
    return observe_point(point, origin, fact)


def read_span(span: Span, pseudonyms: Pseudonyms) -> Outcome:
    """Model requests; the other spans repeat what log events say, or time it."""
    if span.name != "claude_code.llm_request":
        known = span.name.startswith("claude_code.")
        return Pass.DUPLICATE_SOURCE if known else Pass.UNKNOWN
    at = recorded_us(span.end_ns, span.start_ns)
    if at is None:
        return Pass.MALFORMED
    attributes = span.attributes
    origin, _ = _origin(attributes, span.scope, Source.SPAN, pseudonyms)
    return Observation(origin, span_identity(TOOL, span), at, tuple(_llm_request(span)))


def _llm_request(span: Span) -> list[Fact]:
    attributes = span.attributes
    model = text(attributes, "model", "gen_ai.response.model", "gen_ai.request.model")
    purpose = _purpose(attributes)
    # Retries stay session facts: the attempts before the one that came back.
    retried = max((count(attributes, "attempt") or 1) - 1, 0)
    facts: list[Fact] = [Counted(quantity=Quantity.RETRIES, amount=retried)] if retried else []
    if flag(attributes, "success") is False or span.failed:
        facts.append(RequestFailed(model=model, purpose=purpose))
    else:
        facts += _answered(attributes, model, purpose, cost_nanousd=None)
    return facts


def _api_request(attributes: Attributes, _: Pseudonyms) -> list[Fact]:
    cost = told_cost(attributes, "cost_usd")
    if cost is None:
        micros = count(attributes, "cost_usd_micros")
        cost = None if micros is None else cost_of(micros / 1_000_000)
    return _answered(attributes, *_asked(attributes), cost)


_PURPOSE = ("query_source", "query_source_safe", "agent_id")


@remembered("model", *_PURPOSE)
def _asked(attributes: Attributes) -> tuple[str | None, Purpose | None]:
    return text(attributes, "model"), _purpose(attributes)


_TOKENS = counts(
    "input_tokens",
    "cache_read_tokens",
    "cache_creation_tokens",
    "cache_creation_5m_tokens",
    "cache_creation_1h_tokens",
    "output_tokens",
)


def _answered(
    attributes: Attributes, model: str | None, purpose: Purpose | None, cost_nanousd: int | None
) -> list[Fact]:
    sent, read, written, written_5m, written_1h, output = _TOKENS(attributes)
    tokens = Tokens(
        input=sent,
        cache_read=read,
        cache_write=written,
        cache_write_5m=written_5m,
        cache_write_1h=written_1h,
        output=output,
    )
    if tokens.billable() == 0:
        return [
            RequestAnswered(model=model, tokens=Tokens(), purpose=purpose),
            Counted(quantity=Quantity.REQUESTS_UNMEASURED, amount=1),
        ]
    return [RequestAnswered(model=model, tokens=tokens, purpose=purpose, cost_nanousd=cost_nanousd)]


def _api_error(attributes: Attributes, _: Pseudonyms) -> list[Fact]:
    retried = max((count(attributes, "attempt") or 1) - 1, 0)
    failed = RequestFailed(
        model=text(attributes, "model"),
        purpose=_purpose(attributes),
        status_code=count(attributes, "status_code"),
    )
    return [failed, Counted(quantity=Quantity.RETRIES, amount=retried)] if retried else [failed]


def _tool_result(attributes: Attributes, pseudonyms: Pseudonyms) -> list[Fact]:
    tool, succeeded, counted = _called(attributes)
    facts: list[Fact] = [*counted]
    if tool in _EDIT_TOOLS and succeeded:
        # By the documents the former holds the arguments; of a version that only had the latter
        # the files would otherwise be lost.
        facts += edited_file(text(attributes, "tool_input"), pseudonyms) or edited_file(
            text(attributes, "tool_parameters"), pseudonyms
        )
    if succeeded is False:
        call = text(attributes, "tool_input", "tool_parameters")
        if call is not None:
            item = pseudonyms("call", f"{tool}\0{call}")
            facts.append(Counted(quantity=Quantity.REPEATED_FAILURES, amount=1, item=item))
    revision = text(attributes, "vcs.ref.head.revision")
    if revision is not None and _SHA.match(revision.lower()):
        facts.append(Traced(trace=Trace.COMMIT, value=revision.lower()))
    return facts


@remembered("tool_name", "success")
def _called(attributes: Attributes) -> tuple[str, bool | None, tuple[Counted, ...]]:
    tool, succeeded = text(attributes, "tool_name") or "unknown", flag(attributes, "success")
    quantities = [Quantity.TOOL_CALLS]
    # Decisions are not told in every mode (2.0.36 with allowed tools); that an edit was made is.
    if tool in _EDIT_TOOLS and succeeded:
        quantities.append(Quantity.EDITS_ACCEPTED)
    if succeeded is False:
        quantities.append(Quantity.TOOL_FAILURES)
    counted = tuple(Counted(quantity=each, amount=1, item=tool) for each in quantities)
    return tool, succeeded, counted


def _tool_decision(attributes: Attributes, _: Pseudonyms) -> list[Fact]:
    tool = text(attributes, "tool_name") or "unknown"
    if text(attributes, "decision") != "reject":
        return []
    facts: list[Fact] = [Counted(quantity=Quantity.TOOL_DENIALS, amount=1, item=tool)]
    if tool in _EDIT_TOOLS:
        facts.append(Counted(quantity=Quantity.EDITS_REJECTED, amount=1, item=tool))
    return facts


def _prompt(_: Attributes, __: Pseudonyms) -> list[Fact]:
    return [Counted(quantity=Quantity.PROMPTS, amount=1)]


def _compaction(_: Attributes, __: Pseudonyms) -> list[Fact]:
    return [Counted(quantity=Quantity.COMPACTIONS, amount=1)]


def _subagent(_: Attributes, __: Pseudonyms) -> list[Fact]:
    return [Counted(quantity=Quantity.SUBAGENTS, amount=1)]


_EVENTS = {
    "api_request": _api_request,
    "api_error": _api_error,
    "tool_result": _tool_result,
    "tool_decision": _tool_decision,
    "user_prompt": _prompt,
    "compaction": _compaction,
    "subagent_completed": _subagent,
}
_TOKEN_TYPES = {
    "input": Quantity.TOKENS_INPUT,
    "output": Quantity.TOKENS_OUTPUT,
    "cacheRead": Quantity.TOKENS_CACHE_READ,
    "cacheCreation": Quantity.TOKENS_CACHE_WRITE,
}
_LINE_TYPES = {"added": Quantity.LINES_ADDED, "removed": Quantity.LINES_REMOVED}
_EDIT_DECISIONS = {"accept": Quantity.EDITS_ACCEPTED, "reject": Quantity.EDITS_REJECTED}


def _counted(point: MetricPoint) -> Counted | Pass:
    counter = _counter(point.attributes, point.name.removeprefix("claude_code."))
    if isinstance(counter, Pass):
        return counter
    quantity, item, model, purpose = counter
    amount = whole(quantity, point.value)
    return Counted(quantity=quantity, amount=amount, item=item, model=model, purpose=purpose)


@remembered("type", "decision", "start_type", "tool_name", "model", *_PURPOSE)
def _counter(
    attributes: Attributes, name: str
) -> tuple[Quantity, str, str | None, Purpose | None] | Pass:
    """What a counter of this name counts: quantity, item, model and purpose."""
    kind = text(attributes, "type") or ""
    quantity: Quantity | None
    if name == "token.usage":
        quantity = _TOKEN_TYPES.get(kind)
    elif name == "lines_of_code.count":
        quantity = _LINE_TYPES.get(kind)
    elif name == "code_edit_tool.decision":
        quantity = _EDIT_DECISIONS.get(text(attributes, "decision") or "")
    elif name == "session.count" and text(attributes, "start_type") == "agents_view":
        return Pass.IGNORED
    else:
        quantity = _PLAIN_COUNTERS.get(name)
    if quantity is None:
        return Pass.UNKNOWN
    items = {
        "session.count": text(attributes, "start_type"),
        "active_time.total": kind,
        "code_edit_tool.decision": text(attributes, "tool_name"),
    }
    return quantity, items.get(name) or "", *_asked(attributes)


_PLAIN_COUNTERS = {
    "cost.usage": Quantity.COST_NANOUSD,
    "commit.count": Quantity.COMMITS,
    "pull_request.count": Quantity.CHANGES_OPENED,
    "session.count": Quantity.PROCESS_STARTS,
    "active_time.total": Quantity.ACTIVE_MS,
}


def _purpose(attributes: Attributes) -> Purpose | None:
    """Logs name the place in the code (sdk, compact, agent:…), metrics and spans the purpose."""
    told = text(attributes, "query_source", "query_source_safe")
    if text(attributes, "agent_id") or (told or "").startswith(("agent:", "subagent")):
        return Purpose.SUBAGENT
    if told is None:
        return None
    if told in ("main", "sdk") or told.startswith("repl_main_thread"):
        return Purpose.MAIN
    return Purpose.AUXILIARY


def _timestamp(attributes: Attributes) -> int:
    told = text(attributes, "event.timestamp")
    try:
        at = datetime.fromisoformat(told) if told else None
    except ValueError:
        return 0
    if at is None:
        return 0
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1e6) * 1000


def _log_identity(name: str, record: LogRecord, who: bytes) -> bytes:
    """What makes a log event itself.

    Newer versions number or name every event; with the time that is enough, and survives a gateway
    that adds attributes. 2.0.36 has no ids: there the whole record is its identity, so that two
    requests equal to the millisecond in every number would count once.
    """
    marked, identified = _MARKS(record.attributes, record.time_ns)
    if identified:
        return marked_identity(TOOL, name, who, marked)
    return identity(TOOL, name, record.time_ns, entire(record))


_MARKS = marks(
    "request_id", "tool_use_id", "message.uuid", "event.sequence", moment="event.timestamp"
)


@remembered("session.id", "app.version", "speed", *SENDER)
def _origin(
    attributes: Attributes, scope: Scope, source: Source, pseudonyms: Pseudonyms
) -> tuple[Origin, bytes]:
    """Where a record comes from, and what of that identifies its log events."""
    version = text(attributes, "app.version") or text(scope.resource, "service.version")
    sender = sender_of(attributes, scope, version or scope.version or None, pseudonyms)
    session_id, user_id = (said(attributes, scope, name) for name in ("session.id", "user.id"))
    # Fast mode: logs say normal else, counters nothing.
    tier = tier_of(text(attributes, "speed"))
    origin = sender.origin(TOOL, session_id, source, RANK[source], tier)
    return origin, f"{session_id}\0{user_id}".encode()


_TELLS = {
    Source.LOG: frozenset(
        {
            Quantity.PROMPTS,
            Quantity.TOOL_CALLS,
            Quantity.TOOL_FAILURES,
            Quantity.TOOL_DENIALS,
            Quantity.EDITS_ACCEPTED,
            Quantity.EDITS_REJECTED,
            Quantity.COMPACTIONS,
        }
    ),
    Source.METRIC: frozenset(
        {
            Quantity.EDITS_ACCEPTED,
            Quantity.EDITS_REJECTED,
            Quantity.LINES_ADDED,
            Quantity.LINES_REMOVED,
            Quantity.COMMITS,
            Quantity.CHANGES_OPENED,
        }
    ),
}

DIALECT = Dialect(
    tool=TOOL,
    scopes=("com.anthropic.claude_code",),
    prefixes=("claude_code.",),
    services=frozenset({"claude-code", "claude-code-desktop", "cowork"}),
    tells=_TELLS,
    log=read_log,
    point=read_point,
    span=read_span,
)
