"""Goose, from its source and published hands-on reports (1.45, 1.46); no capture of it yet.

Authority: spans. ``stream_response_from_provider`` (and ``complete``, the same without a stream)
for requests and tokens since 1.46, ``dispatch_tool_call`` for tools, ``reply`` for prompts. Metrics
and logs tell no session and nothing that spans do not tell.

Traps. ``reply`` and ``reply_stream`` both repeat the sum of their requests. The counter
``goose.session_tokens`` is the size of the last request, not the session's total. Every counter is
exported once more as a log record. Input holds the cached tokens, whatever the provider says.
Before 1.46 no span has a model or tokens: those requests are counted with unknown usage. Prompts
and tool arguments are on the spans with content capture off, too. The user's name is that of the
operating-system account, which is no identity across machines.

Not told: cost, lines, repository, retries, reasoning, parent of a subagent; commits, unless the
output of tools is captured.
"""

import json
from collections.abc import Callable

from collector.dialects.dialect import Dialect, span_identity
from collector.dialects.grouped import said
from collector.dialects.tiers import told_tier
from collector.dialects.tool_text import changes_opened, commits_made, tool_name
from collector.dialects.usage_attributes import told_tokens
from collector.sender import sender_of
from domain.events import (
    Counted,
    Fact,
    Observation,
    Outcome,
    Pass,
    Quantity,
    RequestAnswered,
    RequestFailed,
    Source,
)
from domain.pseudonym import Pseudonyms
from domain.record import Attributes, LogRecord, MetricPoint, Span, recorded_us, text

TOOL = "goose"
# Both are tagged invoke_agent and sum up the requests inside them.
_ROLLUP = "reply_stream"


def read_span(span: Span, pseudonyms: Pseudonyms) -> Outcome:
    """One span: a model request, a tool call or a reply to a prompt."""
    if span.name == _ROLLUP:
        return Pass.DUPLICATE_SOURCE
    reader = _READERS.get(span.name)
    if reader is None:
        # Goose exports every internal span of level INFO, too.
        return Pass.IGNORED
    at = recorded_us(span.end_ns, span.start_ns)
    if at is None:
        return Pass.MALFORMED
    scope, attributes = span.scope, span.attributes
    version = text(scope.resource, "service.version") or scope.version or None
    sender = sender_of(attributes, scope, version, pseudonyms)
    session_id = said(attributes, scope, "gen_ai.conversation.id", "session.id")
    return Observation(
        origin=sender.origin(TOOL, session_id, Source.SPAN, 0, told_tier(attributes)),
        key=span_identity(TOOL, span),
        at_us=at,
        stated=tuple(reader(span, pseudonyms)),
    )


def read_point(point: MetricPoint, _: Pseudonyms) -> Outcome:
    """Counters without a session: what they count is told by the session's spans."""
    return Pass.DUPLICATE_SOURCE if point.name.startswith("goose.") else Pass.UNKNOWN


def read_log(record: LogRecord, _: Pseudonyms) -> Outcome:
    """The counters once more, and diagnostics."""
    counted = any(name.startswith("monotonic_counter.goose.") for name in record.attributes)
    return Pass.DUPLICATE_SOURCE if counted else Pass.IGNORED


def _request(span: Span, _: Pseudonyms) -> list[Fact]:
    attributes = span.attributes
    model = text(attributes, "gen_ai.response.model", "gen_ai.request.model")
    tokens = told_tokens(attributes, cache_inside_input=True)
    if tokens.told():
        return [RequestAnswered(model=model, tokens=tokens)]
    if span.failed or text(attributes, "error.type"):
        return [RequestFailed(model=model)]
    return [
        RequestAnswered(model=model, tokens=tokens),
        Counted(quantity=Quantity.REQUESTS_UNMEASURED, amount=1),
    ]


def _tool_call(span: Span, pseudonyms: Pseudonyms) -> list[Fact]:
    call = text(span.attributes, "input", "gen_ai.tool.call.arguments")
    name = tool_name(text(span.attributes, "gen_ai.tool.name") or _tool_of(call))
    facts: list[Fact] = [Counted(quantity=Quantity.TOOL_CALLS, amount=1, item=name)]
    if span.failed or text(span.attributes, "error.type"):
        facts.append(Counted(quantity=Quantity.TOOL_FAILURES, amount=1, item=name))
        if call is not None:
            item = pseudonyms("call", f"{name}\0{call}")
            facts.append(Counted(quantity=Quantity.REPEATED_FAILURES, amount=1, item=item))
    printed = text(span.attributes, "output", "gen_ai.tool.call.result")
    if call is not None and printed is not None:
        facts += commits_made(call, printed) + changes_opened(call, printed)
    return facts


def _tool_of(call: str | None) -> str | None:
    """Before 1.46 the tool's name stands only in the call itself: {"tool": …, "arguments": …}."""
    try:
        told = json.loads(call) if call else None
    except (ValueError, RecursionError):
        return None
    attributes: Attributes = told if isinstance(told, dict) else {}
    return text(attributes, "tool")


def _reply(_: Span, __: Pseudonyms) -> list[Fact]:
    return [Counted(quantity=Quantity.PROMPTS, amount=1)]


_READERS: dict[str, Callable[[Span, Pseudonyms], list[Fact]]] = {
    "stream_response_from_provider": _request,
    "complete": _request,
    "dispatch_tool_call": _tool_call,
    "reply": _reply,
}

DIALECT = Dialect(
    tool=TOOL,
    scopes=("goose",),
    prefixes=("goose.",),
    services=frozenset({"goose"}),
    log=read_log,
    point=read_point,
    span=read_span,
)
