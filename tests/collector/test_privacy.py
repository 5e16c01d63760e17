"""What must not be kept is nowhere in the data folder once it is folded: not in one byte of it."""

import hmac
import json
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from starlette.testclient import TestClient

from collector.decode import Encoding
from collector.webhooks import webhook_router
from domain.record import Signal
from store.engine import Database
from tests.capturing import CAPTURES, PSEUDONYMS
from tests.delivering import RECEIVED_AT, load
from tests.filling import bodies, fill, fold_all, put, rows
from tests.otlp import Body, Request, parse, write

SECRET = "correct-horse-battery-staple"
EMAIL = "grace.hopper@navy.example"
SCENARIOS = sorted(truth.parent for truth in CAPTURES.rglob("truth.json"))
# What tools are known to put prompts, arguments, outputs and errors into.
CONTENT = frozenset(
    {
        *("prompt", "tool_input", "tool_parameters", "arguments", "output", "error", "command"),
        *("error.message", "error_message", "function_args", "content", "response", "reason"),
        *("request_text", "response_text", "full_command", "description", "file_path"),
        *("ai.toolCall.args", "ai.toolCall.result", "ai.prompt.messages", "ai.response.text"),
        *("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions"),
        *("gen_ai.tool.call.arguments", "gen_ai.tool.call.result", "exception.message"),
    }
)


def planted(body: Body) -> Body:
    """The body with the secret wherever something private can be, and where nobody expects it."""
    request = parse(body)
    for attributes, is_record in _attributes(request):
        for pair in attributes:
            if pair.key in CONTENT or (pair.value.string_value.count(" ") and is_record):
                pair.value.string_value = f"{pair.value.string_value} {SECRET}"
            elif pair.key in ("user.email", "gen_ai.user.email"):
                pair.value.string_value = EMAIL
        extra = "process.command_args" if not is_record else "never.heard.of"
        nested = AnyValue()
        nested.kvlist_value.values.add(key=SECRET, value=AnyValue(string_value=SECRET))
        attributes.extend([KeyValue(key=extra, value=AnyValue(string_value=SECRET))])
        attributes.extend([KeyValue(key=f"{extra}.nested", value=nested)])
    _add_strangers(request)
    return write(request, body[1])


def _attributes(request: Request) -> Iterator[tuple[Any, bool]]:
    """Every list of attributes with whether it is that of a record, not of a resource."""
    for groups, scopes, records in (
        ("resource_logs", "scope_logs", "log_records"),
        ("resource_spans", "scope_spans", "spans"),
        ("resource_metrics", "scope_metrics", "metrics"),
    ):
        for group in getattr(request, groups, ()):
            yield group.resource.attributes, False
            for scoped in getattr(group, scopes):
                for record in getattr(scoped, records):
                    if records != "metrics":
                        yield record.attributes, True


def _add_strangers(request: Request) -> None:
    """Records that no dialect understands, beside those that it does."""
    secret = [KeyValue(key="text", value=AnyValue(string_value=SECRET))]
    if isinstance(request, ExportLogsServiceRequest):
        for group in request.resource_logs:
            records = group.scope_logs[0].log_records
            told = records[0].time_unix_nano or records[0].observed_time_unix_nano
            records.add(body=AnyValue(string_value=SECRET), time_unix_nano=told)
            records.add(body=AnyValue(string_value=f"claude_code.{SECRET} x"), attributes=secret)
            records.add(event_name="never_heard_of", attributes=secret)
            for record in records:
                if not record.body.string_value:
                    record.body.string_value = SECRET
        stranger = request.resource_logs.add().scope_logs.add(scope={"name": "a stranger"})
        stranger.log_records.add(body=AnyValue(string_value=SECRET), attributes=secret)
    elif isinstance(request, ExportTraceServiceRequest):
        for spans in request.resource_spans:
            for span in spans.scope_spans[0].spans:
                span.status.message = SECRET
                span.events.add(name="exception", attributes=secret)


# Where the secret may hide


def hidden(database: Database, *words: str) -> list[str]:
    """The files of the data folder that hold one of these words, plain or compressed."""
    path = database.engine.url.database
    assert path is not None
    files = sorted(Path(path).parent.iterdir())
    assert Path(path) in files
    found = []
    for file in files:
        raw = file.read_bytes()
        whole = b"".join((raw.lower(), *_unpacked(raw)))
        found += [f"{file.name}: {word}" for word in words if word.lower().encode() in whole]
    return found


def _unpacked(raw: bytes) -> Iterator[bytes]:
    """All that begins like a zlib stream, as far as it can be read."""
    at = raw.find(b"\x78")
    while at >= 0:
        if (raw[at] * 256 + int.from_bytes(raw[at + 1 : at + 2], "big")) % 31 == 0:
            reader = zlib.decompressobj()
            try:
                for start in range(at, len(raw), 64):
                    yield reader.decompress(raw[start : start + 64]).lower()
            except zlib.error:
                pass
        at = raw.find(b"\x78", at + 1)


def stained_free_pages(database: Database) -> list[int]:
    """Pages of SQLite's freelist that hold anything but zeros and numbers of pages."""
    path = database.engine.url.database
    assert path is not None
    raw = Path(path).read_bytes()
    size, pages = int.from_bytes(raw[16:18], "big"), int.from_bytes(raw[28:32], "big")
    trunk = int.from_bytes(raw[32:36], "big")
    stained, seen = [], 0
    while trunk:
        page = raw[(trunk - 1) * size : trunk * size]
        # The next trunk, how many leaves, and the leaves; numbers of former leaves may follow.
        following, count, *leaves = struct.unpack(f">{size // 4}I", page)
        stained += [trunk] * any(number > pages for number in leaves)
        for leaf in leaves[:count]:
            stained += [leaf] * any(raw[(leaf - 1) * size : leaf * size])
        seen += 1 + count
        trunk = following
    assert seen == int.from_bytes(raw[36:40], "big")
    return stained


@pytest.fixture
def database(embedded: Database) -> Database:
    """One whose files can be read."""
    return embedded


# Telemetry


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_nothing_private_is_left_of_a_session(
    scenario: Path, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    put(database, [planted(body) for body in bodies(scenario)])
    assert hidden(database, SECRET)  # the search does find it while it is there
    fold_all(database)
    assert database.empty_log()
    assert hidden(database, SECRET, EMAIL) == []
    assert rows(database, "inbox") == []
    assert stained_free_pages(database) == []
    assert SECRET not in caplog.text
    assert rows(database, "coverage") != []


def test_people_are_kept_by_pseudonym_only(database: Database) -> None:
    scenario = CAPTURES / "claude-code" / "17-oauth-identity"
    fill(database, [planted(body) for body in bodies(scenario)])
    assert database.empty_log()
    told = {
        value
        for body in bodies(scenario)
        for attributes, is_record in _attributes(parse(body))
        for pair in attributes
        if is_record and pair.key in ("user.id", "user.account_uuid", "user.account_id")
        for value in [pair.value.string_value]
    }
    assert len(told) == 3
    assert hidden(database, EMAIL, *told) == []
    identities = {row[2] for row in rows(database, "session_traces") if row[1] == "identity"}
    assert PSEUDONYMS("email", EMAIL) in identities


def renamed(body: Body, path: str) -> Body:
    """The body with this path wherever a tool says what it edited."""
    request = parse(body)
    for attributes, _ in _attributes(request):
        told = {pair.key: pair.value for pair in attributes}
        for key in ("function_args", "arguments"):
            if key in told:
                text = told[key].string_value
                text = re.sub(r'(?<="file_path": ")[^"]+', path, text)
                told[key].string_value = re.sub(r"(?<= File: ).+", path, text)
        if "tool_name" in told and told["tool_name"].string_value == "Edit":
            attributes.add(key="tool_input").value.string_value = json.dumps({"file_path": path})
    return write(request, body[1])


@pytest.mark.parametrize(
    "scenario",
    [
        "claude-code/02-edit-bash-http-json-delta",
        "codex/02-edit-shell-http-json-traces",
        "gemini-cli/s2_edit_shell-grpc",
        "qwen-code/s2_edit_shell-grpc",
    ],
)
def test_edited_files_are_kept_by_keyed_hash_only(scenario: str, database: Database) -> None:
    path = f"/home/{SECRET}/shop/src/{SECRET}.py"
    fill(database, [renamed(body, path) for body in bodies(CAPTURES / scenario)])
    assert database.empty_log()
    assert hidden(database, SECRET) == []
    [file] = {row[2] for row in rows(database, "session_traces") if row[1] == "file"}
    assert file == PSEUDONYMS.file(path)
    assert file.startswith(PSEUDONYMS.file(f"src/{SECRET}.py") or "nothing")


def test_a_body_that_cannot_be_read_is_gone_too(database: Database) -> None:
    unreadable = json.dumps({"resourceLogs": SECRET}).encode()
    fill(database, [(Signal.LOGS, Encoding.JSON, unreadable)])
    assert database.empty_log()
    assert hidden(database, SECRET) == []
    assert [row[3] for row in rows(database, "coverage")] == ["not_otlp"]


# Webhooks


def deliver(database: Database, kind: str, payload: dict[str, Any]) -> None:
    app = FastAPI()
    app.include_router(webhook_router(database, PSEUDONYMS, {"github": "s"}, lambda: RECEIVED_AT))
    body = json.dumps(payload).encode()
    signature = f"sha256={hmac.digest(b's', body, 'sha256').hex()}"
    headers = {
        "x-github-event": kind,
        "x-github-delivery": kind,
        "x-hub-signature-256": signature,
    }
    with TestClient(app) as forge:
        forge.post("/webhooks/github", content=body, headers=headers).raise_for_status()


def test_nothing_private_is_left_of_a_change(database: Database) -> None:
    change = load("octokit/pull_request.opened.json")
    change["pull_request"] |= {"body": f"Fixes #3\n{SECRET}", "diff": SECRET}
    change["pull_request"]["user"] |= {"login": "grace-hopper", "email": EMAIL, "name": SECRET}
    change["comment"] = {"body": SECRET}
    review = load("octokit/pull_request_review.submitted.json")
    review["review"]["body"] = SECRET
    review["review"]["user"]["login"] = "grace-hopper"
    comment = load("octokit/pull_request_review_comment.created.json")
    comment["comment"] |= {"body": SECRET, "diff_hunk": SECRET}
    push = load("hub4j/push.json")
    person = {"name": SECRET, "email": EMAIL, "username": "grace-hopper"}
    for commit in push["commits"]:
        commit |= {"message": f"fix: PAY-1\n\n{SECRET}", "author": person, "committer": person}
        commit |= {"added": [SECRET], "modified": [f"src/{SECRET}.py"]}
    push["pusher"] = person
    deliver(database, "pull_request", change)
    deliver(database, "pull_request_review", review)
    deliver(database, "pull_request_review_comment", comment)
    deliver(database, "push", push)
    assert hidden(database, SECRET)
    fold_all(database)
    assert database.empty_log()
    assert hidden(database, SECRET, EMAIL, "grace-hopper") == []
    assert stained_free_pages(database) == []
    identities = {row[2] for row in rows(database, "change_people")}
    assert PSEUDONYMS("login", "grace-hopper") in identities
    assert PSEUDONYMS("email", EMAIL) in {row[2] for row in rows(database, "commit_people")}
