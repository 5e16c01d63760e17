"""Any tool by the conventions alone: real tools read as strangers, then every generation."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.dialects.gen_ai import DIALECT, speaks, tool_of
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
from domain.record import (
    Attributes,
    LogRecord,
    MetricPoint,
    Record,
    Scope,
    Span,
    Temporality,
    Value,
)
from domain.usage import Tokens
from tests.capturing import PSEUDONYMS, counted, expected, records, same, scenarios, session_counts

AT = 1_795_321_912_861_000_000
RESOURCE: dict[str, Value] = {"service.name": "Acme Coder", "service.version": "1.2"}
SCOPE = Scope("openai.instrumentation", "2", {"service.name": "Acme Coder"})
DETAILS = "gen_ai.client.inference.operation.details"
# Two tools that keep to the conventions in their spans.
STRANGERS = [*scenarios("copilot"), *scenarios("qwen-code")]


def read(record: Record) -> Outcome:
    assert DIALECT.log is not None
    assert DIALECT.point is not None
    assert DIALECT.span is not None
    if isinstance(record, LogRecord):
        return DIALECT.log(record, PSEUDONYMS)
    if isinstance(record, MetricPoint):
        return DIALECT.point(record, PSEUDONYMS)
    return DIALECT.span(record, PSEUDONYMS)


def spoken(scenario: Path) -> list[Observation]:
    """What the conventions alone tell of a capture, each key once."""
    read_once: dict[bytes, Observation] = {}
    for record in records(scenario):
        outcome = read(record) if speaks(record) else Pass.UNKNOWN
        if isinstance(outcome, Observation):
            read_once.setdefault(outcome.key, outcome)
    return list(read_once.values())


def span(
    name: str,
    attributes: Attributes,
    *,
    failed: bool = False,
    span_id: str = "bb" * 8,
    scope: Scope = SCOPE,
) -> Outcome:
    made = Span(scope, name, "aa" * 16, span_id, "", AT, AT + 1000, failed, attributes)
    return read(made)


def log(attributes: Attributes, name: str = DETAILS) -> Outcome:
    return read(LogRecord(SCOPE, AT, 0, name, "", attributes))


def point(name: str, attributes: Attributes, kind: str = "sum", value: float = 7) -> Outcome:
    made = MetricPoint(
        SCOPE, name, "", kind, Temporality.CUMULATIVE, AT, AT + 1, value, None, attributes
    )
    return read(made)


def facts(outcome: Outcome) -> list[Fact]:
    assert isinstance(outcome, Observation), outcome
    return list(outcome.facts)


def once(quantity: Quantity, item: str = "") -> Counted:
    return Counted(quantity=quantity, amount=1, item=item)


@pytest.mark.parametrize("scenario", STRANGERS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_counts_tools_it_does_not_know_exactly(scenario: Path) -> None:
    got = counted(spoken(scenario))
    assert same(expected(scenario), got), (expected(scenario), got)


def test_tool_calls_of_a_tool_it_does_not_know() -> None:
    (scenario,) = (one for one in scenarios("copilot") if one.name == "02-edit-shell-protobuf")
    (counts,) = session_counts(spoken(scenario)).values()
    assert counts == {
        ("tool_calls", "bash"): 1,
        ("tool_calls", "edit"): 1,
        ("tool_calls", "view"): 1,
    }


def usage(**counts: int) -> dict[str, Value]:
    return {f"gen_ai.usage.{name.replace('__', '.')}": value for name, value in counts.items()}


CHAT: dict[str, Value] = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}


@pytest.mark.parametrize(
    ("told", "tokens"),
    [
        # First generation, with a provider called system.
        (
            {"gen_ai.system": "openai", **usage(prompt_tokens=100, completion_tokens=20)},
            Tokens(input=100, output=20),
        ),
        # Second: flat names of cache and reasoning.
        (
            usage(input_tokens=100, output_tokens=20, cache_read_input_tokens=60,
                  cache_creation_input_tokens=30, reasoning_tokens=5),
            Tokens(input=10, cache_read=60, cache_write=30, output=20, reasoning=5),
        ),
        # Third: dotted names.
        (
            usage(input_tokens=100, output_tokens=20, cache_read__input_tokens=60,
                  cache_creation__input_tokens=30, reasoning__output_tokens=5),
            Tokens(input=10, cache_read=60, cache_write=30, output=20, reasoning=5),
        ),
        (
            usage(input_tokens=100, output_tokens=20, cache_write__input_tokens=30),
            Tokens(input=70, cache_write=30, output=20),
        ),
        (
            usage(input_tokens=100, output_tokens=20, cached_tokens=60),
            Tokens(input=40, cache_read=60, output=20),
        ),
        # The AI SDK.
        (
            {**usage(input_tokens=100, output_tokens=20),
             "ai.usage.inputTokenDetails.cacheReadTokens": 60, "ai.usage.reasoningTokens": 5},
            Tokens(input=40, cache_read=60, output=20, reasoning=5),
        ),
        # More cached than input, more reasoning than output: told apart.
        (
            usage(input_tokens=3, output_tokens=20, cache_read_input_tokens=60,
                  reasoning_tokens=25),
            Tokens(input=3, cache_read=60, output=45, reasoning=25),
        ),
        # The total says so, or says that all is inside, or fits no reading.
        (
            usage(input_tokens=100, output_tokens=20, cache_read_input_tokens=60,
                  reasoning_tokens=5, total_tokens=180),
            Tokens(input=100, cache_read=60, output=20, reasoning=5),
        ),
        (
            usage(input_tokens=100, output_tokens=20, cache_read_input_tokens=60,
                  reasoning_tokens=5, total_tokens=125),
            Tokens(input=40, cache_read=60, output=25, reasoning=5),
        ),
        (
            usage(input_tokens=100, output_tokens=20, cache_read_input_tokens=60,
                  total_tokens=120),
            Tokens(input=40, cache_read=60, output=20),
        ),
        (
            usage(input_tokens=100, output_tokens=20, cache_read_input_tokens=60,
                  total_tokens=999),
            Tokens(input=40, cache_read=60, output=20),
        ),
        # OpenInference, and the first OpenLLMetry.
        (
            {"openinference.span.kind": "LLM", "llm.token_count.prompt": 100,
             "llm.token_count.completion": 20, "llm.token_count.prompt_details.cache_read": 60,
             "llm.token_count.prompt_details.cache_write": 30,
             "llm.token_count.completion_details.reasoning": 5, "llm.token_count.total": 120},
            Tokens(input=10, cache_read=60, cache_write=30, output=20, reasoning=5),
        ),
        (
            {"llm.usage.prompt_tokens": 100, "llm.usage.completion_tokens": 20,
             "llm.usage.total_tokens": 120},
            Tokens(input=100, output=20),
        ),
    ],
)  # fmt: skip
def test_buckets_in_every_generation(told: dict[str, Value], tokens: Tokens) -> None:
    assert facts(span("chat m", {**CHAT, **told})) == [RequestAnswered(model="m", tokens=tokens)]


@pytest.mark.parametrize(
    ("name", "told", "purpose"),
    [
        ("chat m", {}, None),
        ("generate_content m", {}, None),
        ("text_completion m", {}, None),
        ("embeddings m", {}, Purpose.AUXILIARY),
        ("openai.chat", {"gen_ai.operation.name": "responses"}, None),
        ("ai.streamText.doStream", {}, None),
        ("ChatCompletion", {"openinference.span.kind": "LLM"}, None),
        ("CreateEmbeddings", {"openinference.span.kind": "EMBEDDING"}, Purpose.AUXILIARY),
        # LiteLLM's proxy, and OpenLLMetry's LlamaIndex, whose every span is some task.
        ("litellm_request", {"gen_ai.operation.name": "acompletion"}, None),
        (
            "litellm_request",
            {"gen_ai.operation.name": "aembedding", "llm.request.type": "aembedding"},
            Purpose.AUXILIARY,
        ),
        ("OpenAI.task", {"llm.request.type": "chat", "traceloop.span.kind": "task"}, None),
        ("openai.embeddings", {"llm.request.type": "embedding"}, Purpose.AUXILIARY),
    ],
)
def test_spans_of_single_requests(
    name: str, told: dict[str, Value], purpose: Purpose | None
) -> None:
    told = {"gen_ai.response.model": "m", **usage(input_tokens=1), **told}
    assert facts(span(name, told)) == [
        RequestAnswered(model="m", purpose=purpose, tokens=Tokens(input=1))
    ]


@pytest.mark.parametrize(
    "kind",
    [
        {"gen_ai.operation.name": "invoke_agent"},
        {"gen_ai.operation.name": "create_agent"},
        {"gen_ai.operation.name": "invoke_workflow"},
        {"gen_ai.operation.name": "fetch_response"},
        {"gen_ai.operation.name": "agent_step"},
        {"openinference.span.kind": "AGENT"},
        {"openinference.span.kind": "CHAIN"},
        {"traceloop.span.kind": "agent"},
        {"traceloop.span.kind": "workflow"},
    ],
)
def test_sums_of_requests_are_not_requests(kind: dict[str, Value]) -> None:
    told = {"gen_ai.request.model": "m", **kind, **usage(input_tokens=1)}
    assert span("coder", told) is Pass.DUPLICATE_SOURCE


def test_an_agent_names_the_session_of_the_requests_inside_it() -> None:
    told = {"gen_ai.conversation.id": "c", **usage(input_tokens=1)}
    outcome = span("invoke_agent coder", told)
    assert isinstance(outcome, Observation)
    assert (outcome.origin.session_id, outcome.facts) == ("c", ())
    assert outcome.place is not None


def test_tools_and_models_in_words_of_openinference() -> None:
    tool: dict[str, Value] = {"openinference.span.kind": "TOOL", "tool.name": "search"}
    assert facts(span("search", tool)) == [once(Quantity.TOOL_CALLS, "search")]
    told: dict[str, Value] = {
        "openinference.span.kind": "LLM",
        "llm.model_name": "m",
        "llm.token_count.prompt": 9,
        "llm.cost.total": 0.25,
    }
    assert facts(span("ChatCompletion", told)) == [
        RequestAnswered(model="m", tokens=Tokens(input=9), cost_nanousd=250_000_000)
    ]


def test_failed_unmeasured_and_broken_off_requests() -> None:
    error: dict[str, Value] = {**CHAT, "error.type": "429"}
    assert facts(span("chat m", error, failed=True)) == [RequestFailed(model="m", status_code=429)]
    assert facts(span("chat m", {**CHAT, "error.type": "timeout"})) == [RequestFailed(model="m")]
    assert facts(span("chat m", CHAT)) == [
        RequestAnswered(model="m", tokens=Tokens()),
        once(Quantity.REQUESTS_UNMEASURED),
    ]
    broken_off = {**error, **usage(input_tokens=9, output_tokens=1)}
    assert facts(span("chat m", broken_off, failed=True)) == [
        RequestAnswered(model="m", tokens=Tokens(input=9, output=1))
    ]


@pytest.mark.parametrize(
    "name", ["gen_ai.usage.cost", "gen_ai.cost.total_cost", "operation.cost", "llm.cost.total"]
)
def test_cost_where_it_is_told(name: str) -> None:
    told = {**CHAT, **usage(input_tokens=9), name: 0.0012}
    assert facts(span("chat m", told)) == [
        RequestAnswered(model="m", tokens=Tokens(input=9), cost_nanousd=1_200_000)
    ]


def test_a_span_is_a_record_and_says_which_response_it_is_of() -> None:
    told = {**CHAT, **usage(input_tokens=9), "gen_ai.response.id": "r"}
    seen = [
        span("chat m", told, span_id="01" * 8),
        span("openai.chat", told, span_id="02" * 8),
        span("chat m", {**told, "gen_ai.response.id": "r2"}, span_id="03" * 8),
        span("chat m", {**CHAT, **usage(input_tokens=9)}, span_id="04" * 8),
    ]
    places = [one.place for one in seen if isinstance(one, Observation) and one.place]
    assert len({one.key for one in seen if isinstance(one, Observation)}) == 4
    assert places[0].response == places[1].response != places[2].response
    assert (places[3].response, places[3].within) == (0, 0)


def test_failed_tool_call() -> None:
    told: dict[str, Value] = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.call.arguments": '{"command": "exit 3"}',
        "error.type": "exit",
    }
    assert facts(span("execute_tool shell", told)) == [
        once(Quantity.TOOL_CALLS, "shell"),
        once(Quantity.TOOL_FAILURES, "shell"),
        once(Quantity.REPEATED_FAILURES, PSEUDONYMS("call", 'shell\0{"command": "exit 3"}')),
    ]


@pytest.mark.parametrize(
    ("attributes", "resource", "session"),
    [
        ({"gen_ai.conversation.id": "c", "session.id": "w"}, {"session.id": "r"}, "c"),
        ({"session.id": "w"}, {"session.id": "r"}, "w"),
        ({}, {"session.id": "r"}, "r"),
        ({"ai.telemetry.metadata.sessionId": "a"}, {}, "a"),
        ({}, {}, None),
    ],
)
def test_session(
    attributes: dict[str, Value], resource: dict[str, Value], session: str | None
) -> None:
    outcome = span("chat m", {**CHAT, **attributes}, scope=Scope("x", "", resource))
    assert isinstance(outcome, Observation)
    assert outcome.origin.session_id == session


@pytest.mark.parametrize(
    ("scope", "tool"),
    [
        (Scope("x", "", {"service.name": "acme-coder"}), "acme-coder"),
        (Scope("x", "", {"service.name": "Acme Coder (beta)/2"}), "acme-coder-beta-2"),
        (Scope("x", "", {"service.name": "é" * 9 + "a" * 99}), "a" * 64),
        (Scope("openai.agents", "", {"service.name": "unknown_service:node"}), "openai.agents"),
        (Scope("openai.agents", "", {}), "openai.agents"),
        (Scope("", "", {}), "unknown"),
    ],
)
def test_tool_is_named_by_its_service(scope: Scope, tool: str) -> None:
    assert tool_of(scope) == tool


def test_version_and_sender_come_along() -> None:
    told = {**CHAT, **usage(input_tokens=1), "gen_ai.user.id": "u-1"}
    outcome = span("chat m", told, scope=Scope("x", "", RESOURCE))
    assert isinstance(outcome, Observation)
    assert outcome.origin.tool == "acme-coder"
    assert outcome.origin.context.tool_version == "1.2"
    assert outcome.origin.context.user == PSEUDONYMS("enduser", "u-1")


def test_the_proxy_of_litellm_says_whose_key_it_was() -> None:
    told: dict[str, Value] = {
        **CHAT,
        **usage(input_tokens=1),
        "metadata.user_api_key_user_email": "dev@example.com",
        "metadata.user_api_key_team_alias": "payments",
    }
    outcome = span("litellm_request", told)
    assert isinstance(outcome, Observation)
    assert outcome.origin.context.user == PSEUDONYMS("email", "dev@example.com")
    assert outcome.origin.context.team == "payments"


def test_log_event_is_a_fallback_of_the_span() -> None:
    told = {"gen_ai.conversation.id": "c", "gen_ai.response.model": "m",
            **usage(input_tokens=9, output_tokens=1)}  # fmt: skip
    outcome = log(told)
    assert isinstance(outcome, Observation)
    assert (outcome.origin.source, outcome.origin.rank, outcome.origin.session_id) == (
        Source.LOG,
        1,
        "c",
    )
    assert outcome.facts == (RequestAnswered(model="m", tokens=Tokens(input=9, output=1)),)


@pytest.mark.parametrize(
    ("name", "told", "quantity", "rank"),
    [
        ("gen_ai.client.token.usage", {"gen_ai.token.type": "input"}, Quantity.TOKENS_INPUT, 3),
        ("gen_ai.client.token.usage", {"gen_ai.token.type": "output"}, Quantity.TOKENS_OUTPUT, 3),
        ("gen_ai.client.inference.usage.input_tokens", {}, Quantity.TOKENS_INPUT, 2),
        ("gen_ai.client.inference.usage.output_tokens", {}, Quantity.TOKENS_OUTPUT, 2),
    ],
)
@pytest.mark.parametrize("kind", ["sum", "histogram"])
def test_counters_with_a_session(
    name: str, told: dict[str, Value], quantity: Quantity, rank: int, kind: str
) -> None:
    told = {**told, "gen_ai.conversation.id": "c", "gen_ai.request.model": "m"}
    outcome = point(name, told, kind)
    assert isinstance(outcome, Observation)
    assert (outcome.origin.rank, outcome.facts) == (
        rank,
        (Counted(quantity=quantity, amount=7, model="m"),),
    )


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        # Without a session nobody can say which spans these repeat.
        (log(usage(input_tokens=9)), Pass.DUPLICATE_SOURCE),
        (point("gen_ai.client.token.usage", {"gen_ai.token.type": "input"}),
         Pass.DUPLICATE_SOURCE),
        # Written before the answer.
        (log({"gen_ai.conversation.id": "c"}), Pass.IGNORED),
        (log({}, "gen_ai.user.message"), Pass.IGNORED),
        (log({}, "somebody.elses"), Pass.UNKNOWN),
        (point("gen_ai.client.operation.duration", {}), Pass.IGNORED),
        (point("somebody.elses", {}), Pass.UNKNOWN),
        (point("gen_ai.client.inference.usage.input_tokens", {"session.id": "s"},
               value=float("inf")), Pass.MALFORMED),
        (span("retrieve", {"gen_ai.system": "x"}), Pass.UNKNOWN),
        (span("rerank", {"gen_ai.operation.name": "rerank"}), Pass.IGNORED),
        (span("search", {"openinference.span.kind": "RETRIEVER"}), Pass.IGNORED),
    ],
)  # fmt: skip
def test_why_a_record_says_nothing(outcome: Outcome, reason: Pass) -> None:
    assert outcome is reason


def test_speaks_only_where_the_conventions_are_followed() -> None:
    strange = Span(SCOPE, "chat m", "aa" * 16, "bb" * 8, "", AT, AT, False, {"model": "m"})
    known = Span(SCOPE, "anything", "aa" * 16, "bb" * 8, "", AT, AT, False, CHAT)
    event = LogRecord(SCOPE, AT, 0, "", "", {"event.name": DETAILS})
    other = LogRecord(SCOPE, AT, 0, "", "gen_ai is mentioned", {})
    assert [speaks(one) for one in (strange, known, event, other)] == [False, True, True, False]
    for told in ({"openinference.span.kind": "TOOL"}, {"llm.usage.prompt_tokens": 1}):
        assert speaks(Span(SCOPE, "x", "aa" * 16, "bb" * 8, "", AT, AT, False, told))


PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=9),
    st.binary(max_size=9),
)
VALUES = PLAIN | st.lists(PLAIN, max_size=2) | st.dictionaries(st.text(max_size=3), PLAIN)
USAGE = usage(input_tokens=1, output_tokens=1, cached_tokens=1, reasoning_tokens=1, total_tokens=1)
NAMES = st.sampled_from([*CHAT, *USAGE, "gen_ai.usage.cost", "gen_ai.conversation.id",
                         "gen_ai.tool.name", "error.type", "gen_ai.token.type"])  # fmt: skip
ATTRIBUTES = st.dictionaries(NAMES, VALUES, max_size=8)


@given(st.sampled_from(["chat m", "execute_tool", "execute_tool x", ""]), ATTRIBUTES)
def test_no_record_raises(name: str, attributes: Attributes) -> None:
    span(name, attributes)
    span(name, {**attributes, "gen_ai.operation.name": None}, scope=Scope("", "", attributes))
    log({"gen_ai.conversation.id": "c", **attributes})


@given(ATTRIBUTES, st.floats() | st.integers())
def test_no_point_raises(attributes: Attributes, value: float) -> None:
    point("gen_ai.client.token.usage", {"session.id": "s", **attributes}, value=value)
