"""Copilot: captured CLI sessions against their truth."""

from pathlib import Path

import pytest

from collector.dialects import copilot
from domain.events import (
    Pass,
    Purpose,
    RequestAnswered,
)
from tests.capturing import (
    CAPTURES,
    counted,
    expected,
    observations,
    outcomes,
    records,
    same,
    scenarios,
    session_counts,
)

SESSION = "2d81a76c-c897-4148-8589-e5c610fbc396"
ROWS = copilot.DIALECTS


@pytest.mark.parametrize("scenario", scenarios("copilot"), ids=lambda path: path.name)
def test_a_capture_counts_what_the_model_server_answered(scenario: Path) -> None:
    got = counted(observations(ROWS, records(scenario)))
    assert same(expected(scenario), got), got


@pytest.mark.parametrize("scenario", scenarios("copilot"), ids=lambda path: path.name)
def test_every_name_in_the_captures_is_known(scenario: Path) -> None:
    read_ones = outcomes(ROWS, records(scenario))
    assert [r for r, o in read_ones if o in (Pass.UNKNOWN, Pass.MALFORMED)] == []


def test_a_resent_batch_and_another_order_change_nothing() -> None:
    told = records(CAPTURES / "copilot" / "07-subagent-protobuf")
    once = observations(ROWS, told)
    again = observations(ROWS, [*reversed(told), *told])
    assert {o.key: o for o in once} == {o.key: o for o in again}


def test_session_counts_of_an_edit_and_a_shell_with_lines_of_no_session() -> None:
    seen = observations(ROWS, records(CAPTURES / "copilot" / "02-edit-shell-protobuf"))
    assert session_counts(seen) == {
        "80b47f87-9ccb-4788-9e9d-4691610b2b0e": {
            ("prompts", ""): 1,
            ("tool_calls", "view"): 1,
            ("tool_calls", "edit"): 1,
            ("tool_calls", "bash"): 1,
        },
        None: {("lines_added", ""): 2, ("lines_removed", ""): 1},
    }


def test_retried_errors_are_retries_and_no_requests() -> None:
    seen = observations(ROWS, records(CAPTURES / "copilot" / "04-api-errors-protobuf"))
    (counts,) = session_counts(seen).values()
    assert counts == {("retries", ""): 4, ("tool_calls", "bash"): 1, ("prompts", ""): 1}


def test_a_resumed_session_keeps_its_id() -> None:
    scenario = CAPTURES / "copilot" / "06-second-session-resume-modelswitch"
    counts = session_counts(observations(ROWS, records(scenario)))
    assert {session: c[("prompts", "")] for session, c in counts.items()} == {
        "0cb916db-26aa-40f2-86b5-1ba81b225f01": 3,
        "028f0bd8-cafb-4f32-886b-14bc5722f62e": 1,
    }


def test_a_subagent_belongs_to_its_session() -> None:
    seen = observations(ROWS, records(CAPTURES / "copilot" / "07-subagent-protobuf"))
    assert session_counts(seen) == {
        SESSION: {
            ("prompts", ""): 1,
            ("subagents", ""): 1,
            ("tool_calls", "task"): 1,
            ("tool_calls", "view"): 1,
        }
    }
    answers = [f for o in seen for f in o.facts if isinstance(f, RequestAnswered)]
    spent = {
        purpose: sum(answer.tokens.output or 0 for answer in answers if answer.purpose is purpose)
        for purpose in (Purpose.MAIN, Purpose.SUBAGENT)
    }
    assert spent == {Purpose.MAIN: 348, Purpose.SUBAGENT: 144}


def test_the_version_is_the_services() -> None:
    seen = observations(ROWS, records(CAPTURES / "copilot" / "01-simple-default-json"))
    assert {o.origin.context.tool_version for o in seen} == {"1.0.102"}
