"""Budgets, forecasts and scenarios over HTTP."""

from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from store import access
from store.access import Role
from store.engine import Database
from tests.api.answering import NOW, Json, client, get, refused
from tests.filling import rows
from tests.spending import SONNET, Used, put

ASKED = {"name": "Payments", "scope": "team", "value": "payments", "amount": 20}


def post(http: TestClient, path: str, body: Json, status: int = 200, **headers: str) -> Json:
    response = http.post(path, json=body, headers=headers)
    assert response.status_code == status, response.text
    told: Json = response.json()
    return told


def filled(database: Database, people: int = 1) -> TestClient:
    """Two requests a day of each of one team (60 cents), for nine weeks up to yesterday."""
    used = [
        Used(
            at=NOW - timedelta(days=back),
            requests=2,
            session=f"s{back}-{person}",
            team="payments",
            user=f"p_{person}",
        )
        for back in range(1, 64)
        for person in range(1, people + 1)
    ]
    put(database, used)
    return client(database)


def test_a_budget_is_set_shown_and_removed(database: Database) -> None:
    http = filled(database)
    made = post(http, "/v1/budgets", ASKED)
    assert {
        name: made[name] for name in ("name", "scope", "value", "amount", "unit", "period")
    } == {
        **ASKED,
        "unit": "usd",
        "period": "month",
    }
    assert (made["thresholds"], made["valid_from"]) == ([50, 80, 100], "2026-11-22")
    assert (made["created_by"], made["created_at"]) == ("local", "2026-11-22T12:30:00Z")
    [row] = get(http, "/v1/budgets")["rows"]
    assert {**made, "standing": row["standing"], "withheld": False} == row
    standing = row["standing"]
    assert (standing["from"], standing["to"]) == ("2026-11-01", "2026-12-01")
    assert (standing["basis"], standing["coverage"]) == ("list", 1)
    assert standing["spent"] == pytest.approx(21 * 0.6)
    assert standing["committed"] is None
    assert standing["used_share"] == pytest.approx(21 * 0.6 / 20)
    assert standing["passed"] == 50
    assert standing["at_end"]["expected"] == pytest.approx(30 * 0.6)
    assert standing["backtest"]["wape"] == pytest.approx(0, abs=1e-9)
    assert (standing["runs_out"], standing["runs_out_on"]) == ("not_in_period", None)
    removed = http.delete(f"/v1/budgets/{made['id']}")
    assert removed.json() == made
    assert get(http, "/v1/budgets")["rows"] == []
    again = http.delete(f"/v1/budgets/{made['id']}")
    assert (again.status_code, again.json()["code"]) == (404, "budget_not_found")
    # It stays readable for whoever looks at its alerts.
    assert len(rows(database, "budgets")) == 1


def test_a_budget_of_tokens(database: Database) -> None:
    http = filled(database)
    post(
        http,
        "/v1/budgets",
        {"name": "T", "unit": "tokens", "amount": 5_000_000, "period": "quarter"},
    )
    [row] = get(http, "/v1/budgets")["rows"]
    standing = row["standing"]
    assert (standing["from"], standing["to"]) == ("2026-10-01", "2027-01-01")
    assert (standing["spent"], standing["committed"]) == (52 * 200_000, 0)
    assert (standing["runs_out"], standing["passed"]) == ("already", 100)


def test_a_budget_that_begins_later_does_not_stand_yet(database: Database) -> None:
    http = client(database)
    post(http, "/v1/budgets", {"name": "N", "amount": 5, "valid_from": "2027-01-01"})
    [row] = get(http, "/v1/budgets")["rows"]
    assert row["standing"] is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": 0},
        {"amount": -5},
        {"amount": 1e10},
        {"amount": "much"},
        {"scope": "company"},
        {"value": ""},
        {"scope": "planet"},
        {"name": ""},
        {"thresholds": []},
        {"thresholds": [0]},
        {"thresholds": [1001]},
        {"unit": "tokens", "amount": 1.5},
        {"valid_from": "2026-11-22", "valid_to": "2026-11-21"},
        {"colour": "red"},
        {"name": "a\0b"},
    ],
)
def test_a_budget_that_makes_no_sense_is_refused(wrong: Json, empty: TestClient) -> None:
    told = post(empty, "/v1/budgets", {**ASKED, **wrong}, status=400)
    assert told["code"] == "invalid_parameter"
    assert get(empty, "/v1/budgets")["rows"] == []


def test_a_form_sets_no_budget(empty: TestClient) -> None:
    response = empty.post("/v1/budgets", content="name=x", headers={"content-type": "text/plain"})
    assert response.status_code in (400, 415)
    assert get(empty, "/v1/budgets")["rows"] == []


def test_what_is_about_one_person_is_for_admins(database: Database) -> None:
    filled(database)
    secrets: dict[Role, str] = {}
    with database.writing() as connection:
        for role in Role:
            _, secrets[role] = access.create(connection, role.value, role, NOW)
    http = client(database, open_without=False, host="assay.example.com")

    def as_(role: Role) -> dict[str, str]:
        return {"Authorization": f"Bearer {secrets[role]}"}

    person = {"name": "P", "scope": "person", "value": "p_1", "amount": 5}
    for role in (Role.VIEWER, Role.LEAD):
        assert post(http, "/v1/budgets", person, 403, **as_(role))["code"] == "forbidden"
    made = post(http, "/v1/budgets", person, 200, **as_(Role.ADMIN))
    post(http, "/v1/budgets", ASKED, 200, **as_(Role.ADMIN))
    assert made["created_by"] != "local"
    for role, shown in ((Role.VIEWER, 1), (Role.LEAD, 1), (Role.ADMIN, 2)):
        assert len(http.get("/v1/budgets", headers=as_(role)).json()["rows"]) == shown
        about = {"scope": "person", "value": "p_1"}
        status = 200 if role is Role.ADMIN else 403
        assert http.get("/v1/forecast", params=about, headers=as_(role)).status_code == status
        body = {**about, "scenarios": [{"kind": "cache_share", "share": 0.5}]}
        post(http, "/v1/forecast/scenarios", body, status, **as_(role))
        charged = http.get("/v1/chargeback", headers=as_(role))
        assert charged.status_code == status
    for role in (Role.VIEWER, Role.LEAD):
        response = http.delete(f"/v1/budgets/{made['id']}", headers=as_(role))
        assert response.status_code == 403
    assert http.delete(f"/v1/budgets/{made['id']}", headers=as_(Role.ADMIN)).status_code == 200


# Forecasts


def test_a_forecast_says_what_comes_and_how_wrong_it_was(database: Database) -> None:
    told = get(filled(database), "/v1/forecast", scope="team", value="payments", horizon=10)
    assert (told["scope"], told["value"], told["unit"], told["basis"]) == (
        "team",
        "payments",
        "usd",
        "list",
    )
    assert told["history_days"] == 63
    assert told["total"]["expected"] == pytest.approx(6)
    assert [day["day"] for day in told["days"]][:2] == ["2026-11-22", "2026-11-23"]
    assert len(told["days"]) == 10
    assert told["days"][-1]["total"] == told["total"]
    assert (told["backtest"]["horizon_days"], told["unsaid"]) == (10, None)


def test_without_history_it_says_so(empty: TestClient) -> None:
    told = get(empty, "/v1/forecast")
    assert told["unsaid"] == "a forecast takes 14 days of history; there are 0 days"
    assert (told["total"], told["days"], told["backtest"], told["history_days"]) == (
        None,
        [],
        None,
        None,
    )


@pytest.mark.parametrize(
    "asked",
    [
        {"scope": "team"},
        {"value": "payments"},
        {"horizon": 0},
        {"horizon": 367},
        {"unit": "euro"},
        {"teem": "x"},
    ],
)
def test_a_forecast_of_nothing_is_refused(asked: dict[str, Any], empty: TestClient) -> None:
    assert refused(empty, "/v1/forecast", **asked)[:2] == (400, "invalid_parameter")


# Scenarios

MONTH = 365.25 / 12


def test_each_scenario_is_answered_by_itself(database: Database) -> None:
    http = filled(database)
    body: Json = {
        "scenarios": [
            {"kind": "price_change", "model": SONNET, "factor": 2},
            {"kind": "model_switch", "model": "claude-*", "to": "claude-haiku-4-5"},
            {"kind": "head_count", "people": 1},
            {"kind": "cache_share", "share": 1},
            {"kind": "routing", "models": {"docs": "claude-haiku-4-5"}},
            {"kind": "own_hosting", "model": SONNET, "month_usd": 3, "mtok_usd": 1},
            {"kind": "small_model_trial", "model": "claude-haiku-4-5"},
        ]
    }
    told = post(http, "/v1/forecast/scenarios", body)
    assert (told["from"], told["to"]) == ("2026-10-25", "2026-11-22")
    rows_by_kind = {row["kind"]: row for row in told["rows"]}
    assert list(rows_by_kind) == [each["kind"] for each in body["scenarios"]]
    # 60 cents a day; of Haiku 20, from the cache 6.
    deltas = {
        "price_change": 0.6,
        "model_switch": -0.4,
        "head_count": 0.6,
        "cache_share": -0.54,
    }
    for kind, each in deltas.items():
        assert rows_by_kind[kind]["month_usd_now"] == pytest.approx(0.6 * MONTH, rel=1e-6)
        assert rows_by_kind[kind]["delta_usd"] == pytest.approx(each * MONTH, rel=1e-6), kind
    hosting = rows_by_kind["own_hosting"]
    # Two dollars saved on each million tokens: three dollars take a million and a half.
    assert hosting["break_even_tokens"] == 1_500_000
    assert hosting["delta_usd"] == pytest.approx(3 - 0.4 * MONTH, rel=1e-6)
    for kind in ("routing", "small_model_trial"):
        assert "no session is tied to a change" in rows_by_kind[kind]["unsaid"]
        assert rows_by_kind[kind]["delta_usd"] is None
    assert all(row["assumptions"] for row in told["rows"] if row["unsaid"] is None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"scenarios": []},
        {"scenarios": [{"kind": "magic"}]},
        {"scenarios": [{"kind": "head_count"}]},
        {"scenarios": [{"kind": "head_count", "people": 1, "factor": 2}]},
        {"scenarios": [{"kind": "cache_share", "share": 1.1}]},
        {"scenarios": [{"kind": "routing", "models": {}}]},
        {"scope": "team", "scenarios": [{"kind": "cache_share", "share": 1}]},
    ],
)
def test_a_scenario_that_makes_no_sense_is_refused(wrong: Json, empty: TestClient) -> None:
    assert post(empty, "/v1/forecast/scenarios", wrong, 400)["code"] == "invalid_parameter"
