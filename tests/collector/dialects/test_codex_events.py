"""Codex: what no capture shows, attribute by attribute, and whatever else may come."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from collector.dialects import codex, recognise
from domain.events import (
    Counted,
    Fact,
    Observation,
    Pass,
    Purpose,
    Quantity,
    RequestAnswered,
    RequestFailed,
    Source,
    Trace,
    Traced,
)
from domain.record import (
    EARLIEST_NS,
    LogRecord,
    MetricPoint,
    Scope,
    Span,
    SpanEvent,
    Temporality,
    Value,
)
from domain.usage import Tokens
from tests.capturing import PSEUDONYMS

SESSION = "01a20189-7145-7b73-90cb-ecf89282f849"
CHILD = "01a20189-728a-77a1-a7b4-13e9dfe3b80e"
SCOPE = Scope("codex_otel.log_only", "", {"service.name": "codex_exec"})
NOW = EARLIEST_NS + 5_000_000_000
EXEC_OUTPUT = "Chunk ID: 1f\nWall time: 0.2 seconds\nProcess exited with code {}\nOutput:\n{}"

values = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
nested = st.recursive(values, lambda v: st.lists(v) | st.dictionaries(st.text(), v), max_leaves=4)


def log(name: str, **told: Value) -> LogRecord:
    attributes: dict[str, Value] = {
        "event.name": f"codex.{name}",
        "event.timestamp": "2026-11-22T04:34:43.427Z",
        "conversation.id": SESSION,
        "app.version": "0.169.0",
        "model": "gpt-5.5",
        **{key.replace("__", "."): value for key, value in told.items()},
    }
    attributes = {key: value for key, value in attributes.items() if value is not None}
    return LogRecord(SCOPE, 0, NOW, "event otel/src/x.rs:1", "", attributes)


def tool(
    output: str, name: str = "exec_command", call: str = "ls", success: str = "true"
) -> LogRecord:
    return log("tool_result", tool_name=name, arguments=call, output=output, success=success)


def facts(record: LogRecord) -> list[Fact]:
    outcome = codex.read_log(record, PSEUDONYMS)
    assert isinstance(outcome, Observation)
    return [fact for fact in outcome.facts if fact not in _version(outcome)]


def _version(outcome: Observation) -> list[Fact]:
    return [Traced(trace=Trace.TOOL_VERSION, value=outcome.origin.context.tool_version or "")]


def turn(name: str = "session_task.turn", thread: Value = SESSION, **told: Value) -> Span:
    usage = {f"codex.turn.token_usage.{key}": value for key, value in told.items()}
    attributes: dict[str, Value] = {"thread.id": thread, "model": "gpt-5.5", **usage}
    profile: dict[str, Value] = {
        "event.name": "codex.turn_profile",
        "conversation.id": SESSION,
        "sampling_request_count": 3,
        "sampling_retry_count": 1,
    }
    events = (SpanEvent("codex.turn_profile", NOW, profile),)
    return Span(SCOPE, name, "a" * 32, "b" * 16, "", NOW, NOW + 1, False, attributes, events)


def test_a_response_in_full() -> None:
    record = log(
        "sse_event",
        event__kind="response.completed",
        input_token_count="1200",
        cached_token_count=700,
        cache_write_token_count=100,
        output_token_count="50",
        reasoning_token_count=20,
        tool_token_count="1250",
        agent_name="Turing",
    )
    outcome = codex.read_log(record, PSEUDONYMS)
    assert isinstance(outcome, Observation)
    tokens = Tokens(input=400, cache_read=700, cache_write=100, output=50, reasoning=20)
    answered = RequestAnswered(model="gpt-5.5", tokens=tokens, purpose=Purpose.SUBAGENT)
    assert facts(record) == [answered]
    assert (outcome.origin.tool, outcome.origin.session_id) == ("codex", SESSION)
    assert (outcome.origin.source, outcome.origin.rank) == (Source.LOG, 0)


def test_counts_that_do_not_fit_into_each_other_stand_beside_each_other() -> None:
    record = log(
        "sse_event",
        event__kind="response.completed",
        input_token_count="10",
        cached_token_count=900,
        output_token_count="5",
        reasoning_token_count=7,
    )
    tokens = Tokens(input=10, cache_read=900, output=12, reasoning=7)
    assert facts(record) == [RequestAnswered(model="gpt-5.5", tokens=tokens)]


def test_a_response_of_zero_tokens_is_unmeasured() -> None:
    record = log(
        "sse_event",
        event__kind="response.completed",
        input_token_count="0",
        output_token_count="0",
    )
    assert facts(record) == [
        RequestAnswered(model="gpt-5.5", tokens=Tokens()),
        Counted(quantity=Quantity.REQUESTS_UNMEASURED, amount=1),
    ]


def warm_up(**told: Value) -> LogRecord:
    usage: dict[str, Value] = {"input_token_count": "9123", "output_token_count": "0"}
    return log("sse_event", **{"event.kind": "response.completed", **usage, **told})


def test_the_request_that_warms_up_a_websocket_is_none() -> None:
    assert codex.read_log(warm_up(cached_token_count=0), PSEUDONYMS) is Pass.IGNORED
    # A provider that counts no output, but whose answer had a beginning.
    (answered,) = facts(warm_up(ttft_ms=0))
    assert isinstance(answered, RequestAnswered)
    assert answered.tokens == Tokens(input=9123, output=0)
    (answered,) = facts(warm_up(output_token_count="1"))
    assert isinstance(answered, RequestAnswered)


@pytest.mark.parametrize(
    "error",
    [
        "stream disconnected before completion: idle timeout waiting for websocket",
        "Error while reading the server response: broken pipe, request id: r1",
        "We're currently experiencing high demand, which may cause temporary errors.",
        "unexpected status 404 Not Found: no such thread",
    ],
)
def test_an_answer_that_breaks_off_is_asked_for_again(error: str) -> None:
    record = log("sse_event", event__kind="response.completed", error__message=error)
    assert facts(record) == [Counted(quantity=Quantity.RETRIES, amount=1)]


def test_an_answer_that_ends_the_turn_is_a_failed_request() -> None:
    error = "Codex ran out of room in the model's context window. Start a new thread."
    record = log("sse_event", event__kind="response.completed", error__message=error)
    assert facts(record) == [RequestFailed(model="gpt-5.5")]


@pytest.mark.parametrize("status", [None, 404, 426, 503])
def test_a_connection_that_fails_is_no_request_that_failed(status: int | None) -> None:
    record = log(
        "websocket_connect",
        success="false",
        error__message="x",
        endpoint="/responses",
        http__response__status_code=status,
    )
    assert facts(record) == [Counted(quantity=Quantity.RETRIES, amount=1)]


@pytest.mark.parametrize("name", ["shell", "exec_command", "shell_command"])
def test_a_patch_that_a_shell_is_told_to_apply_has_lines(name: str) -> None:
    patch = "*** Begin Patch\n*** Update File: a.py\n@@\n-y\n+z\n+w\n*** End Patch\n"
    script = f"apply_patch <<'EOF'\n{patch}EOF\n"
    call = json.dumps({"command": ["bash", "-lc", script]} if name == "shell" else {"cmd": script})
    applied = facts(tool(EXEC_OUTPUT.format(0, "Success."), name=name, call=call))
    assert applied == [
        Counted(quantity=Quantity.TOOL_CALLS, amount=1, item=name),
        Counted(quantity=Quantity.LINES_ADDED, amount=2),
        Counted(quantity=Quantity.LINES_REMOVED, amount=1),
        Traced(trace=Trace.FILE, value=PSEUDONYMS.file("a.py") or ""),
    ]
    failed = facts(tool("patch does not apply", name=name, call=call, success="false"))
    assert not any(isinstance(fact, Traced) for fact in failed)


@pytest.mark.parametrize(
    "record",
    [
        log("sse_event", event__kind="response.completed", duration_ms="0"),
        log("sse_event", event__kind="response.completed", error__message="?", duration_ms="3"),
        log("sse_event", event__kind="response.output_text.delta"),
        log("api_request", endpoint="/models", http__response__status_code=200),
        log("api_request", conversation__id=None, http__response__status_code=200),
        log("tool_result", tool_name="exec", output="ok"),
        log("tool_decision", tool_name="exec_command", decision="network_policy_amendment"),
        log("websocket_request", success="true"),
        # The stream that it was to begin tells its failure, too.
        log("websocket_request", success="false", error__message="closed"),
        log("websocket_connect", success="true", endpoint="/responses"),
        log("sandbox_assessment", call_id="c1", status="approved"),
        log("agent_communication", kind="message", state="send", receiver_thread_id=CHILD),
        log("sandbox_outcome", tool_name="exec_command", outcome="denied"),
        replace(log("turn_ttft"), attributes={}),
    ],
    ids=lambda record: str(record.attributes.get("event.name")),
)
def test_known_and_of_no_use(record: LogRecord) -> None:
    assert codex.read_log(record, PSEUDONYMS) is Pass.IGNORED


def test_a_new_name_is_unknown_and_an_event_without_any_time_is_malformed() -> None:
    assert codex.read_log(log("brand_new"), PSEUDONYMS) is Pass.UNKNOWN
    timeless = replace(log("user_prompt", event__timestamp=None), observed_ns=0)
    assert codex.read_log(timeless, PSEUDONYMS) is Pass.MALFORMED
    stamped = replace(log("user_prompt"), observed_ns=0)
    outcome = codex.read_log(stamped, PSEUDONYMS)
    assert isinstance(outcome, Observation)
    assert outcome.at.isoformat() == "2026-11-22T04:34:43.427000+00:00"


@pytest.mark.parametrize("status", [401, 429, 500, 503, 529])
def test_an_attempt_that_is_made_again(status: int) -> None:
    record = log("api_request", endpoint="/responses", http__response__status_code=status)
    assert facts(record) == [Counted(quantity=Quantity.RETRIES, amount=1)]


def test_an_attempt_without_a_status_is_made_again_and_a_bad_request_is_not() -> None:
    lost = log("websocket_connect", success="false", error__message="refused")
    assert facts(lost) == [Counted(quantity=Quantity.RETRIES, amount=1)]
    refused = log("api_request", endpoint="/responses", http__response__status_code=400)
    assert facts(refused) == [RequestFailed(model="gpt-5.5", status_code=400)]


def test_a_compaction_by_the_server_is_an_unmeasured_request() -> None:
    record = log("api_request", endpoint="/responses/compact", http__response__status_code=200)
    assert facts(record) == [
        Counted(quantity=Quantity.COMPACTIONS, amount=1),
        RequestAnswered(model="gpt-5.5", tokens=Tokens()),
        Counted(quantity=Quantity.REQUESTS_UNMEASURED, amount=1),
    ]


def test_the_same_failing_call_has_the_same_hash() -> None:
    output = EXEC_OUTPUT.format(1, "no such file")
    first, second, other = (facts(tool(output, call=call)) for call in ("ls x", "ls x", "ls y"))
    assert first == second != other
    assert [(f.quantity.value, f.amount) for f in first if isinstance(f, Counted)] == [
        ("tool_calls", 1),
        ("tool_failures", 1),
        ("repeated_failures", 1),
    ]
    assert "ls x" not in repr(first)


def test_a_model_that_invents_a_tool_leaves_no_text() -> None:
    record = log("tool_result", tool_name="rm -rf secret", success="false", output="unsupported")
    assert facts(record) == [
        Counted(quantity=Quantity.TOOL_CALLS, amount=1, item="unknown"),
        Counted(quantity=Quantity.TOOL_FAILURES, amount=1, item="unknown"),
    ]


def test_a_tool_of_a_server_that_is_called_exec_counts() -> None:
    record = log("tool_result", tool_name="exec", mcp_server="db", success="true")
    assert facts(record) == [Counted(quantity=Quantity.TOOL_CALLS, amount=1, item="exec")]


def test_a_commit_that_took_longer_is_told_by_the_call_that_waited() -> None:
    output = EXEC_OUTPUT.format(0, "checks passed\n[main abc1234] fix: x\n 1 file changed\n")
    assert facts(tool(output, name="write_stdin", call='{"session_id":7}'))[1:] == [
        Counted(quantity=Quantity.COMMITS, amount=1),
        Traced(trace=Trace.COMMIT, value="abc1234"),
        Traced(trace=Trace.BRANCH, value="main"),
    ]


def test_an_opened_change_is_counted_with_its_repository() -> None:
    output = EXEC_OUTPUT.format(0, "https://github.com/Acme/Payments/pull/12\n")
    record = tool(output, call='{"cmd": "gh pr create --fill"}')
    assert facts(record)[1:] == [
        Counted(quantity=Quantity.CHANGES_OPENED, amount=1),
        Traced(trace=Trace.REPOSITORY, value="acme/payments"),
    ]


def test_denials_and_decisions_about_edits() -> None:
    denied = log("tool_decision", tool_name="apply_patch", decision="denied", source="User")
    assert facts(denied) == [
        Counted(quantity=Quantity.TOOL_DENIALS, amount=1, item="apply_patch"),
        Counted(quantity=Quantity.EDITS_REJECTED, amount=1, item="apply_patch"),
    ]
    session = log("tool_decision", tool_name="apply_patch", decision="approved_for_session")
    assert facts(session) == [
        Counted(quantity=Quantity.EDITS_ACCEPTED, amount=1, item="apply_patch")
    ]
    aborted = log("tool_decision", tool_name="exec_command", decision="abort")
    assert facts(aborted) == [
        Counted(quantity=Quantity.TOOL_DENIALS, amount=1, item="exec_command")
    ]


def test_the_cost_of_a_turn_comes_late_by_log_or_by_metric() -> None:
    cost = Counted(quantity=Quantity.COST_NANOUSD, amount=12_345_600, model="gpt-5.5")
    assert facts(log("turn_cost", turn__id="t1", usage__estimated_usd="0.0123456")) == [cost]
    assert codex.read_log(log("turn_cost", usage__estimated_usd="?"), PSEUDONYMS) is Pass.MALFORMED
    point = MetricPoint(
        SCOPE,
        "codex.turn.cost_microusd",
        "",
        "sum",
        Temporality.DELTA,
        NOW,
        NOW + 1,
        12_346,
        None,
        {"conversation.id": SESSION, "turn.id": "t1", "model": "gpt-5.5"},
    )
    outcome = codex.read_point(point, PSEUDONYMS)
    assert isinstance(outcome, Observation)
    assert (outcome.origin.session_id, outcome.origin.rank) == (SESSION, 1)
    assert outcome.facts[0] == replace(cost, amount=12_346_000)


@pytest.mark.parametrize(
    ("name", "expected_pass"),
    [
        ("codex.turn.token_usage", Pass.DUPLICATE_SOURCE),
        ("codex.turn.cost_microusd", Pass.DUPLICATE_SOURCE),
        ("codex.startup.phase.duration_ms", Pass.IGNORED),
    ],
)
def test_metrics_without_a_session_are_passed(name: str, expected_pass: Pass) -> None:
    point = MetricPoint(SCOPE, name, "", "sum", Temporality.DELTA, NOW, NOW, 1, None, {})
    assert codex.read_point(point, PSEUDONYMS) is expected_pass


def test_only_a_spawning_message_and_an_answer_name_a_parent() -> None:
    spawn = log(
        "agent_communication",
        conversation__id=None,
        kind="spawn",
        state="send",
        sender_thread_id=SESSION,
        receiver_thread_id=CHILD,
        content="private",
    )
    outcome = codex.read_log(spawn, PSEUDONYMS)
    assert isinstance(outcome, Observation)
    assert outcome.origin.session_id == CHILD
    parent = Traced(trace=Trace.PARENT_SESSION, value=SESSION)
    assert facts(spawn) == [parent]
    answer = log("agent_response", conversation__id=CHILD, parent__conversation__id=SESSION)
    assert facts(answer) == [parent]


def test_a_turns_span_in_full() -> None:
    told = turn(
        input_tokens=1000,
        cached_input_tokens=600,
        cache_write_input_tokens=0,
        output_tokens=50,
        reasoning_output_tokens=10,
    )
    outcome = codex.read_span(told, PSEUDONYMS)
    assert isinstance(outcome, Observation)
    assert (outcome.origin.session_id, outcome.origin.source, outcome.origin.rank) == (
        SESSION,
        Source.SPAN,
        1,
    )
    amounts = {
        Quantity.TOKENS_INPUT: 400,
        Quantity.TOKENS_CACHE_READ: 600,
        Quantity.TOKENS_CACHE_WRITE: 0,
        Quantity.TOKENS_OUTPUT: 50,
        Quantity.TOKENS_REASONING: 10,
        Quantity.REQUESTS: 3,
        Quantity.RETRIES: 1,
    }
    assert list(outcome.facts) == [
        Counted(quantity=quantity, amount=amount, model="gpt-5.5")
        for quantity, amount in amounts.items()
    ]


def test_a_span_whose_thread_is_a_worker_has_no_usage() -> None:
    assert codex.read_span(turn(thread=4, input_tokens=10), PSEUDONYMS) is Pass.IGNORED
    responses = turn(name="handle_responses", thread=4)
    assert codex.read_span(responses, PSEUDONYMS) is Pass.DUPLICATE_SOURCE


def test_spans_are_codexs_whoever_wraps_it() -> None:
    scope = Scope("acme_agent", "", {"service.name": "acme_agent"})
    for name in ("session_task.turn", "session_task.compact", "codex.api_request"):
        assert recognise(scope, name) is codex.DIALECT


@given(st.sampled_from(sorted(codex._EVENTS)), st.dictionaries(st.text(), nested))
def test_no_log_raises(name: str, told: dict[str, Value]) -> None:
    record = log(name)
    codex.read_log(replace(record, attributes={**record.attributes, **told}), PSEUDONYMS)
    spoiled = dict.fromkeys(
        (*record.attributes, *codex._DISTINCT, *told), next(iter(told.values()), 0)
    )
    attributes = {**spoiled, "event.name": f"codex.{name}"}
    codex.read_log(replace(record, attributes=attributes), PSEUDONYMS)


@given(st.text(), st.text())
def test_no_tool_text_raises(call: str, output: str) -> None:
    codex.read_log(tool("{" + output, name="apply_patch", call="{" + call), PSEUDONYMS)
    for command in ([], [call], ["apply_patch", call], f"apply_patch {call}", None):
        codex.read_log(tool(output, name="shell", call=json.dumps({"cmd": command})), PSEUDONYMS)
    codex.read_log(tool(output, call="git commit " + call), PSEUDONYMS)


@given(nested, st.floats() | st.integers(), st.integers(min_value=0, max_value=2**64 - 1))
def test_no_span_or_point_raises(value: Value, number: float, time_ns: int) -> None:
    span = turn(thread=value, input_tokens=value, output_tokens=value)
    event = SpanEvent("x", 0, {"event.name": value, "conversation.id": value})
    codex.read_span(replace(span, end_ns=time_ns, events=(event, *span.events)), PSEUDONYMS)
    for told in ({}, {"conversation.id": value}, {"conversation.id": SESSION}):
        point = MetricPoint(
            SCOPE,
            "codex.turn.cost_microusd",
            "",
            "sum",
            Temporality.CUMULATIVE,
            0,
            time_ns,
            number,
            None,
            told,
        )
        codex.read_point(point, PSEUDONYMS)
