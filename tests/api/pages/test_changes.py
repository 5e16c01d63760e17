"""Changes as pages: the rows of the JSON route, and one with its sessions, outcome and story."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from api.pages.changes import became
from api.pages.formats import money
from classifier.run import classify
from domain.usage import NANOUSD
from store import work
from tests.api.answering import NOW, client, get
from tests.api.pages.looking_up import look, table
from tests.api.working import change, story
from tests.capturing import CAPTURES
from tests.conftest import Fresh
from tests.filling import bodies, fill

ONE = "/changes/acme/payments/7"


@pytest.fixture(scope="module")
def http(fresh: Fresh) -> Iterator[TestClient]:
    """Changes 7, 8 and 9 of a branch that a session made, and 10 of another."""
    with fresh() as database:
        fill(database, bodies(CAPTURES / "claude-code" / "24-commit-variants-tool-details"))
        story(database)
        other = change(10, head_ref="docs", head_sha="9" * 40, merge_sha=None, title="docs")
        with database.writing() as connection:
            work.apply(connection, [other])
        while classify(database, NOW):
            pass
        yield client(database)


def test_it_lists_what_the_json_route_lists(http: TestClient) -> None:
    told = get(http, "/v1/changes")["rows"]
    rows = table(http, "/changes")
    assert [(row["repo"], int(row["number"])) for row in rows] == [
        (row["repo"], row["number"]) for row in told
    ]
    costs = {row["number"]: row["spent"]["cost_usd"] for row in told}
    assert {int(r["number"]): float(r["cost_usd"]) for r in rows if r["cost_usd"]} == {
        number: pytest.approx(cost) for number, cost in costs.items() if cost is not None
    }
    assert [number for number, cost in costs.items() if cost is None] == [10]
    assert "no session is linked" in look(http, "/changes").text


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        ({"state": "merged"}, {7, 10}),
        ({"state": "open"}, {8}),
        ({"sessions": "with"}, {7, 8, 9}),
        ({"sessions": "without"}, {10}),
        ({"repo": "ACME/payments"}, {7, 8, 9, 10}),
        ({"repo": "acme/other"}, set()),
        ({"form": "1", "state": "", "sessions": "", "repo": ""}, {7, 8, 9, 10}),
    ],
)
def test_filters(asked: dict[str, str], numbers: set[int], http: TestClient) -> None:
    assert {int(row["number"]) for row in table(http, "/changes", **asked)} == numbers


def test_pages_follow_each_other(http: TestClient) -> None:
    whole = [row["number"] for row in table(http, "/changes")]
    path, found = "?limit=1", []
    while path:
        page = look(http, f"/changes{path}")
        found += [row.split("#")[1].split()[0] for row in page.rows[1:]]
        path = page.links.get("Older", "")
    assert found == whole


def test_a_change_shows_cost_sessions_outcome_and_story(http: TestClient) -> None:
    told = get(http, f"/v1{ONE}")
    page = look(http, ONE)
    assert "#7 feat: PAY-24" in page.text
    cost = told["spent"]["cost_usd"]
    assert f"Sessions spent {money(round(cost * NANOUSD))} on it." in page.text
    [session] = table(http, ONE, table="sessions")
    assert session["session_id"] == "c00747f8-588c-4bd7-a6c0-ac31be606bd8"
    assert session["tier"] in "AB"
    assert float(session["cost_usd"]) == pytest.approx(cost)
    steps = table(http, ONE, table="timeline")
    assert [step["kind"] for step in steps] == [
        "committed", "opened", "checked", "reviewed", "merged", "deployed",
    ]  # fmt: skip
    assert [step["state"] for step in steps if step["kind"] == "reviewed"] == ["approved"]
    assert "Rounds of review" in page.text
    assert page.links["PAY-24"] == "/tickets/PAY-24"


def test_a_change_nobody_told_of_is_not_found(http: TestClient) -> None:
    assert (
        "No forge has told of such a change." in look(http, "/changes/acme/payments/70", 404).text
    )
    assert look(http, "/changes/acme/payments/0", 400)


def test_the_last_word_on_a_change_is_said_first(http: TestClient) -> None:
    from_route = get(http, f"/v1{ONE}")["outcome"]
    assert from_route["landed_at"] is not None
    assert became(None) is None
    [row] = [row for row in table(http, "/changes") if row["number"] == "7"]
    assert row["outcome"].startswith("landed on 22 Nov 2026")
