"""The OpenCode plugin's records, attribute by attribute as its source writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.dialects.opencode import DIALECT as BUILT_IN
from collector.dialects.opencode_plugin import DIALECT
from domain.events import (
    Counted,
    Observation,
    Pass,
    Purpose,
    Quantity,
    RequestAnswered,
    RequestFailed,
)
from domain.record import Attributes, LogRecord, Record, Scope, Span, Temporality, Value
from domain.usage import Tokens
from tests.capturing import counted, observations, session_counts
from tests.telling import AT, Teller, any_attributes, facts, observed, so_many

PLUGIN = Teller(
    DIALECT, Scope("com.opencode", "", {"service.name": "opencode", "app.version": "0.9.0"})
)
COMMON: Attributes = {"session.id": "ses_1", "project.id": "p"}
REQUEST: Attributes = {
    **COMMON,
    "event.name": "api_request",
    "model": "claude-sonnet",
    "provider": "anthropic",
    "agent": "build",
    "cost_usd": 0.0123,
    "duration_ms": 900,
    "input_tokens": 10,
    "output_tokens": 5,
    "reasoning_tokens": 2,
    "cache_read_tokens": 30,
    "cache_creation_tokens": 4,
}


def event(name: str, told: Attributes) -> list[object]:
    return list(facts(PLUGIN.log(name, {**COMMON, "event.name": name, **told})))


def test_a_request_has_disjoint_buckets() -> None:
    seen = observed(PLUGIN.log("api_request", REQUEST))
    assert (seen.origin.tool, seen.origin.session_id, seen.origin.rank) == ("opencode", "ses_1", 2)
    assert facts(seen) == [
        RequestAnswered(
            model="claude-sonnet",
            tokens=Tokens(input=10, cache_read=30, cache_write=4, output=7, reasoning=2),
            purpose=Purpose.MAIN,
            cost_nanousd=12_300_000,
        )
    ]


def test_the_other_events() -> None:
    assert event("api_error", {"model": "m", "agent": "title", "error": "secret"}) == [
        RequestFailed(model="m", purpose=Purpose.AUXILIARY)
    ]
    assert event("tool_result", {"tool_name": "bash", "success": False, "error": "secret"}) == [
        so_many(Quantity.TOOL_CALLS, item="bash"),
        so_many(Quantity.TOOL_FAILURES, item="bash"),
    ]
    assert event("user_prompt", {"prompt_length": 9}) == [so_many(Quantity.PROMPTS)]
    assert event("commit", {}) == [so_many(Quantity.COMMITS)]
    assert event("session.created", {"is_subagent": True}) == [so_many(Quantity.SUBAGENTS)]
    assert event("session.created", {"is_subagent": False}) == []


@pytest.mark.parametrize(
    ("source", "edits", "denials"),
    [
        # The plugin calls both of these a rejection.
        ("once", Quantity.EDITS_ACCEPTED, []),
        ("always", Quantity.EDITS_ACCEPTED, []),
        ("reject", Quantity.EDITS_REJECTED, [so_many(Quantity.TOOL_DENIALS, item="edit")]),
    ],
)
def test_a_decision_is_its_source(source: str, edits: Quantity, denials: list[Counted]) -> None:
    told = {"tool_name": "secret title", "tool_type": "edit", "decision": "reject"}
    wanted = [*denials, so_many(edits, item="edit")]
    assert event("tool_decision", {**told, "source": source}) == wanted


@pytest.mark.parametrize("prefix", ["opencode.", "claude_code.", "mine_"])
def test_counters_under_any_prefix(prefix: str) -> None:
    told: Attributes = {**COMMON, "model": "m", "agent": "plan", "type": "reasoning"}
    seen = PLUGIN.point(f"{prefix}token.usage", 3, told, temporality=Temporality.CUMULATIVE)
    assert facts(seen) == [
        Counted(quantity=Quantity.TOKENS_OUTPUT, amount=3, model="m", purpose=Purpose.MAIN)
    ]
    lines = PLUGIN.point(f"{prefix}lines_of_code.count", 3, {**COMMON, "type": "removed"})
    assert facts(lines) == [so_many(Quantity.LINES_REMOVED, 3)]
    assert facts(PLUGIN.point(f"{prefix}retry.count", 2, COMMON)) == [so_many(Quantity.RETRIES, 2)]
    assert PLUGIN.point(f"{prefix}message.count", 2, COMMON) is Pass.DUPLICATE_SOURCE
    assert PLUGIN.point(f"{prefix}session.token.total", 2, COMMON, count=1) is Pass.DUPLICATE_SOURCE
    assert PLUGIN.point(f"{prefix}brand.new", 2, COMMON) is Pass.UNKNOWN


def test_built_in_spans_come_first_for_one_session() -> None:
    told: Attributes = {
        "session.id": "ses_1",
        "ai.model.id": "claude-sonnet",
        "ai.usage.inputTokens": 44,
        "ai.usage.cachedInputTokens": 30,
        "ai.usage.outputTokens": 7,
    }
    span = Span(
        Scope("opencode", "1.18.33", {}), "ai.streamText.doStream", "aa" * 16, "bb" * 8, "",
        AT, AT + 1, False, told,
    )  # fmt: skip
    log = LogRecord(PLUGIN.scope, AT, 0, "", "api_request", REQUEST)
    seen = observations([BUILT_IN, DIALECT], [log, span])
    assert counted(seen) == {
        "claude-sonnet": {
            "requests": 1, "input": 14, "cache_read": 30, "cache_write": 0, "output": 7,
        }
    }  # fmt: skip


@pytest.mark.parametrize("name", ["ai.toolCall", "Tool.execute"])
def test_a_tool_call_of_the_built_in_spans_is_no_second_one_of_the_plugin(name: str) -> None:
    told: Attributes = {"session.id": "ses_1", "tool.name": "bash", "ai.toolCall.name": "bash"}
    span = Span(
        Scope("opencode", "1.18.33", {}), name, "aa" * 16, "bb" * 8, "", AT, AT + 1, False, told
    )
    result: Attributes = {"session.id": "ses_1", "tool_name": "bash", "success": True}
    log = LogRecord(PLUGIN.scope, AT, 0, "", "tool_result", result)
    orders: list[list[Record]] = [[span, log], [log, span]]
    for sent in orders:
        seen = observations([BUILT_IN, DIALECT], sent)
        assert session_counts(seen) == {"ses_1": {("tool_calls", "bash"): 1}}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("session.idle", Pass.DUPLICATE_SOURCE),
        ("subtask_invoked", Pass.DUPLICATE_SOURCE),
        ("session.error", Pass.IGNORED),
        ("brand_new", Pass.UNKNOWN),
    ],
)
def test_why_an_event_says_nothing(name: str, reason: Pass) -> None:
    assert PLUGIN.log(name, COMMON) is reason


def test_spans_repeat_the_events() -> None:
    assert PLUGIN.span("opencode.llm", {"llm.token_count.prompt": 9}) is Pass.DUPLICATE_SOURCE
    assert PLUGIN.log("api_request", REQUEST, time_ns=0) is Pass.MALFORMED


@given(
    st.sampled_from(["api_request", "tool_result", "tool_decision", "session.created"]),
    any_attributes(*REQUEST, "tool_name", "tool_type", "source", "success", "is_subagent"),
)
def test_no_log_raises(name: str, attributes: dict[str, Value]) -> None:
    told = {**attributes, "event.name": name}
    assert isinstance(PLUGIN.log(name, told), Observation | Pass)


@given(st.floats() | st.integers(), any_attributes("type", "model", "agent", "session.id"))
def test_no_point_raises(value: float, attributes: dict[str, Value]) -> None:
    told = {"type": "input", **attributes}
    assert isinstance(PLUGIN.point("opencode.token.usage", value, told), Observation | Pass)
