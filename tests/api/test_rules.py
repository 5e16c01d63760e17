"""The rules as they are told, and what a person's word on a session does."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from classifier.rule_table import RULE_SET, RULES
from classifier.run import classify
from classifier.thresholds import Thresholds
from store import access, judged, retention
from store.access import Role
from store.dirty import mark_sessions
from store.engine import Database
from tests.api.answering import NOW, Json, client, get
from tests.capturing import CAPTURES
from tests.filling import bodies, fill, one, rows

SESSION = "c00747f8-588c-4bd7-a6c0-ac31be606bd8"
PATH = f"/v1/sessions/claude-code/{SESSION}"
WHY = "the spike that the design came from"


@pytest.fixture
def labelled(database: Database) -> Database:
    """A session that the rules call neutral: it edited nothing."""
    fill(database, bodies(CAPTURES / "claude-code" / "24-commit-variants-tool-details"))
    settle(database)
    return database


def settle(database: Database) -> None:
    while classify(database, NOW):
        pass


def say(http: TestClient, body: Any, headers: dict[str, str] | None = None) -> tuple[int, Json]:
    response = http.post(f"{PATH}/label", json=body, headers=headers)
    return response.status_code, response.json()


def earlier(database: Database) -> None:
    """Let what was said have been said a minute ago."""
    with database.writing() as connection:
        connection.execute(text("UPDATE label_overrules SET said_at = said_at - 60000000"))


def rule(http: TestClient, name: str) -> Json:
    [row] = [row for row in get(http, "/v1/rules")["rows"] if row["name"] == name]
    return dict(row)


def test_the_rules_are_told_in_their_order_with_their_numbers(labelled: Database) -> None:
    told = get(client(labelled), "/v1/rules")
    assert told["rule_set"] == RULE_SET
    assert [row["name"] for row in told["rows"]] == [each.name for each in RULES]
    assert told["thresholds"]["costly_times"] == Thresholds().costly_times
    assert "release/*" in told["thresholds"]["release_branches"]
    assert all("{" not in row["sentence"] + row["final"] for row in told["rows"])
    assert {row["name"]: row["sessions"] for row in told["rows"] if row["sessions"]} == {
        "no_forge": 1
    }
    assert (told["said"], told["agreement"], told["agreement_interval"]) == (0, None, None)


def test_a_word_is_the_label_and_the_rules_stand_beside_it(labelled: Database) -> None:
    http = client(labelled)
    by_rules = get(http, PATH)["label"]
    status, answer = say(http, {"label": "productive", "reason": f"  {WHY} "})
    assert status == 200
    assert answer == {
        "tool": "claude-code",
        "session_id": SESSION,
        "label": "productive",
        "said_by": "local",
        "said_at": "2026-11-22T12:30:00Z",
        "rules_say": by_rules,
    }
    assert get(http, "/v1/status")["pending"] > 0
    settle(labelled)
    [row] = get(http, "/v1/sessions")["rows"]
    assert (row["label"], row["maturity"]) == ("productive", "final")
    told = get(http, f"{PATH}/explain")
    assert told["label"] == {
        "label": "productive",
        "maturity": "final",
        "rule": "overruled",
        "reason": f"A person has said so: {WHY}",
        "rule_set": RULE_SET,
        "due_at": None,
    }
    assert told["rules_say"] == by_rules
    assert told["facts"]["rules"]["rule"] == by_rules["rule"]
    [said] = told["overrules"]
    assert (said["label"], said["reason"], said["withdrawn_at"]) == ("productive", WHY, None)
    assert (said["rule"], said["rule_label"]) == (by_rules["rule"], by_rules["label"])
    page = http.get(f"/sessions/claude-code/{SESSION}").text
    assert WHY in page
    assert f"The rules say {by_rules['label']}" in page


def test_verdicts_count_it_as_the_person_has_it(labelled: Database) -> None:
    say(client(labelled), {"label": "wasteful", "reason": WHY})
    settle(labelled)
    with labelled.reading() as connection:
        [session] = judged.sessions(connection)
    assert (session.label.value, session.maturity.value) == ("wasteful", "final")


def test_it_stays_when_the_session_is_concluded_anew(labelled: Database) -> None:
    http = client(labelled)
    say(http, {"label": "wasteful", "reason": WHY})
    settle(labelled)
    pk = one(labelled, "SELECT pk FROM sessions WHERE session_id = :id", id=SESSION)
    with labelled.writing() as connection:
        mark_sessions(connection, [pk])
    settle(labelled)
    assert get(http, "/v1/sessions")["rows"][0]["label"] == "wasteful"


def test_a_later_word_replaces_the_first_and_null_takes_it_back(labelled: Database) -> None:
    http = client(labelled)
    before = get(http, PATH)["label"]
    say(http, {"label": "wasteful", "reason": "at first sight"})
    earlier(labelled)
    assert say(http, {"label": "neutral", "reason": WHY})[0] == 200
    settle(labelled)
    assert get(http, PATH)["label"]["label"] == "neutral"
    status, answer = say(http, {"label": None})
    assert (status, answer["label"]) == (200, None)
    settle(labelled)
    assert get(http, PATH)["label"] == before
    told = get(http, f"{PATH}/explain")
    assert told["rules_say"] is None
    assert [each["label"] for each in told["overrules"]] == ["neutral", "wasteful"]
    assert all(each["withdrawn_at"] and each["withdrawn_by"] for each in told["overrules"])
    assert say(http, {"label": None})[1]["code"] == "not_overruled"


def test_last_months_answer_knows_nothing_of_todays_word(labelled: Database) -> None:
    http = client(labelled)
    say(http, {"label": "wasteful", "reason": WHY})
    before = (NOW - timedelta(seconds=1)).isoformat()
    assert get(http, PATH, as_of=before)["label"]["rule"] == "no_forge"
    assert get(http, PATH)["label"]["rule"] == "overruled"


def test_by_what_people_say_the_rules_are_measured(labelled: Database) -> None:
    http = client(labelled)
    say(http, {"label": "wasteful", "reason": WHY})
    settle(labelled)
    row = rule(http, "no_forge")
    assert (row["said"], row["agreed"], row["overruled_to"]) == (1, 0, {"wasteful": 1})
    assert row["agreement"] == 0
    assert row["agreement_interval"]["low"] == 0
    assert 0.5 < row["agreement_interval"]["high"] < 1
    told = get(http, "/v1/rules")
    assert (told["overruled_sessions"], told["said"], told["agreed"]) == (1, 1, 0)


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"label": "productive"},
        {"label": "productive", "reason": "  "},
        {"label": "pending", "reason": WHY},
        {"label": "great", "reason": WHY},
        {"label": "productive", "reason": 1},
        {"label": "productive", "reason": "x" * 1001},
        {"label": "productive", "reason": "a\0b"},
        {"label": "productive", "reason": WHY, "by": "me"},
    ],
)
def test_a_word_of_another_form_is_refused(labelled: Database, body: Any) -> None:
    status, problem = say(client(labelled), body)
    assert (status, problem["code"]) == (400, "invalid_parameter")
    assert rows(labelled, "label_overrules") == []


def test_a_word_on_no_session(empty: TestClient) -> None:
    status, problem = say(empty, {"label": "neutral", "reason": WHY})
    assert (status, problem["code"]) == (404, "session_not_found")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_no_form_of_another_page_can_overrule(labelled: Database, kind: str) -> None:
    response = client(labelled).post(
        f"{PATH}/label",
        content='{"label": "neutral", "reason": "x"}',
        headers={"Content-Type": kind},
    )
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("open_without", [True, False], ids=["loopback", "elsewhere"])
def test_overruling_takes_a_lead_or_admin(labelled: Database, open_without: bool) -> None:
    with labelled.writing() as connection:
        secrets = {r.value: access.create(connection, r.value, r, NOW) for r in Role}
    http = client(labelled, open_without=open_without)
    headers = {role: {"Authorization": f"Bearer {secret}"} for role, (_, secret) in secrets.items()}
    told = {
        role: say(http, {"label": "neutral", "reason": WHY}, headers.get(role))
        for role in ("none", *headers)
    }
    assert {role: status for role, (status, _) in told.items()} == {
        "none": 401,
        "ingest": 403,
        "viewer": 403,
        "lead": 200,
        "admin": 200,
    }
    assert told["lead"][1]["said_by"] == secrets["lead"][0]


def test_a_word_goes_with_its_session(labelled: Database) -> None:
    say(client(labelled), {"label": "neutral", "reason": WHY})
    settle(labelled)
    assert len(rows(labelled, "label_overrules")) == 1
    retention.raise_horizon(labelled, NOW + timedelta(days=1))
    assert sum(retention.forget_sessions(labelled, NOW + timedelta(hours=1))) == 1
    assert rows(labelled, "label_overrules") == []
