"""Every page in a real browser, over a whole company."""

import csv
import io
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser

from tests.browser.looking import DESK, PHONE, WALL, Company, Scheme, barriers, looking, overflow

# One company for all of them, also where tests are spread over processes.
pytestmark = pytest.mark.browser

# Pixels of a letter's height that small print has elsewhere on these pages, and a bit less.
_READABLE = 10
PAGES = (
    "/",
    "/?weeks=4",
    "/?tool=claude-code",
    "/?team=payments",
    "/tools",
    "/tools/claude-code",
    "/teams",
    "/routing",
    "/leaks",
    "/sessions",
    "/changes",
    "/tickets",
    "/budgets",
    "/alerts",
    "/quality",
    "/connect",
    "/me",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_a_page_opens_without_a_fault_or_a_barrier(
    browser: Browser, company: Company, path: str, scheme: Scheme
) -> None:
    with looking(browser, company, scheme=scheme) as look:
        page = look.go(path)
        assert barriers(page) == []
        assert look.wrong == []
        assert page.locator("h1").count() == 1


@pytest.mark.parametrize("size", [PHONE, WALL], ids=["phone", "wall"])
@pytest.mark.parametrize("path", PAGES)
def test_a_page_fits_its_screen(
    browser: Browser, company: Company, path: str, size: tuple[int, int]
) -> None:
    with looking(browser, company, size) as look:
        page = look.go(path)
        assert overflow(page) <= 0
        for box in page.locator(".scroll:visible").all():
            place = box.bounding_box()
            assert place is not None
            assert place["x"] >= 0
            assert place["x"] + place["width"] <= size[0] + 1


@pytest.mark.parametrize("path", ["/", "/leaks"])
def test_the_text_of_a_chart_can_be_read_on_a_phone(
    browser: Browser, company: Company, path: str
) -> None:
    with looking(browser, company, PHONE) as look:
        page = look.go(path)
        sizes = page.evaluate(
            "[...document.querySelectorAll('.chart')].flatMap(chart => {"
            " const scale = chart.getBoundingClientRect().width / chart.viewBox.baseVal.width;"
            " return [...chart.querySelectorAll('.axis text')].map(text =>"
            " parseFloat(getComputedStyle(text).fontSize) * scale) })"
        )
        assert min(sizes) >= _READABLE


def test_nothing_needs_a_script(browser: Browser, company: Company) -> None:
    with looking(browser, company, java_script_enabled=False) as look:
        page = look.go("/")
        assert page.get_by_role("heading", name="Which work consumes most?").is_visible()
        page.get_by_text("The numbers by week").click()
        assert page.get_by_role("table", name="Spend and productive share by week").is_visible()


def test_filters_narrow_a_page_and_stay_in_the_address(browser: Browser, company: Company) -> None:
    with looking(browser, company) as look:
        page = look.go("/")
        whole = page.locator(".figures dd").nth(1).inner_text()
        page.get_by_label("Period").select_option("4")
        page.get_by_label("Only").select_option("tool:claude-code")
        page.get_by_role("button", name="Show").click()
        assert "weeks=4" in page.url
        assert "Only tool claude-code" in page.locator(".lead").inner_text()
        address = page.url
        page.get_by_role("navigation").get_by_role("link", name="Teams").click()
        assert "weeks=4" in page.url
        assert "tool=claude-code" in page.url
        page.get_by_role("navigation").get_by_role("link", name="Overview").click()
        assert "Only tool claude-code" in page.locator(".lead").inner_text()
        page.goto(address)
        assert "Only tool claude-code" in page.locator(".lead").inner_text()
        page.get_by_role("link", name="Show everything").click()
        assert page.locator(".figures dd").nth(1).inner_text() == whole
        assert look.wrong == []


def test_a_row_leads_to_the_page_narrowed_to_it(browser: Browser, company: Company) -> None:
    with looking(browser, company) as look:
        page = look.go("/")
        page.get_by_role("table", name="Spend by team").get_by_role("link").first.click()
        assert "Only team" in page.locator(".lead").inner_text()


def test_tables_download_as_they_are_shown(browser: Browser, company: Company) -> None:
    with looking(browser, company) as look:
        page = look.go("/teams")
        shown = page.get_by_role("table", name="Efficiency by team").locator("tbody tr").count()
        with page.expect_download() as coming:
            page.get_by_role("link", name="Efficiency by team as CSV").click()
        rows = list(csv.DictReader(io.StringIO(Path(coming.value.path()).read_text())))
        assert coming.value.suggested_filename == "teams.csv"
        assert len(rows) == shown
        assert {"payments", "platform"} <= {row["team"] for row in rows}


def test_a_keyboard_reaches_the_content_first(browser: Browser, company: Company) -> None:
    with looking(browser, company) as look:
        page = look.go("/")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to content"
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('main') !== null")


def test_paper_shows_no_navigation(browser: Browser, company: Company) -> None:
    with looking(browser, company) as look:
        page = look.go("/")
        page.emulate_media(media="print")
        assert not page.get_by_role("navigation").is_visible()
        assert not page.locator(".filters").is_visible()
        assert page.locator("svg.chart").first.is_visible()


def test_pictures(browser: Browser, company: Company, pictures: Path | None) -> None:
    """The pictures of the README, where somebody asks for them."""
    if pictures is None:
        pytest.skip("no pictures are asked for (--pictures DIR)")
    pictures.mkdir(parents=True, exist_ok=True)
    told = httpx.get(f"{company.address}/v1/sessions?label=productive&limit=1", timeout=60)
    session = told.json()["rows"][0]
    for name, path in (
        ("overview", "/"),
        ("tool", "/tools/claude-code"),
        ("session", f"/sessions/{session['tool']}/{session['session_id']}"),
    ):
        looks: tuple[tuple[Scheme, tuple[int, int]], ...]
        looks = (("light", DESK), ("dark", DESK), ("light", PHONE))
        for scheme, size in looks:
            with looking(browser, company, size, scheme) as look:
                page = look.go(path)
                ending = "" if size == DESK and scheme == "light" else f"-{scheme}-{size[0]}"
                page.screenshot(path=pictures / f"{name}{ending}.png", full_page=bool(ending))
