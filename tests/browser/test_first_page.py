"""The first page of a server to which nothing was sent yet, and then something is."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.looking import Company, barriers, looking
from tests.capturing import CAPTURES
from tests.serving import requests_of, send, serving

pytestmark = pytest.mark.browser
SCENARIO = CAPTURES / "claude-code" / "01-simple-http-protobuf"
EVERY_MS = 10_000


def test_it_fills_by_itself_once_something_has_arrived(browser: Browser, tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        company = Company(str(server.api.base_url), tmp_path)
        with looking(browser, company) as look:
            look.page.clock.install()
            page = look.go("/")
            nothing = page.get_by_role("heading", name="Nothing has arrived yet.")
            expect(nothing).to_be_visible()
            assert barriers(page) == []
            # Looked again, and left as it was.
            with page.expect_response(company.address + "/"):
                page.clock.run_for(EVERY_MS)
            expect(nothing).to_be_visible()
            for note, body in requests_of(SCENARIO):
                send(server, note, body)
            server.settle()
            with page.expect_navigation():
                page.clock.run_for(EVERY_MS)
            expect(page.get_by_role("heading", name="What did the tokens buy?")).to_be_visible()
            assert look.wrong == []


def test_without_a_script_a_link_looks_again(browser: Browser, tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        company = Company(str(server.api.base_url), tmp_path)
        with looking(browser, company, java_script_enabled=False) as look:
            page = look.go("/")
            for note, body in requests_of(SCENARIO):
                send(server, note, body)
            server.settle()
            page.get_by_role("link", name="Look again").click()
            expect(page.get_by_role("heading", name="What did the tokens buy?")).to_be_visible()
