"""Gemini CLI, and the words that its fork Qwen Code still shares. Versions seen: 0.16.0, 0.61.0.

Authority: log ``gemini_cli.api_response`` for requests and tokens, ``api_error`` for failures (the
counter ``api.request.count`` holds every failure twice), ``api_request`` for requests begun: what
was begun and neither answered nor failed is a stream the tool broke off, whose tokens nobody
tells. Other log events for prompts, tools, lines, loops. Counters where no logs came, then spans
(``llm_call``, with usage only under ``telemetry.traces``, and without thoughts).

Traps. Every response is told five times: twice in logs (``gen_ai.client.inference.operation.
details`` is the second), in two metrics, in a span. ``service.version`` is Node's version.
0.16.0 puts another ``session.id`` on the resource than on the records, and
``OTEL_RESOURCE_ATTRIBUTES`` may put any there: the record's counts, where it has one. Cached tokens
are inside the input; thoughts stand beside the output and tool-use prompts beside the input, unless
the total says otherwise. A shell command that exits with 3 has ``success=true`` (its exit code is
in ``metadata``, absent when ``logPrompts`` is off). Metadata is a map in 0.16.0, JSON text since.

Not told: the tool's own version, cost, repository; commit and branch only inside the shell output
that the next request quotes, and only when ``logPrompts`` is on (the default).
"""

from functools import partial

from collector.dialects.amounts import whole
from collector.dialects.dialect import Dialect, span_identity
from collector.dialects.gemini_words import (
    EVENT_PREFIXES,
    TOLD_BY_LOGS,
    Fork,
    cancelled,
    read_log,
    sender_for,
    session_named,
    session_of,
)
from collector.dialects.metrics import observe_point
from domain.events import Counted, Observation, Outcome, Pass, Quantity, RequestAnswered, Source
from domain.pseudonym import Pseudonyms
from domain.record import Attributes, MetricPoint, Span, count, recorded_us, text
from domain.usage import Tokens

GEMINI = Fork(
    tool="gemini-cli",
    log_rank=0,
    metric_rank=1,
    thoughts_inside=False,
    usual_purpose=None,
    points_name_sessions=True,
)
_SPAN_RANK = 2
_OK = 200


def read_point(point: MetricPoint, pseudonyms: Pseudonyms, fork: Fork) -> Outcome:
    """One point of a counter, the fallback where no logs came.

    Without a session (Qwen Code's default) it can only repeat what logs or spans say.
    """
    name = point.name
    for prefix in EVENT_PREFIXES:
        name = name.removeprefix(prefix)
    if name == point.name:
        known = name.startswith(("gen_ai.", "http."))
        return Pass.DUPLICATE_SOURCE if known else Pass.UNKNOWN
    fact = _counted(name, point, fork)
    if isinstance(fact, Pass):
        return fact
    session_id = session_named(point.attributes)
    if fork.points_name_sessions:
        session_id = session_of(point.attributes, point.scope)
    if session_id is None:
        return Pass.DUPLICATE_SOURCE
    sender = sender_for(point.attributes, point.scope, pseudonyms)
    return observe_point(
        point, sender.origin(fork.tool, session_id, Source.METRIC, fork.metric_rank), fact
    )


def read_span(span: Span, pseudonyms: Pseudonyms) -> Outcome:
    """Model calls with their usage, the last resort: thoughts and cache are not told here."""
    if span.name != "llm_call":
        return Pass.DUPLICATE_SOURCE if span.scope.name == "gemini-cli" else Pass.IGNORED
    attributes = span.attributes
    session_id = session_of(attributes, span.scope)
    tokens = Tokens(
        input=count(attributes, "gen_ai.usage.input_tokens"),
        output=count(attributes, "gen_ai.usage.output_tokens"),
    )
    if session_id is None or tokens.billable() == 0:
        return Pass.DUPLICATE_SOURCE
    at = recorded_us(span.end_ns, span.start_ns)
    if at is None:
        return Pass.MALFORMED
    sender = sender_for(attributes, span.scope, pseudonyms)
    model = text(attributes, "gen_ai.response.model", "gen_ai.request.model")
    return Observation(
        origin=sender.origin(GEMINI.tool, session_id, Source.SPAN, _SPAN_RANK),
        key=span_identity(GEMINI.tool, span),
        at_us=at,
        stated=(RequestAnswered(model=model, tokens=tokens),),
    )


def _counted(name: str, point: MetricPoint, fork: Fork) -> Counted | Pass:
    attributes = point.attributes
    kind = text(attributes, "type") or ""
    quantity: Quantity | Pass
    if name == "token.usage":
        quantity = _token_type(kind, fork)
    elif name == "lines.changed":
        quantity = _LINE_TYPES.get(kind, Pass.UNKNOWN)
    elif name == "api.request.count":
        quantity = _request_outcome(attributes)
    else:
        return Pass.IGNORED
    if isinstance(quantity, Pass):
        return quantity
    model = text(attributes, "model")
    return Counted(quantity=quantity, amount=whole(quantity, point.value), model=model)


_LINE_TYPES = {"added": Quantity.LINES_ADDED, "removed": Quantity.LINES_REMOVED}


def _token_type(kind: str, fork: Fork) -> Quantity | Pass:
    """The bucket of a counter, or why its points are not taken."""
    if kind == "thought" and fork.thoughts_inside:
        return Quantity.TOKENS_REASONING
    return _TOKEN_TYPES.get(kind, Pass.UNKNOWN)


# Each response adds to all of them, also where it adds 0. The input is that of the whole prompt on
# every wire, and the cached part of it is counted once more.
_TOKEN_TYPES = {
    "cache": Quantity.TOKENS_CACHE_READ_INSIDE,
    "input": Quantity.TOKENS_INPUT,
    "tool": Quantity.TOKENS_INPUT,
    "thought": Quantity.TOKENS_REASONING_BESIDE,
    "output": Quantity.TOKENS_OUTPUT,
}


def _request_outcome(attributes: Attributes) -> Quantity | Pass:
    """Gemini counts a failure with its error type and once more without: only the first counts."""
    if text(attributes, "error_type") is not None:
        return Pass.IGNORED if cancelled(attributes) else Quantity.REQUESTS_FAILED
    succeeded = count(attributes, "status_code") == _OK
    return Quantity.REQUESTS if succeeded else Pass.DUPLICATE_SOURCE


DIALECT = Dialect(
    tool=GEMINI.tool,
    scopes=("gemini-cli",),
    prefixes=("gemini_cli.",),
    services=frozenset({"gemini-cli"}),
    tells={Source.LOG: TOLD_BY_LOGS},
    log=partial(read_log, fork=GEMINI),
    point=partial(read_point, fork=GEMINI),
    span=read_span,
)
