"""Qwen Code: every capture to the token from each signal, and what only its sources tell."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from collector.dialects.qwen_code import DIALECT
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
    Value,
)
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

AT = 1_795_321_912_861_000_000
SCOPE = Scope("qwen-code", "1.0.0", {"service.name": "qwen-code"})
HTTP = Scope("@opentelemetry/instrumentation-undici", "0.31.0", SCOPE.resource)
OLD, NEW = scenarios("qwen-code-0.15.10"), scenarios("qwen-code")
CAPTURES = [*NEW, *OLD]
of_both_versions = pytest.mark.parametrize(
    "scenario", CAPTURES, ids=lambda path: f"{path.parent.name}-{path.name}"
)
of_this_version = pytest.mark.parametrize("scenario", NEW, ids=lambda path: path.name)
PRIVATE = ("Goodbye", "README", "home/dev", "Say hello", "fake-key", "wc -l")


def captured(name: str) -> list[Record]:
    (scenario,) = (one for one in NEW if one.name == name)
    return records(scenario)


def log(name: str, attributes: Attributes) -> Outcome:
    assert DIALECT.log is not None
    told = {"event.name": name, "session.id": "s", **attributes}
    return DIALECT.log(LogRecord(SCOPE, AT, 0, "", "", told), PSEUDONYMS)


def span(
    name: str, attributes: Attributes, scope: Scope = SCOPE, *, failed: bool = False
) -> Outcome:
    assert DIALECT.span is not None
    told = {"session.id": "s", **attributes}
    made = Span(scope, name, "aa" * 16, "bb" * 8, "", AT, AT + 1000, failed, told)
    return DIALECT.span(made, PSEUDONYMS)


def facts(outcome: Outcome) -> list[Fact]:
    assert isinstance(outcome, Observation), outcome
    return list(outcome.facts)


def once(quantity: Quantity, item: str = "") -> Counted:
    return Counted(quantity=quantity, amount=1, item=item)


@of_both_versions
def test_counts_every_capture_exactly(scenario: Path) -> None:
    got = counted(observations([DIALECT], records(scenario)))
    assert same(expected(scenario), got), (expected(scenario), got)


@of_both_versions
def test_logs_alone_count_every_capture_exactly(scenario: Path) -> None:
    logs = [record for record in records(scenario) if isinstance(record, LogRecord)]
    assert same(expected(scenario), counted(observations([DIALECT], logs)))


@of_this_version
def test_spans_alone_count_every_capture_exactly(scenario: Path) -> None:
    spans = [record for record in records(scenario) if isinstance(record, Span)]
    assert same(expected(scenario), counted(observations([DIALECT], spans)))


@of_both_versions
def test_counters_count_only_with_a_session(scenario: Path) -> None:
    # 0.24.4 leaves the session out of them by default, 0.15.10 never did.
    counters = [record for record in records(scenario) if isinstance(record, MetricPoint)]
    got = counted(observations([DIALECT], counters))
    assert got == (expected(scenario) if scenario in OLD else {})


@of_this_version
def test_counters_with_a_session_count_every_capture_exactly(scenario: Path) -> None:
    counters = [
        replace(record, attributes={**record.attributes, "session.id": "s"})
        for record in records(scenario)
        if isinstance(record, MetricPoint)
    ]
    got = counted(observations([DIALECT], counters))
    assert got == expected(scenario)


@of_both_versions
def test_knows_every_captured_record(scenario: Path) -> None:
    unread = [
        record
        for record, outcome in outcomes([DIALECT], records(scenario))
        if outcome in (Pass.UNKNOWN, Pass.MALFORMED)
    ]
    assert unread == []


@of_both_versions
def test_counts_the_same_when_everything_comes_twice_and_backwards(scenario: Path) -> None:
    told = records(scenario)
    again = observations([DIALECT], [*reversed(told), *told])
    once_only = observations([DIALECT], told)
    assert {seen.key for seen in again} == {seen.key for seen in once_only}
    assert counted(again) == counted(once_only)


@of_both_versions
def test_tells_nothing_private(scenario: Path) -> None:
    told = repr(observations([DIALECT], records(scenario)))
    assert [word for word in PRIVATE if word in told] == []


@of_this_version
def test_purposes_are_those_of_the_script(scenario: Path) -> None:
    counts: dict[str, int] = {}
    for one in observations([DIALECT], records(scenario)):
        for fact in one.facts:
            if isinstance(fact, RequestAnswered) and one.origin.rank == 0:
                purpose = "aux" if fact.purpose is Purpose.AUXILIARY else str(fact.purpose)
                counts[purpose] = counts.get(purpose, 0) + 1
    scopes = truth(scenario)["expected_totals_by_scope_and_model"]
    assert counts == {
        name: sum(row["requests"] for row in rows.values())
        for name, rows in scopes.items()
        if name != "all"
    }


ONE_PROCESS = {("process_starts", ""): 1, ("process_ends", ""): 1}


def test_session_of_an_edit() -> None:
    (counts,) = session_counts(observations([DIALECT], captured("s2_edit_shell-grpc"))).values()
    assert counts == {
        **ONE_PROCESS,
        ("prompts", ""): 1,
        ("requests_started", ""): 4,
        ("tool_calls", "read_file"): 1,
        ("tool_calls", "edit"): 1,
        ("tool_calls", "run_shell_command"): 2,
        ("edits_accepted", "edit"): 1,
        ("lines_added", ""): 1,
        ("lines_removed", ""): 1,
    }


def test_retries_below_the_tool_are_read_from_http() -> None:
    # Four answers of 429, 500, 503 and 500 that no log event and no attempt count tells.
    (counts,) = session_counts(observations([DIALECT], captured("s4_errors-http"))).values()
    assert counts == {
        **ONE_PROCESS,
        ("prompts", ""): 1,
        ("requests_started", ""): 2,
        ("retries", ""): 4,
        ("tool_calls", "run_shell_command"): 1,
    }


def test_resumed_session_is_the_same_session() -> None:
    seen = observations([DIALECT], captured("s6_sessions-http"))
    by_prompts = {
        session: counts["prompts", ""] for session, counts in session_counts(seen).items()
    }
    assert by_prompts == {
        "739a5510-280e-4a74-a177-4ba0e5d0fddb": 1,
        "dc2d9764-4c46-43b0-b1fc-f436af07256e": 2,
    }
    versions = traced(seen, Trace.TOOL_VERSION)
    assert versions == {session: {"0.24.4"} for session in by_prompts}


@pytest.mark.parametrize("scenario", OLD, ids=lambda path: path.name)
def test_log_events_that_travel_as_spans_are_the_same_events(scenario: Path) -> None:
    logs = [record for record in records(scenario) if isinstance(record, LogRecord)]
    bridged = [bridge(record) for record in logs]
    direct = {one.key: one for one in observations([DIALECT], logs)}
    assert {one.key for one in observations([DIALECT], bridged)} == direct.keys()
    assert same(expected(scenario), counted(observations([DIALECT], [*logs, *bridged])))


def bridge(record: LogRecord) -> Span:
    """What Qwen Code makes of a log event where it has no endpoint for logs."""
    told: dict[str, Value] = {
        name: str(value) if isinstance(value, list | dict) else value
        for name, value in record.attributes.items()
        if value is not None and name not in {"prompt", "function_args", "response_text"}
    }
    return Span(
        scope=record.scope,
        name=str(record.attributes["event.name"]),
        trace_id="aa" * 16,
        span_id=f"{hash(repr(record)) & 0xFFFF_FFFF_FFFF_FFFF:016x}",
        parent_span_id="",
        start_ns=record.time_ns,
        end_ns=record.time_ns + 1_000_000,
        failed=False,
        attributes={**told, "log.bridge": True},
    )


def request(**changed: Value) -> dict[str, Value]:
    return {
        "gen_ai.request.model": "qwen3-coder-plus",
        "gen_ai.response.model": "qwen3-coder-plus",
        "qwen-code.prompt_id": "s########0",
        "gen_ai.operation.name": "chat",
        "success": True,
        **changed,
    }


def usage(**counts: int | None) -> dict[str, Value]:
    names = {
        "input": "gen_ai.usage.input_tokens",
        "output": "gen_ai.usage.output_tokens",
        "read": "gen_ai.usage.cache_read.input_tokens",
        "written": "gen_ai.usage.cache_creation.input_tokens",
        "thoughts": "thoughts_token_count",
    }
    return {names[name]: amount for name, amount in counts.items()}


@pytest.mark.parametrize(
    ("told", "tokens"),
    [
        (
            request(**usage(input=1222, output=80, read=307, thoughts=34)),
            Tokens(input=915, cache_read=307, output=80, reasoning=34),
        ),
        # The Anthropic wire tells what was written to the cache, inside the input.
        (
            request(**usage(input=1000, output=50, read=600, written=300)),
            Tokens(input=100, cache_read=600, cache_write=300, output=50),
        ),
        # More cached than input: a provider that counts them apart.
        (
            request(**usage(input=10, output=50, read=600)),
            Tokens(input=10, cache_read=600, output=50),
        ),
        # Google's wire counts thoughts apart.
        (
            request(
                **usage(input=1111, output=43, thoughts=17),
                **{"gen_ai.operation.name": "generate_content"},
            ),
            Tokens(input=1111, output=60, reasoning=17),
        ),
        # Versions between had names of their own.
        (
            request(input_tokens=1222, output_tokens=80, cached_input_tokens=307),
            Tokens(input=915, cache_read=307, output=80),
        ),
        # A stream broken off after its usage was paid for, whatever its status says.
        (
            request(**usage(input=1777, output=180), success=False),
            Tokens(input=1777, output=180),
        ),
    ],
)
def test_buckets_of_a_span(told: dict[str, Value], tokens: Tokens) -> None:
    assert facts(span("qwen-code.llm_request", told)) == [
        RequestAnswered(model="qwen3-coder-plus", purpose=Purpose.MAIN, tokens=tokens)
    ]


def test_request_that_failed_or_ended_without_a_word() -> None:
    failed = request(success=False, error_status_code=400)
    assert facts(span("qwen-code.llm_request", failed, failed=True)) == [
        RequestFailed(model="qwen3-coder-plus", purpose=Purpose.MAIN, status_code=400)
    ]
    swept = request(success=None, **{"qwen-code.span.ttl_expired": True})
    assert facts(span("qwen-code.llm_request", swept)) == [
        RequestFailed(model="qwen3-coder-plus", purpose=Purpose.MAIN)
    ]


def test_what_the_user_stopped_has_not_failed() -> None:
    stopped = request(success=False, error="API call aborted")
    assert facts(span("qwen-code.llm_request", stopped)) == []
    # As of 0.21, which tells an error of it too.
    stopped = request(success=False, error="API call aborted", error_type="APIUserAbortError")
    assert facts(span("qwen-code.llm_request", stopped, failed=True)) == []
    # What came before it was stopped was paid for.
    [answered, *_] = facts(span("qwen-code.llm_request", {**stopped, "input_tokens": 9}))
    assert isinstance(answered, RequestAnswered)


def test_answer_without_usage_is_unmeasured_not_free() -> None:
    assert facts(span("qwen-code.llm_request", request())) == [
        RequestAnswered(model="qwen3-coder-plus", purpose=Purpose.MAIN, tokens=Tokens()),
        once(Quantity.REQUESTS_UNMEASURED),
    ]


@pytest.mark.parametrize(
    ("told", "purpose"),
    [
        ({}, Purpose.MAIN),
        ({"subagent_name": None}, Purpose.MAIN),
        ({"subagent_name": "general-purpose"}, Purpose.SUBAGENT),
        ({"subagent_name": "managed-auto-memory-extractor"}, Purpose.AUXILIARY),
        ({"subagent_name": "managed-skill-extractor"}, Purpose.AUXILIARY),
        ({"qwen-code.prompt_id": "prompt_suggestion"}, Purpose.AUXILIARY),
        ({"qwen-code.prompt_id": "side-query:title"}, Purpose.AUXILIARY),
        ({"qwen-code.prompt_id": "side-query"}, Purpose.AUXILIARY),
        ({"prompt_id": "session_title"}, Purpose.AUXILIARY),
    ],
)
def test_who_asked_is_the_purpose(told: dict[str, Value], purpose: Purpose) -> None:
    answered = facts(span("qwen-code.llm_request", {**request(**usage(input=1)), **told}))[0]
    assert isinstance(answered, RequestAnswered)
    assert answered.purpose is purpose


@pytest.mark.parametrize(
    ("path", "status", "wanted"),
    [
        ("/v1/chat/completions", 429, [once(Quantity.RETRIES)]),
        ("/v1/messages", 529, [once(Quantity.RETRIES)]),
        ("/v1beta/models/m:streamGenerateContent", 503, [once(Quantity.RETRIES)]),
        ("/v1/chat/completions", 200, None),
        ("/v1/chat/completions", 400, None),  # told by api_error, and not tried again
        ("/some/page", 503, None),
    ],
)
def test_http_attempts(path: str, status: int, wanted: list[Fact] | None) -> None:
    told: dict[str, Value] = {"url.path": path, "http.response.status_code": status}
    outcome = span("POST", told, HTTP, failed=status != 200)
    assert outcome is Pass.IGNORED if wanted is None else facts(outcome) == wanted


def test_a_point_without_a_session_is_not_its_resources() -> None:
    # The default; a session on the resource is whatever OTEL_RESOURCE_ATTRIBUTES says.
    scope = Scope("qwen-code", "", {"session.id": "from-env"})
    phantom = MetricPoint(
        scope, "qwen-code.token.usage", "", "sum", Temporality.CUMULATIVE, AT, AT, 7, None,
        {"type": "input"},
    )  # fmt: skip
    assert DIALECT.point is not None
    assert DIALECT.point(phantom, PSEUDONYMS) is Pass.DUPLICATE_SOURCE


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        # A span that names no session repeats logs that do.
        (span("qwen-code.llm_request", request(**usage(input=5), **{"session.id": None})),
         Pass.DUPLICATE_SOURCE),
        (span("qwen-code.interaction", {}), Pass.DUPLICATE_SOURCE),
        (span("qwen-code.tool", {"success": False}), Pass.DUPLICATE_SOURCE),
        # In error although no hook is configured.
        (span("qwen-code.hook", {"success": False}, failed=True), Pass.DUPLICATE_SOURCE),
        (span("somebody.elses", {}), Pass.UNKNOWN),
        (log("qwen-code.memory.extract", {}), Pass.IGNORED),
        (log("qwen-code.brand_new", {}), Pass.UNKNOWN),
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
)
VALUES = PLAIN | st.lists(PLAIN, max_size=2) | st.dictionaries(st.text(max_size=3), PLAIN)
NAMES = st.sampled_from(
    [*request(), *usage(input=1, output=1, read=1, written=1, thoughts=1), "session.id",
     "log.bridge", "event.name", "url.path", "http.response.status_code", "subagent_name"]
)  # fmt: skip
ATTRIBUTES = st.dictionaries(NAMES, VALUES, max_size=8)


@given(st.sampled_from(["qwen-code.llm_request", "POST", "qwen-code.tool"]), ATTRIBUTES)
def test_no_span_raises(name: str, attributes: Attributes) -> None:
    span(name, attributes)
    span(name, attributes, HTTP)
