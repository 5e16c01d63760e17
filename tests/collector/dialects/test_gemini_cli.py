"""Gemini CLI: every capture to the token, and what only sources and documents tell."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.dialects.gemini_cli import DIALECT
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
    Trace,
)
from domain.record import (
    Attributes,
    LogRecord,
    MetricPoint,
    Record,
    Scope,
    Span,
    Temporality,
)
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

AT = 1_795_321_912_861_000_000
SCOPE = Scope("gemini-cli", "", {})
CAPTURED = {scenario.name: scenario for scenario in scenarios("gemini-cli")}
PRIVATE = ("Goodbye", "README", "home/dev", "Say hello", "fake-key", "wc -l")


def captured(name: str) -> list[Record]:
    return records(CAPTURED[name])


def log(name: str, attributes: Attributes, scope: Scope = SCOPE, at: int = AT) -> Outcome:
    assert DIALECT.log is not None
    told = {"event.name": name, "session.id": "s", **attributes}
    return DIALECT.log(LogRecord(scope, at, 0, "", "", told), PSEUDONYMS)


def point(name: str, attributes: Attributes, value: float = 7) -> Outcome:
    assert DIALECT.point is not None
    sum_ = MetricPoint(
        SCOPE, name, "", "sum", Temporality.CUMULATIVE, AT, AT + 1, value, None, attributes
    )
    return DIALECT.point(sum_, PSEUDONYMS)


def span(name: str, attributes: Attributes, scope: Scope = SCOPE) -> Outcome:
    assert DIALECT.span is not None
    made = Span(scope, name, "aa" * 16, "bb" * 8, "", AT, AT + 1000, False, attributes)
    return DIALECT.span(made, PSEUDONYMS)


def facts(outcome: Outcome) -> list[Fact]:
    assert isinstance(outcome, Observation), outcome
    return list(outcome.facts)


def once(quantity: Quantity, item: str = "") -> Counted:
    return Counted(quantity=quantity, amount=1, item=item)


@pytest.mark.parametrize("scenario", scenarios("gemini-cli"), ids=lambda path: path.name)
def test_counts_every_capture_exactly(scenario: Path) -> None:
    got = counted(observations([DIALECT], records(scenario)))
    assert same(expected(scenario), got), (expected(scenario), got)


@pytest.mark.parametrize("scenario", scenarios("gemini-cli"), ids=lambda path: path.name)
def test_knows_every_captured_record(scenario: Path) -> None:
    unread = [record for record, outcome in outcomes([DIALECT], records(scenario))
              if outcome in (Pass.UNKNOWN, Pass.MALFORMED)]  # fmt: skip
    assert unread == []


@pytest.mark.parametrize("scenario", scenarios("gemini-cli"), ids=lambda path: path.name)
def test_counts_the_same_when_everything_comes_twice_and_backwards(scenario: Path) -> None:
    told = records(scenario)
    again = observations([DIALECT], [*reversed(told), *told])
    once_only = observations([DIALECT], told)
    assert {seen.key for seen in again} == {seen.key for seen in once_only}
    assert counted(again) == counted(once_only)


@pytest.mark.parametrize("scenario", scenarios("gemini-cli"), ids=lambda path: path.name)
def test_tells_nothing_private(scenario: Path) -> None:
    told = repr(observations([DIALECT], records(scenario)))
    assert [word for word in PRIVATE if word in told] == []


@pytest.mark.parametrize("scenario", scenarios("gemini-cli"), ids=lambda path: path.name)
def test_counters_alone_count_every_capture_exactly(scenario: Path) -> None:
    counters = [record for record in records(scenario) if isinstance(record, MetricPoint)]
    assert counted(observations([DIALECT], counters)) == expected(scenario)


def test_spans_alone_tell_requests_but_no_thoughts() -> None:
    spans = [record for record in captured("s2_edit_shell-grpc") if isinstance(record, Span)]
    told = truth(CAPTURED["s2_edit_shell-grpc"])["expected_totals_by_scope_and_model"]["all"]
    assert counted(observations([DIALECT], spans)) == {
        model: {
            "requests": row["requests"],
            "input": row["input"],
            "cache_read": 0,
            "cache_write": 0,
            "output": row["output"],
        }
        for model, row in told.items()
    }


def test_session_of_an_edit() -> None:
    (counts,) = session_counts(observations([DIALECT], captured("s2_edit_shell-grpc"))).values()
    assert counts == {
        ("prompts", ""): 1,
        ("requests_started", ""): 4,
        ("tool_calls", "read_file"): 1,
        ("tool_calls", "replace"): 1,
        ("tool_calls", "run_shell_command"): 2,
        ("edits_accepted", "replace"): 1,
        ("lines_added", ""): 1,
        ("lines_removed", ""): 1,
    }


def test_every_failed_attempt_is_a_failure_with_its_status() -> None:
    seen = observations([DIALECT], captured("s4_errors-grpc"))
    failed = [
        (fact.status_code, fact.purpose)
        for one in sorted(seen, key=lambda one: one.at)
        for fact in one.facts
        if isinstance(fact, RequestFailed)
    ]
    assert failed == [(status, Purpose.MAIN) for status in (429, 500, 503, 500)]
    (counts,) = session_counts(seen).values()
    assert counts == {
        ("prompts", ""): 1,
        ("requests_started", ""): 6,
        ("requests_failed", "gemini-2.5-pro"): 4,
        ("tool_calls", "run_shell_command"): 1,
    }


def test_failures_are_not_counted_twice_from_the_counter() -> None:
    counters = [record for record in captured("s4_errors-grpc") if isinstance(record, MetricPoint)]
    (counts,) = session_counts(observations([DIALECT], counters)).values()
    assert counts == {
        ("tokens.input", ""): 2343,
        ("tokens.cache_read_inside", ""): 307,
        ("tokens.output", ""): 89,
        ("tokens.reasoning_beside", ""): 51,
        ("requests", ""): 2,
        ("requests_failed", ""): 4,
    }


def test_resumed_session_is_the_same_session() -> None:
    told = captured("s6_sessions-grpc")
    by_prompts = {
        session: counts["prompts", ""]
        for session, counts in session_counts(observations([DIALECT], told)).items()
    }
    assert by_prompts == {
        "cda00514-1fa3-4232-9ca8-944da960307b": 1,
        "c69e367a-04e3-47ff-ae1f-aff571ee49fc": 2,
    }


def test_version_of_node_is_not_the_tools() -> None:
    seen = observations([DIALECT], captured("s1_simple-http"))
    assert traced(seen, Trace.TOOL_VERSION) == {}
    assert {one.origin.context.tool_version for one in seen} == {None}
    # Spans do not name the installation.
    assert (
        len({one.origin.installation for one in seen if one.origin.source is not Source.SPAN}) == 1
    )


def test_own_session_wins_over_that_of_the_resource() -> None:
    # 0.16.0, and any version with OTEL_RESOURCE_ATTRIBUTES=session.id=….
    scope = Scope("gemini-cli", "", {"session.id": "from-env", "service.name": "my-gemini"})
    outcome = log("gemini_cli.user_prompt", {}, scope)
    assert isinstance(outcome, Observation)
    assert (outcome.origin.tool, outcome.origin.session_id) == ("gemini-cli", "s")


def test_counter_of_lines_is_a_fallback_of_the_tool_calls() -> None:
    outcome = point("gemini_cli.lines.changed", {"type": "added", "session.id": "s"})
    assert isinstance(outcome, Observation)
    assert (outcome.origin.source, outcome.origin.rank) == (Source.METRIC, 1)
    assert outcome.facts == (Counted(quantity=Quantity.LINES_ADDED, amount=7),)


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (log("gen_ai.client.inference.operation.details", {"gen_ai.usage.input_tokens": 5}),
         Pass.DUPLICATE_SOURCE),
        (log("gemini_cli.config", {}), Pass.IGNORED),
        (log("gemini_cli.brand_new", {}), Pass.UNKNOWN),
        (log("gemini_cli.user_prompt", {}, at=0), Pass.MALFORMED),
        (point("gen_ai.client.token.usage", {"session.id": "s"}), Pass.DUPLICATE_SOURCE),
        (point("gemini_cli.session.count", {"session.id": "s"}), Pass.IGNORED),
        (point("gemini_cli.token.usage", {"session.id": "s", "type": "input"}, float("nan")),
         Pass.MALFORMED),
        # Stopped by the user, before 0.33.
        (point("gemini_cli.api.request.count", {"session.id": "s", "error_type": "AbortError"}),
         Pass.IGNORED),
        (point("somebody.elses", {"session.id": "s"}), Pass.UNKNOWN),
        (span("llm_call", {"gen_ai.conversation.id": "s"}), Pass.DUPLICATE_SOURCE),
        (span("tool_call", {"gen_ai.conversation.id": "s"}), Pass.DUPLICATE_SOURCE),
        (span("GET", {}, Scope("@opentelemetry/instrumentation-http", "", {})), Pass.IGNORED),
    ],
)  # fmt: skip
def test_why_a_record_says_nothing(outcome: Outcome, reason: Pass) -> None:
    assert outcome is reason


PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=9),
    st.binary(max_size=9),
    st.sampled_from(["-1", "1e999", "NaN", '{"exitCode": []}', '{"model_added_lines": 1e9}']),
)
VALUES = PLAIN | st.lists(PLAIN, max_size=2) | st.dictionaries(st.text(max_size=3), PLAIN)
NAMES = st.sampled_from(
    "event.name event.timestamp session.id model role type status status_code success decision "
    "function_name function_args metadata error error_type request_text input_token_count "
    "output_token_count cached_content_token_count thoughts_token_count tool_token_count "
    "total_token_count subagent_name prompt_id gen_ai.conversation.id "
    "gen_ai.usage.input_tokens gen_ai.usage.output_tokens".split()
)  # fmt: skip
ATTRIBUTES = st.dictionaries(NAMES, VALUES, max_size=8)
EVENTS = st.sampled_from(
    ["api_response", "api_error", "api_request", "tool_call", "user_prompt", "agent.start"]
)


@given(EVENTS, ATTRIBUTES)
def test_no_log_raises(name: str, attributes: Attributes) -> None:
    log(f"gemini_cli.{name}", {**attributes, "event.name": f"gemini_cli.{name}"})
    log(name, attributes)


@given(st.sampled_from(["token.usage", "lines.changed", "api.request.count"]), ATTRIBUTES,
       st.integers() | st.floats())  # fmt: skip
def test_no_point_raises(name: str, attributes: Attributes, value: float) -> None:
    point(f"gemini_cli.{name}", attributes, value)


@given(ATTRIBUTES)
def test_no_span_raises(attributes: Attributes) -> None:
    span("llm_call", attributes)
