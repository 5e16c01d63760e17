"""Making the file in which requests wait beside an embedded database.

It is made under another name, and gets its own once it is whole: several processes may start at
once, and none may see half a file.
"""

import fcntl
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateTable

from store.tables import deliveries, inbox

_TABLES = [
    str(CreateTable(table).compile(dialect=sqlite.dialect())) for table in (deliveries, inbox)
]
_BEGIN_IDS = "INSERT INTO sqlite_sequence (name, seq) VALUES ('inbox', ?)"


def make_arrivals(place: Path) -> None:
    """Make it where it is not there; sqlite3.Error where that can't be.

    Ids go on from the time in microseconds: those of a file that was lost never come again, since
    the database may remember some as folded.
    """
    if place.exists():
        return
    try:
        with _locked(place.parent):
            if not place.exists():
                _make(place)
    except OSError as error:
        raise sqlite3.OperationalError(f"unable to open {place.name}: {error.strerror}") from error


def _make(place: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=".making-", dir=place.parent) as folder:
        made = Path(folder) / place.name
        with closing(sqlite3.connect(made, isolation_level=None)) as raw:
            # To be said before it has any page: free ones may be given back to the disk.
            raw.execute("PRAGMA auto_vacuum = INCREMENTAL")
            raw.execute("PRAGMA journal_mode = WAL")
            for table in _TABLES:
                raw.execute(table)
            raw.execute(_BEGIN_IDS, (time.time_ns() // 1000,))
        # Requests hold prompts. Whoever closes it last leaves no log beside it.
        made.chmod(0o600)
        made.rename(place)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Wait until no other process makes it; the lock ends with the process."""
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)
