"""Looking at a page as people do: by eye, by ear, by keyboard; and what is wrong with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

Scheme = Literal["light", "dark"]
DESK, PHONE, WALL = (1280, 900), (390, 844), (2560, 1440)
_SERIOUS = ("serious", "critical")
_ALSO = ("landmark-unique",)


@dataclass(frozen=True)
class Company:
    """A served company: its address, and the file of what really happened there."""

    address: str
    truth: Path


@dataclass
class Look:
    """An open page and everything that went wrong on it."""

    page: Page
    address: str
    wrong: list[str] = field(default_factory=list)

    def go(self, path: str) -> Page:
        """Open a page of the company; it must be there."""
        response = self.page.goto(self.address + path)
        assert response is not None
        assert response.status == 200, f"{path}: {response.status}"
        return self.page


@contextmanager
def looking(
    browser: Browser,
    company: Company,
    size: tuple[int, int] = DESK,
    scheme: Scheme = "light",
    **options: Any,
) -> Iterator[Look]:
    """A window of this size; it notes errors of the console and requests that fail or go away."""
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, **options
    )
    page = context.new_page()
    look = Look(page, company.address)

    def note(message: Any) -> None:
        if message.type in ("error", "warning"):
            look.wrong.append(f"console: {message.text}")

    def leaves(request: Any) -> None:
        if not request.url.startswith((company.address, "data:")):
            look.wrong.append(f"another host: {request.url}")

    page.on("console", note)
    page.on("pageerror", lambda error: look.wrong.append(f"error: {error}"))
    page.on("request", leaves)
    page.on("requestfailed", lambda request: look.wrong.append(f"failed: {request.url}"))
    yield look
    context.close()


def barriers(page: Page) -> list[str]:
    """What axe finds that keeps people out, of serious kind or worse; and places of one name."""
    page.wait_for_load_state()
    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {each['help']} at {[node['target'] for node in each['nodes']][:3]}"
        for each in found
        if each["impact"] in _SERIOUS or each["id"] in _ALSO
    ]


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window, with its style sheets."""
    page.wait_for_load_state()
    wider: int = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return wider
