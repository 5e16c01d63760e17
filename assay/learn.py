"""``assay learn``, and the same once a day beside the worker: orders to a process of its own."""

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import typer

from assay.console import Data, DatabaseUrl, end, opened, settings_from
from assay.opening import CannotStart
from assay.settings import Settings
from assay.threshold_file import ThresholdFile, read_thresholds
from store.engine import Database, StoreError
from store.learned import all_changes, title_model

_log = logging.getLogger(__name__)

_EVERY = timedelta(days=1)
_LOOK_SECONDS = 600.0


def learn(data: Data = None, database_url: DatabaseUrl = None) -> None:
    """Learn from titles what kind of work changes are of which nothing else tells it."""
    settings = settings_from(data=data, database_url=database_url)
    try:
        thresholds = read_thresholds(settings.thresholds)
    except CannotStart as error:
        end(str(error))
    with opened(data, database_url):
        raise typer.Exit(_order(settings.url, thresholds).wait())


def _order(url: str, thresholds: ThresholdFile, *, quiet: bool = False) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-m", "assay.learning"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL if quiet else None,
        text=True,
    )
    if process.stdin is not None:
        process.stdin.write(f"{url}\n{json.dumps(thresholds.text)}\n")
        process.stdin.close()
    return process


@contextmanager
def learning_daily(settings: Settings, database: Database) -> Iterator[None]:
    """Learn anew once a day as long as the block lasts, where there is enough to learn from."""
    stopping = threading.Event()
    learner = threading.Thread(target=_learn, args=(settings, database, stopping), name="learn")
    learner.start()
    try:
        yield
    finally:
        stopping.set()
        learner.join()


def _learn(settings: Settings, database: Database, stopping: threading.Event) -> None:
    thresholds = read_thresholds(settings.thresholds)
    while not stopping.wait(_LOOK_SECONDS):
        try:
            due = _due(database, thresholds.told.learning.titles, datetime.now(UTC))
        except StoreError as error:
            _log.warning("can't look whether to learn: %s", error)
            continue
        if due:
            process = _order(settings.url, thresholds, quiet=True)
            while process.poll() is None:
                if stopping.wait(0.2):
                    # It writes in one transaction at its end: nothing is half learned.
                    process.kill()
            process.wait()


def _due(database: Database, least: int, now: datetime) -> bool:
    """Whether a day has passed since the last time, and there are changes enough to try."""
    with database.reading() as connection:
        last = title_model(connection)
        if last is not None and now < last.trained_at + _EVERY:
            return False
        return len(all_changes(connection)) >= least
