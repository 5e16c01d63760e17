"""A simulated company served as `assay demo` serves it, and a real Chromium to look at it with.

`pytest tests/browser --pictures DIR` writes the pictures of the README as well. Where no Chromium
is found these tests are left out, and say so.
"""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.looking import Company
from tests.serving import free_ports

WEEKS = 8
_PATIENCE_SECONDS = 1500
_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where pictures go."""
    parser.addoption("--pictures", type=Path, help="write pictures of pages into this folder")


@pytest.fixture(scope="session")
def pictures(request: pytest.FixtureRequest) -> Path | None:
    """The folder for pictures; None: nobody wants any."""
    folder: Path | None = request.config.getoption("--pictures", None)
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's path."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        with sync_playwright() as driver:
            found = driver.chromium.executable_path
    if not Path(found).exists():
        pytest.skip(
            "pages are not looked at: no Chromium is installed (apt-get install chromium, or"
            " .venv/bin/playwright install chromium)"
        )
    return found


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """A Chromium without a screen.

    Its driver keeps an event loop running in this thread, in which no other test could run one:
    it ends with the file of tests that asked for it.
    """
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=chromium, args=_OPTIONS)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def company(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """The served company, with verdicts, policy and leaks."""
    assert chromium  # nobody would look at it
    otlp_http, otlp_grpc, http = free_ports(3)
    folder = tmp_path_factory.mktemp("company")
    command = [sys.executable, "-m", "assay", "demo", "--weeks", str(WEEKS)]
    command += ["--data", str(folder / "demo"), "--http", f"127.0.0.1:{http}"]
    command += ["--otlp-http", f"127.0.0.1:{otlp_http}", "--otlp-grpc", f"127.0.0.1:{otlp_grpc}"]
    log = folder / "log"
    with log.open("w") as told:
        process = subprocess.Popen(command, stdout=told, stderr=told)
        served = Company(f"http://127.0.0.1:{http}", folder / "demo" / "truth.json")
        try:
            _await(process, log, served)
            yield served
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=120)


def _await(process: "subprocess.Popen[bytes]", log: Path, company: Company) -> None:
    """Wait until all was sent and judged, and leaks were measured."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while "What really happened" not in log.read_text() or not _judged(company):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.5)


def _judged(company: Company) -> bool:
    with httpx.Client(base_url=company.address, timeout=60) as http:
        verdicts = http.get("/v1/verdicts").json()["rows"]
        measured = http.get("/v1/leaks").json()["period"]
        waiting = http.get("/v1/status").json()["pending"]
    return bool(verdicts) and measured is not None and waiting == 0
