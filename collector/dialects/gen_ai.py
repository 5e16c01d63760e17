"""Any other tool that follows the OpenTelemetry conventions for generative AI, of any generation.

The conventions were never stable: a request's tokens are ``prompt_tokens`` or ``input_tokens``, its
provider ``gen_ai.system`` or ``gen_ai.provider.name``, cache and reasoning have five spellings.
OpenInference (Arize) says the same in words of its own (``llm.token_count.…``), as did the first
OpenLLMetry (``llm.usage.…``). The tool is called what its ``service.name`` says. This dialect comes
last: a tool with a module of its own is read better there.

Authority: spans of single model requests (``chat``, ``generate_content``, ``text_completion``,
``embeddings``; an operation with an unknown name counts where it tells a model and its usage).
Spans of agents and workflows repeat the sum of the requests inside them (by their operation, or the
kind of span that OpenInference and OpenLLMetry tell). The log event
``gen_ai.client.inference.operation.details`` repeats the span and counts where no spans came,
counters after it; both only with a session of their own, since without one nobody can say which
spans they repeat. Tool calls come from ``execute_tool`` spans.

Traps. Two instrumentations of one process report one response twice, mostly as spans inside each
other, with an id of the response or without (``collector.nesting`` takes them apart).
``input_tokens`` holds the cached tokens by the conventions, but not where the numbers are passed on
as a provider counts them apart: the total, or more cached than input, tells. Reasoning is inside
the output, with the same exception.

Not told: prompts, lines, commits, what a request was for; retries inside a client library.
"""

import re
from collections.abc import Iterator

from collector.dialects.amounts import told_cost, whole
from collector.dialects.dialect import Dialect, identity, place_of, span_identity
from collector.dialects.grouped import said
from collector.dialects.inclusive import inclusive_tokens
from collector.dialects.metrics import observe_point
from collector.dialects.tiers import told_tier
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
    Record,
    Scope,
    Span,
    count,
    recorded_us,
    text,
)
from domain.usage import Tokens

TOOL = "gen-ai"
_SPAN_RANK, _LOG_RANK = 0, 1
_DETAILS = "gen_ai.client.inference.operation.details"
_REQUESTS = frozenset({"chat", "generate_content", "text_completion", "embeddings"})
_EXECUTE_TOOL = "execute_tool"
# They repeat what happens inside them, or (``fetch_response``) what was told when it was asked.
_ROLLUPS = frozenset(
    "agent_step create_agent fetch_response invoke_agent invoke_workflow plan".split()
)
_OPERATIONS = _REQUESTS | _ROLLUPS | {_EXECUTE_TOOL}
# They may be priced, by what no span tells.
_UNTOLD = frozenset({"rerank", "retrieval"})
# What a span is, where no operation is told or one that says less.
_SPAN_KIND = "openinference.span.kind"
_KINDS = (_SPAN_KIND, "llm.request.type", "traceloop.span.kind")
_MEANING = {
    "agent": "invoke_agent",
    "chain": "invoke_workflow",
    "evaluator": "invoke_workflow",
    "guardrail": "invoke_workflow",
    "workflow": "invoke_workflow",
    "embedding": "embeddings",
    # LiteLLM's calls.
    "aembedding": "embeddings",
    "chat": "chat",
    "completion": "text_completion",
    "llm": "chat",
    "retriever": "retrieval",
    "reranker": "rerank",
    "tool": _EXECUTE_TOOL,
}
_PREFIXES = ("gen_ai.", "llm.token_count.", "llm.usage.")
_INPUT = (
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "llm.token_count.prompt",
    "llm.usage.prompt_tokens",
)
_OUTPUT = (
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.token_count.completion",
    "llm.usage.completion_tokens",
)
_CACHE_READ = (
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens",
    "gen_ai.usage.cached_input_tokens",
    "gen_ai.usage.input_tokens.cached",
    "gen_ai.usage.cached_tokens",
    "gen_ai.usage.details.cache_read_tokens",
    # The AI SDK writes its details beside the conventions.
    "ai.usage.inputTokenDetails.cacheReadTokens",
    "ai.usage.cachedInputTokens",
    "llm.token_count.prompt_details.cache_read",
)
_CACHE_WRITE = (
    "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
    "gen_ai.usage.cache_write_input_tokens",
    "gen_ai.usage.details.cache_write_tokens",
    "ai.usage.inputTokenDetails.cacheWriteTokens",
    "llm.token_count.prompt_details.cache_write",
)
_REASONING = (
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.reasoning_output_tokens",
    "gen_ai.usage.output_tokens.reasoning",
    "gen_ai.usage.reasoning_tokens",
    "gen_ai.usage.details.reasoning_tokens",
    "ai.usage.outputTokenDetails.reasoningTokens",
    "ai.usage.reasoningTokens",
    "llm.token_count.completion_details.reasoning",
    "llm.usage.reasoning_tokens",
)
_TOTAL = (
    "gen_ai.usage.total_tokens",
    "llm.usage.total_tokens",
    "ai.usage.totalTokens",
    "llm.token_count.total",
)
# Dollars: OpenRouter's, LiteLLM's, Pydantic AI's, OpenInference's.
_COST = ("gen_ai.usage.cost", "gen_ai.cost.total_cost", "operation.cost", "llm.cost.total")
_MODEL = (
    "gen_ai.response.model",
    "gen_ai.request.model",
    "llm.response.model_name",
    "llm.model_name",
    "llm.request.model_name",
    "embedding.model_name",
    "llm.response.model",
    "llm.request.model",
)


def speaks(record: Record) -> bool:
    """Whether a record that no other dialect recognises follows the conventions."""
    if isinstance(record, Span):
        told = record.attributes
        return _SPAN_KIND in told or any(name.startswith(_PREFIXES) for name in told)
    name = _event_name(record) if isinstance(record, LogRecord) else record.name
    return name.startswith("gen_ai.")


def tool_of(scope: Scope) -> str:
    """The tool's name as its service tells it, in few and harmless characters."""
    service = text(scope.resource, "service.name") or ""
    name = scope.name if service.startswith("unknown_service") else service or scope.name
    return re.sub(r"[^a-z0-9._-]+", "-", name.lower()[:256]).strip("-")[:64] or "unknown"


def read_log(record: LogRecord, pseudonyms: Pseudonyms) -> Outcome:
    """The details of a request; the other events hold messages, which are nobody's business."""
    name = _event_name(record)
    if name != _DETAILS:
        return Pass.IGNORED if name.startswith("gen_ai.") else Pass.UNKNOWN
    attributes = record.attributes
    session_id = _session(attributes, record.scope)
    if session_id is None:
        return Pass.DUPLICATE_SOURCE
    tokens = _tokens(attributes)
    if not tokens.told():
        # Some write the event twice, before the answer and after.
        return Pass.IGNORED
    at = recorded_us(record.time_ns, record.observed_ns)
    if at is None:
        return Pass.MALFORMED
    sender, tool = _sender(attributes, record.scope, pseudonyms), tool_of(record.scope)
    moment = text(attributes, "event.timestamp") or record.time_ns
    ids = (session_id, text(attributes, "gen_ai.response.id"), tokens.input, tokens.output)
    return Observation(
        origin=sender.origin(tool, session_id, Source.LOG, _LOG_RANK, told_tier(attributes)),
        key=identity(tool, "log", moment, *ids),
        at_us=at,
        stated=tuple(_answered(attributes, tokens, None)),
    )


def read_point(point: MetricPoint, pseudonyms: Pseudonyms) -> Outcome:
    """One point of a token counter, or of a histogram, whose sum is as good."""
    if not point.name.startswith("gen_ai."):
        return Pass.UNKNOWN
    source = _COUNTERS.get(point.name)
    if source is None:
        return Pass.IGNORED
    quantity, rank = source
    if quantity is None:
        quantity = _TOKEN_TYPES.get(text(point.attributes, "gen_ai.token.type") or "")
    session_id = _session(point.attributes, point.scope)
    # Cached tokens and reasoning are inside the two others, and cannot be taken out of a counter.
    if session_id is None or quantity is None:
        return Pass.DUPLICATE_SOURCE
    amount = whole(quantity, point.value)
    fact = Counted(quantity=quantity, amount=amount, model=_model(point.attributes))
    sender, tier = _sender(point.attributes, point.scope, pseudonyms), told_tier(point.attributes)
    return observe_point(
        point, sender.origin(tool_of(point.scope), session_id, Source.METRIC, rank, tier), fact
    )


_TOKEN_TYPES = {
    "input": Quantity.TOKENS_INPUT,
    "prompt": Quantity.TOKENS_INPUT,
    "output": Quantity.TOKENS_OUTPUT,
    "completion": Quantity.TOKENS_OUTPUT,
}
# Two generations of names; who sends both is read by the younger.
_COUNTERS: dict[str, tuple[Quantity | None, int]] = {
    "gen_ai.client.inference.usage.input_tokens": (Quantity.TOKENS_INPUT, 2),
    "gen_ai.client.inference.usage.output_tokens": (Quantity.TOKENS_OUTPUT, 2),
    "gen_ai.client.inference.usage.reasoning.output_tokens": (Quantity.TOKENS_REASONING, 2),
    "gen_ai.client.token.usage": (None, 3),
}


def read_span(span: Span, pseudonyms: Pseudonyms) -> Outcome:
    """A model request or a tool call."""
    attributes = span.attributes
    operation = _operation(span)
    if operation in _ROLLUPS:
        return _agent(span, pseudonyms)
    tokens = _tokens(attributes)
    facts: list[Fact]
    if operation == _EXECUTE_TOOL:
        facts = list(_tool_call(span, pseudonyms))
    elif operation in _REQUESTS or (tokens.told() and _model(attributes)):
        facts = list(_request(span, tokens, operation))
    else:
        return Pass.IGNORED if operation in _UNTOLD else Pass.UNKNOWN
    at = recorded_us(span.end_ns, span.start_ns)
    if at is None:
        return Pass.MALFORMED
    sender, tool = _sender(attributes, span.scope, pseudonyms), tool_of(span.scope)
    session_id, tier = _session(attributes, span.scope), told_tier(attributes)
    return Observation(
        origin=sender.origin(tool, session_id, Source.SPAN, _SPAN_RANK, tier),
        key=span_identity(tool, span),
        at_us=at,
        stated=tuple(facts),
        place=place_of(span, text(attributes, "gen_ai.response.id"))
        if isinstance(facts[0], RequestAnswered)
        else None,
    )


def _agent(span: Span, pseudonyms: Pseudonyms) -> Outcome:
    """What repeats the requests inside it may be all that names their session."""
    session_id, place = _session(span.attributes, span.scope), place_of(span)
    at = recorded_us(span.end_ns, span.start_ns)
    if session_id is None or place is None or at is None:
        return Pass.DUPLICATE_SOURCE
    sender, tool = _sender(span.attributes, span.scope, pseudonyms), tool_of(span.scope)
    origin = sender.origin(tool, session_id, Source.SPAN, _SPAN_RANK)
    return Observation(
        origin=origin, key=span_identity(tool, span), at_us=at, stated=(), place=place
    )


def _operation(span: Span) -> str:
    """A word of the conventions where there is one for it, or else what the span calls itself.

    A gateway's own operation (``acompletion``) says less than what kind of span it is.
    """
    told = text(span.attributes, "gen_ai.operation.name")
    if told in _OPERATIONS:
        return told
    kinds = (text(span.attributes, name) for name in _KINDS)
    meant = (_MEANING.get(kind.lower()) for kind in (told, *kinds) if kind)
    operation = next((each for each in meant if each), told)
    if operation is not None:
        return operation
    first = span.name.partition(" ")[0]
    return first if first in _OPERATIONS else ""


def _request(span: Span, tokens: Tokens, operation: str) -> Iterator[Fact]:
    attributes = span.attributes
    purpose = Purpose.AUXILIARY if operation == "embeddings" else None
    error = text(attributes, "error.type")
    # What broke off after usage was told has been paid for.
    if tokens.billable() or not (span.failed or error):
        yield from _answered(attributes, tokens, purpose)
    else:
        yield RequestFailed(
            model=_model(attributes),
            purpose=purpose,
            status_code=count(attributes, "http.response.status_code", "error.type"),
        )


def _answered(attributes: Attributes, tokens: Tokens, purpose: Purpose | None) -> Iterator[Fact]:
    model = _model(attributes)
    if not tokens.billable():
        yield RequestAnswered(model=model, tokens=Tokens(), purpose=purpose)
        yield Counted(quantity=Quantity.REQUESTS_UNMEASURED, amount=1)
        return
    cost = told_cost(attributes, *_COST)
    yield RequestAnswered(model=model, tokens=tokens, purpose=purpose, cost_nanousd=cost)


def _tool_call(span: Span, pseudonyms: Pseudonyms) -> Iterator[Fact]:
    attributes = span.attributes
    named = text(attributes, "gen_ai.tool.name", "tool.name", "traceloop.entity.name")
    tool = tool_name(named or span.name.partition(" ")[2])
    yield Counted(quantity=Quantity.TOOL_CALLS, amount=1, item=tool)
    if span.failed or text(attributes, "error.type"):
        yield Counted(quantity=Quantity.TOOL_FAILURES, amount=1, item=tool)
        call = text(attributes, "gen_ai.tool.call.arguments")
        if call is not None:
            item = pseudonyms("call", f"{tool}\0{call}")
            yield Counted(quantity=Quantity.REPEATED_FAILURES, amount=1, item=item)


def _tokens(attributes: Attributes) -> Tokens:
    prompt, answer = count(attributes, *_INPUT), count(attributes, *_OUTPUT)
    read, written = count(attributes, *_CACHE_READ), count(attributes, *_CACHE_WRITE)
    reasoning = count(attributes, *_REASONING)
    total = count(attributes, *_TOTAL)
    if prompt is not None and answer is not None and total is not None:
        cached = (read or 0) + (written or 0)
        beside_input, beside_output = _beside(total - prompt - answer, cached, reasoning or 0)
        prompt, answer = prompt + beside_input, answer + beside_output
    return inclusive_tokens(prompt, read, written, answer, reasoning)


def _beside(rest: int, cached: int, reasoning: int) -> tuple[int, int]:
    """Cached tokens that stand beside the input and reasoning that stands beside the output.

    ``rest`` is what the total holds besides input and output: nothing where the conventions are
    kept. It decides where it fits a reading; otherwise the conventions do.
    """
    readings = ((0, 0), (cached, 0), (0, reasoning), (cached, reasoning))
    return next((reading for reading in readings if sum(reading) == rest), (0, 0))


def _model(attributes: Attributes) -> str | None:
    return text(attributes, *_MODEL)


# The AI SDK knows no session; by custom applications name theirs so.
_SESSION = ("gen_ai.conversation.id", "session.id", "ai.telemetry.metadata.sessionId")


def _session(attributes: Attributes, scope: Scope) -> str | None:
    """A process that keeps one session may name it on its resource only."""
    return said(attributes, scope, *_SESSION)


def _event_name(record: LogRecord) -> str:
    return record.event_name or text(record.attributes, "event.name") or record.body


def _sender(attributes: Attributes, scope: Scope, pseudonyms: Pseudonyms) -> Sender:
    return sender_of(attributes, scope, text(scope.resource, "service.version"), pseudonyms)


# No scope, prefix or service: whoever keeps the table asks ``speaks`` after all other rows.
DIALECT = Dialect(tool=TOOL, scopes=(), log=read_log, point=read_point, span=read_span)
