"""Forms of pages: they do what the API does, for those whom it lets, and say so."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from starlette.testclient import TestClient

from classifier.run import classify
from store import access, audit
from store.access import Role
from store.engine import Database
from tests.api.answering import NOW, client, get
from tests.api.guarding import ADAS, BOBS, Headers, found_company, hand_out, link_of
from tests.api.pages.looking_up import Page, look
from tests.api.test_leaks import GROUP, leaking
from tests.conftest import Fresh
from tests.filling import rows

__all__ = ["leaking"]
OURS = {"Sec-Fetch-Site": "same-origin"}
FOREIGN = {"Sec-Fetch-Site": "cross-site"}


def send(
    http: TestClient, path: str, headers: Mapping[str, str] = OURS, /, **fields: str
) -> tuple[int, str]:
    """Status of the answer to a form, and where it leads or the code of its refusal."""
    response = http.post(path, data=fields, headers=headers, follow_redirects=False)
    if response.status_code == 303:
        return 303, response.headers["location"]
    return response.status_code, response.json()["code"]


def forms(page: Page) -> set[str | None]:
    """Where the forms of a page are sent to."""
    return {told["action"] for tag, told in page.tags if tag == "form" and told["method"] == "post"}


@pytest.fixture
def company(fresh: Fresh) -> Iterator[Database]:
    with fresh() as database:
        found_company(database)
        yield database


def settled(database: Database) -> None:
    while classify(database, NOW):
        pass


def label_of(http: TestClient, session: str) -> dict[str, Any]:
    found: dict[str, Any] = get(http, f"/v1/sessions/{session}/explain")["label"]
    return found


def test_what_a_session_bought_is_said_and_taken_back(company: Database) -> None:
    http = client(company)
    path = f"/sessions/{ADAS}"
    assert f"{path}/label" in forms(look(http, path))
    told = send(http, f"{path}/label", act="say", label="productive", reason=" A spike. ")
    assert told == (303, f"{path}?done=labelled#label")
    page = look(http, f"{path}?done=labelled")
    assert "Your word is kept" in page.text
    assert [t for _, t in page.tags if t.get("role") == "status"]
    assert "productive: A spike. by local" in page.text
    assert label_of(http, ADAS)["rule"] == "overruled"
    assert send(http, f"{path}/label", act="withdraw") == (303, f"{path}?done=withdrawn#label")
    assert label_of(http, ADAS)["rule"] != "overruled"
    assert send(http, f"{path}/label", act="withdraw") == (404, "not_overruled")
    with company.reading() as connection:
        noted = audit.page(connection, 9)
    assert [each.status for each in noted] == [404, 303, 303]
    assert {(each.action, each.object) for each in noted} == {
        ("POST /sessions/{tool}/{session_id:path}/label", ADAS)
    }


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"label": "productive"},
        {"label": "productive", "reason": "  "},
        {"label": "good", "reason": "x"},
        {"label": "productive", "reason": "x" * 1001},
        {"label": "productive", "reason": "\0"},
    ],
    ids=str,
)
def test_a_word_without_a_label_or_reason_is_refused_as_by_the_api(
    fields: dict[str, str], company: Database
) -> None:
    http = client(company)
    assert send(http, f"/sessions/{ADAS}/label", OURS, **fields) == (400, "invalid_parameter")
    assert label_of(http, ADAS)["rule"] != "overruled"


def test_a_session_that_is_not_there(company: Database) -> None:
    told = send(client(company), "/sessions/codex/none/label", label="neutral", reason="x")
    assert told == (404, "session_not_found")


@pytest.mark.parametrize(("verdict", "done"), [("accept", "accepted"), ("reject", "rejected")])
def test_a_link_is_reviewed(verdict: str, done: str, company: Database) -> None:
    http = client(company)
    link, path = link_of(company, BOBS), f"/sessions/{BOBS}"
    assert f"/links/{link}/review" in forms(look(http, path))
    told = send(http, f"/links/{link}/review", verdict=verdict, note="It is.")
    assert told == (303, f"{path}?done={done}#links")
    assert done in look(http, f"{path}?done={done}").text
    settled(company)
    left = {each for (each,) in rows(company, "links", "id")}
    assert (link in left) is (verdict == "accept")
    assert rows(company, "link_reviews", "accepted, reviewed_by, note") == [
        (verdict == "accept", "local", "It is.")
    ]


def test_a_link_that_is_not_there_or_not_judged(company: Database) -> None:
    http = client(company)
    assert send(http, "/links/none/review", verdict="accept") == (404, "link_not_found")
    link = link_of(company, BOBS)
    assert send(http, f"/links/{link}/review", note="x") == (400, "invalid_parameter")


def test_what_was_tried_against_a_leak_is_marked_and_taken_back(leaking: Database) -> None:
    http = client(leaking)
    path = f"/leaks/{GROUP.id}/tried"
    assert forms(look(http, "/leaks")) == {path}
    assert "Take back" not in look(http, "/leaks").text
    told = send(http, path, act="try", note="a limit", at="2026-11-20")
    assert told == (303, "/leaks?done=tried#tried")
    assert "20 Nov 2026 a limit" in look(http, "/leaks").text
    [row] = get(http, "/v1/leaks/actions")["rows"]
    assert (row["tried_on"], row["note"], row["tried_by"]) == ("2026-11-20", "a limit", "local")
    assert send(http, path, act="withdraw", at="2026-11-19") == (404, "leak_action_not_found")
    assert send(http, path, act="withdraw", at="2026-11-20")[0] == 303
    assert get(http, "/v1/leaks/actions")["rows"] == []
    assert send(http, path, act="try", at="2026-12-24") == (400, "invalid_parameter")
    assert send(http, path, act="try", at="soon") == (400, "invalid_parameter")
    # A browser sends an empty date where none was chosen: today.
    assert send(http, path, act="try", at="")[0] == 303
    [row] = get(http, "/v1/leaks/actions")["rows"]
    assert row["tried_on"] == str(NOW.date())


def test_forms_are_shown_to_those_who_may_send_them(company: Database) -> None:
    told: dict[str, Headers] = hand_out(company)
    http = client(company, open_without=False, host="assay.example.com")
    link = link_of(company, BOBS)
    of_bob = {f"/sessions/{BOBS}/label", f"/links/{link}/review"}
    for who, session, may in (
        ("viewer", BOBS, False),
        ("ada", ADAS, False),
        ("lead of checkout", BOBS, False),
        ("carol", ADAS, True),
        ("lead of web", BOBS, True),
        ("lead of web", ADAS, False),
        ("lead of none", BOBS, False),
        ("lead of all", BOBS, True),
        ("admin", BOBS, True),
    ):
        headers = {**told[who], "Accept": "text/html"}
        shown = forms(Page(http.get(f"/sessions/{session}", headers=headers).text))
        assert bool(shown) is may, (who, session)
        status = 303 if may else 403
        path = f"/sessions/{session}/label"
        assert send(http, path, told[who], label="neutral", reason="x")[0] == status, who
        if session == BOBS:
            assert shown >= of_bob or not may
            path = f"/links/{link}/review"
            assert send(http, path, told[who], verdict="accept")[0] == status, who


@pytest.mark.parametrize("credential", ["open", "password"])
@pytest.mark.parametrize("what", ["label", "link", "leak", "alert"])
def test_a_form_of_another_site_changes_nothing(
    what: str, credential: str, company: Database
) -> None:
    paths = {
        "label": f"/sessions/{ADAS}/label",
        "link": f"/links/{link_of(company, BOBS)}/review",
        "leak": "/leaks/x/tried",
        "alert": "/alerts/x",
    }
    fields = {"label": "neutral", "reason": "x", "verdict": "reject", "act": "resolve"}
    http = client(company)
    if credential == "password":
        with company.writing() as connection:
            http.auth = ("", access.create(connection, "", Role.ADMIN, NOW)[1])
    response = http.post(paths[what], data=fields, headers=FOREIGN)
    assert (response.status_code, response.json()["code"]) == (403, "cross_site")
    assert rows(company, "label_overrules", "label") == []
    assert rows(company, "link_reviews", "accepted") == []
