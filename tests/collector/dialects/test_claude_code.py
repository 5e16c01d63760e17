"""Claude Code: every capture from each of its signals, and what only documents tell."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.dialects import recognise
from collector.dialects.claude_code import DIALECT
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
    Trace,
    Traced,
)
from domain.record import Attributes, LogRecord, MetricPoint, Scope, Signal, Span, Temporality
from domain.usage import Tokens
from tests.capturing import (
    PSEUDONYMS,
    Counts,
    counted,
    expected,
    observations,
    records,
    same,
    scenarios,
    session_counts,
    traced,
    truth,
)

AT = 1_795_321_912_861_000_000
RESOURCE = {"service.name": "claude-code", "service.version": "2.1.330"}
EVENTS = Scope("com.anthropic.claude_code.events", "2.1.330", RESOURCE)
COUNTERS = Scope("com.anthropic.claude_code", "2.1.330", RESOURCE)
SCENARIOS = scenarios("claude-code")
each_capture = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda path: path.name)
KINDS = {LogRecord: Signal.LOGS, MetricPoint: Signal.METRICS, Span: Signal.TRACES}


def captured(name: str) -> Path:
    return next(path for path in SCENARIOS if path.name.startswith(name))


def seen(scenario: Path, signal: Signal | None = None) -> list[Observation]:
    told = [r for r in records(scenario) if signal is None or KINDS[type(r)] is signal]
    return observations((DIALECT,), told)


def log(name: str, **attributes: Any) -> Outcome:
    told: Attributes = {
        "session.id": "s1",
        "event.name": name,
        **{key.replace("__", "."): value for key, value in attributes.items()},
    }
    record = LogRecord(EVENTS, AT, AT, "", f"claude_code.{name}", told)
    assert DIALECT.log is not None
    return DIALECT.log(record, PSEUDONYMS)


def facts(outcome: Outcome) -> list[Fact]:
    """The facts without the sender's ties, which every record has."""
    assert isinstance(outcome, Observation)
    return [fact for fact in outcome.facts if not isinstance(fact, Traced)]


def tokens_only(counts: dict[str, Counts]) -> dict[str, Counts]:
    return {model: {**row, "requests": None} for model, row in counts.items()}


# Captures


@each_capture
def test_counts_what_the_model_server_counted(scenario: Path) -> None:
    assert same(expected(scenario), counted(seen(scenario)))


@each_capture
def test_logs_alone_tell_it_all(scenario: Path) -> None:
    assert same(expected(scenario), counted(seen(scenario, Signal.LOGS)))


@each_capture
def test_metrics_alone_tell_the_same_tokens_and_no_requests(scenario: Path) -> None:
    got = counted(seen(scenario, Signal.METRICS))
    assert same(tokens_only(expected(scenario)), got)
    assert all(row["requests"] == 0 for row in got.values())


def test_spans_alone_tell_it_too() -> None:
    scenario = captured("07")
    assert same(expected(scenario), counted(seen(scenario, Signal.TRACES)))


@each_capture
def test_every_record_is_known(scenario: Path) -> None:
    for record in records(scenario):
        name = getattr(record, "name", "") or str(record.attributes.get("event.name"))
        assert recognise(record.scope, name) is DIALECT


@each_capture
def test_sessions_are_those_of_the_truth(scenario: Path) -> None:
    ids = {
        each.origin.session_id
        for each in seen(scenario)
        if any(isinstance(fact, RequestAnswered) for fact in each.facts)
    }
    wanted = 1 if scenario.name.startswith("16") else truth(scenario)["expected"]["sessions"]
    assert len(ids) == wanted


@each_capture
def test_prompts_and_tool_calls_are_those_of_the_script(scenario: Path) -> None:
    told = truth(scenario)["expected"]
    totals: dict[str, int] = {}
    for counts in session_counts(seen(scenario)).values():
        for (quantity, _), amount in counts.items():
            totals[quantity] = totals.get(quantity, 0) + amount
    # A background subagent's result comes back as a second prompt; an Edit that fails validation
    # leaves no record at all (two of seven calls in 05).
    prompts = told["user_prompts"] + (1 if scenario.name.startswith("07") else 0)
    calls = len(told["tool_calls"]) - (2 if scenario.name.startswith("05") else 0)
    calls += 1 if scenario.name.startswith("07") and calls == 1 else 0
    assert totals.get("prompts", 0) == prompts
    assert totals.get("tool_calls", 0) == calls


def test_failing_calls_are_told_apart_and_repeats_counted() -> None:
    [counts] = session_counts(seen(captured("05"))).values()
    assert counts["tool_failures", "Bash"] == 5
    assert counts["repeated_failures", ""] == 5


def test_lines_and_commits_come_from_counters() -> None:
    [counts] = session_counts(seen(captured("03"))).values()
    # The tool counts the end of the last line of a written file as one more.
    assert counts["lines_added", ""] == 3
    assert counts["commits", ""] == 1
    assert counts["changes_opened", ""] == 1


def test_commits_name_their_sha_and_branch_with_tool_details() -> None:
    got = seen(captured("24"))
    [shas] = traced(got, Trace.COMMIT).values()
    assert "9a990cc8fc14d92b87f611d5c1d2384656eb17c2" in shas
    assert all(len(sha) == 40 for sha in shas)
    assert traced(got, Trace.BRANCH) == {got[0].origin.session_id: {"feature/PAY-24"}}


def test_a_subagent_works_for_its_parent() -> None:
    got = seen(captured("07"), Signal.LOGS)
    by_model = {
        fact.model: fact.purpose
        for each in got
        for fact in each.facts
        if isinstance(fact, RequestAnswered)
    }
    assert by_model == {
        "claude-sonnet-4-5-20250929": Purpose.MAIN,
        "claude-haiku-5-5": Purpose.SUBAGENT,
    }
    assert len({each.origin.session_id for each in got}) == 1


def test_a_person_who_signed_in_is_known_by_mail_and_never_by_name() -> None:
    got = seen(captured("17"))
    assert {each.origin.context.user for each in got} == {
        PSEUDONYMS("email", "Dev.One@example.test")
    }
    assert "dev.one" not in str(got)


# Documents


def test_a_request_of_no_tokens_is_unmeasured_and_not_free() -> None:
    got = facts(log("api_request", model="m", input_tokens="0", output_tokens="0", cost_usd="0"))
    assert got == [
        RequestAnswered(model="m", tokens=Tokens()),
        Counted(quantity=Quantity.REQUESTS_UNMEASURED, amount=1),
    ]


def test_numbers_may_be_strings() -> None:
    texts = {"input_tokens": "311", "output_tokens": "13", "cost_usd": "0.00037600000000000003"}
    whole = {"input_tokens": 311, "output_tokens": 13, "cost_usd": 0.000376}
    assert facts(log("api_request", **texts)) == facts(log("api_request", **whole))


def test_the_one_hour_cache_is_kept_apart() -> None:
    [answered] = facts(
        log(
            "api_request",
            model="m",
            input_tokens=1,
            cache_creation_tokens=30,
            cache_creation_5m_tokens=10,
            cache_creation_1h_tokens=20,
            cost_usd_micros=5,
        )
    )
    assert answered == RequestAnswered(
        model="m",
        tokens=Tokens(input=1, cache_write=30, cache_write_5m=10, cache_write_1h=20),
        cost_nanousd=5000,
    )


@pytest.mark.parametrize(
    ("told", "purpose"),
    [
        ({"query_source": "sdk"}, Purpose.MAIN),
        ({"query_source": "repl_main_thread"}, Purpose.MAIN),
        ({"query_source": "repl_main_thread:outputStyle:custom"}, Purpose.MAIN),
        ({"query_source": "compact"}, Purpose.AUXILIARY),
        ({"query_source": "generate_session_title"}, Purpose.AUXILIARY),
        ({"query_source": "agent:builtin:general-purpose"}, Purpose.SUBAGENT),
        ({"query_source": "sdk", "agent_id": "a1"}, Purpose.SUBAGENT),
        ({}, None),
    ],
)
def test_what_a_request_was_for(told: dict[str, str], purpose: Purpose | None) -> None:
    [answered] = facts(log("api_request", input_tokens=1, **told))
    assert isinstance(answered, RequestAnswered)
    assert answered.purpose is purpose


def test_an_error_is_a_failed_request_after_its_retries() -> None:
    got = facts(log("api_error", model="m", status_code=529, attempt=11, error="overloaded"))
    assert got == [
        RequestFailed(model="m", status_code=529),
        Counted(quantity=Quantity.RETRIES, amount=10),
    ]


def test_a_denied_edit_is_a_denial_and_a_rejected_edit() -> None:
    got = facts(log("tool_decision", tool_name="Edit", decision="reject", source="user_reject"))
    assert got == [
        Counted(quantity=Quantity.TOOL_DENIALS, amount=1, item="Edit"),
        Counted(quantity=Quantity.EDITS_REJECTED, amount=1, item="Edit"),
    ]


def test_compactions_and_subagents_are_counted_and_their_tokens_never_added() -> None:
    assert facts(log("compaction", pre_tokens="150000", post_tokens="9000")) == [
        Counted(quantity=Quantity.COMPACTIONS, amount=1)
    ]
    assert facts(log("subagent_completed", total_tokens=1436)) == [
        Counted(quantity=Quantity.SUBAGENTS, amount=1)
    ]


def test_through_the_gateway_the_identity_provider_names_the_person() -> None:
    got = log(
        "user_prompt",
        user__id="idp-subject",
        user__email="Ada@example.test",
        user__groups=["eng"],
        identity__source="gateway-oidc",
    )
    assert isinstance(got, Observation)
    assert got.origin.context.user == PSEUDONYMS("email", "ada@example.test")


def test_an_unknown_event_is_unknown_and_noise_is_ignored() -> None:
    assert log("brand_new_event") is Pass.UNKNOWN
    assert log("plugin_loaded") is Pass.IGNORED


def test_a_record_without_any_time_is_malformed() -> None:
    record = LogRecord(EVENTS, 0, 0, "", "claude_code.user_prompt", {"event.name": "user_prompt"})
    assert DIALECT.log is not None
    assert DIALECT.log(record, PSEUDONYMS) is Pass.MALFORMED


def test_the_time_may_stand_in_an_attribute_alone() -> None:
    told = {"event.name": "user_prompt", "event.timestamp": "2026-11-22T04:33:37.123Z"}
    record = LogRecord(EVENTS, 0, 0, "", "claude_code.user_prompt", told)
    assert DIALECT.log is not None
    got = DIALECT.log(record, PSEUDONYMS)
    assert isinstance(got, Observation)
    assert got.at.isoformat() == "2026-11-22T04:33:37.123000+00:00"


def test_a_gateway_that_adds_attributes_makes_no_second_record() -> None:
    plain = log("api_request", request_id="r1", input_tokens=1)
    more = log("api_request", request_id="r1", input_tokens=1, deployment__environment="prod")
    other = log("api_request", request_id="r2", input_tokens=1)
    assert isinstance(plain, Observation)
    assert isinstance(more, Observation)
    assert isinstance(other, Observation)
    assert plain.key == more.key != other.key


def point(name: str, value: float, **attributes: str) -> Outcome:
    told = {"session.id": "s1", **attributes}
    made = MetricPoint(
        COUNTERS, name, "", "sum", Temporality.DELTA, AT - 10**9, AT, value, None, told
    )
    assert DIALECT.point is not None
    return DIALECT.point(made, PSEUDONYMS)


@pytest.mark.parametrize(
    ("name", "value", "attributes", "quantity", "amount"),
    [
        ("claude_code.cost.usage", 0.00047322, {"model": "m"}, Quantity.COST_NANOUSD, 473_220),
        ("claude_code.active_time.total", 0.439, {"type": "cli"}, Quantity.ACTIVE_MS, 439),
        ("claude_code.token.usage", 7.0, {"type": "cacheRead"}, Quantity.TOKENS_CACHE_READ, 7),
        ("claude_code.lines_of_code.count", 3, {"type": "removed"}, Quantity.LINES_REMOVED, 3),
    ],
)
def test_counters_in_whole_units(
    name: str, value: float, attributes: dict[str, str], quantity: Quantity, amount: int
) -> None:
    got = point(name, value, **attributes)
    assert isinstance(got, Observation)
    fact = got.facts[0]
    assert isinstance(fact, Counted)
    assert (fact.quantity, fact.amount, got.origin.source) == (quantity, amount, Source.METRIC)


def test_the_agents_view_is_no_session() -> None:
    assert point("claude_code.session.count", 1, start_type="agents_view") is Pass.IGNORED


@given(
    st.sampled_from(["api_request", "api_error", "tool_result", "tool_decision", "user_prompt"]),
    st.dictionaries(
        st.sampled_from(
            ["session.id", "model", "input_tokens", "cost_usd", "tool_name", "success", "attempt"]
        ),
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary()),
    ),
)
def test_no_attributes_make_it_raise(name: str, attributes: dict[str, Any]) -> None:
    record = LogRecord(EVENTS, AT, AT, "", f"claude_code.{name}", attributes)
    assert DIALECT.log is not None
    DIALECT.log(record, PSEUDONYMS)
