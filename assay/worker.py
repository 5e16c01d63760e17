"""The process that folds and classifies: everything after the acknowledgement."""

import logging
import multiprocessing
import signal
import time
from datetime import UTC, datetime
from multiprocessing.synchronize import Event

from classifier.run import classify
from collector.ingest import ingest
from domain.pseudonym import Pseudonyms
from store import inbox, schema
from store.engine import Database, StoreError

_log = logging.getLogger(__name__)

_IDLE_SECONDS = 0.05
_FAILED_SECONDS = 1.0
_TIDY_SECONDS = 5.0


def run_worker(url: str, stopping: Event) -> None:
    """Work until told to stop and nothing is left, or until the parent is gone."""
    # Ctrl-C reaches every process of the terminal; the parent decides when we are done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    database = Database(url)
    pseudonyms = Pseudonyms(schema.pseudonym_key(database))
    with database.writing() as connection:
        inbox.release(connection)
    parent = multiprocessing.parent_process()
    # A fresh start may follow a crash that left private bytes in the write-ahead log.
    stained, tidied_at = True, float("-inf")
    while parent is None or parent.is_alive():
        try:
            worked = bool(ingest(database, pseudonyms))
            worked = classify(database, datetime.now(UTC)) or worked
        except StoreError as error:
            _log.error("waiting for the database: %s", error)
            stopping.wait(_FAILED_SECONDS)
            continue
        stained = stained or worked
        due = not worked or time.monotonic() - tidied_at > _TIDY_SECONDS
        if stained and due and _tidy(database):
            stained, tidied_at = worked, time.monotonic()
        if not worked and stopping.wait(_IDLE_SECONDS):
            break
    database.close()


def _tidy(database: Database) -> bool:
    try:
        return database.empty_log()
    except StoreError:
        return False
