"""Cursor's export, attribute by attribute as its wire reference lists them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.dialects.cursor import DIALECT
from domain.events import Fact, Observation, Pass, Quantity, RequestAnswered, RequestFailed
from domain.record import Attributes, LogRecord, Record, Scope, Value
from domain.usage import Tokens
from tests.capturing import PSEUDONYMS, counted, observations
from tests.telling import AT, Teller, any_attributes, observed, so_many

RESOURCE: Attributes = {
    "service.name": "cursor",
    "service.version": "1.16.5",
    "cursor.team.id": 4242,
    "cursor.surface": "cli",
    "cursor.entrypoint": "cli",
    "cursor.user.id": 99,
}
CURSOR = Teller(DIALECT, Scope("cursor.telemetry", "0.1.0", RESOURCE))
COMMON: Attributes = {
    "cursor.event.id": "customer-telemetry:v1:1",
    "cursor.source_event.id": "source",
    "cursor.conversation.id": "11111111-2222-3333-4444-555555555555",
    "cursor.usage_event.id": "usage",
}
REQUEST: Attributes = {
    **COMMON,
    "cursor.model.name": "claude-4.5-sonnet",
    "cursor.api.billable": True,
    "cursor.api.request.input_tokens": 100,
    "cursor.api.request.output_tokens": 200,
    "cursor.api.request.cache_read_tokens": 50,
    "cursor.api.request.cache_creation_tokens": 10,
}
TOKENS = Tokens(input=100, cache_read=50, cache_write=10, output=200)


def facts(outcome: object) -> list[Fact]:
    # The person behind the export is on the resource of every record.
    assert isinstance(outcome, Observation)
    return [fact for fact in outcome.facts if not hasattr(fact, "trace")]


def test_a_request() -> None:
    seen = observed(CURSOR.log("api_request", REQUEST))
    assert facts(seen) == [RequestAnswered(model="claude-4.5-sonnet", tokens=TOKENS)]
    assert (seen.origin.session_id, seen.origin.rank) == (COMMON["cursor.conversation.id"], 0)
    assert seen.origin.context.tool_version == "1.16.5"
    assert seen.origin.context.team == "4242"
    assert seen.origin.context.user == PSEUDONYMS("account", "4242/99")


@pytest.mark.parametrize("name", ["cursor.api.request", "api.request", "api_request"])
def test_the_name_may_stand_in_three_places(name: str) -> None:
    assert DIALECT.log is not None
    for record in (
        LogRecord(CURSOR.scope, AT, 0, name, "", REQUEST),
        LogRecord(CURSOR.scope, AT, 0, "", name, REQUEST),
        LogRecord(CURSOR.scope, AT, 0, "", "", {**REQUEST, "event.name": name}),
    ):
        seen = DIALECT.log(record, PSEUDONYMS)
        assert facts(seen) == [RequestAnswered(model="claude-4.5-sonnet", tokens=TOKENS)]


def test_the_event_id_is_the_key() -> None:
    def log(told: Attributes, time_ns: int = AT) -> Record:
        return LogRecord(CURSOR.scope, time_ns, 0, "", "api_request", told)

    again = log({**REQUEST, "added.by": "a gateway"}, AT + 1)
    other = log({**REQUEST, "cursor.event.id": "customer-telemetry:v1:2"})
    (counts,) = counted(observations([DIALECT], [log(REQUEST), again, other])).values()
    assert counts == {
        "requests": 2, "input": 200, "cache_read": 100, "cache_write": 20, "output": 400,
    }  # fmt: skip


def test_a_correction_takes_nothing_away_from_usage() -> None:
    told = {**COMMON, "cursor.api.correction.kind": "not_billed_errored"}
    assert CURSOR.log("api_correction_not_billed_errored", told) is Pass.IGNORED
    assert CURSOR.log("cursor.api.correction", told) is Pass.IGNORED


def test_an_error_and_a_pull_request() -> None:
    failed = CURSOR.log("api_error", {**COMMON, "cursor.model.name": "m"})
    assert facts(failed) == [RequestFailed(model="m")]
    told: Attributes = {
        **COMMON,
        "cursor.conversation.id": "bc-1",
        "cursor.cloud_agent.pull_request.kind": "opened",
        "cursor.cloud_agent.pull_request.number": 12,
        "cursor.cloud_agent.pull_request.draft": False,
    }
    opened = CURSOR.log("cloud_agent_pull_request_opened", told)
    assert facts(opened) == [so_many(Quantity.CHANGES_OPENED)]
    assert observed(opened).origin.session_id == "bc-1"
    not_opened = {**told, "cursor.cloud_agent.pull_request.kind": "creation_failed"}
    assert CURSOR.log("cursor.cloud_agent.pull_request", not_opened) is Pass.IGNORED


@pytest.mark.parametrize(
    ("status", "failures"),
    [
        ("success", []),
        ("aborted", []),
        ("failure", [so_many(Quantity.TOOL_FAILURES, 3, "shell")]),
    ],
)
def test_tool_calls_name_no_session(status: str, failures: list[Fact]) -> None:
    told: Attributes = {
        "cursor.tool.kind": "builtin",
        "cursor.tool.name": "shell",
        "cursor.tool.status": status,
    }
    seen = CURSOR.point("cursor.tool.calls", 3, told)
    assert facts(seen) == [so_many(Quantity.TOOL_CALLS, 3, "shell"), *failures]
    assert observed(seen).origin.session_id is None


def test_a_mail_address_is_the_stronger_identity() -> None:
    who = Teller(DIALECT, Scope("cursor.telemetry", "0.1.0", {
        **RESOURCE, "cursor.user.email": "dev@example.com", "cursor.user.account_id": "user_1",
    }))  # fmt: skip
    user = observed(who.log("api_request", REQUEST)).origin.context.user
    assert user == PSEUDONYMS("email", "dev@example.com")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("skill_activated", Pass.IGNORED),
        ("cursor.hook.execution_complete", Pass.IGNORED),
        ("cloud_agent_setup_started", Pass.IGNORED),
        ("cursor.grok_bot.shell_command", Pass.IGNORED),
        ("brand_new", Pass.UNKNOWN),
    ],
)
def test_why_an_event_says_nothing(name: str, reason: Pass) -> None:
    assert CURSOR.log(name, COMMON) is reason


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("cursor.token.usage", Pass.DUPLICATE_SOURCE),
        ("cursor.cost.usage", Pass.DUPLICATE_SOURCE),
        ("cursor.brand.new", Pass.UNKNOWN),
    ],
)
def test_why_a_point_says_nothing(name: str, reason: Pass) -> None:
    assert CURSOR.point(name, 1, {"cursor.token.type": "input"}) is reason


def test_an_event_without_any_time_is_malformed() -> None:
    assert CURSOR.log("api_request", REQUEST, time_ns=0) is Pass.MALFORMED


@given(
    st.sampled_from(["api_request", "api_error", "cloud_agent_pull_request_opened"]),
    any_attributes(*REQUEST, "cursor.cloud_agent.pull_request.kind", "cursor.user.email"),
)
def test_no_log_raises(name: str, attributes: dict[str, Value]) -> None:
    assert isinstance(CURSOR.log(name, attributes), Observation | Pass)


@given(st.floats() | st.integers(), any_attributes("cursor.tool.name", "cursor.tool.status"))
def test_no_point_raises(value: float, attributes: dict[str, Value]) -> None:
    assert isinstance(CURSOR.point("cursor.tool.calls", value, attributes), Observation | Pass)
