"""Pages about work and upkeep alike: how each is built, empty and full, and where links lead."""

from collections.abc import Iterator
from urllib.parse import urljoin

import pytest
from starlette.testclient import TestClient

from classifier.run import classify
from store.engine import Database
from tests.api.answering import NOW, client
from tests.api.pages.looking_up import look
from tests.api.working import story
from tests.capturing import CAPTURES
from tests.conftest import Fresh
from tests.filling import bodies, fill

SESSION = "/sessions/claude-code/c00747f8-588c-4bd7-a6c0-ac31be606bd8"
LISTS = ("/sessions", "/changes", "/tickets", "/me")
UPKEEP = ("/budgets", "/alerts", "/quality", "/connect")
ONE = (SESSION, "/changes/acme/payments/7", "/tickets/PAY-24", "/tickets/acme/payments%2331")


@pytest.fixture(scope="module")
def worked(fresh: Fresh) -> Iterator[Database]:
    """A session with commits, changes and tickets, all concluded."""
    with fresh() as database:
        fill(database, bodies(CAPTURES / "claude-code" / "24-commit-variants-tool-details"))
        story(database)
        while classify(database, NOW):
            pass
        yield database


@pytest.fixture(scope="module")
def http(worked: Database) -> TestClient:
    return client(worked)


@pytest.mark.parametrize("path", [*LISTS, *UPKEEP, *ONE])
def test_a_page_is_built_to_be_read_by_anybody(path: str, http: TestClient) -> None:
    page = look(http, path)
    tags = [tag for tag, _ in page.tags]
    assert {"header", "nav", "main", "footer"} <= set(tags)
    assert not {"script", "style"} & set(tags)
    assert not [told for _, told in page.tags if "style" in told]
    assert not [told for _, told in page.tags if any(name[:2] == "on" for name in told)]
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    steps = zip(page.headings, page.headings[1:], strict=False)
    assert all(after - before <= 1 for before, after in steps)
    assert all(told.get("scope") in ("col", "row") for tag, told in page.tags if tag == "th")
    ids = [told["id"] for _, told in page.tags if "id" in told]
    assert len(set(ids)) == len(ids)
    assert all(told.get("aria-labelledby", ids[0]) in ids for _, told in page.tags)
    assert tags.count("table") == tags.count("caption")


@pytest.mark.parametrize("path", [*LISTS, *UPKEEP])
def test_an_empty_page_says_what_to_do(path: str, empty: TestClient) -> None:
    page = look(empty, path)
    assert page.headings.count(1) == 1
    ways = ("/connect", "assay ", "Nothing")
    assert any(way in page.text or way in str(page.links) for way in ways)


@pytest.mark.parametrize("path", [*LISTS, *UPKEEP, *ONE])
def test_every_link_of_a_page_leads_somewhere(path: str, http: TestClient) -> None:
    page = look(http, path)
    ids = {told["id"] for _, told in page.tags if "id" in told}
    for href in set(page.links.values()):
        assert href[0] in "/?#", href
        if href.startswith("#"):
            assert href[1:] in ids
        else:
            assert http.get(urljoin(path, href)).status_code == 200, href


@pytest.mark.parametrize("path", [*LISTS, *UPKEEP])
def test_navigation_marks_where_one_is_and_keeps_filters(path: str, http: TestClient) -> None:
    page = look(http, f"{path}?weeks=4&team=payments")
    [here] = [told for tag, told in page.tags if told.get("aria-current") == "page"]
    assert here["href"] == f"{path}?weeks=4&team=payments"
    assert page.links["Overview"] == "/?weeks=4&team=payments"


@pytest.mark.parametrize("path", [*LISTS, *UPKEEP, *ONE])
def test_an_unknown_parameter_is_refused(path: str, http: TestClient) -> None:
    assert "there is no parameter tam" in look(http, f"{path}?tam=x", 400).text
