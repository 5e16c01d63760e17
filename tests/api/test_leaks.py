"""Leaks as they are answered, and marking what was tried."""

from collections.abc import Mapping
from typing import Any

import pytest
from starlette.testclient import TestClient

from classifier.leak_report import keep_leaks
from classifier.leaks import DETECTORS
from domain.leaks import Group
from store import access
from store.access import Role
from store.engine import Database
from tests.api.answering import NOW, Json, client, get, refused
from tests.filling import rows
from tests.leaking import CENT, put, session

GROUP = Group(detector="repeated_failures", tool="claude-code", repo="acme/payments")
SMALL = Group(detector="repeated_failures", tool="claude-code", repo="acme/small")
DOLLAR = 100 * CENT / 1e9
COST = 50 * CENT / 1e9


@pytest.fixture
def leaking(database: Database) -> Database:
    """Twelve sessions that loop in one repository, five people's in another, two's in a third."""
    put(
        database,
        [
            *(session(number, repeats=16, again=15) for number in range(12)),
            *(session(20 + n, repeats=16, again=15, repo="acme/search") for n in range(5)),
            *(session(30 + n, repeats=16, again=15, repo="acme/small") for n in range(2)),
            *(session(40 + number) for number in range(10)),
        ],
    )
    assert keep_leaks(database, NOW)
    return database


def mark(
    http: TestClient, leak_id: str, body: Any, headers: Mapping[str, str] | None = None
) -> tuple[int, Json]:
    response = http.post(f"/v1/leaks/{leak_id}/tried", json=body, headers=headers)
    told: Json = response.json()
    return response.status_code, told


def test_nothing_measured(empty: TestClient) -> None:
    told = get(empty, "/v1/leaks")
    assert [told[name] for name in ("period", "total", "rows", "others")] == [None, None, [], None]
    assert [each["name"] for each in told["detectors"]] == [each.name for each in DETECTORS]
    assert get(empty, "/v1/leaks/actions") == {"rows": []}


def test_a_finding(leaking: Database) -> None:
    told = get(client(leaking), "/v1/leaks")
    assert told["period"] == {
        "since": "2026-08-17",
        "until": "2026-11-16",
        "measured_at": "2026-11-22T12:30:00Z",
    }
    [row] = told["rows"]
    assert (row["id"], row["repo"], row["team"]) == (GROUP.id, "acme/payments", None)
    assert row["lost"]["estimate_usd"] == pytest.approx(12 * COST / 2)
    assert row["lost"]["low_usd"] < row["lost"]["estimate_usd"] < row["lost"]["high_usd"]
    assert row["spent_usd"] == pytest.approx(22 * COST)
    assert (row["sessions"], row["more_sessions"], row["people"]) == (12, 2, 10)
    assert row["evidence"][0]["session_id"] == "s0"
    assert row["seen_on"] == "2026-11-09"
    assert row["tried"] is None
    # The two smaller ones together: five people of one are few enough to join the other's two.
    others = told["others"]
    assert (others["findings"], others["sessions"], others["people"]) == (2, 7, 5)
    assert told["total"]["lost"]["estimate_usd"] == pytest.approx(19 * COST / 2)
    assert told["total"]["spent_usd"] == pytest.approx(29 * COST)
    [loops] = [each for each in told["detectors"] if each["name"] == "repeated_failures"]
    assert (loops["judged_sessions"], loops["untold_sessions"]) == (29, {})
    [prices] = [each for each in told["detectors"] if each["name"] == "fixed_context"]
    assert prices["untold_sessions"] == {"no_comparison": 29}


def test_filters_choose_rows_and_change_no_sum(leaking: Database) -> None:
    http = client(leaking)
    told = get(http, "/v1/leaks")
    same = get(http, "/v1/leaks", detector="repeated_failures", repo=["acme/payments", "x"])
    assert same == told
    none = get(http, "/v1/leaks", detector="no_commit")
    assert none == told | {"rows": []}
    # A group that is pooled can't be asked for by its name.
    assert get(http, "/v1/leaks", repo="acme/small")["rows"] == []
    assert refused(http, "/v1/leaks", user="p_1")[:2] == (400, "invalid_parameter")


def test_what_was_tried_is_shown_with_the_leak(leaking: Database) -> None:
    http = client(leaking)
    assert mark(http, GROUP.id, {"note": "installed make"}) == (
        200,
        {
            "id": GROUP.id,
            "tried_on": "2026-11-22",
            "note": "installed make",
            "withdrawn": False,
            "tried_by": "local",
            "recorded_at": "2026-11-22T12:30:00Z",
        },
    )
    [row] = get(http, "/v1/leaks/actions")["rows"]
    assert (row["id"], row["tried_on"], row["note"]) == (GROUP.id, "2026-11-22", "installed make")
    assert row["effect"]["state"] == "nothing_before"
    assert get(http, "/v1/leaks")["rows"][0]["tried"] == row


def test_a_day_said_again_and_taken_back(leaking: Database) -> None:
    http = client(leaking)
    for note in ("one", "two"):
        assert mark(http, GROUP.id, {"note": note, "at": "2026-11-03T23:30:00-02:00"})[0] == 200
    assert mark(http, GROUP.id, {"at": "2026-11-10"})[0] == 200
    kept = rows(leaking, "leak_actions", "tried_on, note, repo, tried_by")
    assert kept == [
        ("2026-11-04", "two", "acme/payments", "local"),
        ("2026-11-10", "", "acme/payments", "local"),
    ]
    status, told = mark(http, GROUP.id, {"at": "2026-11-04", "withdrawn": True})
    assert (status, told["withdrawn"]) == (200, True)
    status, problem = mark(http, GROUP.id, {"at": "2026-11-04", "withdrawn": True})
    assert (status, problem["code"]) == (404, "leak_action_not_found")
    assert len(rows(leaking, "leak_actions")) == 1


@pytest.mark.parametrize("leak_id", ["never-was", SMALL.id])
def test_a_leak_that_is_not_told_of(leaking: Database, leak_id: str) -> None:
    status, problem = mark(client(leaking), leak_id, {"note": "x"})
    assert (status, problem["code"]) == (404, "leak_not_found")
    assert rows(leaking, "leak_actions") == []


@pytest.mark.parametrize(
    "body",
    [
        {"at": "2026-11-23"},
        {"at": "yesterday"},
        {"note": "x" * 1001},
        {"note": 3},
        {"withdrawn": "yes"},
        {"by": "me"},
        [],
    ],
)
def test_a_mark_of_another_form_is_refused(leaking: Database, body: Any) -> None:
    status, problem = mark(client(leaking), GROUP.id, body)
    assert (status, problem["code"]) == (400, "invalid_parameter")
    assert rows(leaking, "leak_actions") == []


def test_no_form_of_another_page_can_mark(empty: TestClient) -> None:
    headers = {"Content-Type": "text/plain"}
    response = empty.post("/v1/leaks/any/tried", content="{}", headers=headers)
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")


def test_marks_take_a_lead_or_admin(leaking: Database) -> None:
    with leaking.writing() as connection:
        secrets = {r.value: access.create(connection, r.value, r, NOW) for r in Role}
    http = client(leaking, open_without=False)
    told = {
        role: mark(http, GROUP.id, {}, {"Authorization": f"Bearer {secret}"})
        for role, (_, secret) in secrets.items()
    }
    assert {role: status for role, (status, _) in told.items()} == {
        "ingest": 403,
        "viewer": 403,
        "lead": 200,
        "admin": 200,
    }
    assert told["lead"][1]["tried_by"] == secrets["lead"][0]
