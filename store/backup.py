"""Copies of the embedded database: made while it is used, and looked at before they are trusted."""

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from store import schema
from store.engine import Database, StoreError, translated
from store.schema import SchemaState

_BUSY_SECONDS = 15
_WAITING = "SELECT id, received_at, kind, name, body, parked, key_id FROM inbox ORDER BY id"
_WAIT = (
    "INSERT INTO inbox (received_at, kind, name, body, parked, key_id) VALUES (?, ?, ?, ?, ?, ?)"
)
_KNOWN = "SELECT provider, delivery_id, received_at FROM deliveries"
_KNOW = "INSERT OR IGNORE INTO deliveries (provider, delivery_id, received_at) VALUES (?, ?, ?)"
# Of a database: its log, and the requests that wait.
_BESIDE = ("-wal", "-shm", "-inbox", "-inbox-wal", "-inbox-shm")


class BadBackup(Exception):
    """Why a file is no backup that could be restored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """What a copy holds. ``waiting`` requests are acknowledged and not folded yet."""

    state: SchemaState
    bytes: int
    sessions: int
    waiting: int


def copy(database: Database, to: Path) -> Copied:
    """Copy the embedded database, as it is at one moment, into a new file, and check the copy.

    Others go on reading and writing meanwhile: all is read in one snapshot. Requests that are not
    folded yet stand in the copy itself (see ``store.inbox.adopt``). Raises StoreError, BadBackup,
    and FileExistsError where the file is there.
    """
    source, waiting = database.engine.url.database, database.arrivals.engine.url.database
    if not database.embedded or source is None or waiting is None:
        raise ValueError("only an embedded database is a file")
    # Ours alone from the first byte: it holds what is not folded yet, and the pseudonyms' key.
    os.close(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with translated():
            _copy(source, waiting, to)
        return look(to)
    except BaseException:
        to.unlink(missing_ok=True)
        raise


def _copy(source: str, waiting: str, to: Path) -> None:
    with (
        closing(_opened(source)) as reading,
        closing(_opened(waiting)) as arrivals,
        closing(sqlite3.connect(to, isolation_level=None)) as writing,
    ):
        with closing(_opened(source)) as folder:
            # While nobody folds, both are as they are at one moment.
            folder.execute("BEGIN IMMEDIATE")
            for each in (reading, arrivals):
                each.execute("BEGIN")
                each.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        # In one step: in several, each writer in between would make it begin again.
        reading.backup(writing, pages=-1)
        _add_waiting(arrivals, writing)
        # A file that stands alone, without a log beside it.
        writing.execute("PRAGMA journal_mode = DELETE")
    with to.open("rb") as written:
        os.fsync(written.fileno())


def _opened(path: str) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)


def _add_waiting(arrivals: sqlite3.Connection, to: sqlite3.Connection) -> None:
    """Write what is not folded into the copy, without what is and was about to be deleted."""
    folded = {row_id for (row_id,) in to.execute("SELECT id FROM folded_requests")}
    to.execute("BEGIN")
    to.execute("DELETE FROM folded_requests")
    waiting = (row for row_id, *row in arrivals.execute(_WAITING) if row_id not in folded)
    to.executemany(_WAIT, waiting)
    to.executemany(_KNOW, arrivals.execute(_KNOWN))
    to.execute("COMMIT")


def look(path: Path) -> Copied:
    """What a copy holds. Raises BadBackup where it is damaged, or no database of ours."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as raw:
            [found] = raw.execute("PRAGMA integrity_check(1)").fetchone()
            if found != "ok":
                raise BadBackup(f"it is damaged: {found}")
            [keys] = raw.execute("SELECT COUNT(*) FROM installation").fetchone()
            [sessions] = raw.execute("SELECT COUNT(*) FROM sessions").fetchone()
            [waiting] = raw.execute("SELECT COUNT(*) FROM inbox").fetchone()
            revision = raw.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error as error:
        raise BadBackup(f"it is no database of Tokenassay: {error}") from error
    if not keys or revision is None:
        raise BadBackup("it is an empty database")
    return Copied(
        state=schema.state_of(revision[0]),
        bytes=path.stat().st_size,
        sessions=sessions,
        waiting=waiting,
    )


def in_use(path: Path) -> bool:
    """Whether any process has this database open: only alone may the log be given up."""
    try:
        with closing(sqlite3.connect(path, timeout=0)) as raw:
            raw.execute("PRAGMA busy_timeout = 0")
            [mode] = raw.execute("PRAGMA journal_mode = DELETE").fetchone()
    except sqlite3.OperationalError:
        return True
    except sqlite3.DatabaseError:
        # No database at all: whatever it is, nobody works at it.
        return False
    return str(mode) != "delete"


def put_in_place(copied: Path, place: Path) -> None:
    """Make a checked copy the database at this place, or leave that as it was.

    What was there before is gone, with its log.
    """
    beside = place.with_name(f"{place.name}.restoring")
    try:
        with (
            closing(sqlite3.connect(f"{copied.resolve().as_uri()}?mode=ro", uri=True)) as reading,
            closing(sqlite3.connect(beside)) as writing,
        ):
            beside.chmod(0o600)
            reading.backup(writing, pages=-1)
        for suffix in _BESIDE:
            place.with_name(place.name + suffix).unlink(missing_ok=True)
        with beside.open("rb") as written:
            os.fsync(written.fileno())
        beside.replace(place)
    except sqlite3.Error as error:
        raise StoreError(f"{type(error).__name__}: {error}") from error
    finally:
        beside.unlink(missing_ok=True)
