"""The folding process at its start: a database that is away just then is waited for."""

import gc
import logging
import shutil
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from assay.worker import work
from store import schema
from store.engine import Database
from store.schema import SchemaState


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
