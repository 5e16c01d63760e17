"""Qwen Code, a fork of Gemini CLI with words of its own. Versions seen: 0.15.10, 0.24.4.

Authority: span ``qwen-code.llm_request`` for requests and tokens where it names its session (it
also has the streams that the loop detector broke off, which no log tells); otherwise log
``qwen-code.api_response`` and ``api_error`` (0.15.10 has no spans). Counters last, and only with a
session (``telemetry.metrics.includeSessionId``; 0.15.10 always). Prompts, tools, lines, loops and
requests begun come from the log events, retries from the HTTP spans of model requests: a 429 or
5xx is retried below everything that Qwen Code itself reports.

Traps. The names are Gemini's, the meaning is not: on the OpenAI and Anthropic wires thoughts are
inside the output. Without a logs endpoint, log events travel as spans (``log.bridge``). Spans of
versions between name no session and only repeat the logs. All hook spans are in error. The memory
keeper (``managed-auto-memory-extractor``) asks the model after the user's turn. Internal prompts
(suggestions, side queries) have answers but no ``api_request``.

Not told: cost, repository; the user only where ``QWEN_TELEMETRY_USER_ID`` is set; commit and branch
only inside the shell output that the next request quotes.
"""

from collections.abc import Iterator
from functools import partial

from collector.dialects.dialect import Dialect, span_identity
from collector.dialects.gemini_cli import read_point
from collector.dialects.gemini_words import (
    TOLD_BY_LOGS,
    Fork,
    answered,
    cancelled,
    purpose_of,
    read_log,
    sender_for,
    session_of,
)
from collector.dialects.inclusive import inclusive_tokens
from domain.events import (
    Counted,
    Fact,
    Observation,
    Outcome,
    Pass,
    Purpose,
    Quantity,
    RequestFailed,
    Source,
)
from domain.pseudonym import Pseudonyms
from domain.record import Attributes, LogRecord, Span, count, flag, recorded_us, text
from domain.usage import Tokens

QWEN = Fork(
    tool="qwen-code",
    log_rank=1,
    metric_rank=2,
    thoughts_inside=True,
    usual_purpose=Purpose.MAIN,
    points_name_sessions=False,
)
_SPAN_RANK = 0
_MODEL_PATHS = ("/chat/completions", "/messages", "/responses", "enerateContent")
# What the providers' client libraries try again by themselves.
_RETRIED = frozenset({408, 409, 429, *range(500, 600)})


def read_span(span: Span, pseudonyms: Pseudonyms) -> Outcome:
    """Model requests, the HTTP attempts below them, and log events that travel as spans."""
    if flag(span.attributes, "log.bridge"):
        return read_log(_logged(span), pseudonyms, QWEN)
    facts = _facts(span)
    if isinstance(facts, Pass):
        return facts
    session_id = session_of(span.attributes, span.scope)
    if session_id is None:
        return Pass.DUPLICATE_SOURCE
    at = recorded_us(span.end_ns, span.start_ns)
    if at is None:
        return Pass.MALFORMED
    sender = sender_for(span.attributes, span.scope, pseudonyms)
    return Observation(
        origin=sender.origin(QWEN.tool, session_id, Source.SPAN, _SPAN_RANK),
        key=span_identity(QWEN.tool, span),
        at_us=at,
        stated=tuple(facts),
    )


def _facts(span: Span) -> list[Fact] | Pass:
    if span.name == "qwen-code.llm_request":
        return list(_llm_request(span))
    if span.name.startswith("qwen-code."):
        return Pass.DUPLICATE_SOURCE
    if span.scope.name.startswith("@opentelemetry/"):
        return list(_http_attempt(span.attributes)) or Pass.IGNORED
    return Pass.UNKNOWN


def _logged(span: Span) -> LogRecord:
    """The log event that was made a span: it began when the event was written."""
    return LogRecord(
        scope=span.scope,
        time_ns=span.start_ns,
        observed_ns=span.end_ns,
        event_name="",
        body=span.name,
        attributes=span.attributes,
    )


def _llm_request(span: Span) -> Iterator[Fact]:
    attributes = span.attributes
    model = text(attributes, "gen_ai.response.model", "gen_ai.request.model", "qwen-code.model")
    purpose = purpose_of(attributes, QWEN)
    tokens = _tokens(attributes)
    succeeded = flag(attributes, "success")
    # A broken-off stream with usage was paid for; one that was swept away ended without a word.
    if tokens.billable() or succeeded:
        yield from answered(model, tokens, purpose)
    elif not cancelled(attributes):
        status = count(attributes, "error_status_code", "http.response.status_code")
        yield RequestFailed(model=model, purpose=purpose, status_code=status)


def _tokens(attributes: Attributes) -> Tokens:
    prompt = count(attributes, "gen_ai.usage.input_tokens", "input_tokens")
    answer = count(attributes, "gen_ai.usage.output_tokens", "output_tokens")
    read = count(
        attributes,
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cached_tokens",
        "cached_input_tokens",
    )
    written = count(
        attributes,
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_write.input_tokens",
    )
    thoughts = count(attributes, "thoughts_token_count")
    # Only Google's wire counts thoughts beside the output.
    google = text(attributes, "gen_ai.operation.name") == "generate_content"
    if answer is not None and thoughts is not None and google:
        answer += thoughts
    return inclusive_tokens(prompt, read, written, answer, thoughts)


def _http_attempt(attributes: Attributes) -> Iterator[Fact]:
    path = text(attributes, "url.path", "url.full") or ""
    asked_model = any(part in path for part in _MODEL_PATHS)
    if asked_model and count(attributes, "http.response.status_code") in _RETRIED:
        yield Counted(quantity=Quantity.RETRIES, amount=1)


DIALECT = Dialect(
    tool=QWEN.tool,
    scopes=("qwen-code",),
    prefixes=("qwen-code.",),
    services=frozenset({"qwen-code"}),
    # A process that was killed says nothing.
    tells={Source.LOG: TOLD_BY_LOGS | {Quantity.PROCESS_ENDS}},
    log=partial(read_log, fork=QWEN),
    point=partial(read_point, fork=QWEN),
    span=read_span,
)
