"""The mail of the digest as a mail program shows it, of the company that ``assay demo`` serves."""

import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.looking import DESK, PHONE, Company, barriers, looking, overflow

_TEAM = "payments"
# As wide as the mail is shown: around it there is nothing.
_READING = (700, 900)


@pytest.fixture(scope="module")
def folder(company: Company, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The digests of the company and of a team, in every form."""
    folder = tmp_path_factory.mktemp("digests")
    command = [sys.executable, "-m", "assay", "digest", "preview"]
    command += ["--data", str(company.truth.parent)]
    for name, narrowed in (("company", []), (_TEAM, ["--team", _TEAM])):
        subprocess.run([*command, "--out", str(folder / name), *narrowed], check=True)
    return folder


def opened(page: Page, folder: Path, name: str) -> None:
    page.goto((folder / name / "digest.html").as_uri())


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("name", ["company", _TEAM])
def test_the_mail_can_be_read_by_everybody(
    browser: Browser, company: Company, folder: Path, name: str, size: tuple[int, int]
) -> None:
    with looking(browser, Company("file:", company.truth), size) as look:
        opened(look.page, folder, name)
        assert look.page.get_by_role("heading", level=1).inner_text().startswith("Week of ")
        assert barriers(look.page) == []
        assert overflow(look.page) <= 0
        pictures = look.page.locator("img")
        assert pictures.count() == 2
        for each in pictures.all():
            assert each.evaluate("image => image.naturalWidth") == 810
            assert each.get_attribute("alt")
        assert look.wrong == []


def test_the_picture_of_the_readme(
    browser: Browser, company: Company, folder: Path, pictures: Path | None
) -> None:
    """The top of the mail, where somebody asks for pictures."""
    if pictures is None:
        pytest.skip("no pictures are asked for (--pictures DIR)")
    pictures.mkdir(parents=True, exist_ok=True)
    with looking(browser, Company("file:", company.truth), _READING) as look:
        opened(look.page, folder, "company")
        look.page.screenshot(path=pictures / "digest.png")
