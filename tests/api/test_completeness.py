"""What a session's telemetry says of its own completeness, and facts kept beside its usage."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from collector.decode import Encoding
from domain.record import Signal
from store.engine import Database
from tests.api.answering import Json, client, get
from tests.api.test_families import records
from tests.capturing import CAPTURES, scenarios
from tests.filling import bodies, fill
from tests.otlp import Body, parse, write

TOOLS = sorted(path.name for path in CAPTURES.iterdir())
# The vendor did not enable tokens: requests came back, and nobody knows how large they were.
UNMEASURED = "s3b_commit_plain-http+genai"
ALL = [scenario for tool in TOOLS for scenario in scenarios(tool)]
GEMINI = CAPTURES / "gemini-cli" / "s3_commit-grpc"
QWEN = CAPTURES / "qwen-code" / "s3_commit-http"
CLAUDE = CAPTURES / "claude-code"
LOGS = Signal.LOGS


def only_session(http: TestClient) -> Json:
    [row] = get(http, "/v1/sessions")["rows"]
    return get(http, f"/v1/sessions/{row['tool']}/{row['session_id']}")


@pytest.mark.parametrize("scenario", ALL, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_of_what_came_undisturbed_nothing_is_missing(scenario: Path, database: Database) -> None:
    fill(database, bodies(scenario))
    http = client(database)
    for row in get(http, "/v1/sessions")["rows"]:
        told = get(http, f"/v1/sessions/{row['tool']}/{row['session_id']}")
        assert row["complete"] is told["complete"]
        assert told["complete"] is not False or scenario.name == UNMEASURED
        assert told["sources_agree"] is not False
        assert not told["completeness"]["tokens_missing"]


@pytest.mark.parametrize(
    ("scenario", "lost", "missing"),
    [
        (GEMINI, lambda raw: b"gemini_cli.api_response" in raw, "requests_unanswered"),
        (QWEN, lambda raw: b"session.end" in raw, "processes_unended"),
        (
            CLAUDE / "02-edit-bash-http-json-delta",
            lambda raw: b"claude_code.api_request" in raw,
            "tokens_missing",
        ),
    ],
)
def test_one_lost_record_is_missed(
    scenario: Path, lost: Callable[[bytes], bool], missing: str, database: Database
) -> None:
    logs = [body for body in bodies(scenario) if body[0] is LOGS]
    others = [body for body in bodies(scenario) if body[0] is Signal.METRICS]
    every = records(logs)
    [first, *_] = [body for body in every if lost(body[2])]
    fill(database, [*(body for body in every if body != first), *others])
    http = client(database)
    told = only_session(http)
    assert told["completeness"][missing] > 0
    assert (told["complete"], get(http, "/v1/sessions")["rows"][0]["complete"]) == (False, False)
    fill(database, [first])
    told = only_session(http)
    assert (told["completeness"][missing], told["complete"]) == (0, True)


def test_what_other_signals_lack_is_not_missing(database: Database) -> None:
    sent = bodies(CLAUDE / "10-multi-turn-cumulative-long")
    metrics = [body for body in sent if body[0] is Signal.METRICS]
    fill(database, [body for body in sent if body[0] is LOGS] + metrics[:-1])
    told = only_session(client(database))
    assert (told["sources_agree"], told["completeness"]["tokens_missing"]) == (False, 0)
    assert told["complete"] is None


def test_how_a_context_grew(database: Database) -> None:
    fill(database, bodies(CLAUDE / "10-multi-turn-cumulative-long"))
    assert only_session(client(database))["context"] == {
        "requests": 6,
        "first_tokens": 5151,
        "last_tokens": 6177,
        "largest_tokens": 6177,
        "over_100k": 0,
        "over_200k": 0,
    }


def test_counters_tell_no_prompt_by_itself(database: Database) -> None:
    sent = bodies(CLAUDE / "10-multi-turn-cumulative-long")
    fill(database, [body for body in sent if body[0] is Signal.METRICS])
    assert only_session(client(database))["context"] is None


def test_usage_by_hour(database: Database) -> None:
    fill(database, bodies(CLAUDE / "07-subagent-traces-grpc-delta"))
    told = only_session(client(database))
    [hour] = told["hours"]
    assert hour["hour"] == "2026-11-22T04:00:00Z"
    assert hour["tokens"] == told["tokens"]


def test_calls_that_fail_again(database: Database) -> None:
    fill(database, bodies(CLAUDE / "05-failed-tool-loop-http-json-cumulative"))
    told = only_session(client(database))
    assert told["repeated_failures"] == {"calls": 1, "repeats": 4, "most": 5}


def edit_of(body: Body, path: str) -> Body:
    """A finished call as if it had been an edit of this file."""
    request = parse(body)
    [record] = request.resource_logs[0].scope_logs[0].log_records  # type: ignore[union-attr]
    for pair in record.attributes:
        if pair.key == "tool_name":
            pair.value.string_value = "Edit"
    told = json.dumps({"file_path": path, "old_string": "x"})
    record.attributes.add(key="tool_input").value.string_value = told
    return write(request, Encoding.PROTOBUF)


def test_files_are_counted_once_however_often_they_were_edited(database: Database) -> None:
    logs = [body for body in bodies(CLAUDE / "02-edit-bash-http-json-delta") if body[0] is LOGS]
    calls = [body for body in records(logs) if b"claude_code.tool_result" in body[2]]
    fill(database, [edit_of(body, f"/w/{at % 2}.py") for at, body in enumerate(calls)])
    told = only_session(client(database))
    assert told["counts"]["edits_accepted"] == len(calls) > 2
    assert told["counts"]["files_edited"] == 2


@pytest.mark.parametrize("tool", ["gemini-cli", "qwen-code"])
def test_logs_without_a_call_of_a_tool_tell_that_nothing_was_edited(
    tool: str, database: Database
) -> None:
    told = bodies(CAPTURES / tool / "s1_simple-http")
    fill(database, [body for body in told if body[0] is not LOGS])
    assert only_session(client(database))["counts"]["edits_accepted"] is None
    fill(database, [body for body in told if body[0] is LOGS])
    counts = only_session(client(database))["counts"]
    assert (counts["edits_accepted"], counts["edits_rejected"]) == (0, 0)
    # Neither may be told by no event at all: lines come with edits, prompts not from editors.
    assert (counts["lines_added"], counts["prompts"]) == (None, 1)


def test_the_page_says_how_complete_a_session_is(database: Database) -> None:
    fill(database, bodies(QWEN))
    http = client(database)
    [row] = get(http, "/v1/sessions")["rows"]
    page = " ".join(http.get(f"/sessions/qwen-code/{row['session_id']}").text.split())
    for words in (
        "Nothing is known to be missing.",
        "All signals told the same tokens.",
        "Of 4 requests whose beginning was told, 0 neither came back nor failed.",
        "Of 1 processes that began, 0 did not say that they ended",
        "How its context grew",
        "<dt>Largest prompt</dt><dd>1,444</dd>",
    ):
        assert words in page, words
