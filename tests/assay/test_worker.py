"""The folding process: what it waits for, what it tries again, and what it does not end for."""

import gc
import logging
import shutil
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from assay import worker
from assay.jobs import Ended, Jobs
from assay.worker import work
from classifier.leak_report import LeakKeeper
from classifier.watch import Watch
from domain.folded import SessionKey
from store import aside, inbox, schema
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
