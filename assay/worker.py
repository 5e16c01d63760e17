"""The process that folds and classifies: everything after the acknowledgement."""

import logging
import signal
import time
from datetime import UTC, datetime
from multiprocessing.connection import Connection

from classifier.run import classify
from collector.ingest import ingest
from domain.pseudonym import Pseudonyms
from store import inbox, schema
from store.engine import Database, StoreError

_log = logging.getLogger(__name__)

_IDLE_SECONDS = 0.05
_FAILED_SECONDS = 1.0
_TIDY_SECONDS = 5.0


def run_worker(url: str, orders: Connection) -> None:
    """Work until told to stop and nothing is left, or until whoever gives orders is gone.

    ``orders`` is a pipe, not an event: an event's ``set`` waits for ever on a process that was
    killed while it waited. Any message means stop; the end of the pipe means that the parent died.
    """
    # Ctrl-C reaches every process of the terminal; the parent decides when we are done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    database = Database(url)
    pseudonyms = Pseudonyms(schema.pseudonym_key(database))
    with database.writing() as connection:
        inbox.release(connection)
    # A fresh start may follow a crash that left private bytes in the write-ahead log.
    stained, tidied_at, stopping = True, float("-inf"), False
    while True:
        try:
            worked = bool(ingest(database, pseudonyms))
            worked = classify(database, datetime.now(UTC)) or worked
        except StoreError as error:
            _log.error("waiting for the database: %s", error)
            time.sleep(_FAILED_SECONDS)
            worked = True
        stained = stained or worked
        due = not worked or time.monotonic() - tidied_at > _TIDY_SECONDS
        if stained and due and _tidy(database):
            stained, tidied_at = worked, time.monotonic()
        if stopping and not worked:
            break
        if not stopping and orders.poll(0 if worked else _IDLE_SECONDS):
            try:
                orders.recv()
            except EOFError:
                break
            stopping = True
    database.close()


def _tidy(database: Database) -> bool:
    try:
        return database.empty_log()
    except StoreError:
        return False
