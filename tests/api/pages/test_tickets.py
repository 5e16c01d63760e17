"""Tickets as pages: the rows of the JSON route, and one with its changes and its moves."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from classifier.run import classify
from store import work
from tests.api.answering import NOW, client, get
from tests.api.pages.looking_up import look, table
from tests.api.working import story, ticket
from tests.capturing import CAPTURES
from tests.conftest import Fresh
from tests.filling import bodies, fill


@pytest.fixture(scope="module")
def http(fresh: Fresh) -> Iterator[TestClient]:
    """A ticket of Jira with changes that a session made, one of Linear, and an issue."""
    with fresh() as database:
        fill(database, bodies(CAPTURES / "claude-code" / "24-commit-variants-tool-details"))
        story(database)
        with database.writing() as connection:
            work.apply(
                connection,
                [
                    ticket("LIN-1", tracker="linear", project="LIN"),
                    ticket("LIN-1", project="LIN", title="Another"),
                ],
            )
        while classify(database, NOW):
            pass
        yield client(database)


def test_it_lists_what_the_json_route_lists(http: TestClient) -> None:
    told = get(http, "/v1/tickets")["rows"]
    rows = {(row["tracker"], row["key"]): row["cost_usd"] for row in table(http, "/tickets")}
    assert list(rows) == [(row["tracker"], row["key"]) for row in told]
    costs = {(row["tracker"], row["key"]): row["spent"]["cost_usd"] for row in told}
    assert costs["jira", "PAY-24"] == pytest.approx(float(rows["jira", "PAY-24"]))
    assert (costs["github", "acme/payments#31"], rows["github", "acme/payments#31"]) == (None, "")


@pytest.mark.parametrize(
    ("asked", "keys"),
    [
        ({"project": "PAY"}, ["PAY-24"]),
        ({"project": "acme/payments"}, ["acme/payments#31"]),
        ({"state": "open"}, []),
        ({"project": "LIN"}, ["LIN-1", "LIN-1"]),
        ({"form": "1", "project": "", "state": "in_progress"}, []),
    ],
)
def test_filters(asked: dict[str, str], keys: list[str], http: TestClient) -> None:
    assert [row["key"] for row in table(http, "/tickets", **asked)] == keys


def test_pages_follow_each_other(http: TestClient) -> None:
    path, found = "?limit=1", []
    while path:
        page = look(http, f"/tickets{path}")
        found += [row.split()[0] for row in page.rows[1:]]
        path = page.links.get("Older", "")
    assert found == [row["key"] for row in table(http, "/tickets")]
    assert len(found) == 4


def test_a_ticket_shows_its_changes_and_how_it_moved(http: TestClient) -> None:
    page = look(http, "/tickets/PAY-24?tracker=jira")
    assert "PAY-24: Pay by card" in page.text
    asked = {"tracker": "jira"}
    changes = table(http, "/tickets/PAY-24", table="changes", **asked)
    assert {row["number"] for row in changes} >= {"7", "8"}
    moves = table(http, "/tickets/PAY-24", table="timeline", **asked)
    assert [(move["kind"], move["state"]) for move in moves] == [("created", ""), ("moved", "done")]
    [download] = {href for text, href in page.links.items() if text.startswith("How it moved")}
    assert "tracker=jira" in download
    assert page.links["acme/payments #7"] == "/changes/acme/payments/7"


def test_an_issue_is_found_by_its_key_with_a_hash(http: TestClient) -> None:
    [link] = [each for each in look(http, "/tickets").links.values() if "%23" in each]
    assert "acme/payments#31" in look(http, link).text


def test_of_two_trackers_one_is_shown_and_the_other_named(http: TestClient) -> None:
    page = look(http, "/tickets/LIN-1")
    assert "LIN-1: Another" in page.text
    assert "linear has a ticket of this key as well" in page.text
    assert "LIN-1: Pay by card" in look(http, page.links["that one"]).text


def test_a_ticket_nobody_told_of_is_not_found(http: TestClient) -> None:
    assert "No tracker has told of such a ticket." in look(http, "/tickets/NO-1", 404).text
