"""Which requests another site could have made a browser send: with every credential there is."""

import base64

import pytest

from store import access
from store.access import Role
from store.engine import Database
from tests.api.answering import NOW, client

FOREIGN = {"Origin": "https://evil.example"}
MARKED = {"Sec-Fetch-Site": "cross-site"}
OURS = {"Origin": "http://localhost:8000"}


def review(database: Database, headers: dict[str, str]) -> tuple[int, str]:
    response = client(database).post(
        "/v1/links/no/review", json={"verdict": "accept"}, headers=headers
    )
    return response.status_code, response.json()["code"]


@pytest.mark.parametrize("headers", [FOREIGN, MARKED])
def test_an_open_server_is_not_changed_by_a_page_elsewhere(
    embedded: Database, headers: dict[str, str]
) -> None:
    assert review(embedded, headers) == (403, "cross_site")
    assert review(embedded, OURS) == review(embedded, {}) == (404, "link_not_found")


@pytest.mark.parametrize("headers", [FOREIGN, MARKED])
def test_a_password_that_the_browser_adds_does_not_help_either(
    embedded: Database, headers: dict[str, str]
) -> None:
    with embedded.writing() as connection:
        _, secret = access.create(connection, "", Role.ADMIN, NOW)
    basic = {"Authorization": f"Basic {base64.b64encode(f':{secret}'.encode()).decode()}"}
    assert review(embedded, basic | headers) == (403, "cross_site")
    assert review(embedded, basic) == (404, "link_not_found")
    # No browser adds this one by itself.
    assert review(embedded, {"Authorization": f"Bearer {secret}"} | headers)[0] == 404
