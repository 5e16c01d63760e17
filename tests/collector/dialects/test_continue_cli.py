"""Continue CLI's cumulative, session-less metrics, as captured and as its source says."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.dialects.continue_cli import DIALECT
from domain.events import Counted, Observation, Pass, Quantity, Trace
from domain.record import Attributes, Scope, Temporality, Value
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

CONTINUE = Teller(
    DIALECT,
    Scope("continue-cli", "1.5.47", {"service.name": "continue-cli", "service.version": "1.5.47"}),
)
CAPTURES = scenarios("continue-cli")


def captured(name: str) -> Path:
    return next(path for path in CAPTURES if path.name.startswith(name))


@pytest.mark.parametrize("scenario", CAPTURES, ids=lambda path: path.name)
def test_counts_every_capture_exactly(scenario: Path) -> None:
    got = counted(observations([DIALECT], records(scenario)))
    assert same(expected(scenario), got), (expected(scenario), got)


@pytest.mark.parametrize("scenario", CAPTURES, ids=lambda path: path.name)
def test_knows_every_point_of_the_captures(scenario: Path) -> None:
    unread = {Pass.UNKNOWN, Pass.MALFORMED}
    assert not [record for record, told in outcomes([DIALECT], records(scenario)) if told in unread]


@pytest.mark.parametrize("scenario", CAPTURES, ids=lambda path: path.name)
def test_any_order_and_any_number_of_readings_gives_the_same(scenario: Path) -> None:
    told = records(scenario)
    twice = observations([DIALECT], [*reversed(told), *told])
    assert session_counts(twice) == session_counts(observations([DIALECT], told))


def test_processes_are_series_of_their_own() -> None:
    scenario = captured("s6_")
    seen = observations([DIALECT], records(scenario))
    assert session_counts(seen) == {
        None: {
            ("process_starts", ""): len(truth(scenario)["invocations"]),
            ("tokens.input", ""): 5110,
            ("tokens.output", ""): 360,
            ("cost_nanousd", ""): 5_830_000,
            ("active_ms", ""): 304 + 482 + 268,
        }
    }


def test_commit_and_lines_of_a_plain_commit() -> None:
    scenario = captured("s3b_")
    (counts,) = session_counts(observations([DIALECT], records(scenario))).values()
    assert counts["commits", ""] == truth(scenario)["commits_made_by_tool"] == 1
    assert counts["lines_added", ""] == 3


def test_an_edit_counts_its_lines() -> None:
    (counts,) = session_counts(observations([DIALECT], records(captured("s2_")))).values()
    assert (counts["lines_added", ""], counts["lines_removed", ""]) == (1, 1)


@pytest.mark.parametrize(
    ("name", "value", "told", "wanted"),
    [
        ("token_usage", 7, {"type": "cacheRead", "model": "m"},
         Counted(quantity=Quantity.TOKENS_CACHE_READ, amount=7, model="m")),
        ("token_usage", 7, {"type": "cacheCreation", "model": "m"},
         Counted(quantity=Quantity.TOKENS_CACHE_WRITE, amount=7, model="m")),
        ("cost_usage", 0.001231, {"model": "m"},
         Counted(quantity=Quantity.COST_NANOUSD, amount=1_231_000, model="m")),
        ("code_edit_tool_decision", 2, {"tool": "Edit", "decision": "reject"},
         so_many(Quantity.EDITS_REJECTED, 2, "Edit")),
        ("code_edit_tool_decision", 2, {"tool": "Edit", "decision": "accept"},
         so_many(Quantity.EDITS_ACCEPTED, 2, "Edit")),
        ("pull_request_count", 1, {}, so_many(Quantity.CHANGES_OPENED)),
    ],
)  # fmt: skip
def test_what_its_source_tells(name: str, value: float, told: Attributes, wanted: Counted) -> None:
    seen = CONTINUE.point(f"continue_cli_{name}", value, told, temporality=Temporality.CUMULATIVE)
    assert facts(seen) == [wanted]
    assert observed(seen).series is not None
    assert observed(seen).origin.session_id is None


def test_the_first_versions_spelled_names_with_dots() -> None:
    seen = CONTINUE.point("continue.cli.token.usage", 7, {"type": "input", "model": "m"})
    assert facts(seen) == [Counted(quantity=Quantity.TOKENS_INPUT, amount=7, model="m")]
    lines = CONTINUE.point("continue.cli.lines_of_code.count", 3, {"type": "added"})
    assert facts(lines) == [so_many(Quantity.LINES_ADDED, 3)]
    assert CONTINUE.point("continue.cli.auth.attempts", 1, {}) is Pass.IGNORED


def test_an_account_is_an_identity() -> None:
    told: Attributes = {"user.account_uuid": "00000000-acc7", "organization.id": "org-fake"}
    seen = observed(CONTINUE.point("continue_cli_session_count", 1, told))
    person = PSEUDONYMS("account", "00000000-acc7")
    assert traced([seen], Trace.IDENTITY) == {None: {person}}
    assert seen.origin.context.user == person


@pytest.mark.parametrize(
    ("name", "told", "reason"),
    [
        ("continue_cli_response_time", {}, Pass.IGNORED),
        ("continue_cli_token_usage", {"type": "brand new"}, Pass.UNKNOWN),
        ("continue_cli_brand_new", {}, Pass.UNKNOWN),
        ("somebody_elses", {}, Pass.UNKNOWN),
    ],
)
def test_why_a_point_says_nothing(name: str, told: Attributes, reason: Pass) -> None:
    assert CONTINUE.point(name, 1, told) is reason


@given(
    st.sampled_from(["token_usage", "cost_usage", "lines_of_code_count", "active_time_total"]),
    st.floats() | st.integers(),
    any_attributes("type", "model", "tool", "decision", "session.id", "app.version"),
)
def test_no_point_raises(name: str, value: float, attributes: dict[str, Value]) -> None:
    told = {"type": "input", **attributes}
    assert isinstance(CONTINUE.point(f"continue_cli_{name}", value, told), Observation | Pass)
