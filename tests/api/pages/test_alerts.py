"""The page of alerts, and its forms: who may send them, and from where."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.pages.forms import SNOOZES
from domain.alerts import AlertKind, Told
from store import access, alerts, audit, notices
from store.access import Role
from store.engine import Database
from tests.api.answering import NOW, client, get
from tests.api.pages.looking_up import Page, look, table
from tests.api.test_alerts import FINDING, PRIVATE, opened
from tests.api.test_budgets import filled

OURS = {"Sec-Fetch-Site": "same-origin"}


def send(
    http: TestClient, alert_id: str, headers: Mapping[str, str] = OURS, /, **fields: str
) -> int:
    """The status of the answer to a form of the page."""
    path = f"/alerts/{alert_id}"
    response = http.post(path, data=fields, headers=headers, follow_redirects=False)
    if response.status_code == 303:
        assert response.headers["location"].startswith("/alerts?done=")
    return response.status_code


def state(http: TestClient) -> dict[str, Any]:
    [row] = get(http, "/v1/alerts")["rows"]
    found: dict[str, Any] = row
    return found


def test_without_any_it_says_so(empty: TestClient) -> None:
    page = look(empty, "/alerts").text
    assert "Nothing: no alert is open." in page
    assert "assay alerts test" in page


def test_an_alert_says_what_was_seen_and_who_was_told(database: Database) -> None:
    opened(database, FINDING)
    with database.writing() as connection:
        notices.enqueue(connection, ["mail"], NOW)
        claimed = notices.claim(connection, "mail", NOW, 9)
        notices.settle(connection, "mail", claimed, Told.FAILED, now=NOW, error="550 unknown")
    page = look(client(database), "/alerts").text
    assert "1 alert is not resolved. 1 message was refused on the way." in page
    assert "Tool silent open Silent." in page
    assert "quiet hours 9" in page
    assert "mail: opened 22 Nov 2026, 12:30 UTC, failed (550 unknown)" in page


@pytest.mark.parametrize(
    ("act", "becomes"),
    [("acknowledge", "acknowledged"), ("snooze", "snoozed"), ("resolve", "resolved")],
)
def test_a_form_does_what_the_json_route_does(act: str, becomes: str, database: Database) -> None:
    ids = opened(database, FINDING)
    http = client(database)
    assert send(http, ids["codex"], act=act, days="7", note=" On it. ") == 303
    told = state(http)
    assert (told["state"], told["note"], told["changed_by"]) == (becomes, "On it.", "local")
    week = (NOW + timedelta(days=7)).isoformat().replace("+00:00", "Z")
    assert told["snoozed_until"] == (week if act == "snooze" else None)
    assert becomes in look(http, "/alerts").text
    [row] = table(http, "/alerts")
    assert (row["state"], row["note"]) == (becomes, "On it.")
    with database.reading() as connection:
        [noted] = audit.page(connection, 9)
    assert (noted.action, noted.object) == ("POST /alerts/{alert_id}", ids["codex"])


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_a_form_of_another_site_changes_nothing(
    headers: dict[str, str], database: Database
) -> None:
    ids = opened(database, FINDING)
    http = client(database)
    assert send(http, ids["codex"], headers, act="resolve") == 403
    assert state(http)["state"] == "open"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"act": "delete"},
        {"act": "snooze"},
        {"act": "snooze", "days": "x"},
        {"act": "snooze", "days": str(max(SNOOZES) + 1)},
        {"act": "resolve", "note": "x" * 2001},
        {"act": "resolve", "note": "\0"},
        {"act": "resolve", "more": "x" * 30_000},
        {"act": "resolve", **{f"f{number}": "x" for number in range(30)}},
    ],
)
def test_a_form_that_is_none_of_ours_is_refused(fields: dict[str, str], database: Database) -> None:
    ids = opened(database, FINDING)
    http = client(database)
    assert send(http, ids["codex"], OURS, **fields) == 400
    assert state(http)["state"] == "open"


def test_who_sees_and_handles_what(database: Database) -> None:
    ids = opened(database, FINDING, PRIVATE)
    with database.writing() as connection:
        made = {
            role: access.create(connection, role.value, role, NOW)[1]
            for role in (Role.VIEWER, Role.LEAD, Role.ADMIN)
        }
    http = client(database, open_without=False, host="assay.example.com")
    for role, secret in made.items():
        headers = {"Authorization": f"Bearer {secret}", "Accept": "text/html"}
        page = Page(http.get("/alerts", headers=headers).text)
        assert ("Budget of p_1." in page.text) is (role is Role.ADMIN)
        forms = [told for tag, told in page.tags if tag == "form" and told["method"] == "post"]
        assert bool(forms) is (role is not Role.VIEWER)
        known = 403 if role is Role.VIEWER else 303
        assert send(http, ids["codex"], headers, act="acknowledge") == known
        hidden = {Role.VIEWER: 403, Role.LEAD: 404, Role.ADMIN: 303}[role]
        assert send(http, ids["b"], headers, act="acknowledge") == hidden


def test_leads_handle_what_is_of_their_teams_and_see_the_rest(database: Database) -> None:
    of_team = replace(
        FINDING,
        kind=AlertKind.SPEND_ANOMALY,
        subject="team payments",
        facts={"scope": "team", "value": "payments"},
    )
    ids = opened(database, FINDING, of_team)
    # What few people spent only their lead sees: five are enough.
    filled(database, people=5)
    led: tuple[tuple[str, ...], ...] = (("payments",), ("web",), ("*",), ())
    with database.writing() as connection:
        made = {
            teams: access.create(connection, "", Role.LEAD, NOW, teams=list(teams))[1]
            for teams in led
        }
    http = client(database, open_without=False, host="assay.example.com")
    own: dict[tuple[str, ...], set[str]] = {
        ("payments",): {"team payments"},
        ("*",): {"team payments", "codex"},
    }
    for teams, secret in made.items():
        headers = {"Authorization": f"Bearer {secret}", "Accept": "text/html"}
        page = Page(http.get("/alerts", headers=headers).text)
        assert page.text.count("First seen") == 2
        mine = own.get(teams, set())
        forms = {
            told["action"] for tag, told in page.tags if tag == "form" and told["method"] == "post"
        }
        assert forms == {f"/alerts/{ids[subject]}" for subject in mine}
        for subject, alert_id in ids.items():
            status = 303 if subject in mine else 403
            assert send(http, alert_id, headers, act="acknowledge") == status
            answer = http.post(f"/v1/alerts/{alert_id}/acknowledge", json={}, headers=headers)
            assert answer.status_code == (200 if subject in mine else 403)


def test_filters(database: Database) -> None:
    ids = opened(database, FINDING)
    http = client(database)
    assert send(http, ids["codex"], act="resolve") == 303
    assert table(http, "/alerts", state="open") == []
    assert "None is like this that is not resolved." in look(http, "/alerts?state=open").text
    assert [row["state"] for row in table(http, "/alerts", state="resolved")] == ["resolved"]
    assert [row["kind"] for row in table(http, "/alerts", kind="tool_silent")] == ["tool_silent"]
    assert table(http, "/alerts", kind="budget") == []


def test_many_that_are_over_do_not_hide_one_that_is_not(database: Database) -> None:
    others = [replace(FINDING, subject=f"tool-{number}") for number in range(201)]
    with database.writing() as connection:
        alerts.reconcile(connection, {FINDING.kind: [FINDING]}, NOW - timedelta(days=9))
        alerts.reconcile(connection, {FINDING.kind: [FINDING, *others]}, NOW)
        alerts.reconcile(connection, {FINDING.kind: [FINDING]}, NOW)
    rows = table(client(database), "/alerts")
    assert (rows[0]["subject"], rows[0]["state"]) == ("codex", "open")
    assert {row["state"] for row in rows[1:]} == {"resolved"}
