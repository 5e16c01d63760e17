"""Old sessions go by command and by setting, and a running server then refuses what they were."""

import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest
from typer.testing import CliRunner

from assay import retention
from assay.main import app
from assay.settings import Settings
from store import audit, sign_ins
from store.access import Role
from store.audit import Noted
from store.engine import Database
from store.sign_ins import Admitted
from tests.ageing import Sent, day, send
from tests.filling import rows

SENT = [Sent("a", 0, 1), Sent("a", 1, 2)]


@pytest.fixture
def told(migrated: Path, tmp_path: Path) -> Path:
    """A data folder with one session of long ago, about which everything is concluded."""
    (tmp_path / "assay.db").write_bytes(migrated.read_bytes())
    with closing(Database(f"sqlite:///{tmp_path / 'assay.db'}")) as database:
        send(database, SENT)
        with database.writing() as connection:
            connection.exec_driver_sql("DELETE FROM dirty_sessions")
    return tmp_path


def run(data: Path, *arguments: str) -> tuple[int, str]:
    """A command: (exit status, everything it said)."""
    done = CliRunner().invoke(app, ["retention", *arguments, "--data", str(data)])
    return done.exit_code, done.output


def sessions(data: Path) -> int:
    with closing(Database(f"sqlite:///{data / 'assay.db'}")) as database:
        return len(rows(database, "sessions", "pk"))


def test_a_dry_run_says_how_many_and_deletes_nothing(told: Path) -> None:
    status, said = run(told, "--before", f"{day(2):%Y-%m-%d}", "--dry-run")
    assert (status, sessions(told)) == (0, 1), said
    assert said.endswith("00:00 UTC: 1. Nothing was deleted.\n")


def test_what_ended_before_is_deleted_and_sent_again_stays_away(told: Path) -> None:
    status, said = run(told, "--before", f"{day(2):%Y-%m-%d}")
    assert (status, sessions(told)) == (0, 0)
    assert "00:00 UTC: 1.\nForgotten beside them: 0 hours of record keys" in said
    with closing(Database(f"sqlite:///{told / 'assay.db'}")) as database:
        send(database, SENT)
    assert sessions(told) == 0


def test_without_a_time_it_is_that_of_the_setting(
    told: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_RETENTION_DAYS", "36500")
    assert (run(told)[0], sessions(told)) == (0, 1)
    monkeypatch.setenv("ASSAY_RETENTION_DAYS", "1")
    status, said = run(told, "--dry-run")
    assert (status, sessions(told), "UTC: 1. Nothing" in said) == (0, 1, True)
    assert (run(told)[0], sessions(told)) == (0, 0)


@pytest.mark.parametrize(
    "arguments",
    [(), ("--before", "2026-01-01", "--older-than", "3"), ("--before", "2999-01-01")],
    ids=["none", "both", "to come"],
)
def test_what_is_no_time_is_refused(told: Path, arguments: tuple[str, ...]) -> None:
    status, said = run(told, *arguments)
    assert (status, sessions(told)) == (1, 1)
    assert said.count("\n") == 1


def once(settings: Settings, database: Database, done: Callable[[], bool]) -> None:
    """Forget as a worker does, until ``done``."""
    with retention.forgetting(settings, database):
        deadline = time.monotonic() + 30
        while not done() and time.monotonic() < deadline:
            time.sleep(0.02)


def test_the_settings_say_what_is_forgotten(told: Path) -> None:
    """By default nothing; then only what would recognise old records; then the sessions."""
    with closing(Database(f"sqlite:///{told / 'assay.db'}")) as database:
        retention._as_set(Settings(), database, datetime.now(UTC), Event().is_set)
        assert (len(rows(database, "sessions")), len(rows(database, "seen"))) == (1, 2)
        once(Settings(late_days=1), database, lambda: not rows(database, "seen"))
        assert (len(rows(database, "sessions")), rows(database, "seen")) == (1, [])
        send(database, SENT)
        with database.writing() as connection:
            connection.exec_driver_sql("DELETE FROM dirty_sessions")
        once(Settings(retention_days=1), database, lambda: not rows(database, "sessions"))
        assert rows(database, "usage") == []


def test_old_rows_of_the_log_and_ended_sign_ins_go(told: Path) -> None:
    now = datetime.now(UTC)
    with closing(Database(f"sqlite:///{told / 'assay.db'}")) as database:
        with database.writing() as connection:
            for days in (1, 9, 11):
                noted = Noted(
                    at=now - timedelta(days=days),
                    actor="local",
                    person=None,
                    action="",
                    object="",
                    status=200,
                    people=None,
                    address=None,
                )
                audit.note(connection, noted)
            who = Admitted(role=Role.VIEWER, teams=frozenset(), person=None)
            lasts = timedelta(days=30)
            sign_ins.sign_in(connection, who, now - timedelta(minutes=61), lasts)
            sign_ins.sign_in(connection, who, now, lasts)
        settings = Settings(audit_days=10, sign_in_idle_minutes=60)
        retention._as_set(settings, database, now, Event().is_set)
        assert len(rows(database, "audit_log")) == 2
        assert len(rows(database, "browser_sessions")) == 1
