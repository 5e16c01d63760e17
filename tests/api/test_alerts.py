"""Alerts over HTTP: shown, acknowledged, snoozed, resolved."""

import pytest
from starlette.testclient import TestClient

from domain.alerts import AlertKind, Finding, Told
from store import access, alerts, notices
from store.access import Role
from store.engine import Database
from tests.api.answering import NOW, Json, client, get, refused

FINDING = Finding(
    kind=AlertKind.TOOL_SILENT, subject="codex", sentence="Silent.", facts={"quiet_hours": 9}
)
PRIVATE = Finding(kind=AlertKind.BUDGET, subject="b", sentence="Budget of p_1.", private=True)


def opened(database: Database, *findings: Finding) -> dict[str, str]:
    """These alerts; their ids by subject."""
    with database.writing() as connection:
        for each in findings:
            alerts.reconcile(connection, {each.kind: [each]}, NOW)
        found = alerts.find(connection, alerts.AlertFilter(private=True), 9)
    return {each.subject: each.id for each in found}


def post(http: TestClient, path: str, body: Json, status: int = 200, **headers: str) -> Json:
    response = http.post(path, json=body, headers=headers)
    assert response.status_code == status, response.text
    told: Json = response.json()
    return told


def test_an_alert_says_what_was_seen_and_how_it_was_told(database: Database) -> None:
    ids = opened(database, FINDING)
    with database.writing() as connection:
        notices.enqueue(connection, ["mail"], NOW)
        claimed = notices.claim(connection, "mail", NOW, 9)
        notices.settle(connection, "mail", claimed, Told.FAILED, now=NOW, error="refused")
    [row] = get(client(database), "/v1/alerts")["rows"]
    stamp = "2026-11-22T12:30:00Z"
    assert row == {
        "id": ids["codex"],
        "kind": "tool_silent",
        "subject": "codex",
        "state": "open",
        "sentence": "Silent.",
        "facts": {"quiet_hours": 9},
        "holds": True,
        "opened_at": stamp,
        "last_at": stamp,
        "count": 1,
        "resolved_at": None,
        "snoozed_until": None,
        "changed_by": None,
        "changed_at": None,
        "note": None,
        "told": [
            {
                "event": "opened",
                "at": stamp,
                "channel": "mail",
                "state": "failed",
                "attempts": 1,
                "told_at": None,
                "error": "refused",
            }
        ],
    }


def test_it_is_acknowledged_snoozed_and_resolved(database: Database) -> None:
    path = f"/v1/alerts/{opened(database, FINDING)['codex']}"
    http = client(database)
    told = post(http, f"{path}/acknowledge", {"note": "on it"})
    assert (told["state"], told["note"], told["changed_by"]) == ("acknowledged", "on it", "local")
    told = post(http, f"{path}/snooze", {"until": "2026-11-23"})
    assert (told["state"], told["snoozed_until"]) == ("snoozed", "2026-11-23T00:00:00Z")
    told = post(http, f"{path}/resolve", {})
    assert (told["state"], told["resolved_at"]) == ("resolved", "2026-11-22T12:30:00Z")
    assert get(http, "/v1/alerts", state="open")["rows"] == []
    assert len(get(http, "/v1/alerts", state=["open", "resolved"])["rows"]) == 1
    assert len(get(http, "/v1/alerts", kind="tool_silent", limit=1)["rows"]) == 1
    assert get(http, "/v1/alerts", kind="budget")["rows"] == []


@pytest.mark.parametrize("action", ["acknowledge", "resolve"])
def test_an_alert_that_is_not_there(action: str, empty: TestClient) -> None:
    told = post(empty, f"/v1/alerts/nobody/{action}", {}, 404)
    assert told["code"] == "alert_not_found"


@pytest.mark.parametrize("body", [{}, {"until": "soon"}, {"until": "9999-01-01"}, {"x": 1}])
def test_snoozing_takes_a_time(body: Json, empty: TestClient) -> None:
    told = post(empty, "/v1/alerts/nobody/snooze", body, 400)
    assert told["code"] == "invalid_parameter"


@pytest.mark.parametrize("until", ["2026-11-22", "2026-11-22T12:30:00Z", "1990-01-01"])
def test_nothing_is_snoozed_into_the_past(until: str, database: Database) -> None:
    path = f"/v1/alerts/{opened(database, FINDING)['codex']}/snooze"
    http = client(database)
    told = post(http, path, {"until": until}, 400)
    assert told["code"] == "invalid_parameter"
    assert [row["state"] for row in get(http, "/v1/alerts")["rows"]] == ["open"]


def test_a_form_handles_no_alert(database: Database) -> None:
    path = f"/v1/alerts/{opened(database, FINDING)['codex']}/resolve"
    response = client(database).post(path, content="{}", headers={"content-type": "text/plain"})
    assert response.status_code in (400, 415)
    [row] = get(client(database), "/v1/alerts")["rows"]
    assert row["state"] == "open"


def test_leads_handle_alerts_and_admins_those_about_people(database: Database) -> None:
    ids = opened(database, FINDING, PRIVATE)
    secrets: dict[Role, str] = {}
    with database.writing() as connection:
        for role in Role:
            _, secrets[role] = access.create(connection, role.value, role, NOW)
    http = client(database, open_without=False, host="assay.example.com")
    shown = {Role.VIEWER: {"codex"}, Role.LEAD: {"codex"}, Role.ADMIN: {"codex", "b"}}
    for role, subjects in shown.items():
        headers = {"Authorization": f"Bearer {secrets[role]}"}
        rows = http.get("/v1/alerts", headers=headers).json()["rows"]
        assert {row["subject"] for row in rows} == subjects
        status = 403 if role is Role.VIEWER else 200
        post(http, f"/v1/alerts/{ids['codex']}/acknowledge", {}, status, **headers)
        private = {Role.VIEWER: 403, Role.LEAD: 404, Role.ADMIN: 200}[role]
        post(http, f"/v1/alerts/{ids['b']}/resolve", {}, private, **headers)
    with database.reading() as connection:
        changed = alerts.get(connection, ids["codex"])
    assert changed is not None
    assert changed.changed_by not in (None, "local")


def test_a_misspelt_parameter_is_refused(empty: TestClient) -> None:
    assert refused(empty, "/v1/alerts", sate="open")[:2] == (400, "invalid_parameter")
