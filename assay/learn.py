"""``assay learn``, and the same once a day beside the worker: orders to a process of its own.

Once an hour that process asks the last model about the sessions that ended since.
"""

import json
import logging
import subprocess
import sys
import threading
import time
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
from store.predictions import anything_settled, last_card

_log = logging.getLogger(__name__)

_EVERY = timedelta(days=1)
_LOOK_SECONDS = 600.0
_WARN_SECONDS = 3_600.0


def learn(data: Data = None, database_url: DatabaseUrl = None) -> None:
    """Learn from the company's own work: kinds of work from titles, and how sessions may end."""
    settings = settings_from(data=data, database_url=database_url)
    try:
        thresholds = read_thresholds(settings.thresholds)
    except CannotStart as error:
        end(str(error))
    with opened(data, database_url):
        raise typer.Exit(_order(settings.url, thresholds).wait())


def _order(
    url: str, thresholds: ThresholdFile, what: str = "learn", *, quiet: bool = False
) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-m", "assay.learning"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL if quiet else None,
        text=True,
    )
    if process.stdin is not None:
        process.stdin.write(f"{url}\n{json.dumps(thresholds.text)}\n{what}\n")
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
    warned_at = float("-inf")
    while not stopping.wait(_LOOK_SECONDS):
        try:
            due = _due(database, thresholds.told.learning.titles, datetime.now(UTC))
        except StoreError as error:
            _log.warning("can't look whether to learn: %s", error)
            continue
        if due == "warn" and time.monotonic() < warned_at + _WARN_SECONDS:
            continue
        if due:
            warned_at = time.monotonic()
            process = _order(settings.url, thresholds, due, quiet=True)
            while process.poll() is None:
                if stopping.wait(0.2):
                    # It writes in one transaction at its end: nothing is half learned.
                    process.kill()
            process.wait()


def _due(database: Database, least: int, now: datetime) -> str | None:
    """``learn`` where a day has passed since the last time and there is anything to try.

    ``warn`` where there is a model to ask. A training on few sessions is tried as well: its card
    says what is missing.
    """
    with database.reading() as connection:
        titles, outcomes = title_model(connection), last_card(connection)
        known = [titles.trained_at] if titles else []
        known += [outcomes[1].trained_at] if outcomes else []
        if known and now < max(known) + _EVERY:
            return "warn" if outcomes is not None and not outcomes[1].refused else None
        enough = len(all_changes(connection)) >= least or anything_settled(connection)
        return "learn" if enough else None
