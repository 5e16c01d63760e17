"""Codex: captured sessions against their truth."""

from pathlib import Path

import pytest

from collector.dialects import codex
from domain.events import Pass, RequestAnswered, RequestFailed, Trace
from domain.record import LogRecord, Span
from tests.capturing import (
    CAPTURES,
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
)

SESSION = "01a20189-7145-7b73-90cb-ecf89282f849"
CHILD = "01a20189-728a-77a1-a7b4-13e9dfe3b80e"
ROWS = (codex.DIALECT,)


@pytest.mark.parametrize("scenario", scenarios("codex"), ids=lambda path: path.name)
def test_a_capture_counts_what_the_model_server_answered(scenario: Path) -> None:
    got = counted(observations(ROWS, records(scenario)))
    assert same(expected(scenario), got), got


@pytest.mark.parametrize("scenario", scenarios("codex"), ids=lambda path: path.name)
def test_every_name_in_the_captures_is_known_and_logs_alone_suffice(scenario: Path) -> None:
    told = records(scenario)
    strangers = [r for r, o in outcomes(ROWS, told) if o in (Pass.UNKNOWN, Pass.MALFORMED)]
    logs = [record for record in told if isinstance(record, LogRecord)]
    assert strangers == []
    assert same(expected(scenario), counted(observations(ROWS, logs)))


@pytest.mark.parametrize(
    "name", ["03-commit-pr-grpc", "06-second-session-resume-modelswitch", "07-subagent"]
)
def test_without_logs_the_turns_spans_tell_the_same_usage(name: str) -> None:
    scenario = CAPTURES / "codex" / name
    spans = [record for record in records(scenario) if isinstance(record, Span)]
    seen = observations(ROWS, spans)
    assert same(expected(scenario), counted(seen))
    assert {observation.origin.rank for observation in seen} == {1}


def test_a_resent_batch_and_another_order_change_nothing() -> None:
    told = records(CAPTURES / "codex" / "07-subagent")
    once = observations(ROWS, told)
    again = observations(ROWS, [*reversed(told), *told])
    assert {o.key: o for o in once} == {o.key: o for o in again}


def test_session_counts_of_an_edit_and_a_shell() -> None:
    seen = observations(ROWS, records(CAPTURES / "codex" / "02-edit-shell-http-json-traces"))
    assert session_counts(seen) == {
        "01a20188-f77a-7713-b152-a69aabf1e58a": {
            ("prompts", ""): 1,
            ("requests_started", ""): 4,
            ("tool_calls", "exec_command"): 2,
            ("tool_calls", "apply_patch"): 1,
            ("edits_accepted", "apply_patch"): 1,
            ("lines_added", ""): 2,
            ("lines_removed", ""): 1,
        }
    }
    assert traced(seen, Trace.FILE) == {
        "01a20188-f77a-7713-b152-a69aabf1e58a": {PSEUDONYMS.file("app.py")}
    }
    assert {o.origin.context.team for o in seen} == {"payments"}
    assert {o.origin.context.repo for o in seen} == {"acme/payments"}


def test_a_commit_leaves_its_sha_and_branch_and_a_failed_command_counts() -> None:
    session = "01a20189-0a8e-7d61-8f07-b4bad10a8fa0"
    seen = observations(ROWS, records(CAPTURES / "codex" / "03-commit-pr-grpc"))
    assert traced(seen, Trace.COMMIT) == {session: {"bd3d0f1"}}
    assert traced(seen, Trace.BRANCH) == {session: {"feature/PAY-7"}}
    assert session_counts(seen)[session] == {
        ("prompts", ""): 1,
        ("requests_started", ""): 4,
        ("tool_calls", "exec_command"): 3,
        ("tool_failures", "exec_command"): 1,
        ("repeated_failures", ""): 1,
        ("commits", ""): 1,
    }


def test_retried_errors_are_retries_and_no_requests() -> None:
    seen = observations(ROWS, records(CAPTURES / "codex" / "04-api-errors-http-binary"))
    (counts,) = session_counts(seen).values()
    assert counts[("retries", "")] == 4
    assert not any(isinstance(fact, RequestFailed) for o in seen for fact in o.facts)


def test_a_subagent_is_a_session_of_its_own_that_its_parent_names() -> None:
    seen = observations(ROWS, records(CAPTURES / "codex" / "07-subagent"))
    assert traced(seen, Trace.CHILD_SESSION) == {SESSION: {CHILD}}
    counts = session_counts(seen)
    assert counts.keys() == {SESSION, CHILD}
    assert counts[SESSION][("subagents", "")] == 1
    by_session = {
        session: counted(o for o in seen if o.origin.session_id == session)["gpt-5.1-codex"]
        for session in (SESSION, CHILD)
    }
    assert by_session == {
        SESSION: {
            "requests": 3,
            "input": 17307,
            "cache_read": 34304,
            "cache_write": 0,
            "output": 521,
        },
        CHILD: {"requests": 2, "input": 7203, "cache_read": 7101, "cache_write": 0, "output": 144},
    }


def test_an_account_is_a_pseudonym_and_the_list_of_models_no_session() -> None:
    seen = observations(ROWS, records(CAPTURES / "codex" / "10-chatgpt-identity"))
    session = "01a2018b-ad49-7b92-9151-4a6b6b509d9b"
    assert {o.origin.session_id for o in seen} == {session}
    assert traced(seen, Trace.IDENTITY) == {
        session: {
            PSEUDONYMS("email", "dev.one@example.test"),
            PSEUDONYMS("account", "acct-1111"),
        }
    }
    assert "dev.one" not in repr(seen)


def test_the_older_version_tells_the_same_with_other_words() -> None:
    session = "01a20196-ddde-7303-be14-97b551f9c373"
    seen = observations(ROWS, records(CAPTURES / "codex" / "15-older-version-0.96.0-json"))
    assert traced(seen, Trace.COMMIT) == {session: {"e5d7f74"}}
    assert session_counts(seen)[session][("lines_added", "")] == 2
    assert {o.origin.context.tool_version for o in seen} == {"0.96.0"}
    answers = [f for o in seen for f in o.facts if isinstance(f, RequestAnswered)]
    assert {answer.tokens.cache_write for answer in answers} == {None}
