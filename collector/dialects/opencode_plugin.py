"""The OpenCode plugin ``@devtheops/opencode-plugin-otel``, from its source; no capture of it yet.

Authority: rank 2 (log events) and 3 (metrics) behind OpenCode's own spans, which tell the same
sessions by the same ids and have the ranks 0 and 1. Lines and retries exist as metrics only. The
plugin's spans repeat the log events.

Traps. Metric names take any prefix, even ``claude_code.``: only the scope ``com.opencode`` is sure.
All five token types are disjoint: output leaves reasoning out. A decision is misread by the plugin
(``once`` and ``always`` become ``reject``), so its ``source`` counts; the tool name beside it is
the title of the permission, which may quote a command, and is not used. Lines are gross: the whole
difference of the session is added again whenever it changes. A subagent's session is tied to its
parent by the built-in spans only.

Not told: parent sessions, failed requests' status, titles and summaries, tool arguments.
"""

from collector.attributes import event_name
from collector.dialects.amounts import told_cost, whole
from collector.dialects.dialect import Dialect, identity
from collector.dialects.grouped import entire, said
from collector.dialects.metrics import observe_point
from collector.dialects.tool_text import tool_name
from collector.sender import Sender, sender_of
from domain.events import (
    Counted,
    Fact,
    Observation,
    Outcome,
    Pass,
    Purpose,
    Quantity,
    RequestAnswered,
    RequestFailed,
    Source,
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
from domain.usage import Tokens, add

TOOL = "opencode"
_LOG_RANK, _METRIC_RANK = 2, 3
_AGENTS = {
    "build": Purpose.MAIN,
    "plan": Purpose.MAIN,
    "title": Purpose.AUXILIARY,
    "summary": Purpose.AUXILIARY,
    "compaction": Purpose.AUXILIARY,
}
# The sums of a session, and what created sessions tell about subagents already.
_REPEATED_EVENTS = frozenset({"session.idle", "subtask_invoked"})
_TOKEN_TYPES = {
    "input": Quantity.TOKENS_INPUT,
    "output": Quantity.TOKENS_OUTPUT,
    # Output leaves reasoning out, so its counter is one more part of the output.
    "reasoning": Quantity.TOKENS_OUTPUT,
    "cacheRead": Quantity.TOKENS_CACHE_READ,
    "cacheCreation": Quantity.TOKENS_CACHE_WRITE,
}
_LINE_TYPES = {"added": Quantity.LINES_ADDED, "removed": Quantity.LINES_REMOVED}
# By the end of the name, as the prefix is the operator's choice.
_PLAIN_COUNTERS = {
    "cost.usage": Quantity.COST_NANOUSD,
    "commit.count": Quantity.COMMITS,
    "retry.count": Quantity.RETRIES,
}
_REPEATED_METRICS = (
    "session.count",
    "tool.duration",
    "cache.count",
    "session.duration",
    "message.count",
    "session.token.total",
    "session.cost.total",
    "model.usage",
    "subtask.count",
    "lines_of_code.total",
)


def read_log(record: LogRecord, pseudonyms: Pseudonyms) -> Outcome:
    """One log event; its name stands in ``event.name`` and in the body."""
    attributes = record.attributes
    name = event_name(record)
    if name in _REPEATED_EVENTS:
        return Pass.DUPLICATE_SOURCE
    if name == "session.error":
        return Pass.IGNORED
    reader = _EVENTS.get(name)
    if reader is None:
        return Pass.UNKNOWN
    at = recorded_us(record.time_ns, record.observed_ns)
    if at is None:
        return Pass.MALFORMED
    sender = _sender(attributes, record.scope, pseudonyms)
    # No event has an id, so the whole record is its identity.
    session_id = said(attributes, record.scope, "session.id")
    return Observation(
        origin=sender.origin(TOOL, session_id, Source.LOG, _LOG_RANK),
        key=identity(TOOL, "plugin", name, record.time_ns, entire(record)),
        at_us=at,
        stated=tuple(reader(attributes)),
    )


def read_point(point: MetricPoint, pseudonyms: Pseudonyms) -> Outcome:
    """One point of a counter, whatever prefix the operator gave it."""
    quantity = _quantity(point)
    if quantity is None:
        repeated = point.name.endswith(_REPEATED_METRICS)
        return Pass.DUPLICATE_SOURCE if repeated else Pass.UNKNOWN
    attributes = point.attributes
    sender = _sender(attributes, point.scope, pseudonyms)
    fact = Counted(
        quantity=quantity,
        amount=whole(quantity, point.value),
        model=text(attributes, "model"),
        purpose=_AGENTS.get(text(attributes, "agent") or ""),
    )
    session_id = said(attributes, point.scope, "session.id")
    return observe_point(point, sender.origin(TOOL, session_id, Source.METRIC, _METRIC_RANK), fact)


def read_span(_: Span, __: Pseudonyms) -> Outcome:
    """The plugin's spans say nothing that its log events do not say."""
    return Pass.DUPLICATE_SOURCE


def _quantity(point: MetricPoint) -> Quantity | None:
    kind = text(point.attributes, "type") or ""
    if point.name.endswith("token.usage"):
        return _TOKEN_TYPES.get(kind)
    if point.name.endswith("lines_of_code.count"):
        return _LINE_TYPES.get(kind)
    return next((q for end, q in _PLAIN_COUNTERS.items() if point.name.endswith(end)), None)


def _answered(attributes: Attributes) -> list[Fact]:
    reasoning = count(attributes, "reasoning_tokens")
    tokens = Tokens(
        input=count(attributes, "input_tokens"),
        cache_read=count(attributes, "cache_read_tokens"),
        cache_write=count(attributes, "cache_creation_tokens"),
        output=add(count(attributes, "output_tokens"), reasoning),
        reasoning=reasoning,
    )
    return [
        RequestAnswered(
            model=text(attributes, "model"),
            tokens=tokens,
            purpose=_AGENTS.get(text(attributes, "agent") or ""),
            cost_nanousd=told_cost(attributes, "cost_usd"),
        )
    ]


def _failed(attributes: Attributes) -> list[Fact]:
    purpose = _AGENTS.get(text(attributes, "agent") or "")
    return [RequestFailed(model=text(attributes, "model"), purpose=purpose)]


def _tool_result(attributes: Attributes) -> list[Fact]:
    tool = tool_name(text(attributes, "tool_name"))
    facts: list[Fact] = [Counted(quantity=Quantity.TOOL_CALLS, amount=1, item=tool)]
    if flag(attributes, "success") is False:
        facts.append(Counted(quantity=Quantity.TOOL_FAILURES, amount=1, item=tool))
    return facts


def _tool_decision(attributes: Attributes) -> list[Fact]:
    tool = tool_name(text(attributes, "tool_type"))
    rejected = (text(attributes, "source", "decision") or "") in ("reject", "deny")
    facts: list[Fact] = []
    if rejected:
        facts.append(Counted(quantity=Quantity.TOOL_DENIALS, amount=1, item=tool))
    if tool == "edit":
        edits = Quantity.EDITS_REJECTED if rejected else Quantity.EDITS_ACCEPTED
        facts.append(Counted(quantity=edits, amount=1, item=tool))
    return facts


def _prompt(_: Attributes) -> list[Fact]:
    return [Counted(quantity=Quantity.PROMPTS, amount=1)]


def _commit(_: Attributes) -> list[Fact]:
    return [Counted(quantity=Quantity.COMMITS, amount=1)]


def _created(attributes: Attributes) -> list[Fact]:
    subagent = flag(attributes, "is_subagent") is True
    return [Counted(quantity=Quantity.SUBAGENTS, amount=1)] if subagent else []


_EVENTS = {
    "api_request": _answered,
    "api_error": _failed,
    "tool_result": _tool_result,
    "tool_decision": _tool_decision,
    "user_prompt": _prompt,
    "commit": _commit,
    "session.created": _created,
}


def _sender(attributes: Attributes, scope: Scope, pseudonyms: Pseudonyms) -> Sender:
    # The resource has the plugin's version; OpenCode's own is not told unless an operator adds it.
    return sender_of(attributes, scope, text(scope.resource, "service.version"), pseudonyms)


DIALECT = Dialect(
    tool=TOOL, scopes=("com.opencode",), log=read_log, point=read_point, span=read_span
)
