"""The list of sessions: the same rows as the JSON route, whatever it is narrowed to."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient

from store.engine import Database
from tests.api.answering import NOW, client, get
from tests.api.pages.looking_up import look, table
from tests.spending import Used, put


def ids(http: TestClient, **asked: Any) -> list[str]:
    """The ids that the JSON route tells of this period."""
    told = get(http, "/v1/sessions", **{"from": "2026-08-24", "limit": 500, **asked})
    return [row["session_id"] for row in told["rows"]]


def test_it_lists_what_the_json_route_lists(http: TestClient) -> None:
    rows = table(http, "/sessions", limit=500)
    assert [row["session_id"] for row in rows] == ids(http)
    assert len(rows) == 14
    page = look(http, "/sessions")
    assert "14 rows" not in page.text
    assert [row.split()[0][:8] for row in page.rows[1:]] == [each[:8] for each in ids(http)]


def test_pages_follow_each_other_without_a_gap_or_a_repeat(http: TestClient) -> None:
    found, path = [], "/sessions?limit=4"
    while path:
        rows = table(http, "/sessions", **dict(pair.split("=") for pair in path[10:].split("&")))
        page = look(http, path)
        assert len(page.rows) - 1 == len(rows) <= 4
        found += [row["session_id"] for row in rows]
        path = f"/sessions{page.links['Older']}" if "Older" in page.links else ""
    assert found == ids(http)
    assert page.links["Back to the newest"] == "?limit=4"


@pytest.mark.parametrize(
    "asked",
    [
        {"tool": "claude-code"},
        {"tool": "codex"},
        {"team": "payments"},
        {"team": ""},
        {"repo": "acme/payments"},
        {"model": "claude-haiku-5-5"},
        {"label": "unknown"},
        {"label": "pending"},
        {"team": "payments", "model": "claude-haiku-5-5"},
    ],
)
def test_filters_mean_what_they_mean_to_the_json_route(
    asked: dict[str, str], http: TestClient
) -> None:
    rows = table(http, "/sessions", limit=500, **asked)
    assert [row["session_id"] for row in rows] == ids(http, **asked)


def test_what_a_form_leaves_empty_is_not_asked_for(http: TestClient) -> None:
    empty = {"form": "1", "weeks": "13", "tool": "", "team": "", "repo": "", "model": ""}
    assert len(table(http, "/sessions", label="", **empty)) == 14
    page = look(http, f"/sessions?{urlencode({**empty, 'team': 'payments'})}")
    assert len(page.rows) - 1 == len(ids(http, team="payments"))
    # The address of what was shown works without the form.
    [download] = [href for text, href in page.links.items() if text.endswith("as CSV")]
    assert "team=payments" in download
    assert "form=" not in download
    assert "tool" not in download


def test_the_period_is_the_one_asked_for(database: Database) -> None:
    put(database, [Used(at=NOW - timedelta(weeks=each), session=f"s{each}") for each in (1, 6, 20)])
    http = client(database)
    assert [row["session_id"] for row in table(http, "/sessions")] == ["s1", "s6"]
    assert len(table(http, "/sessions", weeks=4)) == 1
    assert len(table(http, "/sessions", weeks=26)) == 3


def test_a_cell_is_never_a_formula(database: Database) -> None:
    put(database, [Used(at=NOW, session="=1+1", team="@team", repo="-x/y")])
    [row] = table(client(database), "/sessions")
    assert (row["session_id"], row["team"], row["repo"]) == ("'=1+1", "'@team", "'-x/y")


def test_nothing_that_is_told_is_taken_as_markup(database: Database) -> None:
    odd = "<b>x</b>"
    put(database, [Used(at=NOW, session=odd, team=odd, repo=odd, model=odd)])
    page = look(client(database), f"/sessions?{urlencode({'team': odd})}")
    assert "b" not in {tag for tag, _ in page.tags}
    assert odd in page.text


@pytest.mark.parametrize(
    "query", ["cursor=x", "label=fine", "limit=0", "weeks=none", "format=pdf", "table=nothing"]
)
def test_impossible_values_are_refused(query: str, http: TestClient) -> None:
    more = "" if "format" in query or "table" not in query else "&format=csv"
    assert http.get(f"/sessions?{query}{more}").status_code == 400


def test_nothing_with_these_filters_is_not_nothing_at_all(http: TestClient) -> None:
    assert "show everything" in look(http, "/sessions?team=nobody").text


def test_a_list_of_a_team_says_that_its_sessions_are_whole(http: TestClient) -> None:
    said = "Sessions with any usage of it, each with all that it used"
    for query in ("team=payments", "repo=acme/payments", "model=claude-haiku-5-5", "team="):
        assert said in look(http, f"/sessions?{query}").text
    assert said not in look(http, "/sessions?tool=codex").text


def test_what_is_spent_is_what_the_session_says(http: TestClient) -> None:
    told = get(http, "/v1/sessions", **{"from": "2026-08-24", "limit": 500})["rows"]
    listed = {row["session_id"]: row for row in table(http, "/sessions", limit=500)}
    assert listed
    for row in told:
        of = listed[row["session_id"]]
        spent = None if of["spent_usd"] == "" else float(of["spent_usd"])
        assert (spent, of["spent_as"] or None) == (row["spent_usd"], row["spent_as"])
        assert (of["lower_bound"], of["complete"]) == (
            str(row["lower_bound"]),
            "" if row["complete"] is None else str(row["complete"]),
        )
