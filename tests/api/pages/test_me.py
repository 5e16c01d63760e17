"""One's own page: nobody's where nothing says who asks, and never anybody else's."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from store.engine import Database
from tests.api.answering import client
from tests.api.guarding import ADA, ADAS, BOB, Headers, found_company, hand_out
from tests.api.pages.looking_up import Page, look
from tests.conftest import Fresh


@pytest.fixture(scope="module")
def company(fresh: Fresh) -> Iterator[Database]:
    with fresh() as database:
        found_company(database)
        yield database


@pytest.fixture(scope="module")
def told(company: Database) -> dict[str, Headers]:
    return hand_out(company)


@pytest.fixture(scope="module")
def http(company: Database, told: dict[str, Headers]) -> TestClient:
    assert told
    return client(company, open_without=False, host="assay.example.com")


def asked(http: TestClient, headers: Headers, path: str = "/me") -> Page:
    response = http.get(path, headers={**headers, "Accept": "text/html"})
    assert response.status_code == 200, response.text
    return Page(response.text)


def test_an_open_server_says_how_to_be_known(empty: TestClient) -> None:
    page = look(empty, "/me")
    assert "Who are you?" in page.text
    assert "open to its machine" in page.text
    assert "assay tokens create --role viewer --person" in page.text


def test_a_token_of_nobody_says_so(http: TestClient, told: dict[str, Headers]) -> None:
    assert "Your token names nobody." in asked(http, told["viewer"]).text


def test_somebody_sees_their_own_sessions_and_no_others(
    http: TestClient, told: dict[str, Headers]
) -> None:
    page = asked(http, told["ada"])
    own = ADAS.partition("/")[2]
    assert len(page.rows) >= 2
    listed = [href for href in page.links.values() if href.startswith("/sessions/")]
    assert listed == [f"/sessions/claude-code/{own}"]
    assert ADA in page.text
    assert BOB not in page.text
    narrowed = asked(http, told["ada"], "/me?label=productive&weeks=1").links.values()
    assert not [href for href in narrowed if href.startswith("/sessions/")]


def test_lists_name_nobody_to_whoever_may_not_see_them(
    http: TestClient, told: dict[str, Headers]
) -> None:
    for path in ("/sessions", "/changes/acme/payments/7", "/tickets/PAY-24", f"/sessions/{ADAS}"):
        page = asked(http, told["viewer"], path).text
        assert ADA not in page
        assert BOB not in page
    assert ADA in asked(http, told["admin"], "/sessions").text
    rows = http.get("/sessions?format=csv", headers=told["viewer"]).text
    assert ADA not in rows
    assert "hidden" in rows
