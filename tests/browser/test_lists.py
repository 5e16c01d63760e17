"""Lists, one session and the page about connecting, as people use them."""

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.looking import PHONE, Company, Scheme, barriers, looking, overflow

pytestmark = pytest.mark.browser


def test_a_list_is_narrowed_by_its_form_and_paged_by_its_links(
    browser: Browser, company: Company
) -> None:
    with looking(browser, company) as look:
        page = look.go("/sessions?limit=20")
        page.get_by_label("Label").select_option("productive")
        page.get_by_label("Team").fill("payments")
        page.get_by_role("button", name="Show").click()
        rows = page.get_by_role("table", name="Sessions, newest first").locator("tbody tr")
        assert rows.count() > 1
        assert set(rows.locator(".label").all_inner_texts()) == {"productive"}
        assert set(rows.locator("td:nth-child(3)").all_inner_texts()) == {"payments"}
        page = look.go("/sessions?limit=20")
        page.get_by_role("link", name="Older").click()
        assert rows.count() == 20
        page.get_by_role("link", name="Back to the newest").click()
        assert rows.count() == 20
        assert look.wrong == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_from_the_list_to_a_session_and_its_change(
    browser: Browser, company: Company, scheme: Scheme
) -> None:
    with looking(browser, company, scheme=scheme) as look:
        page = look.go("/sessions?label=productive")
        page.get_by_role("table", name="Sessions, newest first").locator("tbody a").first.click()
        expect(page.get_by_role("heading", name="How it went")).to_be_visible()
        steps = page.get_by_role("table", name="What happened, in order")
        expect(steps.get_by_text("Merged").first).to_be_visible()
        assert barriers(page) == []
        page.locator("article.link h3 a").first.click()
        expect(page.get_by_role("heading", name="What became of it")).to_be_visible()
        assert barriers(page) == []
        assert look.wrong == []


def test_how_a_tool_is_connected_opens_without_a_script(browser: Browser, company: Company) -> None:
    with looking(browser, company, PHONE, java_script_enabled=False) as look:
        page = look.go("/connect")
        page.get_by_text("Claude Code", exact=False).last.click()
        expect(page.get_by_text("OTEL_EXPORTER_OTLP_ENDPOINT").first).to_be_visible()


def test_a_session_fits_a_phone(browser: Browser, company: Company) -> None:
    with looking(browser, company, PHONE) as look:
        page = look.go("/sessions")
        page.get_by_role("table", name="Sessions, newest first").locator("tbody a").first.click()
        assert overflow(page) <= 0


def test_a_session_is_labelled_and_a_link_reviewed_without_a_script(
    browser: Browser, company: Company
) -> None:
    with looking(browser, company, java_script_enabled=False) as look:
        page = look.go("/sessions?label=productive")
        page.get_by_role("table", name="Sessions, newest first").locator("tbody a").first.click()
        page.get_by_label("Label").select_option("neutral")
        page.get_by_label("Why, in your words").fill("A try.")
        page.get_by_role("button", name="Say so").click()
        expect(page.get_by_role("status")).to_contain_text("Your word is kept")
        expect(page.locator(".decision")).to_have_text("Neutral")
        page.get_by_role("button", name="Take back what was said").click()
        expect(page.get_by_role("status")).to_contain_text("taken back")
        expect(page.locator(".decision")).to_have_text("Productive")
        page.get_by_role("button", name="Accept").first.click()
        expect(page.get_by_role("status")).to_contain_text("The link is accepted")


def test_a_page_with_forms_keeps_nobody_out(browser: Browser, company: Company) -> None:
    with looking(browser, company) as look:
        page = look.go("/sessions?label=productive")
        page.get_by_role("table", name="Sessions, newest first").locator("tbody a").first.click()
        expect(page.get_by_role("button", name="Reject").first).to_be_visible()
        assert barriers(page) == []
        page = look.go("/leaks?done=tried")
        expect(page.get_by_role("status")).to_be_visible()
        assert barriers(page) == []
        assert look.wrong == []
