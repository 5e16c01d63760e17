"""Ingest keys through the command line and a running server: who sends, whom it counts for."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from typer.testing import CliRunner

from assay.main import app
from domain.pseudonym import Pseudonyms
from store import installation
from store.engine import Database
from tests.capturing import CAPTURES, expected
from tests.serving import Server, requests_of, send, serving

OAUTH = CAPTURES / "claude-code" / "17-oauth-identity"
GRPC = CAPTURES / "claude-code" / "03-commit-pr-grpc-cumulative"
SESSIONLESS = CAPTURES / "continue-cli" / "s2_edit_shell-http"
ALICE = "alice@acme.example"


def run(data: Path, *arguments: str) -> tuple[int, str, str]:
    """A command of ``assay keys``: (exit status, output, error)."""
    told = CliRunner().invoke(
        app, ["keys", *arguments, "--data", str(data)], env={"COLUMNS": "200"}
    )
    return told.exit_code, told.stdout, told.stderr


def create(data: Path, *arguments: str) -> str:
    status, secret, error = run(data, "create", *arguments)
    assert status == 0, error
    return secret.strip()


def pseudonym(data: Path, kind: str, value: str) -> str:
    """The name of a person in this installation."""
    with closing(Database(f"sqlite:///{data / 'assay.db'}")) as database:
        return Pseudonyms(installation.pseudonym_key(database))(kind, value)


def request(request_id: str, resource: Mapping[str, str], **attributes: str) -> dict[str, Any]:
    """One request of Claude Code as an OTLP/JSON export."""
    told = {
        "event.name": "api_request",
        "session.id": f"session of {request_id}",
        "request_id": request_id,
        "model": "claude-sonnet-4-5",
        "input_tokens": "100",
        "output_tokens": "10",
        **attributes,
    }
    record = {"timeUnixNano": str(time.time_ns()), "attributes": _pairs(told)}
    scope = {"name": "com.anthropic.claude_code.events"}
    logs = [{"scope": scope, "logRecords": [record]}]
    return {"resourceLogs": [{"resource": {"attributes": _pairs(resource)}, "scopeLogs": logs}]}


def _pairs(told: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"key": name, "value": {"stringValue": value}} for name, value in told.items()]


def post(server: Server, body: dict[str, Any], **headers: str) -> int:
    url = f"{server.otlp_http}/v1/logs"
    return httpx.post(url, json=body, headers=headers, timeout=30).status_code


def groups(server: Server, *dimensions: str) -> dict[tuple[str | None, ...], int | None]:
    """Requests by these dimensions."""
    server.settle()
    rows = server.get("/v1/usage", group_by=",".join(dimensions))["rows"]
    return {tuple(row[name] for name in dimensions): row["requests"] for row in rows}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="module")
def team_key(data: Path) -> str:
    attributes = ("--attribute", "repo=acme/payments", "--attribute", "ticket=PAY-7")
    return create(data, "--team", "payments", *attributes, "--name", "laptops")


@pytest.fixture(scope="module")
def alices_key(data: Path) -> str:
    return create(data, "--user", ALICE, "--team", "web")


@pytest.fixture(scope="module")
def server(data: Path, team_key: str, alices_key: str) -> Iterator[Server]:
    assert team_key != alices_key
    with serving(data) as running:
        yield running


def test_a_key_counts_for_its_team_and_repository(server: Server, team_key: str) -> None:
    for name in ("authorization", "x-api-key", "x-assay-key"):
        value = f"Bearer {team_key}" if name == "authorization" else team_key
        assert post(server, request(name, {}), **{name: value}) == 200
    assert groups(server, "team", "repo")["payments", "acme/payments"] == 3
    told = server.get("/v1/sessions/claude-code/session of x-api-key")
    assert [each["value"] for each in told["tickets"]] == ["PAY-7"]


def test_a_key_in_grpc_metadata(server: Server, team_key: str) -> None:
    before = groups(server, "team").get(("payments",)) or 0
    with grpc.insecure_channel(server.otlp_grpc) as channel:
        for note, body in requests_of(GRPC):
            call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(note["path"])
            call(body.read_bytes(), timeout=30, metadata=(("x-assay-key", team_key),))
    sent = sum(counts["requests"] or 0 for counts in expected(GRPC).values())
    assert groups(server, "team")[("payments",)] == before + sent


def test_what_a_record_says_of_its_repository_and_team_stays(server: Server, team_key: str) -> None:
    told = {"repo": "acme/docs", "team": "docs"}
    assert post(server, request("on the resource", told), **{"x-api-key": team_key}) == 200
    assert post(server, request("itself", {}, **told), **{"x-api-key": team_key}) == 200
    assert groups(server, "team", "repo")["docs", "acme/docs"] == 2


def test_a_keys_person_goes_before_a_claimed_one(
    server: Server, data: Path, alices_key: str
) -> None:
    for note, body in requests_of(OAUTH):
        send(server, note, body, alices_key)
    sent = sum(counts["requests"] or 0 for counts in expected(OAUTH).values())
    alice = pseudonym(data, "email", ALICE)
    assert groups(server, "team", "user")["web", alice] == sent
    other = {"enduser.id": "mallory", "user.email": "mallory@acme.example"}
    assert post(server, request("claimed", other), **{"x-api-key": alices_key}) == 200
    assert groups(server, "team", "user")["web", alice] == sent + 1


def test_telemetry_without_a_session_is_booked_to_the_key(server: Server, alices_key: str) -> None:
    for note, body in requests_of(SESSIONLESS):
        send(server, note, body, alices_key)
    server.settle()
    row = server.get("/v1/usage", group_by="team", tool="continue-cli", session="")["rows"]
    assert [(each["team"], each["tokens"]["output"]) for each in row] == [("web", 360)]


def test_neither_a_key_nor_a_person_is_on_the_disk(
    server: Server, data: Path, team_key: str, alices_key: str
) -> None:
    server.settle()
    kept = b"".join(file.read_bytes() for file in data.iterdir() if file.is_file())
    for secret in (team_key, alices_key, ALICE):
        assert secret.encode() not in kept


def test_a_revoked_key_is_refused_and_its_last_use_is_known(tmp_path: Path) -> None:
    key, token = create(tmp_path, "--team", "payments"), create(tmp_path)
    answers: list[int] = []
    with serving(tmp_path) as server:

        def refused() -> bool:
            answers.append(post(server, request("again", {}), **{"x-api-key": key}))
            return answers[-1] == 401

        assert not refused()
        # Noted beside the requests: the next one after a second finds the key used.
        time.sleep(1.2)
        assert post(server, request("another", {}), **{"x-api-key": token}) == 200
        _await(lambda: _used(tmp_path, key_id(tmp_path, "payments")))
        assert run(tmp_path, "revoke", key_id(tmp_path, "payments"))[0] == 0
        _await(refused)
        assert post(server, request("still", {}), **{"x-api-key": token}) == 200
        assert groups(server, "team") == {("payments",): answers.count(200), (None,): 2}
    status, _, error = run(tmp_path, "revoke", "00000000")
    assert (status, error.strip()) == (
        1,
        "There is no valid key 00000000. See: assay keys list",
    )


def key_id(data: Path, word: str) -> str:
    """The id of the listed key whose row says this word."""
    _, out, _ = run(data, "list")
    row = next(line for line in out.splitlines() if word in line)
    return row.split("│")[1].strip()


def _used(data: Path, of: str) -> bool:
    _, out, _ = run(data, "list")
    row = next(line for line in out.splitlines() if of in line)
    return bool(row.split("│")[6].strip())


def _await(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_the_list_shows_everything_but_secrets(data: Path, team_key: str, alices_key: str) -> None:
    status, out, _ = run(data, "list")
    assert status == 0
    for word in ("laptops", "team=payments", "repo=acme/payments", "ticket=PAY-7", "team=web"):
        assert word in out
    assert pseudonym(data, "email", ALICE) in out
    for secret in (team_key, alices_key, ALICE):
        assert secret not in out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--attribute", "repo"], "write NAME=VALUE, for example repo=acme/payments"),
        (["--attribute", "colour=red"], "nothing is read from it"),
        (["--attribute", "repo=no repository at all"], "nothing is read from it"),
        (["--attribute", "user.email=a@b.example"], "a person is named by --user"),
        (["--team", "a", "--attribute", "team=b"], "team is given twice: a and b"),
    ],
)
def test_a_key_that_would_not_do_what_it_says_is_not_made(
    tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    status, out, error = run(tmp_path, "create", *arguments)
    assert (status, out) == (1, "")
    assert sentence in error
    assert "There are no keys yet" in run(tmp_path, "list")[1]
