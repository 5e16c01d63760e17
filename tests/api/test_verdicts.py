"""Verdicts as they are answered."""

from collections.abc import Sequence
from datetime import UTC, datetime

from starlette.testclient import TestClient

from domain.labels import Decision, Requirement, Verdict
from store.engine import Connection, Database
from tests.api.answering import NOW, client, get, refused


def keep(tool: str, as_of: datetime) -> Verdict:
    return Verdict(
        tool=tool,
        decision=Decision.KEEP,
        reason="Enough of it was productive.",
        requirements=(
            Requirement(name="sessions", sentence="Settled sessions.", have=40.0, need=30.0),
        ),
        productive_share=0.7,
        interval=(0.6, 0.8),
        as_of=as_of,
    )


def unclear(tool: str, as_of: datetime) -> Verdict:
    return Verdict(
        tool=tool,
        decision=Decision.INSUFFICIENT_EVIDENCE,
        reason="Too few.",
        requirements=(
            Requirement(name="sessions", sentence="Settled sessions.", have=29.5, need=30.0),
        ),
        productive_share=None,
        interval=None,
        as_of=as_of,
    )


def judge(_: Connection, as_of: datetime) -> Sequence[Verdict]:
    return [unclear("codex", as_of), keep("claude-code", as_of)]


KEEP = {
    "tool": "claude-code",
    "verdict": "keep",
    "reason": "Enough of it was productive.",
    "productive_share": 0.7,
    "interval": {"low": 0.6, "high": 0.8},
    "requirements": [
        {
            "name": "sessions",
            "sentence": "Settled sessions.",
            "have": 40.0,
            "need": 30.0,
            "met": True,
        }
    ],
    "as_of": "2026-11-22T12:30:00Z",
}
UNCLEAR = {
    "tool": "codex",
    "verdict": "insufficient_evidence",
    "reason": "Too few.",
    "productive_share": None,
    "interval": None,
    "requirements": [
        {
            "name": "sessions",
            "sentence": "Settled sessions.",
            "have": 29.5,
            "need": 30.0,
            "met": False,
        }
    ],
    "as_of": "2026-11-22T12:30:00Z",
}


def test_every_tool_by_name(database: Database) -> None:
    assert get(client(database, judge=judge), "/v1/verdicts") == {"rows": [KEEP, UNCLEAR]}


def test_one_tool(database: Database) -> None:
    http = client(database, judge=judge)
    assert get(http, "/v1/verdicts/codex") == UNCLEAR
    assert refused(http, "/v1/verdicts/cursor")[:2] == (404, "tool_not_found")


def test_as_of_another_time(database: Database) -> None:
    http = client(database, judge=judge)
    told = get(http, "/v1/verdicts", as_of="2026-10-01T00:00:00+02:00")
    assert {row["as_of"] for row in told["rows"]} == {"2026-09-30T22:00:00Z"}
    assert get(http, "/v1/verdicts/codex", as_of="2027-01-01")["as_of"] == "2027-01-01T00:00:00Z"


def test_nothing_to_judge(empty: TestClient) -> None:
    assert get(empty, "/v1/verdicts") == {"rows": []}


def test_little_evidence_is_said_with_what_is_missing(http: TestClient) -> None:
    [row] = get(http, "/v1/verdicts")["rows"]
    assert (row["tool"], row["verdict"]) == ("claude-code", "insufficient_evidence")
    assert datetime.fromisoformat(row["as_of"]).astimezone(UTC) == NOW
    assert not all(each["met"] for each in row["requirements"])
