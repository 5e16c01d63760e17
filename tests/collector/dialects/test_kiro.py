"""Kiro's export, as far as its documentation names attributes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.dialects.kiro import DIALECT
from domain.events import Fact, Observation, Pass, Quantity, RequestAnswered
from domain.record import Attributes, LogRecord, Record, Scope, Value
from domain.usage import Tokens
from tests.capturing import PSEUDONYMS, counted, observations
from tests.telling import AT, Teller, any_attributes, observed, so_many

RESOURCE: Attributes = {
    "service.name": "kiro-enterprise",
    "kiro.profile.arn": "arn:aws:codewhisperer:us-east-1:123456789012:profile/p",
}
KIRO = Teller(DIALECT, Scope("", "", RESOURCE))
COMMON: Attributes = {
    "kiro.user.id": "u-1",
    "kiro.user.email": "dev@example.com",
    "kiro.client.type": "KIRO_CLI",
    "kiro.conversation.id": "conversation",
}
MESSAGE: Attributes = {
    **COMMON,
    "kiro.request.id": "request-1",
    "kiro.model.name": "claude-sonnet-4-5",
}
LATE = 45 * 60 * 1_000_000_000


def facts(outcome: object) -> list[Fact]:
    # Every event names its person.
    assert isinstance(outcome, Observation)
    return [fact for fact in outcome.facts if not hasattr(fact, "trace")]


def test_a_request_without_tokens_is_unmeasured() -> None:
    seen = observed(KIRO.log("kiro.chat.message", MESSAGE))
    assert facts(seen) == [
        RequestAnswered(model="claude-sonnet-4-5", tokens=Tokens()),
        so_many(Quantity.REQUESTS_UNMEASURED),
    ]
    assert seen.origin.session_id == "conversation"
    assert seen.origin.context.user == PSEUDONYMS("email", "dev@example.com")


def test_tokens_by_the_conventions() -> None:
    told = {
        **MESSAGE,
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.cache_read.input_tokens": 4,
        "gen_ai.usage.output_tokens": 3,
    }
    tokens = Tokens(input=6, cache_read=4, output=3)
    assert facts(KIRO.log("kiro.chat.message", told)) == [
        RequestAnswered(model="claude-sonnet-4-5", tokens=tokens)
    ]


def test_an_event_that_comes_twice_counts_once() -> None:
    def log(told: Attributes, observed_ns: int) -> Record:
        return LogRecord(KIRO.scope, AT, observed_ns, "kiro.chat.message", "", told)

    other = {**MESSAGE, "kiro.request.id": "request-2"}
    told = [log(MESSAGE, AT + 1), log(MESSAGE, AT + 9), log(other, AT + 1)]
    assert counted(observations([DIALECT], told))["claude-sonnet-4-5"]["requests"] == 2


@pytest.mark.parametrize(
    ("told", "failures"),
    [
        ({}, []),
        ({"kiro.tool.status": "ERROR"}, [so_many(Quantity.TOOL_FAILURES, item="fs_read")]),
        ({"kiro.tool.success": False}, [so_many(Quantity.TOOL_FAILURES, item="fs_read")]),
    ],
)
def test_a_tool_call_happened_when_it_says(told: Attributes, failures: list[Fact]) -> None:
    call = {**COMMON, "kiro.tool.name": "fs_read", **told}
    seen = KIRO.log("kiro.tool.call", call, observed_ns=AT + LATE)
    assert facts(seen) == [so_many(Quantity.TOOL_CALLS, item="fs_read"), *failures]
    assert observed(seen).at == observed(KIRO.log("kiro.tool.call", call)).at


def test_totals_of_a_day_are_never_booked() -> None:
    told = {**COMMON, "kiro.model.name": "m"}
    assert KIRO.point("kiro.daily.model_messages", 95, told) is Pass.DUPLICATE_SOURCE
    assert KIRO.point("kiro.brand.new", 95, told) is Pass.UNKNOWN


def test_why_an_event_says_nothing() -> None:
    assert KIRO.log("kiro.brand.new", COMMON) is Pass.UNKNOWN
    assert KIRO.log("kiro.chat.message", MESSAGE, time_ns=0) is Pass.MALFORMED


@given(
    st.sampled_from(["kiro.chat.message", "kiro.tool.call"]),
    any_attributes(*MESSAGE, "gen_ai.usage.input_tokens", "kiro.tool.name", "kiro.tool.status"),
)
def test_no_log_raises(name: str, attributes: dict[str, Value]) -> None:
    assert isinstance(KIRO.log(name, attributes), Observation | Pass)
