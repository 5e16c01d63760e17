"""Goose's spans, attribute by attribute as its source and published reports have them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.dialects.goose import DIALECT
from domain.events import (
    Observation,
    Pass,
    Quantity,
    RequestAnswered,
    RequestFailed,
    Trace,
    Traced,
)
from domain.record import Attributes, Record, Scope, Span, Value
from domain.usage import Tokens
from tests.capturing import PSEUDONYMS, counted, observations
from tests.telling import AT, Teller, any_attributes, facts, observed, so_many

RESOURCE: Attributes = {
    "service.name": "goose",
    "service.namespace": "goose",
    "service.version": "1.46.0",
    "host.name": "machine",
    "user.name": "somebody",
}
GOOSE = Teller(DIALECT, Scope("goose", "", RESOURCE))
REQUEST: Attributes = {
    "gen_ai.operation.name": "chat",
    "gen_ai.conversation.id": "20260810_1",
    "gen_ai.provider.name": "ollama",
    "gen_ai.request.model": "qwen3.6:35b",
    "gen_ai.usage.input_tokens": 7944,
    "gen_ai.usage.output_tokens": 448,
    "gen_ai.usage.cache_read.input_tokens": 900,
}
STREAM = "stream_response_from_provider"


def test_a_request_holds_its_cached_tokens_inside() -> None:
    seen = GOOSE.span(STREAM, REQUEST)
    tokens = Tokens(input=7044, cache_read=900, output=448)
    assert facts(seen) == [RequestAnswered(model="qwen3.6:35b", tokens=tokens)]
    assert observed(seen).origin.session_id == "20260810_1"
    # An account of the operating system is nobody in particular.
    assert observed(seen).origin.context.user is None


def test_one_reply_counts_its_requests_and_not_their_sum() -> None:
    def span(number: int, name: str, sent: int, answered: int) -> Record:
        told = {
            **REQUEST,
            "gen_ai.usage.input_tokens": sent,
            "gen_ai.usage.output_tokens": answered,
            "gen_ai.usage.cache_read.input_tokens": 0,
        }
        return Span(GOOSE.scope, name, "aa" * 16, f"{number:016x}", "", AT, AT + 1, False, told)

    trace = [
        span(1, "reply", 16_414, 672),
        span(2, "reply_stream", 16_414, 672),
        span(3, STREAM, 7944, 448),
        span(4, STREAM, 8470, 224),
    ]
    assert counted(observations([DIALECT], trace)) == {
        "qwen3.6:35b": {
            "requests": 2, "input": 16_414, "cache_read": 0, "cache_write": 0, "output": 672,
        }
    }  # fmt: skip


def test_before_1_46_the_usage_of_a_request_is_unknown() -> None:
    told: Attributes = {"session.id": "20260810_1"}
    assert facts(GOOSE.span(STREAM, told)) == [
        RequestAnswered(model=None, tokens=Tokens()),
        so_many(Quantity.REQUESTS_UNMEASURED),
    ]
    assert facts(GOOSE.span("complete", {**told, "gen_ai.request.model": "m"}, failed=True)) == [
        RequestFailed(model="m")
    ]


def test_a_prompt_is_counted_and_not_read() -> None:
    told: Attributes = {"session.id": "s", "user_message": "secret", "trace_input": "secret"}
    assert facts(GOOSE.span("reply", told)) == [so_many(Quantity.PROMPTS)]


def test_a_tool_by_its_attribute_or_by_its_call() -> None:
    call = json.dumps({"tool": "write", "arguments": {"path": "/secret"}})
    told: Attributes = {"session.id": "s", "input": call}
    assert facts(GOOSE.span("dispatch_tool_call", told)) == [
        so_many(Quantity.TOOL_CALLS, item="write")
    ]
    named = {**told, "gen_ai.tool.name": "shell"}
    assert facts(GOOSE.span("dispatch_tool_call", named, failed=True)) == [
        so_many(Quantity.TOOL_CALLS, item="shell"),
        so_many(Quantity.TOOL_FAILURES, item="shell"),
        so_many(Quantity.REPEATED_FAILURES, item=PSEUDONYMS("call", f"shell\0{call}")),
    ]


def test_a_commit_where_the_output_is_captured() -> None:
    told: Attributes = {
        "session.id": "s",
        "gen_ai.tool.name": "shell",
        "input": '{"tool":"shell","arguments":{"command":"git commit -m notes"}}',
        "output": "[main 5cee609] notes\n 1 file changed",
    }
    assert facts(GOOSE.span("dispatch_tool_call", told)) == [
        so_many(Quantity.TOOL_CALLS, item="shell"),
        so_many(Quantity.COMMITS),
        Traced(trace=Trace.COMMIT, value="5cee609"),
        Traced(trace=Trace.BRANCH, value="main"),
    ]


def test_counters_are_never_booked() -> None:
    # The size of the last request, whatever its name says.
    assert GOOSE.point("goose.session_tokens", 8694, {}) is Pass.DUPLICATE_SOURCE
    assert GOOSE.point("somebody.elses", 1, {}) is Pass.UNKNOWN
    told: Attributes = {"monotonic_counter.goose.session_tokens": 8694}
    assert GOOSE.log("Session tokens", told) is Pass.DUPLICATE_SOURCE
    assert GOOSE.log("anything", {}) is Pass.IGNORED


@pytest.mark.parametrize(
    ("name", "reason"), [("reply_stream", Pass.DUPLICATE_SOURCE), ("anything", Pass.IGNORED)]
)
def test_why_a_span_says_nothing(name: str, reason: Pass) -> None:
    assert GOOSE.span(name, REQUEST) is reason


def test_a_span_without_any_time_is_malformed() -> None:
    assert GOOSE.untimed_span(STREAM, REQUEST) is Pass.MALFORMED


@given(
    st.sampled_from([STREAM, "complete", "dispatch_tool_call", "reply"]),
    any_attributes(*REQUEST, "session.id", "input", "output", "gen_ai.tool.name", "error.type"),
)
def test_no_span_raises(name: str, attributes: dict[str, Value]) -> None:
    assert isinstance(GOOSE.span(name, attributes), Observation | Pass)
