"""``assay digest`` as it is typed, with real digests, and ended in the middle of sending."""

import json
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from assay.digest_settings import DigestSettings, set_up
from assay.main import app
from assay.opening import CannotStart
from assay.settings import Settings
from domain.weeks import monday_of
from tests.digesting import PAGES
from tests.mailing import Mailbox, mail_server
from tests.posted import Received, web_server
from tests.serving import command, serving

ROOT = Path(__file__).parents[2]
ADA, BEN = "ada@acme.example", "ben@acme.example"
Run = Callable[..., Result]


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as box:
        yield box


@pytest.fixture
def web() -> Iterator[Received]:
    with web_server() as received:
        yield received


@pytest.fixture
def data(tmp_path: Path, migrated: Path) -> Path:
    """A folder with an empty database, and a file of two recipients."""
    (tmp_path / "assay.db").write_bytes(migrated.read_bytes())
    (tmp_path / "who.csv").write_text(f"address,team\n{ADA},\n{BEN},\n{BEN},nowhere\n")
    return tmp_path


@pytest.fixture
def environment(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    told = {
        "ASSAY_SMTP_HOST": "127.0.0.1",
        "ASSAY_SMTP_PORT": str(mailbox.port),
        "ASSAY_SMTP_TLS": "none",
        "ASSAY_PUBLIC_URL": PAGES,
    }
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    return told


@pytest.fixture
def run(data: Path) -> Run:
    def running(*told: str) -> Result:
        return CliRunner().invoke(app, ["digest", *told, "--data", str(data)])

    return running


@pytest.fixture
def ready(run: Run, data: Path, environment: dict[str, str]) -> Run:
    assert run("recipients", "import", str(data / "who.csv")).exit_code == 0
    return run


def test_send_says_what_became_of_each_and_sends_nothing_twice(
    ready: Run, mailbox: Mailbox
) -> None:
    first = ready("send")
    assert first.exit_code == 0, first.output
    assert f"{ADA} (the company): sent on " in first.output
    assert f"{BEN}: there is no team nowhere." in first.output
    assert sorted(to for [to], _ in mailbox.taken) == [ADA, BEN]
    second = ready("send")
    assert second.exit_code == 0
    assert "Nothing to send of the digest of the week before " in second.output
    assert f"{ADA} (the company): sent on " in second.output
    assert len(mailbox.taken) == 2
    assert ADA not in ready("log").output
    logged = ready("log", "--all").output
    assert ": 2 sent." in logged
    assert f"  mail {ADA} (company): sent on " in logged
    [*_, page] = mailbox.taken[0][1].walk()
    assert "/digest/unsubscribe?token=" in str(page.get_payload(decode=True))


def test_again_is_for_one(ready: Run, mailbox: Mailbox) -> None:
    ready("send")
    assert ready("send", "--again").exit_code == 1
    again = ready("send", "--to", ADA, "--again")
    assert again.exit_code == 0, again.output
    ids = [mail["Message-ID"] for [to], mail in mailbox.taken if to == ADA]
    assert len(mailbox.taken) == 3
    assert len(set(ids)) == 2


def test_who_is_no_recipient_or_wants_none_gets_none(ready: Run, mailbox: Mailbox) -> None:
    assert "eve@acme.example is no recipient" in ready("send", "--to", "eve@acme.example").output
    ready("recipients", "unsubscribe", ADA)
    told = ready("send", "--to", ADA, "--again")
    assert (told.exit_code, told.output.strip()) == (1, f"{ADA} has unsubscribed.")
    assert mailbox.taken == []


def test_what_was_refused_or_not_taken_is_told(ready: Run, mailbox: Mailbox) -> None:
    mailbox.refuses = {ADA: "550 no such user", BEN: "451 later"}
    told = ready("send")
    assert told.exit_code == 1
    assert f"{ADA} (the company): failed: all recipients refused: [550]" in told.output
    assert f"{BEN} (the company): to be sent from " in told.output
    logged = ready("log").output
    assert "[550]" in logged
    assert "[451]" in logged


def test_channels_get_the_companys(
    run: Run, web: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_DIGEST_SLACK_URL", f"{web.url}/slack")
    monkeypatch.setenv("ASSAY_DIGEST_TEAMS_URL", f"{web.url}/teams")
    told = run("send")
    assert told.exit_code == 0, told.output
    bodies = {path: json.loads(body) for path, _, body in web.requests}
    assert "blocks" in bodies["/slack"]
    [attachment] = bodies["/teams"]["attachments"]
    assert attachment["content"]["type"] == "AdaptiveCard"


def test_schedule_says_when_to_whom_and_what_is_missing(
    run: Run, ready: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_TIME_ZONE", "Europe/Berlin")
    monkeypatch.setenv("ASSAY_DIGEST_AT", "tue 07:30")
    told = ready("schedule").output
    assert "Next: Tuesday 20" in told
    assert " 07:30 Europe/Berlin, 20" in told
    assert f"  {ADA} (the company), by mail" in told
    assert "ASSAY" not in told
    monkeypatch.delenv("ASSAY_SMTP_HOST")
    monkeypatch.delenv("ASSAY_PUBLIC_URL")
    told = ready("schedule").output
    assert "set ASSAY_SMTP_HOST" in told
    assert "set ASSAY_PUBLIC_URL" in told


def test_preview_shows_every_form_and_writes_them(run: Run, data: Path) -> None:
    assert "Week of " in run("preview").output
    assert "<html" in run("preview", "--form", "html").output
    assert "blocks" in json.loads(run("preview", "--form", "slack").output)
    assert json.loads(run("preview", "--form", "teams").output)["type"] == "message"
    assert "There is no team x." in run("preview", "--team", "x").output
    out = data / "out"
    assert run("preview", "--out", str(out)).exit_code == 0
    written = {path.name for path in out.iterdir()}
    assert written >= {"digest.txt", "digest.html", "slack.json", "teams.json"}
    assert "cid:" not in (out / "digest.html").read_text()
    assert "None was sent in these weeks." in run("log").output


@pytest.mark.parametrize("name", ["preview", "send"])
def test_a_week_is_named_by_the_monday_after_it(run: Run, name: str) -> None:
    told = run(name, "--week", "2026-11-18").output
    assert "is no Monday. The one before it is 2026-11-16." in told
    later = monday_of(datetime.now(UTC).date()) + timedelta(weeks=1)
    assert "is not over" in run(name, "--week", str(later)).output


def test_a_process_that_is_killed_while_it_sends_sends_nothing_twice(
    ready: Run, data: Path, mailbox: Mailbox, environment: dict[str, str]
) -> None:
    """The server has the mail, and the sender has not heard of it."""
    taken = threading.Event()
    took = mailbox.handle_DATA

    async def take(server: Any, session: Any, envelope: Any) -> str:
        answer = await took(server, session, envelope)
        process.send_signal(signal.SIGKILL)
        taken.set()
        return answer

    mailbox.handle_DATA = take  # type: ignore[method-assign]
    process = command("digest", "send", "--data", str(data), **environment)
    process.communicate(timeout=60)
    assert taken.is_set()
    mailbox.handle_DATA = took  # type: ignore[method-assign]
    told = ready("send")
    assert told.output.count("uncertain whether it arrived; not sent again") == 1
    assert told.output.count("sent on ") == 1
    assert sorted(to for [to], _ in mailbox.taken) == [ADA, BEN]


def test_every_setting_has_its_heading() -> None:
    page = (ROOT / "docs" / "settings.md").read_text()
    for name, field in DigestSettings.model_fields.items():
        variable = field.validation_alias or f"ASSAY_DIGEST_{name.upper()}"
        assert f"\n## {name}\n" in page, name
        assert f"`{variable}`" in page, name


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"ASSAY_TIME_ZONE": "Europe/Atlantis"}, "no time zone 'Europe/Atlantis'"),
        ({"ASSAY_TIME_ZONE": "../../etc/passwd"}, "no time zone"),
        ({"ASSAY_TIME_ZONE": "Europe"}, "no time zone"),
        ({"ASSAY_DIGEST_AT": "noon"}, "'noon' is no day and time"),
        ({"ASSAY_DIGEST_SLACK_URL": "http://x.example"}, "ASSAY_DIGEST_SLACK_URL: must begin"),
        ({"ASSAY_PUBLIC_URL": "assay.example.com"}, "ASSAY_PUBLIC_URL"),
    ],
)
def test_settings_that_are_wrong_are_named(
    variables: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(CannotStart, match=message):
        set_up(Settings())


def test_empty_settings_are_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ASSAY_TIME_ZONE", "ASSAY_DIGEST_AT", "ASSAY_DIGEST_SLACK_URL"):
        monkeypatch.setenv(name, "")
    told = set_up(Settings())
    assert (told.zone, told.weekly.weekday, told.urls) == ("UTC", 0, {})


def test_a_server_sends_it_by_itself_and_another_one_does_not_send_it_again(
    data: Path, web: Received
) -> None:
    before = datetime.now(UTC) - timedelta(hours=1)
    serve = partial(
        serving,
        data,
        ASSAY_DIGEST_AT=f"{before:%a %H:%M}",
        ASSAY_DIGEST_SLACK_URL=f"{web.url}/slack",
    )
    with serve() as server:
        assert _within(30, lambda: len(web.requests) == 1)
        assert server.interrupt() == 0
    web.requests.clear()
    with serve(ASSAY_DIGEST_TEAMS_URL=f"{web.url}/teams") as server:
        assert _within(30, lambda: len(web.requests) == 1)
        assert server.interrupt() == 0
    assert [path for path, _, _ in web.requests] == ["/teams"]


def _within(seconds: float, holds: Callable[[], bool]) -> bool:
    waiting = threading.Event()
    for _ in range(round(seconds / 0.1)):
        if holds():
            return True
        waiting.wait(0.1)
    return False
