"""Opening the database: SQLite (WAL) under a folder, or PostgreSQL; and its one commit point.

SQLite has one writer a file. Requests that are not folded yet are kept in a file of their own, so
that an acknowledgement waits for the disk and for nobody's work.
"""

import fcntl
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event, func, make_url, select
from sqlalchemy.engine import Engine
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from store.arrivals import make_arrivals

__all__ = ["Connection", "Database", "StoreError", "passing", "translated"]

_PASSING = (OperationalError, InterfaceError, PoolTimeout, sqlite3.OperationalError)
# Class 54 of SQLSTATE: a row that no page of an index holds, a statement too complex.
_LIMIT_EXCEEDED = "54"
_BUSY_TIMEOUT_MS = 15_000
# Emptying the log keeps writers out while it waits for readers: acknowledgements matter more.
_EMPTYING_TIMEOUT_MS = 50
# Of four kilobytes: where nobody folds, receivers move the log into the file from then on.
_MOST_LOGGED_PAGES = 16_384
_ARRIVALS_CACHE_KB = 256
_GIVE_BACK = "PRAGMA incremental_vacuum(4096)"


class StoreError(Exception):
    """The database refused or could not be reached; its own error is the cause.

    ``passing`` tells that the state of the database was the reason (busy, full, away), not what
    was written: the same may succeed later.
    """

    def __init__(self, message: str, *, passing: bool = False) -> None:
        super().__init__(message)
        self.passing = passing


def passing(error: Exception) -> bool:
    """Whether the state of the database was the reason, and not what was read or written."""
    return isinstance(error, StoreError) and error.passing


class Database:
    """An engine with two ways in: ``reading`` (a snapshot) and ``writing`` (one transaction)."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _engine(url)

    @cached_property
    def arrivals(self) -> "Database":
        """Where requests stay until they are folded: a file beside SQLite's; PostgreSQL itself."""
        return _Arrivals(f"{self.url}-inbox") if self.embedded else self

    @property
    def embedded(self) -> bool:
        """Whether this is SQLite: one writer at a time, and files of our own to keep clean."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection whose statements all see one state; nothing is committed."""
        # SQLite's readers always see one state; PostgreSQL's only when told to.
        options = {} if self.embedded else {"isolation_level": "REPEATABLE READ"}
        with translated(), self.engine.connect().execution_options(**options) as connection:
            yield connection
            connection.rollback()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction: committed and durable when the block ends, undone when it raises."""
        options = {"assay_writing": True}
        with translated(), self.engine.connect().execution_options(**options) as connection:
            yield connection
            try:
                connection.commit()
            except BaseException:
                # It may still hold its transaction, and with it the write lock: never used again.
                connection.invalidate()
                raise

    @contextmanager
    def alone(self, task: int) -> Iterator[bool]:
        """Whether this process is the only one at a task, as long as the block lasts.

        Of many the first wins. The lock ends with the process, also where that was killed.
        """
        if self.embedded:
            with _file_lock(f"{self.engine.url.database}.{task}.lock") as won:
                yield won
            return
        # Not in a transaction: a task may last, and would keep the database from tidying up.
        options = {"isolation_level": "AUTOCOMMIT"}
        with translated(), self.engine.connect().execution_options(**options) as connection:
            won = connection.execute(select(func.pg_try_advisory_lock(task))).scalar_one()
            try:
                yield bool(won)
            finally:
                if won:
                    connection.execute(select(func.pg_advisory_unlock(task)))

    def move_log(self) -> None:
        """Move SQLite's log into its file as far as nobody is in the way; writers go on."""
        if self.embedded:
            with translated(), self.engine.connect() as connection:
                connection.connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def empty_log(self) -> bool:
        """Move SQLite's write-ahead logs into their files and cut them to nothing.

        Deleted rows are overwritten in the file (``secure_delete``); their old copies in the log
        are gone only after this. False where a reader was in the way: try again later.
        """
        if not self.embedded:
            return True
        return all([self._emptied(), self.arrivals._emptied()])

    def _emptied(self) -> bool:
        with translated(), self.engine.connect() as connection:
            # On the bare cursor, outside any transaction: inside one it would always be in the way.
            raw = connection.connection.cursor()
            raw.execute(f"PRAGMA busy_timeout = {_EMPTYING_TIMEOUT_MS}")
            try:
                busy = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            finally:
                raw.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
                raw.close()
        return not busy

    def vacuum(self, tables: Iterable[str]) -> None:
        """Write the embedded database's file anew, or reclaim dead rows of PostgreSQL's tables.

        SQLite's writers wait meanwhile. PostgreSQL also forgets what it sampled of the tables.
        """
        if self.embedded:
            with translated(), self.engine.connect() as connection:
                # On the bare cursor: in no transaction.
                raw = connection.connection.cursor()
                raw.execute("VACUUM")
                raw.close()
            return
        options = {"isolation_level": "AUTOCOMMIT"}
        with translated(), self.engine.connect().execution_options(**options) as connection:
            for table in sorted(tables):
                connection.exec_driver_sql(f'VACUUM (ANALYZE) "{table}"')

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()
        if "arrivals" in self.__dict__ and self.arrivals is not self:
            self.arrivals.close()


class _Arrivals(Database):
    """The file of requests that wait, made where there is none.

    Its tables are those of the same names in the database, which are empty there.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url)
        with translated():
            make_arrivals(Path(str(self.engine.url.database)))
        event.listen(self.engine, "connect", _pass_through)

    @cached_property
    def arrivals(self) -> Database:
        """This one."""
        return self

    def _emptied(self) -> bool:
        with translated(), self.engine.connect() as connection:
            # After a backlog most of the file is free: the disk gets it back, some at a time, since
            # senders wait meanwhile. As a script: one step of a statement gives back one page.
            connection.connection.cursor().executescript(_GIVE_BACK)
        return super()._emptied()


@contextmanager
def _file_lock(path: str) -> Iterator[bool]:
    """Whether nobody else holds a lock on this file, as long as the block lasts."""
    with Path(path).open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


@contextmanager
def translated() -> Iterator[None]:
    """The database's errors as ours, without the statement and its values (they are private)."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        cause = getattr(error, "orig", None) or error
        message = str(cause).splitlines()[0] if str(cause) else ""
        raise StoreError(f"{type(cause).__name__}: {message}", passing=_may_pass(error)) from cause


def _may_pass(error: Exception) -> bool:
    """Whether the same may succeed later; PostgreSQL's limits are "operational" too, but stay."""
    state = getattr(getattr(error, "orig", None), "sqlstate", None) or ""
    return isinstance(error, _PASSING) and not state.startswith(_LIMIT_EXCEEDED)


def _engine(url: str) -> Engine:
    if make_url(url).get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"timeout": _BUSY_TIMEOUT_MS / 1000})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(raw: Any, _record: object) -> None:
    """WAL for readers beside the writer; FULL since an acknowledgement is a promise."""
    # pysqlite's own transaction handling begins too late; we emit BEGIN ourselves.
    raw.isolation_level = None
    cursor = raw.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA secure_delete = ON")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes the write lock at once: a read turned write could only fail."""
    writing = connection.get_execution_options().get("assay_writing")
    # On the bare connection: it takes a fifth of the time, and every transaction pays it.
    raw = connection.connection.cursor()
    raw.execute("BEGIN IMMEDIATE" if writing else "BEGIN")
    raw.close()


def _pass_through(raw: Any, _record: object) -> None:
    """The folder moves the log after each of its batches: no acknowledgement is to wait for it.

    What is written is read once, and soon: to remember more of it would only take memory.
    """
    raw.execute(f"PRAGMA wal_autocheckpoint = {_MOST_LOGGED_PAGES}")
    raw.execute(f"PRAGMA cache_size = -{_ARRIVALS_CACHE_KB}")
