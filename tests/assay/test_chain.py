"""The whole chain: a session's telemetry, a pull request's webhooks, a label and a verdict."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.capturing import CAPTURES
from tests.forging import (
    commit_story,
    deliver,
    merged,
    minutes,
    pull_request,
    push,
    review,
)
from tests.serving import Server, requests_of, send, serving

SCENARIO = CAPTURES / "claude-code" / "24-commit-variants-tool-details"
SESSION = "c00747f8-588c-4bd7-a6c0-ac31be606bd8"
BRANCH = "feature/PAY-24"
# What is left on the branch after the amend, and what telemetry told (truth.json, new_commits).
SHAS = [
    "445a90bab5bfd76a9a2b1cc335be4f7ced127254",
    "9a990cc8fc14d92b87f611d5c1d2384656eb17c2",
]
SQUASH = "5" * 40
START = datetime(2026, 11, 22, 4, 48, tzinfo=UTC)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("chain")) as running:
        for note, body in requests_of(SCENARIO):
            send(running, note, body)
        yield running


def tell(server: Server, event: str, body: dict[str, object], delivery: str) -> None:
    assert deliver(server.api, event, body, delivery).status_code == 200
    server.settle()


def session(server: Server, as_of: str | None = None) -> dict[str, object]:
    params = {"as_of": as_of} if as_of else {}
    return server.get(f"/v1/sessions/claude-code/{SESSION}", **params)


def test_the_story(server: Server) -> None:
    server.settle()
    assert session(server)["label"]["label"] in ("pending", "unknown")  # type: ignore[index]

    commits = [commit_story(sha, "feat: a", START) for sha in SHAS]
    tell(server, "push", push(BRANCH, commits, START + minutes(5)), "1")
    opened, at = START + minutes(10), START + minutes(10)
    body = pull_request("opened", 7, BRANCH, SHAS[-1], opened, at, title="feat: PAY-24 variants")
    tell(server, "pull_request", body, "2")
    told = session(server)
    assert told["label"]["label"] == "pending"  # type: ignore[index]
    change = next(link for link in told["links"] if link["target"]["kind"] == "change")  # type: ignore[attr-defined]
    assert (change["target"]["repo"], change["target"]["id"]) == ("acme/payments", "7")
    assert change["tier"] == "A"
    assert change["probability"] >= 0.99

    tell(
        server,
        "pull_request_review",
        review(7, BRANCH, SHAS[-1], "approved", opened, START + minutes(20)),
        "3",
    )
    done = START + minutes(30)
    body = pull_request("closed", 7, BRANCH, SHAS[-1], opened, done, **merged(done, SQUASH))
    tell(server, "pull_request", body, "4")
    # The squash itself is pushed to main under another SHA; it changes nothing.
    tell(
        server,
        "push",
        push("main", [commit_story(SQUASH, "feat: PAY-24 variants (#7)", done)], done),
        "5",
    )
    label = session(server)["label"]
    assert (label["label"], label["maturity"]) == ("productive", "provisional")  # type: ignore[index]
    final = session(server, as_of="2027-02-01T00:00:00Z")["label"]
    assert (final["label"], final["maturity"]) == ("productive", "final")  # type: ignore[index]
    before = session(server, as_of=(START + minutes(15)).isoformat())["label"]
    assert before["label"] == "pending"  # type: ignore[index]


def test_why(server: Server) -> None:
    told = server.get(f"/v1/sessions/claude-code/{SESSION}/explain")
    assert told["label"]["rule"]
    assert told["label"]["reason"]
    kinds = {e["kind"] for link in told["links"] for e in link["evidence"]}
    assert "commit_sha" in kinds


def test_the_verdict_says_what_is_missing(server: Server) -> None:
    verdict = next(v for v in server.get("/v1/verdicts")["rows"] if v["tool"] == "claude-code")
    assert verdict["verdict"] == "insufficient_evidence"
    missing = {r["name"]: r for r in verdict["requirements"] if not r["met"]}
    assert missing["settled_sessions"]["have"] < missing["settled_sessions"]["need"]
    assert verdict["productive_share"] is None


def test_a_revert_makes_it_wasteful_and_a_re_land_does_not(server: Server) -> None:
    opened, done = START + minutes(60), START + minutes(70)
    branch, head = "revert-7-feature/PAY-24", "7" * 40
    told = {"title": 'Revert "feat: PAY-24 variants"', "body": "Reverts acme/payments#7"}
    body = pull_request("opened", 8, branch, head, opened, opened, **told)
    tell(server, "pull_request", body, "6")
    assert session(server)["label"]["label"] == "productive"  # type: ignore[index]
    body = pull_request("closed", 8, branch, head, opened, done, **told, **merged(done, "8" * 40))
    tell(server, "pull_request", body, "7")
    later = (done + minutes(60 * 24 * 60)).isoformat()
    assert session(server, as_of=later)["label"]["label"] == "wasteful"  # type: ignore[index]

    again = START + minutes(90)
    told = {"title": "Reland PAY-24", "body": "Reverts acme/payments#8"}
    body = pull_request("closed", 9, "reland", "9" * 40, again, again, **told)
    body["pull_request"] |= merged(again, "b" * 40)
    tell(server, "pull_request", body, "8")
    assert session(server)["label"]["label"] == "productive"  # type: ignore[index]


def test_the_same_delivery_again_changes_nothing(server: Server) -> None:
    before = session(server)
    opened = START + minutes(10)
    body = pull_request("closed", 7, BRANCH, SHAS[-1], opened, opened)
    answer = deliver(server.api, "pull_request", body, "2")
    assert answer.json() == {"accepted": True, "duplicate": True}
    server.settle()
    assert session(server) == before


def test_a_wrong_signature_is_refused(server: Server) -> None:
    body = pull_request("closed", 7, BRANCH, SHAS[-1], START, START)
    answer = deliver(server.api, "pull_request", body, "9", secret="another")
    assert answer.status_code == 401
    assert answer.json()["code"] == "bad_signature"


def test_the_first_page_shows_it(server: Server) -> None:
    page = server.api.get("/").text
    assert "claude-code" in page
    assert "claude-sonnet-4-5-20250929" in page
