"""The page of one session: its hours, what happened in order, what people and models say of it."""

from datetime import timedelta

from starlette.testclient import TestClient

from classifier.run import classify
from domain.labels import Label
from store import overrules
from store.engine import Database
from tests.api.answering import NOW, client
from tests.api.pages.looking_up import look, table
from tests.api.working import story
from tests.capturing import CAPTURES
from tests.filling import bodies, fill, one
from tests.spending import Used, put
from tests.store import test_predictions as foretelling

COMMITS = "/sessions/claude-code/c00747f8-588c-4bd7-a6c0-ac31be606bd8"


def linked(database: Database) -> TestClient:
    """The session that made the commits of a change."""
    fill(database, bodies(CAPTURES / "claude-code" / "24-commit-variants-tool-details"))
    story(database)
    while classify(database, NOW):
        pass
    return client(database)


def test_hours_are_drawn_and_told(database: Database) -> None:
    hours = [NOW - timedelta(hours=back) for back in (5, 3, 1)]
    put(database, [Used(at=at, requests=n) for n, at in enumerate(hours, 1)])
    http = client(database)
    page = look(http, "/sessions/opencode/s1")
    assert [told["aria-label"] for tag, told in page.tags if told.get("role") == "img"] == [
        "List price by hour (UTC)",
        "Prompt per request by hour (UTC)",
    ]
    rows = table(http, "/sessions/opencode/s1", table="hours")
    assert [(row["requests"], row["prompt_tokens_mean"]) for row in rows] == [
        ("1", "100000"),
        ("2", "100000"),
        ("3", "100000"),
    ]
    assert sum(float(row["list_usd"]) for row in rows) == 6 * 0.3


def test_one_hour_is_no_course(database: Database) -> None:
    put(database, [Used(at=NOW)])
    page = look(client(database), "/sessions/opencode/s1")
    assert not [told for _, told in page.tags if told.get("role") == "img"]


def test_what_happened_stands_in_order_with_the_change_and_every_rule(database: Database) -> None:
    http = linked(database)
    rows = table(http, COMMITS, table="timeline")
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)
    told = [(row["what"], row["of"]) for row in rows]
    assert ("opened", "acme/payments #7") in told
    assert ("merged", "acme/payments #7") in told
    assert ("first record", "") in told
    [kept] = [row for row in rows if row["what"].startswith("labelled ")]
    assert kept["of"] == f"rule {one(database, 'SELECT rule FROM labels')}"
    assert kept["note"] == one(database, "SELECT reason FROM labels")
    page = look(http, COMMITS)
    assert page.links["acme/payments #7"] == "/changes/acme/payments/7"


def test_it_says_where_the_rule_stands_among_the_others(database: Database) -> None:
    http = linked(database)
    rules = http.get("/v1/rules").json()["rows"]
    label = http.get(f"/v1{COMMITS}").json()["label"]
    place = [rule["name"] for rule in rules].index(label["rule"]) + 1
    assert f"It is number {place} of {len(rules)} in their order" in look(http, COMMITS).text


def test_what_people_said_is_shown_with_what_the_rules_said(database: Database) -> None:
    http = linked(database)
    said = {"label": "neutral", "reason": "A trial."}
    assert http.post(f"/v1{COMMITS}/label", json=said).status_code == 200
    page = look(http, COMMITS)
    assert "What people said" in page.text
    assert "neutral: A trial. by local; the rules said" in page.text
    rows = table(http, COMMITS, table="timeline")
    assert ("overruled: neutral", "by local", "A trial.") in [
        (row["what"], row["of"], row["note"]) for row in rows
    ]
    with database.writing() as connection:
        pk = one(database, "SELECT pk FROM sessions WHERE active")
        assert overrules.withdraw(connection, pk, by="local", at=NOW + timedelta(minutes=1))
    assert "taken back 22 Nov 2026, 12:31 UTC" in look(http, COMMITS).text


def test_a_prediction_is_marked_as_one(database: Database) -> None:
    foretelling.told(database, "a", "b")
    foretelling.labelled(database, Label.PENDING, "a", "b")
    model = foretelling.model(database)
    said = {"a": foretelling.said(0.9, Label.WASTEFUL), "b": foretelling.said(0.4)}
    foretelling.keep(database, model, said)
    http = client(database)
    page = look(http, "/sessions/codex/a").text
    assert "A prediction, made" in page
    assert "the label does not rest on it. It will likely end wasteful" in page
    assert "Wasteful 90 %" in page
    rows = table(http, "/sessions/codex/a", table="timeline")
    assert ("foretold: wasteful", "a prediction, no label") in [
        (row["what"], row["note"]) for row in rows
    ]
    assert "likely end" not in look(http, "/sessions/codex/b").text
    foretelling.labelled(database, Label.PRODUCTIVE, "a", when=NOW + timedelta(days=1))
    assert "A prediction" not in look(http, "/sessions/codex/a").text
