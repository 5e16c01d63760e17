"""OpenAI Codex: exec, terminal, app-server (IDE, desktop). Versions seen: 0.96.0 to 0.169.0.

Authority: log events for everything. Where no logs came (the app-server of some versions exports
traces and metrics only) the span of a turn, ``session_task.turn``, gives tokens and requests, span
events give prompts and tool calls, and ``codex.turn.cost_microusd`` the cost. All other metrics
carry no session id and repeat the same tokens; so do ``handle_responses`` spans.

Traps. Log records have no time, only an observed time and ``event.timestamp``; ``eventName`` is a
line of source code. ``response.completed`` comes twice, the first time without tokens (over a
websocket once), with an ``error.message`` where the answer broke off, and with the whole prompt and
no output for the request that warms up a websocket, which generates nothing.
``tool_token_count`` is the total. Cached and cache-write tokens are inside input, reasoning inside
output. ``thread.id`` is the session on a few spans and a worker's number on the others. The tool
``exec`` wraps calls that are reported themselves. ``success`` is true for a command that failed:
its exit code stands in the output, as do commits. Arguments and output come in full, always.

Not told: repository, quiet commits, which failed attempt was the last, edits made by commands. A
subagent is a conversation of its own, which the answer to its parent's ``spawn_agent`` names; a
hidden title thread is one, too, and nothing names its parent.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from math import isfinite

from collector.attributes import marks, remembered
from collector.dialects.amounts import UNUSABLE
from collector.dialects.dialect import Dialect, marked_identity, span_identity
from collector.dialects.edited_files import patched_files
from collector.dialects.grouped import said
from collector.dialects.inclusive import inclusive_tokens
from collector.dialects.metrics import observe_point
from collector.dialects.tiers import tier_of
from collector.dialects.tool_text import (
    agent_started,
    changes_opened,
    commits_made,
    exit_code,
    patch_run,
    patched_lines,
    tool_name,
)
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
    decimal,
    flag,
    recorded_us,
    text,
)
from domain.usage import Tokens, nanousd

TOOL = "codex"
# Turn spans and the cost metric do not overlap, so they share the second place.
RANK = {Source.LOG: 0, Source.SPAN: 1, Source.METRIC: 1}

Read = list[Fact] | Pass

# Known, and nothing we account: latency, housekeeping, or what another event says better.
_IGNORED_EVENTS = frozenset(
    "auth_recovery guardian_assessment plugin_install_elicitation_sent plugin_install_suggestion "
    "sandbox_assessment sandbox_assessment_latency sandbox_outcome skill_invocation startup_phase "
    "tool_call_received tool_result_ready turn_profile turn_ttft websocket_event "
    "websocket_request".split()
)
# What, beside its id, tells two events of one conversation and millisecond apart.
_DISTINCT = (
    "sender_thread_id receiver_thread_id state turn.id item.id event.kind call_id "
    "tool_result_seq tool_name attempt http.response.status_code duration_ms prompt_length "
    "input_token_count output_token_count cached_token_count reasoning_token_count"
).split()
_MARKS = marks(*_DISTINCT, moment="event.timestamp")
_METRICS_TOLD_BETTER = frozenset(
    "codex.turn.token_usage codex.guardian.review.token_usage codex.api_request codex.tool.call "
    "codex.conversation.turn.count codex.turn.tool.call codex.multi_agent.spawn".split()
)
# By whatever name a version or a model calls its shell.
_SHELLS = frozenset(
    "container.exec exec_command local_shell shell shell_command unified_exec".split()
)
_CLIENT_ERROR, _SERVER_ERROR = 400, 500
# Sent again by the client itself, after logging in anew or a pause; 429 since 0.169 at the latest.
_TRIED_AGAIN = frozenset({401, 408, 409, 425, 429})
# How errors begin after which Codex asks again within the turn; others end it.
_STREAM_TRIED_AGAIN = (
    "stream disconnected before completion",
    "Error while reading the server response",
    "Connection failed",
    "We're currently experiencing high demand",
    "request timed out",
    "timeout waiting",
    "unexpected status",
)

_CONVERSATION = re.compile(r"^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$")


def read_log(record: LogRecord, pseudonyms: Pseudonyms) -> Outcome:
    """One log event, named by ``event.name`` only; without that it is a debug message."""
    attributes = record.attributes
    name = text(attributes, "event.name")
    if name is None:
        return Pass.IGNORED
    session_id = _session(attributes, record.scope)
    facts = _read(name, attributes, session_id, pseudonyms)
    if isinstance(facts, Pass):
        return facts
    at = recorded_us(record.time_ns, record.observed_ns, _timestamp(attributes))
    if at is None:
        return Pass.MALFORMED
    sender = _sender(attributes, record.scope, pseudonyms)
    marked, _ = _MARKS(attributes, record.observed_ns or record.time_ns)
    return Observation(
        origin=sender.origin(TOOL, session_id, Source.LOG, RANK[Source.LOG], _tier(attributes)),
        key=marked_identity(TOOL, name, (session_id or "").encode(), marked),
        at_us=at,
        stated=tuple(facts),
    )


def read_point(point: MetricPoint, pseudonyms: Pseudonyms) -> Outcome:
    """The cost of a turn, the one metric that names its conversation."""
    if point.name != "codex.turn.cost_microusd":
        told_better = point.name in _METRICS_TOLD_BETTER
        return Pass.DUPLICATE_SOURCE if told_better else Pass.IGNORED
    attributes = point.attributes
    session_id = said(attributes, point.scope, "conversation.id")
    if session_id is None:
        return Pass.DUPLICATE_SOURCE
    fact = Counted(
        quantity=Quantity.COST_NANOUSD,
        amount=round(point.value) * 1000 if isfinite(point.value) else UNUSABLE,
        model=text(attributes, "model"),
    )
    sender = _sender(attributes, point.scope, pseudonyms)
    return observe_point(
        point, sender.origin(TOOL, session_id, Source.METRIC, RANK[Source.METRIC]), fact
    )


def read_span(span: Span, pseudonyms: Pseudonyms) -> Outcome:
    """A turn with its usage, or a span on which prompts, tool calls and decisions are noted."""
    noted = [event.attributes for event in span.events if "event.name" in event.attributes]
    thread_id = said(span.attributes, span.scope, "thread.id")
    # Anything but a conversation's id is a worker's number.
    if not (span.name.startswith("session_task.") and _CONVERSATION.match(thread_id or "")):
        thread_id = None
    turn = _turn(span.attributes, noted) if thread_id else []
    session_id = thread_id if turn else None
    for attributes in noted:
        session_id = session_id or text(attributes, "conversation.id")
    facts = turn + _noted_facts(noted, session_id, pseudonyms)
    if not facts:
        return Pass.DUPLICATE_SOURCE if span.name == "handle_responses" else Pass.IGNORED
    at = recorded_us(span.end_ns, span.start_ns)
    if at is None:
        return Pass.MALFORMED
    sender = _sender(noted[0] if noted else span.attributes, span.scope, pseudonyms)
    return Observation(
        origin=sender.origin(TOOL, session_id, Source.SPAN, RANK[Source.SPAN]),
        key=span_identity(TOOL, span),
        at_us=at,
        stated=tuple(facts),
    )


def _read(
    name: str, attributes: Attributes, session_id: str | None, pseudonyms: Pseudonyms
) -> Read:
    event = name.removeprefix("codex.")
    if event in _IGNORED_EVENTS:
        return Pass.IGNORED
    reader = _EVENTS.get(event)
    if reader is None:
        return Pass.UNKNOWN
    if session_id is None and event != "sse_event":
        # The process itself, for example its list of models: no session.
        return Pass.IGNORED
    return reader(attributes, pseudonyms)


@remembered("service_tier")
def _tier(attributes: Attributes) -> str | None:
    """The tier that the request asked for: ``priority`` in fast mode, else mostly nothing."""
    return tier_of(text(attributes, "service_tier"))


def _session(attributes: Attributes, scope: Scope) -> str | None:
    """The conversation; a message that starts a subagent is booked to what it started."""
    return said(attributes, scope, "receiver_thread_id", "conversation.id")


def _sse_event(attributes: Attributes, _: Pseudonyms) -> Read:
    """A finished response with its usage; the same event without counts is only the stream's."""
    if text(attributes, "event.kind") != "response.completed":
        return Pass.IGNORED
    error = text(attributes, "error.message")
    if error is not None:
        return _broken_off(attributes, error)
    sent, output = count(attributes, "input_token_count"), count(attributes, "output_token_count")
    if (sent is None and output is None) or _warms_up(attributes, sent, output):
        return Pass.IGNORED
    tokens = inclusive_tokens(
        sent,
        count(attributes, "cached_token_count"),
        count(attributes, "cache_write_token_count"),
        output,
        count(attributes, "reasoning_token_count"),
    )
    return _answered(attributes, tokens)


def _warms_up(attributes: Attributes, sent: int | None, output: int | None) -> bool:
    """Whether this only prepared a websocket for a thread's first request (since 0.100).

    Codex sends it with ``generate`` false, and itself leaves it out of a turn's usage. It brings
    back the size of the prompt, and neither output nor, in versions that tell it, a time at which
    the first of that came. An answer of a model has at least a token.
    """
    return bool(sent) and output == 0 and "ttft_ms" not in attributes


def _broken_off(attributes: Attributes, error: str) -> Read:
    """The stream of an accepted request failed; nobody tells what it took until then.

    Where Codex asks again, the request that it began stays without an answer.
    """
    if "duration_ms" in attributes:
        # An unreadable event of the stream, whose end is told as well.
        return Pass.IGNORED
    if error.startswith(_STREAM_TRIED_AGAIN):
        return [Counted(quantity=Quantity.RETRIES, amount=1)]
    model, purpose = text(attributes, "model", "slug"), _purpose(attributes)
    return [RequestFailed(model=model, purpose=purpose)]


def _answered(attributes: Attributes, tokens: Tokens) -> list[Fact]:
    model, purpose = text(attributes, "model", "slug"), _purpose(attributes)
    if tokens.billable() == 0:
        # A provider that reports no usage: unknown, not free.
        return [
            RequestAnswered(model=model, tokens=Tokens(), purpose=purpose),
            Counted(quantity=Quantity.REQUESTS_UNMEASURED, amount=1),
        ]
    return [RequestAnswered(model=model, tokens=tokens, purpose=purpose)]


def _api_request(attributes: Attributes, _: Pseudonyms) -> Read:
    """One attempt over HTTP; every failed one is logged, also when repeated."""
    endpoint = text(attributes, "endpoint")
    status = count(attributes, "http.response.status_code")
    if endpoint is not None and not endpoint.startswith("/responses"):
        return Pass.IGNORED
    failed = text(attributes, "error.message") or flag(attributes, "success") is False
    if (status or 0) >= _CLIENT_ERROR or (status is None and failed):
        again = status is None or status >= _SERVER_ERROR or status in _TRIED_AGAIN
        # Each but the last of a request that ran out of attempts is followed by another.
        if again:
            return [Counted(quantity=Quantity.RETRIES, amount=1)]
        model, purpose = text(attributes, "model"), _purpose(attributes)
        return [RequestFailed(model=model, purpose=purpose, status_code=status)]
    if endpoint == "/responses/compact":
        # Summarised by the server in one answer, whose usage is not logged.
        return [
            Counted(quantity=Quantity.COMPACTIONS, amount=1),
            *_answered(attributes, Tokens()),
        ]
    return [Counted(quantity=Quantity.REQUESTS_STARTED, amount=1)]


def _websocket_connect(attributes: Attributes, _: Pseudonyms) -> Read:
    """A connection that fails, whatever the status, is tried again or given up for HTTP."""
    if flag(attributes, "success") is not False:
        return Pass.IGNORED
    return [Counted(quantity=Quantity.RETRIES, amount=1)]


def _tool_result(attributes: Attributes, pseudonyms: Pseudonyms) -> Read:
    tool = tool_name(text(attributes, "tool_name"))
    if tool == "exec" and not text(attributes, "mcp_server"):
        return Pass.IGNORED
    call, output = text(attributes, "arguments"), text(attributes, "output") or ""
    facts: list[Fact] = [Counted(quantity=Quantity.TOOL_CALLS, amount=1, item=tool)]
    if flag(attributes, "success") is False or exit_code(output):
        facts.append(Counted(quantity=Quantity.TOOL_FAILURES, amount=1, item=tool))
        if call is not None:
            item = pseudonyms("call", f"{tool}\0{call}")
            facts.append(Counted(quantity=Quantity.REPEATED_FAILURES, amount=1, item=item))
    elif tool == "apply_patch" or tool in _SHELLS:
        # Codex applies itself what a shell is told to apply.
        patch = patch_run(call or "") if tool in _SHELLS else call or ""
        facts += patched_lines(patch) + patched_files(patch, pseudonyms)
    elif tool == "spawn_agent":
        facts += [Counted(quantity=Quantity.SUBAGENTS, amount=1), *agent_started(output)]
    # A commit that takes longer than its call is told by the call that waits for it.
    facts += commits_made("git commit" if tool == "write_stdin" else call or "", output)
    if not exit_code(output):
        facts += changes_opened(call or "", output)
    return facts


def _tool_decision(attributes: Attributes, _: Pseudonyms) -> Read:
    """An approval, by the user or by configuration; other words amend a policy."""
    tool, decision = tool_name(text(attributes, "tool_name")), text(attributes, "decision") or ""
    denied = decision.startswith(("denied", "abort", "timed_out"))
    facts: list[Fact] = []
    if denied:
        facts.append(Counted(quantity=Quantity.TOOL_DENIALS, amount=1, item=tool))
    if tool == "apply_patch" and (denied or decision.startswith("approved")):
        edits = Quantity.EDITS_REJECTED if denied else Quantity.EDITS_ACCEPTED
        facts.append(Counted(quantity=edits, amount=1, item=tool))
    return facts or Pass.IGNORED


def _turn_cost(attributes: Attributes, _: Pseudonyms) -> Read:
    """The service's own estimate for a turn, minutes later; from the app-server only."""
    dollars = decimal(attributes, "usage.estimated_usd")
    if dollars is None or dollars < 0:
        return Pass.MALFORMED
    cost, model = nanousd(str(dollars)), text(attributes, "model")
    return [Counted(quantity=Quantity.COST_NANOUSD, amount=cost, model=model)]


def _prompt(_: Attributes, __: Pseudonyms) -> Read:
    return [Counted(quantity=Quantity.PROMPTS, amount=1)]


def _start(_: Attributes, __: Pseudonyms) -> Read:
    """A conversation begins, goes on, or is a subagent's: no count, but who and which version."""
    return []


def _agent_communication(attributes: Attributes, _: Pseudonyms) -> Read:
    """The message that starts a subagent, the only one whose sender is surely its parent."""
    parent = text(attributes, "sender_thread_id")
    spawned = text(attributes, "kind") == "spawn" and text(attributes, "state") == "send"
    if parent is None or not spawned:
        return Pass.IGNORED
    return [Traced(trace=Trace.PARENT_SESSION, value=parent)]


def _agent_response(attributes: Attributes, _: Pseudonyms) -> Read:
    """A final answer (opt-in), which names the parent of a subagent."""
    parent = text(attributes, "parent.conversation.id")
    return [Traced(trace=Trace.PARENT_SESSION, value=parent)] if parent else Pass.IGNORED


_EVENTS: dict[str, Callable[[Attributes, Pseudonyms], Read]] = {
    "agent_communication": _agent_communication,
    "agent_response": _agent_response,
    "api_request": _api_request,
    "conversation_starts": _start,
    "sse_event": _sse_event,
    "tool_decision": _tool_decision,
    "tool_result": _tool_result,
    "turn_cost": _turn_cost,
    "user_prompt": _prompt,
    "websocket_connect": _websocket_connect,
}
# Usage and retries come from the turn's span itself.
_NOTED = frozenset({"codex.user_prompt", "codex.tool_result", "codex.tool_decision"})


def _noted_facts(
    noted: list[Attributes], session_id: str | None, pseudonyms: Pseudonyms
) -> list[Fact]:
    facts: list[Fact] = []
    for attributes in noted:
        name = text(attributes, "event.name")
        if name not in _NOTED or text(attributes, "conversation.id") != session_id:
            continue
        read = _read(name, attributes, session_id, pseudonyms)
        facts += [] if isinstance(read, Pass) else read
    return facts


def _turn(attributes: Attributes, noted: list[Attributes]) -> list[Fact]:
    """Usage of one turn."""
    usage = "codex.turn.token_usage."
    tokens = inclusive_tokens(
        count(attributes, usage + "input_tokens"),
        count(attributes, usage + "cached_input_tokens"),
        count(attributes, usage + "cache_write_input_tokens"),
        count(attributes, usage + "output_tokens"),
        count(attributes, usage + "reasoning_output_tokens"),
    )
    amounts = {
        Quantity.TOKENS_INPUT: tokens.input,
        Quantity.TOKENS_CACHE_READ: tokens.cache_read,
        Quantity.TOKENS_CACHE_WRITE: tokens.cache_write,
        Quantity.TOKENS_OUTPUT: tokens.output,
        Quantity.TOKENS_REASONING: tokens.reasoning,
    }
    for profile in noted:
        if text(profile, "event.name") == "codex.turn_profile":
            amounts[Quantity.REQUESTS] = count(profile, "sampling_request_count")
            amounts[Quantity.RETRIES] = count(profile, "sampling_retry_count") or None
    model = text(attributes, "model")
    return [
        Counted(quantity=quantity, amount=amount, model=model)
        for quantity, amount in amounts.items()
        if amount is not None
    ]


def _purpose(attributes: Attributes) -> Purpose | None:
    """By the agent's name, where the record has one: the main agent's is a path's root."""
    agent = text(attributes, "agent_name")
    if agent is None:
        return None
    return Purpose.MAIN if agent == "/root" else Purpose.SUBAGENT


def _timestamp(attributes: Attributes) -> int:
    try:
        at = datetime.fromisoformat(text(attributes, "event.timestamp") or "")
    except ValueError:
        return 0
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1e6) * 1000


def _sender(attributes: Attributes, scope: Scope, pseudonyms: Pseudonyms) -> Sender:
    version = text(attributes, "app.version") or text(scope.resource, "service.version")
    return sender_of(attributes, scope, version, pseudonyms)


DIALECT = Dialect(
    tool=TOOL,
    scopes=("codex", "Codex"),
    # Whoever wraps Codex may give its spans another scope and service.
    prefixes=("codex.", "session_task."),
    services=frozenset(
        {"codex_exec", "codex_cli_rs", "codex_tui", "codex-tui", "codex_vscode", "codex-cli"}
        | {"codex-app-server", "Codex Desktop"}
    ),
    log=read_log,
    point=read_point,
    span=read_span,
)
