"""OpenCode: CLI, server, desktop. Versions seen: 1.16.2, 1.18.33 (Kilo: 7.7.9).

Authority: spans. ``ai.streamText.doStream`` and its siblings (one span an attempt) for requests
and tokens, ``ai.toolCall`` for tools with what came of them, ``Tool.execute`` for tools where the
former are off, ``http.server POST`` for prompts. There are no metrics; the logs are diagnostics.

Traps. Request spans exist only with ``experimental.openTelemetry``. The outer ``ai.streamText``
repeats the inner span's usage. A subagent works under a session id of its own: its requests name
the parent, its tool calls do not; the result of the parent's ``task`` names the child. Since AI SDK
6 input holds the cached tokens for every provider; before, Anthropic and Bedrock left them out. A
shell's exit code other than zero is no failed span. ``run`` leaves before its last spans do. The
user on the spans is the name of the operating-system account, which says nothing across machines:
it is no identity here.

AI SDK 7 names spans and attributes by the GenAI conventions. No version seen has it; its spans are
read as what they were called before.

Kilo is OpenCode under another name and says so nowhere: service, scope and span names are the
same, and only the version's first number tells the two apart. It switches the request spans off.

Not told: cost, why a request failed, retries as such, lines written by tools other than edit.
"""

import json
import re
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from collector.dialects.dialect import Dialect, span_identity
from collector.dialects.edited_files import edited_file, patched_files
from collector.dialects.grouped import said
from collector.dialects.inclusive import inclusive_tokens
from collector.dialects.tiers import tier_of, told_tier
from collector.dialects.tool_text import changes_opened, commits_made, tool_name
from collector.sender import sender_of
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
from domain.record import Attributes, Scope, Span, count, recorded_us, text
from domain.usage import Tokens

TOOL = "opencode"
KILO = "kilo"
# Kilo numbers its OpenCode-based versions from 7 on; OpenCode is at 1.
_KILO_SINCE = 7
_MOST_DIGITS = 9
_PARENT = ("ai.request.headers.x-parent-session-id", "ai.request.headers.X-Parent-Session-Id")
_SESSION = (
    "session.id",
    "ai.telemetry.metadata.sessionId",
    "ai.request.headers.X-Session-Id",
    "ai.request.headers.x-session-affinity",
)
_REQUESTS = frozenset(
    f"ai.{function}.{call}"
    for function in ("streamText", "generateText", "streamObject", "generateObject")
    for call in ("doStream", "doGenerate")
)
_ROLLUPS = frozenset({"ai.streamText", "ai.generateText", "ai.streamObject", "ai.generateObject"})
_CACHED = ("Read", "Write")
# What AI SDK 7 calls spans (by the first word) and attributes, and what they were called before.
_CALLED = {
    "chat": "ai.streamText.doStream",
    "execute_tool": "ai.toolCall",
    "invoke_agent": "ai.streamText",
    "step": "ai.streamText",
}
_RENAMED = {
    "gen_ai.provider.name": "ai.model.provider",
    "gen_ai.input.messages": "ai.prompt.messages",
    "gen_ai.tool.definitions": "ai.prompt.tools",
    "gen_ai.usage.input_tokens": "ai.usage.inputTokens",
    "gen_ai.usage.cache_read.input_tokens": "ai.usage.inputTokenDetails.cacheReadTokens",
    "gen_ai.usage.cache_creation.input_tokens": "ai.usage.inputTokenDetails.cacheWriteTokens",
    "gen_ai.usage.output_tokens": "ai.usage.outputTokens",
    "gen_ai.tool.name": "ai.toolCall.name",
    "gen_ai.tool.call.arguments": "ai.toolCall.args",
    "gen_ai.tool.call.result": "ai.toolCall.result",
}
_EDIT_TOOLS = frozenset({"edit", "multiedit", "write", "patch", "apply_patch"})
_SHELL_TOOLS = frozenset({"bash", "shell"})
_SESSION_ID = re.compile(r"^ses_\w+$")
_PROMPT_ROUTE = re.compile(
    r"^(?:/api)?/session/(?P<session>ses_\w+)/(?:message|prompt|prompt_async|command)$"
)
_REFUSED = re.compile(r"(?:Rejected|Denied|Corrected)Error$")
_USAGE = "ai.usage."
_HTTP_REFUSED = 400

_Reader = Callable[[Span, Pseudonyms], Sequence[Fact] | None]


def read_span(span: Span, pseudonyms: Pseudonyms) -> Outcome:
    """One span: a model request, a tool call or a prompt; the many others time internals."""
    span = _as_before(span)
    rank, reader = _reader(span.name)
    if reader is None:
        return _passed(span.name)
    at = recorded_us(span.end_ns, span.start_ns)
    if at is None:
        return Pass.MALFORMED
    facts = reader(span, pseudonyms)
    if facts is None:
        return Pass.IGNORED
    attributes, scope = span.attributes, span.scope
    version = text(scope.resource, "service.version") or scope.version or None
    sender = sender_of(attributes, scope, version, pseudonyms)
    tool = _tool(scope)
    return Observation(
        origin=sender.origin(tool, _session(span), Source.SPAN, rank, _tier(attributes)),
        key=span_identity(tool, span),
        at_us=at,
        stated=(*facts, *_parent(span)),
    )


def _as_before(span: Span) -> Span:
    """A span of AI SDK 7 by the names of AI SDK 6; any other as it is."""
    attributes = span.attributes
    name = _CALLED.get(span.name.partition(" ")[0])
    if name is None or "gen_ai.operation.name" not in attributes:
        return span
    named = {old: attributes[new] for new, old in _RENAMED.items() if new in attributes}
    details = f"{_USAGE}inputTokenDetails."
    told = count(named, f"{_USAGE}inputTokens")
    if told is not None and f"{details}noCacheTokens" not in attributes:
        # Since 6 the total holds the cached tokens, whatever the provider.
        read, write = (count(named, f"{details}cache{kind}Tokens") or 0 for kind in _CACHED)
        named[f"{details}noCacheTokens"] = max(0, told - read - write)
    return replace(span, name=name, attributes={**attributes, **named})


def _session(span: Span) -> str | None:
    own = _prompted(span) or said(span.attributes, span.scope, *_SESSION)
    return own or said(span.attributes, span.scope, *_PARENT)


def _parent(span: Span) -> list[Fact]:
    parent = text(span.attributes, *_PARENT)
    return [Traced(trace=Trace.PARENT_SESSION, value=parent)] if parent else []


def _reader(name: str) -> tuple[int, _Reader | None]:
    if name in _REQUESTS:
        return 0, _request
    return _READERS.get(name, (0, None))


def _passed(name: str) -> Pass:
    if name in _ROLLUPS:
        return Pass.DUPLICATE_SOURCE
    return Pass.UNKNOWN if name.startswith("ai.") else Pass.IGNORED


def _tool(scope: Scope) -> str:
    version = text(scope.resource, "service.version") or scope.version
    major = version.partition(".")[0]
    # What is longer than any version need not be a number that Python reads.
    numbered = major.isdecimal() and len(major) <= _MOST_DIGITS
    return KILO if numbered and int(major) >= _KILO_SINCE else TOOL


def _request(span: Span, _: Pseudonyms) -> list[Fact]:
    attributes = span.attributes
    model = text(
        attributes,
        "gen_ai.response.model",
        "ai.response.model",
        "gen_ai.request.model",
        "ai.model.id",
    )
    purpose, tokens = _purpose(attributes), _tokens(attributes)
    if tokens.told():
        return [RequestAnswered(model=model, tokens=tokens, purpose=purpose)]
    if span.failed:
        return [RequestFailed(model=model, purpose=purpose)]
    # The user stopped the stream before the provider told its usage.
    return [
        RequestAnswered(model=model, tokens=tokens, purpose=purpose),
        Counted(quantity=Quantity.REQUESTS_UNMEASURED, amount=1),
    ]


def _purpose(attributes: Attributes) -> Purpose | None:
    """A subagent's request names its parent; titles and summaries are asked without any tools."""
    if text(attributes, *_PARENT):
        return Purpose.SUBAGENT
    if attributes.get("ai.prompt.tools"):
        return Purpose.MAIN
    return Purpose.AUXILIARY if "ai.prompt.messages" in attributes else None


def _tokens(attributes: Attributes) -> Tokens:
    told = count(attributes, f"{_USAGE}inputTokens", f"{_USAGE}promptTokens")
    told = count(attributes, "gen_ai.usage.input_tokens") if told is None else told
    details = f"{_USAGE}inputTokenDetails."
    uncached = count(attributes, f"{details}noCacheTokens")
    read = count(attributes, f"{details}cacheReadTokens", f"{_USAGE}cachedInputTokens")
    write = count(attributes, f"{details}cacheWriteTokens")
    output, reasoning = _output(attributes, told)
    if uncached is None:
        write = _written(attributes) if write is None else write
        if not _cache_apart(attributes):
            return inclusive_tokens(told, read, write, output, reasoning)
        uncached = told
    return Tokens(
        input=uncached, cache_read=read, cache_write=write, output=output, reasoning=reasoning
    )


def _cache_apart(attributes: Attributes) -> bool:
    # AI SDK 5 and older passed on what these providers say: input without anything cached.
    provider = text(attributes, "ai.model.provider", "gen_ai.system", "gen_ai.provider.name") or ""
    return "anthropic" in provider or "bedrock" in provider


def _written(attributes: Attributes) -> int | None:
    """Cache writes from where AI SDK 5 left them: the provider's own metadata."""
    metadata = _object(attributes.get("ai.response.providerMetadata"))
    for provider in ("anthropic", "vertex"):
        told = count(_object(metadata.get(provider)), "cacheCreationInputTokens")
        if told is not None:
            return told
    usage = _object(_object(metadata.get("bedrock")).get("usage"))
    return count(usage, "cacheWriteInputTokens")


def _tier(attributes: Attributes) -> str | None:
    """The tier that the provider says it served the request in."""
    metadata = _object(attributes.get("ai.response.providerMetadata"))
    for provider in metadata:
        told = _object(metadata[provider])
        usage = _object(told.get("usage"))
        words = (text(usage, "speed"), text(told, "serviceTier"), text(usage, "service_tier"))
        tier = next(filter(None, map(tier_of, words)), None)
        if tier is not None:
            return tier
    return told_tier(attributes)


def _output(attributes: Attributes, told_input: int | None) -> tuple[int | None, int | None]:
    output = count(attributes, f"{_USAGE}outputTokens", f"{_USAGE}completionTokens")
    if output is None:
        output = count(attributes, "gen_ai.usage.output_tokens")
    reasoning = count(
        attributes, f"{_USAGE}outputTokenDetails.reasoningTokens", f"{_USAGE}reasoningTokens"
    )
    total = count(attributes, f"{_USAGE}totalTokens")
    # AI SDK 5 told Gemini's thoughts beside its output; only the total gives that away.
    if output is not None and reasoning and total == (told_input or 0) + output + reasoning:
        output += reasoning
    return output, reasoning


def _tool_call(span: Span, pseudonyms: Pseudonyms) -> list[Fact]:
    attributes = span.attributes
    name = tool_name(text(attributes, "ai.toolCall.name"))
    call = text(attributes, "ai.toolCall.args")
    result = _object(attributes.get("ai.toolCall.result"))
    metadata = _object(result.get("metadata"))
    exit_code = metadata.get("exit")
    # "invalid" is what OpenCode makes of a call that fits no tool.
    failed = span.failed or name == "invalid" or bool(isinstance(exit_code, int) and exit_code)
    facts = _called(name, failed, _refused(span))
    if failed and call is not None:
        item = pseudonyms("call", f"{name}\0{call}")
        facts.append(Counted(quantity=Quantity.REPEATED_FAILURES, amount=1, item=item))
    if name in _EDIT_TOOLS and call is not None and not failed:
        facts += edited_file(call, pseudonyms) + patched_files(call, pseudonyms)
    facts += _lines(_object(metadata.get("filediff")))
    child = text(metadata, "sessionId")
    if name == "task" and child is not None and _SESSION_ID.match(child):
        facts.append(Traced(trace=Trace.CHILD_SESSION, value=child))
    printed = result.get("output")
    if name in _SHELL_TOOLS and call is not None and isinstance(printed, str):
        facts += commits_made(call, printed) + changes_opened(call, printed)
    return facts


def _tool_execution(span: Span, _: Pseudonyms) -> list[Fact]:
    name = tool_name(text(span.attributes, "tool.name"))
    return _called(name, span.failed or name == "invalid", _refused(span))


def _called(name: str, failed: bool, refused: bool) -> list[Fact]:
    facts: list[Fact] = [Counted(quantity=Quantity.TOOL_CALLS, amount=1, item=name)]
    if failed:
        facts.append(Counted(quantity=Quantity.TOOL_FAILURES, amount=1, item=name))
    if refused:
        facts.append(Counted(quantity=Quantity.TOOL_DENIALS, amount=1, item=name))
    if name in _EDIT_TOOLS and (refused or not failed):
        edits = Quantity.EDITS_REJECTED if refused else Quantity.EDITS_ACCEPTED
        facts.append(Counted(quantity=edits, amount=1, item=name))
    if name == "task":
        facts.append(Counted(quantity=Quantity.SUBAGENTS, amount=1))
    return facts


def _refused(span: Span) -> bool:
    """The user or a rule said no: a permission error among the span's exceptions."""
    for event in span.events:
        error = text(event.attributes, "exception.type") or ""
        message = text(event.attributes, "exception.message") or ""
        if _REFUSED.search(error) or "rejected permission" in message:
            return True
    return False


def _lines(diff: Attributes) -> list[Fact]:
    told = (
        (Quantity.LINES_ADDED, count(diff, "additions")),
        (Quantity.LINES_REMOVED, count(diff, "deletions")),
    )
    return [Counted(quantity=quantity, amount=amount) for quantity, amount in told if amount]


def _prompt(span: Span, _: Pseudonyms) -> list[Fact] | None:
    answered = count(span.attributes, "http.response.status_code")
    refused = answered is not None and answered >= _HTTP_REFUSED
    if refused or _prompted(span) is None:
        return None
    return [Counted(quantity=Quantity.PROMPTS, amount=1)]


def _prompted(span: Span) -> str | None:
    """The session that a request to OpenCode's own server brings a prompt for."""
    route = _PROMPT_ROUTE.match(text(span.attributes, "url.path") or "")
    return route["session"] if route else None


def _object(value: object) -> Attributes:
    """A JSON object, also where it is spelled as a string; empty where it is neither."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}


# The second rank is for what the AI SDK tells better; the plugin's come after it.
_READERS: dict[str, tuple[int, _Reader]] = {
    "ai.toolCall": (0, _tool_call),
    "Tool.execute": (1, _tool_execution),
    "http.server POST": (0, _prompt),
}

DIALECT = Dialect(tool=TOOL, scopes=("opencode",), services=frozenset({"opencode"}), span=read_span)
