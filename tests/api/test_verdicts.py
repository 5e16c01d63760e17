"""Verdicts as they are answered."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from starlette.testclient import TestClient

from domain.judgement import By, Judgement
from domain.labels import (
    CostPerChange,
    Decision,
    Requirement,
    Sensitivity,
    Use,
    Verdict,
    WorkTypeShare,
)
from store import judgements, verdicts
from store.engine import Connection, Database
from tests.api.answering import NOW, client, get, refused

SESSIONS = Requirement(name="sessions", sentence="Settled sessions.", have=40.0, need=30.0)


def keep(tool: str, as_of: datetime) -> Verdict:
    return Verdict(
        tool=tool,
        decision=Decision.KEEP,
        reason="Enough of it was productive.",
        requirements=(SESSIONS,),
        productive_share=0.7,
        interval=(0.6, 0.8),
        as_of=as_of,
        standardised_share=0.72,
        baseline=0.5,
        good=0.98,
        bad=0.0,
        by_work_type=(
            WorkTypeShare(
                work_type="bug",
                share=0.75,
                interval=(0.5, 0.9),
                good=0.97,
                pieces=31.5,
                weight=0.4,
                use=Use.KEEP,
            ),
        ),
        sensitivity=(Sensitivity(changed="no large ones", decision=Decision.CUT, share=0.1),),
        per_change=CostPerChange(
            actual_nanousd=3_000_000_000,
            standardised_nanousd=4_500_000_000,
            interval_nanousd=(4_000_000_000, 5_250_000_000),
            surviving=20.5,
        ),
    )


def unclear(tool: str, as_of: datetime) -> Verdict:
    return Verdict(
        tool=tool,
        decision=Decision.INSUFFICIENT_EVIDENCE,
        reason="Too few.",
        requirements=(replace(SESSIONS, have=29.5),),
        productive_share=None,
        interval=None,
        as_of=as_of,
    )


def judge(_: Connection, as_of: datetime, by: By) -> Judgement:
    found = [unclear("codex", as_of), keep("claude-code", as_of)]
    if by is By.TOOL_MODEL:
        found = [replace(each, model=f"{each.tool}-large") for each in found]
    return Judgement(by=by, judged_at=as_of, verdicts=tuple(found))


KEEP = {
    "tool": "claude-code",
    "model": None,
    "verdict": "keep",
    "reason": "Enough of it was productive.",
    "productive_share": 0.7,
    "standardised_share": 0.72,
    "interval": {"low": 0.6, "high": 0.8},
    "baseline": 0.5,
    "good": 0.98,
    "bad": 0.0,
    "cost_per_surviving_change": {
        "standardised_usd": 4.5,
        "interval": {"low_usd": 4.0, "high_usd": 5.25},
        "actual_usd": 3.0,
        "surviving": 20.5,
    },
    "by_work_type": [
        {
            "work_type": "bug",
            "use": "keep",
            "share": 0.75,
            "interval": {"low": 0.5, "high": 0.9},
            "good": 0.97,
            "pieces": 31.5,
            "weight": 0.4,
        }
    ],
    "sensitivity": [{"changed": "no large ones", "verdict": "cut", "share": 0.1}],
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
    **dict.fromkeys(KEEP),
    "tool": "codex",
    "verdict": "insufficient_evidence",
    "reason": "Too few.",
    "by_work_type": [],
    "sensitivity": [],
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
MODELS = [{**KEEP, "model": "claude-code-large"}, {**UNCLEAR, "model": "codex-large"}]


def test_every_tool_by_name(database: Database) -> None:
    http = client(database, judge=judge)
    told = {"by": "tool", "judged_at": "2026-11-22T12:30:00Z", "rows": [KEEP, UNCLEAR]}
    assert get(http, "/v1/verdicts") == told
    assert get(http, "/v1/verdicts", by="tool_model") == {
        **told,
        "by": "tool_model",
        "rows": MODELS,
    }
    assert refused(http, "/v1/verdicts", by="model")[:2] == (400, "invalid_parameter")


def test_one_tool_with_its_models(database: Database) -> None:
    http = client(database, judge=judge)
    told = {**UNCLEAR, "models": MODELS[1:], "history": []}
    assert get(http, "/v1/verdicts/codex") == told
    assert refused(http, "/v1/verdicts/cursor")[:2] == (404, "tool_not_found")


def test_as_of_another_time(database: Database) -> None:
    http = client(database, judge=judge)
    told = get(http, "/v1/verdicts", as_of="2026-10-01T00:00:00+02:00")
    assert {row["as_of"] for row in told["rows"]} == {"2026-09-30T22:00:00Z"}
    assert get(http, "/v1/verdicts/codex", as_of="2027-01-01")["as_of"] == "2027-01-01T00:00:00Z"


def test_every_change_says_what_moved(database: Database) -> None:
    before = NOW - timedelta(days=40)
    with database.writing() as connection:
        verdicts.keep(connection, [unclear("codex", before)], before, {"keep_from": 0.5})
        verdicts.keep(connection, [keep("codex", NOW)], NOW, {"keep_from": 0.4})
        model = replace(keep("codex", NOW), model="gpt-5")
        verdicts.keep(connection, [model], NOW, {}, By.TOOL_MODEL)
    told = get(client(database, judge=judge), "/v1/verdicts/codex")["history"]
    assert [(each["by"], each["model"], each["verdict"]) for each in told] == [
        ("tool", None, "keep"),
        ("tool_model", "gpt-5", "keep"),
        ("tool", None, "insufficient_evidence"),
    ]
    assert [(m["what"], m["name"], m["before"], m["after"]) for m in told[0]["moved"]] == [
        ("threshold", "keep_from", "0.5", "0.4"),
        ("requirement", "sessions", "unmet", "met"),
        ("share", "standardised_share", "", "0.72"),
        ("certainty", "good", "", "0.98"),
        ("certainty", "bad", "", "0.00"),
        ("work_type", "bug", "", "keep"),
        ("evidence", "sessions", "29.5", "40"),
    ]
    assert [told[1]["moved"], told[2]["moved"]] == [[], []]
    # What was given later was not known then.
    early = get(client(database, judge=judge), "/v1/verdicts/codex", as_of=before.isoformat())
    assert [each["verdict"] for each in early["history"]] == ["insufficient_evidence"]


def test_what_is_kept_is_answered_and_nothing_before_it(database: Database) -> None:
    at = NOW - timedelta(days=3)
    with database.writing() as connection:
        given = Judgement(by=By.TOOL, judged_at=at, verdicts=(keep("codex", at),))
        judgements.keep_judgement(connection, given, timedelta())
    http = client(database)
    told = get(http, "/v1/verdicts")
    assert (told["judged_at"], [row["tool"] for row in told["rows"]]) == (
        "2026-11-19T12:30:00Z",
        ["codex"],
    )
    early = get(http, "/v1/verdicts", as_of="2026-11-18")
    assert early == {"by": "tool", "judged_at": None, "rows": []}


def test_nothing_to_judge(empty: TestClient) -> None:
    assert get(empty, "/v1/verdicts")["rows"] == []


def test_little_evidence_is_said_with_what_is_missing(http: TestClient) -> None:
    [row] = get(http, "/v1/verdicts")["rows"]
    assert (row["tool"], row["verdict"]) == ("claude-code", "insufficient_evidence")
    assert datetime.fromisoformat(row["as_of"]).astimezone(UTC) == NOW
    assert not all(each["met"] for each in row["requirements"])
    rows = get(http, "/v1/verdicts", by="tool_model")["rows"]
    assert {row["tool"] for row in rows} == {"claude-code"}
    assert "claude-sonnet-4-5-20250929" in {row["model"] for row in rows}
