"""A database for each test, made by the migrations that a user's database is made by."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from sqlalchemy import event

from domain.pseudonym import Pseudonyms
from store import migrating
from store.engine import Database
from tests.capturing import PSEUDONYMS
from tests.filling import Fresh as Fresh  # noqa: PLC0414  # other conftests take it from here
from tests.postgres import Postgres, running

# How long an example takes is a matter of the machine.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy: migrating would take longer than most tests."""
    path = tmp_path_factory.mktemp("migrated") / "assay.db"
    with closing(Database(f"sqlite:///{path}")) as database:
        migrating.migrate(database, datetime(2026, 1, 1, tzinfo=UTC))
    return path


@contextmanager
def _sqlite(migrated: Path, folder: Path) -> Iterator[Database]:
    path = shutil.copy(migrated, folder / "assay.db")
    with _opened(f"sqlite:///{path}") as opened:
        yield opened


@contextmanager
def _opened(url: str) -> Iterator[Database]:
    with closing(Database(url)) as opened:
        try:
            yield opened
        finally:
            # A gate notes in the background who used which token.
            for thread in threading.enumerate():
                if thread.name == "tokens":
                    thread.join()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server of our own with a migrated database to copy."""
    with running() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, migrated: Path, tmp_path: Path) -> Iterator[Database]:
    """A migrated, empty database of each kind."""
    if request.param == "sqlite":
        with _sqlite(migrated, tmp_path) as opened:
            yield opened
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.database() as url, _opened(url) as opened:
        yield opened


@pytest.fixture
def embedded(migrated: Path, tmp_path: Path) -> Iterator[Database]:
    """A migrated, empty database in a file, for what is true of such files only."""
    with _sqlite(migrated, tmp_path) as opened:
        yield opened


@pytest.fixture(scope="session")
def fresh(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Fresh:
    """Opens another empty database each time: for every example of a property.

    They do not wait for the disk; everything else is as in ``database``.
    """
    folder, numbers = tmp_path_factory.mktemp("fresh"), count()

    @contextmanager
    def opening() -> Iterator[Database]:
        own = folder / str(next(numbers))
        own.mkdir()
        with _sqlite(migrated, own) as opened:
            event.listen(opened.engine, "connect", _forget_the_disk)
            yield opened
        shutil.rmtree(own)

    return opening


def _forget_the_disk(raw: Any, _record: object) -> None:
    raw.execute("PRAGMA synchronous = OFF")


@pytest.fixture
def pseudonyms() -> Pseudonyms:
    """Pseudonyms with the key of the captures' tests."""
    return PSEUDONYMS
