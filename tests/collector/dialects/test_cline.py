"""Cline's events and metrics, attribute by attribute as its source writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.dialects.cline import DIALECT
from domain.events import (
    Counted,
    Fact,
    Observation,
    Pass,
    Purpose,
    Quantity,
    RequestAnswered,
    RequestFailed,
    Trace,
)
from domain.record import Attributes, LogRecord, MetricPoint, Record, Scope, Temporality, Value
from domain.usage import Tokens
from tests.capturing import PSEUDONYMS, counted, observations, traced
from tests.telling import AT, Teller, any_attributes, facts, observed, so_many

CLINE = Teller(DIALECT, Scope("cline", "", {"service.name": "cline", "service.version": "4.0.1"}))
# What every event of the extension carries.
COMMON: Attributes = {
    "ulid": "01JTASK",
    "distinct_id": "d",
    "device_id": "machine",
    "extension_version": "4.0.1",
    "platform": "Visual Studio Code",
}
REQUEST: Attributes = {
    **COMMON,
    "tokensIn": 2500,
    "tokensOut": 850,
    "cacheReadTokens": 1200,
    "cacheWriteTokens": 40,
    "totalCost": 0.0043,
    "provider": "openrouter",
    "model": "claude-sonnet-4",
}
TOKENS = Tokens(input=2500, cache_read=1200, cache_write=40, output=850)
MODEL = "claude-sonnet-4"


def event(name: str, told: Attributes) -> list[Fact]:
    return [f for f in facts(CLINE.log(name, {**COMMON, **told})) if getattr(f, "trace", "") == ""]


def test_a_request() -> None:
    seen = observed(CLINE.log("task.tokens", REQUEST))
    assert (seen.origin.session_id, seen.origin.rank, seen.origin.context.tool_version) == (
        "01JTASK",
        0,
        "4.0.1",
    )
    assert event("task.tokens", REQUEST) == [
        RequestAnswered(model=MODEL, tokens=TOKENS, cost_nanousd=4_300_000)
    ]
    assert traced([seen], Trace.IDENTITY) == {"01JTASK": {PSEUDONYMS("installation", "machine")}}


def test_a_request_as_the_documents_spell_it() -> None:
    told: Attributes = {
        "task_id": "task_1",
        "tokens_in": 2500,
        "tokens_out": 850,
        "cached_tokens": 1200,
        "cost": 0.0043,
        "model": MODEL,
    }
    seen = CLINE.log("task.tokens", told)
    tokens = Tokens(input=2500, cache_read=1200, output=850)
    assert facts(seen)[:1] == [RequestAnswered(model=MODEL, tokens=tokens, cost_nanousd=4_300_000)]
    assert observed(seen).origin.session_id == "task_1"


def test_a_request_of_the_sdk_names_its_agent() -> None:
    (answered,) = event("task.tokens", {**REQUEST, "agentKind": "root", "isSubagent": False})
    assert isinstance(answered, RequestAnswered)
    assert answered.purpose is Purpose.MAIN


def test_the_sdk_once_left_the_cached_tokens_in_the_input() -> None:
    told: Attributes = {**REQUEST, "agentId": "a1", "agentKind": "root", "tokensIn": 3740}
    (before,) = event("task.tokens", {n: v for n, v in told.items() if n != "provider"})
    (after,) = event("task.tokens", {**told, "tokensIn": 2500})
    for answered in (before, after):
        assert isinstance(answered, RequestAnswered)
        assert answered.tokens == TOKENS
    # What isn't told takes nothing away.
    untold: Attributes = {**told, "cacheReadTokens": "undefined", "cacheWriteTokens": "undefined"}
    (answered,) = event("task.tokens", {n: v for n, v in untold.items() if n != "provider"})
    assert isinstance(answered, RequestAnswered)
    assert answered.tokens == Tokens(input=3740, output=850)


@pytest.mark.parametrize(
    ("provider", "wanted"),
    # Anthropic's last chunk tells all of the output; another's is the rest of it.
    [("anthropic", 850), ("minimax", 850), ("vertex", 850), ("bedrock", 851)],
)
def test_the_chunks_of_a_stream_are_one_request(provider: str, wanted: int) -> None:
    begin: Attributes = {**REQUEST, "provider": provider, "tokensOut": 1}
    end: Attributes = {**COMMON, "tokensIn": 0, "tokensOut": 850, "model": MODEL}
    chunks: list[Record] = [
        LogRecord(CLINE.scope, AT, 0, "", "task.tokens", begin),
        LogRecord(CLINE.scope, AT + 9, 0, "", "task.tokens", {**end, "provider": provider}),
    ]
    assert counted(observations([DIALECT], chunks)) == {
        MODEL: {
            "requests": 1, "input": 2500, "cache_read": 1200, "cache_write": 40, "output": wanted,
        }
    }  # fmt: skip


def test_only_a_chunk_begins_what_another_ends() -> None:
    told: Attributes = {**REQUEST, "provider": "anthropic"}
    by_sdk: Attributes = {**told, "agentKind": "root", "agentId": "a"}
    gemini: Attributes = {**told, "provider": "vertex", "model": "gemini-3-pro"}
    turn: Attributes = {**told, "source": "assistant"}
    for name, attributes in (
        ("task.tokens", by_sdk),
        ("task.tokens", gemini),
        ("task.conversation_turn", turn),
    ):
        (answered,) = event(name, attributes)
        assert isinstance(answered, RequestAnswered)
        assert answered.tokens == TOKENS


def test_up_to_3_69_the_models_turn_carried_the_tokens() -> None:
    turn = {**REQUEST, "source": "assistant", "mode": "act", "isNativeToolCall": "undefined"}
    seen = observed(CLINE.log("task.conversation_turn", turn))
    assert seen.origin.rank == 1
    assert event("task.conversation_turn", turn) == [
        RequestAnswered(model=MODEL, tokens=TOKENS, cost_nanousd=4_300_000)
    ]
    bare = {**COMMON, "source": "assistant", "model": MODEL}
    assert CLINE.log("task.conversation_turn", bare) is Pass.IGNORED


def test_a_users_turn() -> None:
    told = {"source": "user", "model": MODEL}
    assert event("task.conversation_turn", told) == [so_many(Quantity.REQUESTS_STARTED)]
    by_sdk = {**told, "agentId": "a", "agentKind": "root"}
    assert event("task.conversation_turn", by_sdk) == [so_many(Quantity.PROMPTS)]


def test_events_win_over_metrics() -> None:
    told: Attributes = {"ulid": "01JTASK", "model": MODEL, "provider": "anthropic"}
    point = MetricPoint(
        CLINE.scope, "cline.tokens.input.total", "", "sum", Temporality.CUMULATIVE,
        AT, AT + 5, 2500, None, told,
    )  # fmt: skip
    log = LogRecord(CLINE.scope, AT, 0, "", "task.tokens", REQUEST)
    (both,) = counted(observations([DIALECT], [point, log])).values()
    (alone,) = counted(observations([DIALECT], [point])).values()
    assert (both["requests"], both["input"]) == (1, 2500)
    assert (alone["requests"], alone["input"]) == (0, 2500)


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        ({"tool": "read_file", "success": True, "autoApproved": True}, []),
        # The extension's success is the user's yes.
        ({"tool": "read_file", "success": False, "autoApproved": False},
         [so_many(Quantity.TOOL_DENIALS, item="read_file")]),
        # The SDK's is the outcome; it does not know who approved.
        ({"tool": "read_file", "success": False, "autoApproved": "undefined"},
         [so_many(Quantity.TOOL_FAILURES, item="read_file")]),
    ],
)  # fmt: skip
def test_a_tool(told: Attributes, wanted: list[Fact]) -> None:
    used = {**told, "modelId": MODEL, "provider": "anthropic"}
    assert event("task.tool_used", used) == [
        so_many(Quantity.TOOL_CALLS, item="read_file"),
        *wanted,
    ]


def test_edits_and_their_lines() -> None:
    told: Attributes = {
        "tool": "replace_in_file", "source": "agent", "linesAdded": 3, "linesDeleted": 1,
        "linesChanged": 2, "filesCreated": 0,
    }  # fmt: skip
    assert event("task.ai_output.accepted", told) == [
        so_many(Quantity.EDITS_ACCEPTED, item="replace_in_file"),
        so_many(Quantity.LINES_ADDED, 5),
        so_many(Quantity.LINES_REMOVED, 3),
    ]
    by_hand = {**COMMON, **told, "source": "human"}
    assert CLINE.log("task.ai_output.accepted", by_hand) is Pass.IGNORED
    assert event("task.ai_output.rejected", told) == [
        so_many(Quantity.EDITS_REJECTED, item="replace_in_file")
    ]


def test_the_other_events() -> None:
    error: Attributes = {
        "model": MODEL,
        "errorStatus": 429,
        "errorMessage": "secret",
        "requestId": "undefined",
    }
    assert event("task.provider_api_error", error) == [RequestFailed(model=MODEL, status_code=429)]
    assert event("task.created", {}) == [so_many(Quantity.PROCESS_STARTS, item="fresh")]
    assert event("task.restarted", {}) == [so_many(Quantity.PROCESS_STARTS, item="resume")]
    assert event("task.summarize_task", {}) == [so_many(Quantity.COMPACTIONS)]
    assert event("task.compaction_executed", {}) == [so_many(Quantity.COMPACTIONS)]
    assert event("task.retry_clicked", {}) == [so_many(Quantity.RETRIES)]
    assert event("task.subagent_completed", {"success": True}) == [so_many(Quantity.SUBAGENTS)]
    # The extension's name for one that failed; the SDK's for one that has begun.
    assert event("task.subagent_started", {"success": False}) == [so_many(Quantity.SUBAGENTS)]
    assert CLINE.log("task.subagent_started", {**COMMON, "event": "created"}) is Pass.IGNORED


@pytest.mark.parametrize(
    ("name", "quantity"),
    [
        ("cline.tokens.output.total", Quantity.TOKENS_OUTPUT),
        ("cline.cache.read.tokens.total", Quantity.TOKENS_CACHE_READ),
        ("cline.cache.write.tokens.total", Quantity.TOKENS_CACHE_WRITE),
        ("cline.errors.total", Quantity.REQUESTS_FAILED),
    ],
)
def test_counters(name: str, quantity: Quantity) -> None:
    seen = CLINE.point(name, 4, {"ulid": "01JTASK", "model": MODEL})
    assert facts(seen) == [Counted(quantity=quantity, amount=4, model=MODEL)]
    assert (observed(seen).origin.session_id, observed(seen).origin.rank) == ("01JTASK", 2)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("task.mcp_tool_called", Pass.DUPLICATE_SOURCE),
        ("task.diff_edit_failed", Pass.DUPLICATE_SOURCE),
        ("user.extension_activated", Pass.IGNORED),
        ("task.mode", Pass.IGNORED),
        ("somebody.elses", Pass.UNKNOWN),
    ],
)
def test_why_an_event_says_nothing(name: str, reason: Pass) -> None:
    assert CLINE.log(name, COMMON) is reason


def test_why_a_point_says_nothing() -> None:
    assert CLINE.point("cline.tokens.input.per_response", 4, COMMON, count=1) is (
        Pass.DUPLICATE_SOURCE
    )
    assert CLINE.point("somebody.elses", 4, COMMON) is Pass.UNKNOWN
    assert CLINE.log("task.tokens", REQUEST, time_ns=0) is Pass.MALFORMED


@given(
    st.sampled_from(["task.tokens", "task.conversation_turn", "task.tool_used",
                     "task.ai_output.accepted", "task.provider_api_error"]),
    any_attributes(*REQUEST, "source", "tool", "success", "autoApproved", "linesAdded",
                   "linesChanged", "errorStatus", "isSubagent"),
)  # fmt: skip
def test_no_log_raises(name: str, attributes: dict[str, Value]) -> None:
    assert isinstance(CLINE.log(name, attributes), Observation | Pass)


@given(st.floats() | st.integers(), any_attributes("ulid", "model", "tool", "mode"))
def test_no_point_raises(value: float, attributes: dict[str, Value]) -> None:
    assert isinstance(CLINE.point("cline.cost.total", value, attributes), Observation | Pass)
