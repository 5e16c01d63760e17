"""Sessions: listed page by page, from all sides, and why each has its label."""

import base64
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from domain.labels import Label, Labelled, Maturity
from domain.record import Signal
from store import conclusions
from store.engine import Connection, Database
from tests.api.answering import NOW, Json, client, get, refused
from tests.capturing import CAPTURES, scenarios, truth
from tests.filling import bodies, fill, one

CLAUDE = CAPTURES / "claude-code"
COMMITS = "c00747f8-588c-4bd7-a6c0-ac31be606bd8"
SUBAGENT = "f1b8de59-6593-41ae-8c46-e0936d65566c"
FAILURES = "2ce019e4-13ad-40c5-afac-b6531ac07131"
EDITS = "f4b3add7-99bc-4e02-9af5-0cddfe9f964b"
OLD = "2b2ea967-69b7-4627-a48d-c1f41fc6edb1"
# A process of --continue that started under an id which never returned.
STARTED_ONLY = "c3773fad-a0a6-4265-8c7c-6485338be6b0"


def detail(http: TestClient, session_id: str, **asked: str) -> Json:
    return get(http, f"/v1/sessions/claude-code/{session_id}", **asked)


def listed(http: TestClient, **asked: object) -> list[str]:
    return [row["session_id"] for row in get(http, "/v1/sessions", **asked)["rows"]]


def test_one_listed_session_in_full(database: Database) -> None:
    fill(database, bodies(CLAUDE / "02-edit-bash-http-json-delta"))
    user = one(database, 'SELECT "user" FROM contexts')
    assert get(client(database), "/v1/sessions") == {
        "rows": [
            {
                "tool": "claude-code",
                "session_id": EDITS,
                "first_at": "2026-11-22T04:31:04.677000Z",
                "last_at": "2026-11-22T04:31:05.965000Z",
                "user": user,
                "user_name": None,
                "team": "payments",
                "repo": "acme/payments",
                "models": ["claude-sonnet-4-5-20250929"],
                "spent_usd": 0.0314694,
                "spent_as": "reported",
                "lower_bound": False,
                "child_sessions": 0,
                "complete": True,
                "requests": 4,
                "failed_requests": 0,
                "tokens": {
                    "input": 1962,
                    "cache_read": 12928,
                    "cache_write": 4932,
                    "cache_write_5m": 4932,
                    "cache_write_1h": 0,
                    "output": 214,
                    "reasoning": None,
                },
                "cost": {
                    "reported_usd": 0.0314694,
                    "list_usd": 0.0314694,
                    "unpriced_tokens": 0,
                    "effective_usd": None,
                    "effective_unpriced_tokens": None,
                    "unpriced": [],
                },
                "partial": [],
                # Nothing has classified it.
                "label": None,
                "maturity": None,
            }
        ],
        "next_cursor": None,
    }


def test_sessions_come_newest_first_and_only_those_that_did_anything(http: TestClient) -> None:
    rows = get(http, "/v1/sessions")["rows"]
    assert len(rows) == 14
    assert [row["last_at"] for row in rows] == sorted((r["last_at"] for r in rows), reverse=True)
    assert STARTED_ONLY not in [row["session_id"] for row in rows]
    assert all(row["label"] and row["maturity"] for row in rows)


@pytest.mark.parametrize("limit", [1, 4, 7, 13, 14, 500])
def test_pages_hold_every_session_once_in_one_order(limit: int, http: TestClient) -> None:
    told: list[str] = []
    cursor: str | None = None
    pages = 0
    while pages == 0 or cursor:
        page = get(http, "/v1/sessions", limit=limit, **({"cursor": cursor} if cursor else {}))
        assert 0 < len(page["rows"]) <= limit
        told += [row["session_id"] for row in page["rows"]]
        cursor, pages = page["next_cursor"], pages + 1
    assert told == listed(http, limit=500)
    assert pages == -(-14 // limit)


def test_pages_keep_a_filter(http: TestClient) -> None:
    first = get(http, "/v1/sessions", team="payments", limit=2)
    rest = get(http, "/v1/sessions", team="payments", limit=2, cursor=first["next_cursor"])
    rows = [*first["rows"], *rest["rows"]]
    assert [row["team"] for row in rows] == ["payments"] * 3
    assert rest["next_cursor"] is None


@pytest.mark.parametrize("name", ["tool", "user", "team", "repo", "label"])
def test_a_filter_takes_exactly_the_sessions_that_show_its_value(
    name: str, http: TestClient
) -> None:
    rows = get(http, "/v1/sessions")["rows"]
    for value in {row[name] for row in rows}:
        wanted = [row["session_id"] for row in rows if row[name] == value]
        assert listed(http, **{name: value or ""}) == wanted
    assert listed(http, **{name: "wasteful"}) == []


def test_a_filter_by_model_takes_sessions_that_used_it(http: TestClient) -> None:
    assert listed(http, model="claude-haiku-5-5") == [SUBAGENT]
    assert listed(http, model=["claude-haiku-5-5", "claude-haiku-4-5-20251001"]) == [OLD, SUBAGENT]


def test_a_period_takes_sessions_seen_in_it(http: TestClient) -> None:
    seen = get(http, f"/v1/sessions/claude-code/{COMMITS}")
    during = {"from": seen["last_at"], "to": "2026-11-22T04:48:00Z"}
    assert listed(http, **during) == [COMMITS]
    assert listed(http, to=seen["first_at"], **{"from": "2026-11-22T04:47:00Z"}) == []


@pytest.mark.parametrize(
    ("asked", "detail"),
    [
        ({"limit": 0}, "limit: Input should be greater than or equal to 1"),
        ({"limit": 501}, "limit: Input should be less than or equal to 500"),
        (
            {"label": "good"},
            "label: Input should be 'productive', 'inefficient', 'wasteful', 'neutral', 'pending'"
            " or 'unknown'",
        ),
        (
            {"offset": 3},
            "there is no parameter offset; there are: from, to, limit, cursor, tool, model, team,",
        ),
    ],
)
def test_an_impossible_parameter_is_refused(
    asked: dict[str, str], detail: str, http: TestClient
) -> None:
    status, code, told = refused(http, "/v1/sessions", **asked)
    assert (status, code) == (400, "invalid_parameter")
    assert told.startswith(detail)


@given(st.text(max_size=40) | st.binary(max_size=30).map(lambda b: base64.b64encode(b).decode()))
def test_a_cursor_of_ours_or_a_refusal(http: TestClient, cursor: str) -> None:
    response = http.get("/v1/sessions", params={"cursor": cursor})
    if response.status_code != 200:
        assert response.status_code == 400
        assert response.json()["code"] == "invalid_parameter"


def test_a_session_from_all_sides(http: TestClient) -> None:
    told = detail(http, SUBAGENT)
    assert told["tool_versions"] == ["2.1.330"]
    assert [
        (u["model"], u["query_source"], u["requests"], u["tokens"]["output"]) for u in told["usage"]
    ] == [
        ("claude-haiku-5-5", "subagent", 2, 324),
        ("claude-sonnet-4-5-20250929", "main", 3, 311),
    ]
    assert told["usage_source"] == "log"
    assert [(s["source"], s["booked"], s["requests"]) for s in told["sources"]] == [
        ("log", True, 5),
        ("metric", False, None),
        ("span", False, 5),
    ]
    assert {s["tokens"]["output"] for s in told["sources"]} == {635}
    assert told["sources_agree"] is True
    assert told["tool_calls"] == [
        {"name": "Agent", "calls": 1, "failures": 0, "denials": 0},
        {"name": "Read", "calls": 1, "failures": 0, "denials": 0},
    ]
    assert told["counts"]["subagents"] == 1


@pytest.mark.parametrize("scenario", scenarios("claude-code"), ids=lambda path: path.name)
def test_tool_calls_are_those_that_the_model_asked_for(scenario: Path, database: Database) -> None:
    fill(database, bodies(scenario))
    http = client(database)
    calls: Counter[str] = Counter()
    for session_id in listed(http):
        for row in detail(http, session_id)["tool_calls"]:
            calls[row["name"]] += row["calls"]
    asked = Counter(truth(scenario)["expected"]["tool_calls"])
    if scenario.name == "05-failed-tool-loop-http-json-cumulative":
        # Claude Code tells nothing of an Edit that it refused before it ran.
        del asked["Edit"]
    assert calls == asked


def test_failed_calls(http: TestClient) -> None:
    told = detail(http, FAILURES)
    assert told["tool_calls"] == [{"name": "Bash", "calls": 5, "failures": 5, "denials": 0}]


def test_commits_and_branches_that_the_session_named(http: TestClient) -> None:
    told = detail(http, COMMITS)
    assert [row["value"] for row in told["commits"]] == [
        "91c45bb6887303c05608bf5566287bec5ff7d6a8",
        "445a90bab5bfd76a9a2b1cc335be4f7ced127254",
        "9a990cc8fc14d92b87f611d5c1d2384656eb17c2",
    ]
    assert [row["value"] for row in told["branches"]] == ["feature/PAY-24"]
    assert told["counts"]["commits"] == 4
    assert told["counts"]["changes_opened"] == 1


def test_counts_come_from_one_source_each(http: TestClient) -> None:
    counts = detail(http, EDITS)["counts"]
    assert {name: counts[name] for name in ("prompts", "lines_added", "lines_removed")} == {
        "prompts": 1,
        "lines_added": 2,
        "lines_removed": 1,
    }
    # Logs and metrics both tell of the one accepted edit.
    assert counts["edits_accepted"] == 1


def test_a_session_of_metrics_alone_says_what_it_does_not_know(database: Database) -> None:
    scenario = CLAUDE / "01-simple-http-protobuf"
    fill(database, [body for body in bodies(scenario) if body[0] is Signal.METRICS])
    http = client(database)
    told = detail(http, listed(http)[0])
    assert told["usage_source"] == "metric"
    assert told["sources_agree"] is None
    assert told["requests"] is None
    assert told["counts"]["prompts"] is None
    assert told["counts"]["commits"] == 0


def test_sources_that_differ_are_shown_to_differ(database: Database) -> None:
    sent = bodies(CLAUDE / "10-multi-turn-cumulative-long")
    logs = [body for body in sent if body[0] is Signal.LOGS]
    metrics = [body for body in sent if body[0] is Signal.METRICS]
    http = client(database)
    fill(database, [*logs, *metrics[:-1]])
    [session_id] = listed(http)
    told = detail(http, session_id)
    log, metric = (source["tokens"]["output"] for source in told["sources"])
    assert metric < log == told["tokens"]["output"]
    assert told["sources_agree"] is False
    fill(database, metrics[-1:])
    assert detail(http, session_id)["sources_agree"] is True


@pytest.mark.parametrize(
    "path", [f"claude-code/{STARTED_ONLY}", f"codex/{COMMITS}", "claude-code/never-was"]
)
@pytest.mark.parametrize("suffix", ["", "/explain"])
def test_no_such_session(path: str, suffix: str, http: TestClient) -> None:
    status, code, _ = refused(http, f"/v1/sessions/{path}{suffix}")
    assert (status, code) == (404, "session_not_found")


def test_an_id_may_hold_anything(database: Database) -> None:
    scenario = CLAUDE / "02-edit-bash-http-json-delta"
    odd = "a/b c?d#e/é"
    sent = [
        (signal, encoding, raw.replace(EDITS.encode(), odd.encode()))
        for signal, encoding, raw in bodies(scenario)
    ]
    fill(database, sent)
    http = client(database)
    assert listed(http) == [odd]
    path = f"/v1/sessions/claude-code/{quote(odd, safe='')}"
    assert get(http, path)["session_id"] == odd
    assert get(http, f"{path}/explain")["session_id"] == odd
    assert http.get(f"/sessions/claude-code/{quote(odd, safe='')}").status_code == 200


def test_the_label_is_that_of_the_time_asked_for(books: Database) -> None:
    asked: list[tuple[int, datetime]] = []

    def labeller(_: Connection, session_pk: int, as_of: datetime) -> Labelled | None:
        asked.append((session_pk, as_of))
        return None if as_of < NOW else labelled(as_of)

    http = client(books, labeller=labeller)
    today = detail(http, COMMITS)
    assert today["as_of"] is None
    assert today["label"] == {
        "label": "productive",
        "maturity": "provisional",
        "rule": "landed",
        "reason": "It landed.",
        "rule_set": "7",
        "due_at": "2026-12-22T00:00:00Z",
    }
    before = detail(http, COMMITS, as_of="2026-11-01")
    assert (before["as_of"], before["label"]) == ("2026-11-01T00:00:00Z", None)
    explained = get(http, f"/v1/sessions/claude-code/{COMMITS}/explain", as_of="2027-01-01T12:00Z")
    assert explained["label"]["rule"] == "landed"
    assert explained["facts"] == {"commits": 3, "reverted": None, "landed_at": ["x"]}
    assert [at for _, at in asked] == [
        NOW,
        datetime(2026, 11, 1, tzinfo=UTC),
        datetime(2027, 1, 1, 12, tzinfo=UTC),
    ]
    assert len({pk for pk, _ in asked}) == 1


def test_an_explanation_holds_facts_and_all_earlier_labels(database: Database) -> None:
    fill(database, bodies(CLAUDE / "24-commit-variants-tool-details"))
    pk = one(database, "SELECT pk FROM sessions WHERE active")
    for day in (1, 2):
        with database.writing() as connection:
            at = datetime(2026, 12, day, tzinfo=UTC)
            label = Label.PENDING if day == 1 else Label.PRODUCTIVE
            conclusions.keep_labels(connection, {pk: labelled(at, label)})
    told = get(client(database), f"/v1/sessions/claude-code/{COMMITS}/explain")
    assert set(told) == {
        *("tool", "session_id", "as_of", "label", "rules_say", "facts", "overrules"),
        *("links", "history"),
    }
    assert [(row["label"], row["labelled_at"], row["current"]) for row in told["history"]] == [
        ("productive", "2026-12-02T00:00:00Z", True),
        ("pending", "2026-12-01T00:00:00Z", False),
    ]
    assert told["history"][0]["facts"] == {"commits": 3, "reverted": None, "landed_at": ["x"]}
    [row] = get(client(database), "/v1/sessions", label="productive")["rows"]
    assert (row["label"], row["maturity"]) == ("productive", "provisional")


def labelled(as_of: datetime, label: Label = Label.PRODUCTIVE) -> Labelled:
    return Labelled(
        label=label,
        maturity=Maturity.PROVISIONAL,
        rule="landed",
        reason="It landed.",
        facts={"commits": 3, "reverted": None, "landed_at": ["x"]},
        rule_set="7",
        as_of=as_of,
        due_at=datetime(2026, 12, 22, tzinfo=UTC),
    )
