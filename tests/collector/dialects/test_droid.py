"""Droid's two formats, as captured and as its shipped code says."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.dialects.droid import DIALECT
from domain.events import (
    Counted,
    Observation,
    Pass,
    Quantity,
    RequestAnswered,
    RequestFailed,
    Trace,
    Traced,
)
from domain.record import Attributes, Scope, Temporality, Value
from domain.usage import Tokens
from tests.capturing import (
    PSEUDONYMS,
    counted,
    expected,
    observations,
    outcomes,
    records,
    same,
    scenarios,
    session_counts,
    traced,
    truth,
)
from tests.telling import Teller, any_attributes, facts, observed, so_many

RESOURCE = {"service.name": "cli", "service.version": "0.225.2"}
LEGACY = Teller(DIALECT, Scope("cli-customer-metrics", "0.225.2", RESOURCE))
GENAI = Teller(DIALECT, Scope("cli-agent-trace", "0.225.2", RESOURCE))
CAPTURES = scenarios("droid")
CHAT: Attributes = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "claude-sonnet",
    "session.id": "s",
}
TOOL: Attributes = {
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.tool.name": "Edit",
    "session.id": "s",
}


def captured(name: str) -> Path:
    return next(path for path in CAPTURES if path.name == name)


@pytest.mark.parametrize("scenario", CAPTURES, ids=lambda path: path.name)
def test_counts_every_capture_exactly(scenario: Path) -> None:
    got = counted(observations([DIALECT], records(scenario)))
    assert same(expected(scenario), got), (expected(scenario), got)


@pytest.mark.parametrize("scenario", CAPTURES, ids=lambda path: path.name)
def test_knows_every_record_of_the_captures(scenario: Path) -> None:
    unread = {Pass.UNKNOWN, Pass.MALFORMED}
    assert not [record for record, told in outcomes([DIALECT], records(scenario)) if told in unread]


def test_tools_and_lines_of_the_legacy_format() -> None:
    scenario = captured("s2_edit_shell-http")
    seen = observations([DIALECT], records(scenario))
    assert session_counts(seen) == {
        "8964d79f-fc61-4f0f-a76a-715631a574e1": {
            ("process_starts", ""): 1,
            ("tool_calls", "Read"): 1,
            ("tool_calls", "Edit"): 1,
            ("tool_calls", "Execute"): 2,
            ("lines_added", ""): 1,
            ("lines_removed", ""): 1,
        }
    }
    assert truth(scenario)["tool_calls_scripted"] == ["Read", "Edit", "Execute", "Execute"]


def test_a_commit_and_its_repository() -> None:
    scenario = captured("s3b_commit_plain-http")
    seen = observations([DIALECT], records(scenario))
    (session,) = session_counts(seen)
    assert session_counts(seen)[session]["commits", ""] == 1
    assert traced(seen, Trace.COMMIT) == {session: {"5cee609"}}
    assert truth(scenario)["commits"][0].startswith("5cee609")
    repository = "droid-s3b_commit_plain-http/acme-widgets"
    assert traced(seen, Trace.REPOSITORY) == {session: {repository}}


def test_placeholders_name_nobody() -> None:
    seen = [o for path in CAPTURES for o in observations([DIALECT], records(path))]
    assert traced(seen, Trace.IDENTITY) == {}


def test_the_genai_format_tells_requests_tools_and_turns() -> None:
    scenario = captured("s3b_commit_plain-http+genai")
    seen = observations([DIALECT], records(scenario))
    assert session_counts(seen) == {
        "39c76cca-1a8d-421a-bb38-650e68028e18": {
            ("prompts", ""): 1,
            ("requests_unmeasured", ""): 6,
            ("tool_calls", "Create"): 1,
            ("tool_calls", "Execute"): 4,
            ("edits_accepted", "Create"): 1,
        }
    }
    assert truth(scenario)["api_requests_ok"] == 6
    assert len(truth(scenario)["tool_calls_scripted"]) == 5


def test_tools_come_from_metrics_where_no_spans_came() -> None:
    told = records(captured("s3b_commit_plain-http+genai"))
    points = [record for record in told if type(record).__name__ == "MetricPoint"]
    (counts,) = session_counts(observations([DIALECT], points)).values()
    assert counts == {("tool_calls", "Create"): 1, ("tool_calls", "Execute"): 4}


@pytest.mark.parametrize(
    ("name", "quantity"),
    [
        ("input", Quantity.TOKENS_INPUT),
        ("output", Quantity.TOKENS_OUTPUT),
        ("cache_read", Quantity.TOKENS_CACHE_READ),
        ("cache_write", Quantity.TOKENS_CACHE_WRITE),
    ],
)
def test_tokens_of_the_legacy_format(name: str, quantity: Quantity) -> None:
    told: Attributes = {"session.id": "s", "model.id": "claude-sonnet"}
    seen = LEGACY.point(f"droid.token.{name}", 7.0, told)
    assert facts(seen) == [Counted(quantity=quantity, amount=7, model="claude-sonnet")]
    assert observed(seen).origin.session_id == "s"


def test_tokens_of_the_genai_format_leave_the_cached_ones_out_of_input() -> None:
    told: Attributes = {
        **CHAT,
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 4,
        "gen_ai.usage.cache_read.input_tokens": 3,
        "gen_ai.usage.cache_creation.input_tokens": 2,
    }
    tokens = Tokens(input=10, cache_read=3, cache_write=2, output=4)
    assert facts(GENAI.span("chat claude-sonnet", told)) == [
        RequestAnswered(model="claude-sonnet", tokens=tokens)
    ]
    # The same numbers once more on the turn's span, and in a histogram of lower rank.
    turn = {**told, "gen_ai.operation.name": "invoke_agent"}
    assert facts(GENAI.span("invoke_agent droid", turn)) == [so_many(Quantity.PROMPTS)]
    kind: Attributes = {"gen_ai.token.type": "input", "session.id": "s", "model.id": "m"}
    point = GENAI.point("gen_ai.client.token.usage", 10.0, kind, count=2)
    assert facts(point) == [Counted(quantity=Quantity.TOKENS_INPUT, amount=10, model="m")]
    assert (
        observed(point).origin.rank > observed(GENAI.span("chat claude-sonnet", told)).origin.rank
    )


def test_a_failed_request_and_a_subagent() -> None:
    failed = {**CHAT, "error.type": "APIError"}
    assert facts(GENAI.span("chat claude-sonnet", failed)) == [RequestFailed(model="claude-sonnet")]
    inner: Attributes = {"gen_ai.operation.name": "invoke_agent", "session.id": "s"}
    seen = GENAI.span("invoke_agent droid", inner, parent="cc" * 8)
    assert facts(seen) == [so_many(Quantity.SUBAGENTS)]


def test_a_failed_and_a_rejected_tool() -> None:
    failed = GENAI.span("execute_tool Edit", {**TOOL, "error.type": "ToolFeedbackError"})
    assert facts(failed) == [
        so_many(Quantity.TOOL_CALLS, item="Edit"),
        so_many(Quantity.TOOL_FAILURES, item="Edit"),
    ]
    assert facts(GENAI.span("execute_tool Edit", {**TOOL, "error.type": "rejected"})) == [
        so_many(Quantity.TOOL_CALLS, item="Edit"),
        so_many(Quantity.TOOL_DENIALS, item="Edit"),
        so_many(Quantity.EDITS_REJECTED, item="Edit"),
    ]
    told: Attributes = {"tool.name": "Edit", "tool.succeeded": False, "session.id": "s"}
    assert facts(LEGACY.point("droid.tool.invocations", 2.0, told)) == [
        so_many(Quantity.TOOL_CALLS, 2, "Edit"),
        so_many(Quantity.TOOL_FAILURES, 2, "Edit"),
    ]
    cumulative = LEGACY.point(
        "droid.tool.invocations", 2.0, told, temporality=Temporality.CUMULATIVE
    )
    assert facts(cumulative) == [so_many(Quantity.TOOL_CALLS, 2, "Edit")]


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/Acme/Widgets/pull/12",
        "https://gitlab.com/acme/widgets/-/merge_requests/12",
    ],
)
def test_a_pull_request_names_its_repository(url: str) -> None:
    told: Attributes = {"pr.number": "12", "pr.url": url, "session.id": "s"}
    assert facts(LEGACY.point("droid.git.pull_requests", 1.0, told)) == [
        so_many(Quantity.CHANGES_OPENED),
        Traced(trace=Trace.REPOSITORY, value="acme/widgets"),
    ]


def test_a_person_who_is_logged_in() -> None:
    told: Attributes = {"user.id": "u1", "user.email": "Dev@Example.com", "session.id": "s"}
    seen = observed(LEGACY.point("droid.session.count", 1.0, told))
    assert seen.origin.context.user == PSEUDONYMS("email", "dev@example.com")


def test_message_content_is_never_read() -> None:
    told: Attributes = {"message.content": "secret", "session.id": "s"}
    assert facts(LEGACY.span("droid.message.user", told)) == [so_many(Quantity.PROMPTS)]
    assert LEGACY.span("droid.message.assistant", told) is Pass.IGNORED
    assert LEGACY.span("droid.tool.result", told) is Pass.DUPLICATE_SOURCE
    # The sum of a turn, which the token counters tell.
    assert LEGACY.span("droid.turn.complete", told) is Pass.DUPLICATE_SOURCE


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("droid.tool.execution_time", Pass.DUPLICATE_SOURCE),
        ("droid.mcp.tool_invocations", Pass.DUPLICATE_SOURCE),
        ("gen_ai.client.operation.duration", Pass.DUPLICATE_SOURCE),
        ("droid.repo.metadata", Pass.IGNORED),
        ("somebody.elses", Pass.UNKNOWN),
    ],
)
def test_why_a_point_says_nothing(name: str, reason: Pass) -> None:
    assert LEGACY.point(name, 1.0, {"session.id": "s"}) is reason


def test_a_span_without_any_time_is_malformed() -> None:
    assert GENAI.untimed_span("chat m", CHAT) is Pass.MALFORMED
    assert GENAI.span("somebody.elses", {}) is Pass.UNKNOWN


@given(
    st.sampled_from(
        ["droid.tool.invocations", "droid.git.commits", "gen_ai.execute_tool.duration"]
    ),
    st.floats() | st.integers(),
    any_attributes("tool.name", "tool.succeeded", "commit.hash", "pr.url", "user.id", "error.type"),
)
def test_no_point_raises(name: str, value: float, attributes: dict[str, Value]) -> None:
    assert isinstance(LEGACY.point(name, value, attributes), Observation | Pass)


@given(
    st.sampled_from(["chat", "execute_tool", "invoke_agent"]),
    any_attributes(
        *CHAT, *TOOL, "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "error.type"
    ),
)
def test_no_span_raises(operation: str, attributes: dict[str, Value]) -> None:
    told = {"gen_ai.operation.name": operation, **attributes}
    assert isinstance(GENAI.span(operation, told), Observation | Pass)
