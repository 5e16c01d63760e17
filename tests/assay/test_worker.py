"""The folding process: what it waits for, what it tries again, and what it does not end for."""

import gc
import logging
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from assay import worker
from assay.jobs import Ended, Jobs
from assay.worker import work
from classifier import run
from classifier.leak_report import LeakKeeper
from classifier.watch import Watch
from domain.folded import SessionKey
from store import aside, dirty, inbox, schema
from store.dirty import Marks
from store.engine import Database
from store.schema import SchemaState
from tests.capturing import CAPTURES
from tests.filling import bodies, one, put, rows
from tests.spending import Used
from tests.spending import put as spend

SIMPLE = CAPTURES / "claude-code" / "01-simple-http-protobuf"
_WORD = "a private word"


class UntilEmpty:
    """Orders to stop when nothing is left."""

    stop = True
    gone = False

    def wait(self, seconds: float) -> None:
        """Do not."""


@pytest.fixture(autouse=True)
def looking_for_cycles_as_before() -> Iterator[None]:
    """A worker has the process to itself, and says how it is to look for cycles."""
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def test_a_database_that_is_away_at_the_start_is_waited_for(
    migrated: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = tmp_path / "mounted" / "assay.db"

    def mount() -> None:
        place.parent.mkdir()
        shutil.copy(migrated, place)

    later = threading.Timer(0.2, mount)
    later.start()
    with closing(Database(f"sqlite:///{place}")) as database:
        with caplog.at_level(logging.ERROR):
            work(database, UntilEmpty())
        assert schema.state(database) is SchemaState.CURRENT
    later.join()
    assert [record.message.partition(":")[0] for record in caplog.records] == [
        "waiting for the database"
    ]


FAILING = {
    "watch": (Watch, "look"),
    "judge": (worker, "keep_verdicts"),
    "leaks": (LeakKeeper, "step"),
}


@pytest.mark.parametrize("job", FAILING)
def test_a_job_that_fails_keeps_no_other_waiting(
    job: str, database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = datetime.now(UTC)
    spend(database, [Used(at=now - timedelta(days=20), requests=30, session="old")])
    put(database, bodies(SIMPLE))

    def fail(*_: object) -> None:
        raise ValueError(_WORD)

    monkeypatch.setattr(*FAILING[job], fail)
    jobs, heard = Jobs(), list[Ended]()
    jobs.listeners.append(heard.append)
    work(database, UntilEmpty(), jobs=jobs)
    with database.arrivals.reading() as connection:
        assert inbox.waiting(connection) == (0, 0)
    assert len(rows(database, "labels WHERE current")) == 2
    done = {each.name for each in heard if each.error is None}
    if rows(database, "spend_days_read"):
        done.add("watch")
    assert done == {"fold", "classify", *FAILING} - {job}
    [error] = [each.getMessage() for each in caplog.records if each.levelno == logging.ERROR]
    assert error.startswith(f"{job} failed and is tried again in a minute: ValueError in")
    assert "in fail\n" in error
    assert _WORD not in caplog.text


class Rounds(run.Rounds):
    """Of a company of which something is touched all the time."""

    def conclude(self, now: datetime, *, all_: bool = False) -> bool:
        worked = super().conclude(now, all_=all_)
        with self._database.writing() as connection:
            pks = [pk for (pk,) in rows(self._database, "sessions", "pk")]
            dirty.mark_sessions(connection, pks)
        return worked


class ForAWhile:
    """Orders to end after so many times of waiting."""

    stop = False
    gone = False

    def __init__(self, times: int) -> None:
        self._left = times

    def wait(self, seconds: float) -> None:
        """Wait as long, which is seldom long."""
        self._left -= 1
        self.gone = not self._left
        time.sleep(seconds)


@pytest.mark.parametrize(("busy_seconds", "judged"), [(600.0, False), (0.0, True)])
def test_what_is_told_only_in_part_is_not_judged_but_after_a_while(
    busy_seconds: float, judged: bool, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    spend(database, [Used(at=now - timedelta(days=40), requests=30, session="old")])
    monkeypatch.setattr(worker, "Rounds", Rounds)
    monkeypatch.setattr(worker, "_BUSY_SECONDS", busy_seconds)
    asked: list[datetime] = []
    monkeypatch.setattr(worker, "keep_verdicts", lambda _, at, __: asked.append(at))
    work(database, ForAWhile(times=20))
    assert len(rows(database, "labels WHERE current")) == 1
    assert bool(asked) is judged


def test_a_new_start_gives_what_was_set_aside_another_chance(database: Database) -> None:
    now = datetime.now(UTC)
    spend(database, [Used(at=now - timedelta(days=1), session="a")])
    work(database, UntilEmpty())
    pk = SessionKey("opencode", "a", "").pk
    with database.writing() as connection:
        connection.execute(text("DELETE FROM labels"))
        aside.set_aside(connection, Marks.LABELS, pk, 1, now, "ValueError")
    work(database, UntilEmpty())
    assert one(database, "SELECT session_pk FROM labels") == pk
    assert rows(database, "set_aside") == []
