"""iFlow CLI, as its documentation and code name things."""

import pytest
from hypothesis import given

from collector.dialects import recognise
from collector.dialects.iflow_cli import DIALECT
from domain.events import (
    Counted,
    Pass,
    Purpose,
    Quantity,
    RequestAnswered,
    RequestFailed,
    Source,
)
from domain.record import Attributes, Scope, Temporality
from domain.usage import Tokens
from tests.telling import Teller, any_attributes, facts, observed, so_many

RESOURCE: Attributes = {
    "service.name": "iflow-cli",
    "service.version": "v22.3.0",
    "session.id": "from-the-resource",
}
SCOPE = Scope("iflow-cli", "", RESOURCE)
IFLOW = Teller(DIALECT, SCOPE)
RESPONSE: Attributes = {
    "sessionId": "s",
    "event.name": "iflow_cli.api_response",
    "event.timestamp": "2026-11-03T17:04:05.678+08:00",
    "model": "glm-4.6",
    "status_code": 200,
    "duration_ms": 900,
    "input_token_count": 1000,
    "output_token_count": 60,
    "cached_content_token_count": 700,
    "thoughts_token_count": 20,
    "tool_token_count": 0,
    "total_token_count": 1060,
    "prompt_id": "p########1",
}


def test_a_response_is_a_request_with_disjoint_tokens() -> None:
    seen = observed(IFLOW.log("API response from glm-4.6.", RESPONSE))
    assert facts(seen) == [
        RequestAnswered(
            model="glm-4.6", tokens=Tokens(input=300, cache_read=700, output=60, reasoning=20)
        )
    ]
    origin = seen.origin
    assert (origin.tool, origin.session_id, origin.source) == ("iflow-cli", "s", Source.LOG)
    # That of Node is none of the tool's.
    assert origin.context.tool_version is None


def test_prompts_of_subagents_are_named_so() -> None:
    [answered] = facts(IFLOW.log("", {**RESPONSE, "prompt_id": "subagent-call_1"}))
    assert isinstance(answered, RequestAnswered)
    assert answered.purpose is Purpose.SUBAGENT


@pytest.mark.parametrize(
    ("name", "told", "wanted"),
    [
        ("iflow_cli.api_error", {"model": "m", "status_code": 429},
         [RequestFailed(model="m", status_code=429)]),
        ("iflow_cli.api_request", {"model": "m"}, [so_many(Quantity.REQUESTS_STARTED)]),
        ("iflow_cli.user_prompt", {"prompt_length": 3}, [so_many(Quantity.PROMPTS)]),
        ("loop_detected", {"loop_type": "llm_detected_loop"},
         [so_many(Quantity.LOOPS_DETECTED)]),
        ("iflow_cli.tool_call",
         {"function_name": "replace", "success": False, "decision": "reject"},
         [so_many(Quantity.TOOL_CALLS, item="replace"),
          so_many(Quantity.TOOL_DENIALS, item="replace"),
          so_many(Quantity.EDITS_REJECTED, item="replace")]),
    ],
)  # fmt: skip
def test_events_of_a_session(name: str, told: Attributes, wanted: list[Counted]) -> None:
    seen = IFLOW.log("", {"event.name": name, **told})
    assert facts(seen) == wanted
    assert observed(seen).origin.session_id == "from-the-resource"


@pytest.mark.parametrize(
    ("kind", "quantity"),
    [
        ("input", Quantity.TOKENS_INPUT),
        ("cache", Quantity.TOKENS_CACHE_READ_INSIDE),
        ("output", Quantity.TOKENS_OUTPUT),
        ("thought", Quantity.TOKENS_REASONING),
    ],
)
def test_counters_of_its_first_versions(kind: str, quantity: Quantity) -> None:
    told = {"sessionId": "s", "model": "m", "type": kind}
    point = IFLOW.point("iflow_cli.token.usage", 7, told, temporality=Temporality.CUMULATIVE)
    assert facts(point) == [Counted(quantity=quantity, amount=7, model="m")]


def test_later_histograms_repeat_the_logs() -> None:
    told = {"model": "m", "type": "input", "app_name": "iflow-cli"}
    for name in ("gen_ai.client.token.usage", "gen_ai.client.operation"):
        assert recognise(SCOPE, name) is DIALECT
        assert IFLOW.point(name, 7, told, count=1) is Pass.DUPLICATE_SOURCE
    assert IFLOW.point("iflow_cli.tool.call.count", 1, told, count=1) is Pass.IGNORED


def test_it_is_known_by_its_names_too() -> None:
    assert recognise(Scope("", "", {}), "iflow_cli.api_response") is DIALECT
    assert recognise(Scope("", "", {"service.name": "iflow-cli"}), "anything") is DIALECT
    assert IFLOW.log("", {"event.name": "iflow_cli.cli_response"}) is Pass.IGNORED


@given(any_attributes("event.name", *RESPONSE))
def test_no_record_raises(attributes: Attributes) -> None:
    IFLOW.log("iflow_cli.api_response", attributes)
    IFLOW.point("iflow_cli.token.usage", 1, attributes)
