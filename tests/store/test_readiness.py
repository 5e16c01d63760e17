"""Whether a database can be worked at: reachable, migrated, and folded in time."""

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

import migrations
from store import inbox
from store.engine import Database
from store.readiness import Check, checks
from tests.capturing import CAPTURES
from tests.filling import RECEIVED_AT, bodies, one, put

MINUTE = timedelta(minutes=1)
SIMPLE = CAPTURES / "claude-code" / "01-simple-http-protobuf"


def oks(told: tuple[Check, ...]) -> dict[str, bool | None]:
    return {each.name: each.ok for each in told}


def revised(database: Database, revision: str) -> None:
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :to"), {"to": revision})


def test_an_empty_database_is_ready(database: Database) -> None:
    told = checks(database, RECEIVED_AT, MINUTE)
    assert oks(told) == {"database": True, "schema": True, "folding": True}


def test_what_waits_too_long_says_that_nobody_folds(database: Database) -> None:
    put(database, bodies(SIMPLE))
    just, late = RECEIVED_AT + MINUTE, RECEIVED_AT + MINUTE + timedelta(seconds=1)
    assert oks(checks(database, just, MINUTE))["folding"] is True
    [*_, folding] = checks(database, late, MINUTE)
    assert (folding.ok, folding.detail) == (False, "the oldest request has waited 61 seconds")
    assert oks(checks(database, late, None))["folding"] is True


def test_what_is_set_aside_does_not_wait(database: Database) -> None:
    put(database, bodies(SIMPLE)[:1])
    with database.arrivals.writing() as connection:
        inbox.park(connection, one(database, "SELECT id FROM inbox"), "ValueError")
    assert oks(checks(database, RECEIVED_AT + 60 * MINUTE, MINUTE))["folding"] is True


def test_a_newer_database_is_ready(database: Database) -> None:
    revised(database, "9999")
    told = checks(database, RECEIVED_AT, MINUTE)
    assert oks(told) == {"database": True, "schema": True, "folding": True}


def test_an_older_database_is_not_ready(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(Path(migrations.__file__).parent, tmp_path / "migrations")
    [*_, last] = sorted(path.stem.partition("_")[0] for path in folder.glob("versions/0*.py"))
    step = f"revision = '9999'\ndown_revision = '{last}'\ndef upgrade() -> None: ...\n"
    (folder / "versions" / "9999_more.py").write_text(step)
    monkeypatch.setattr(migrations, "__file__", str(folder / "__init__.py"))
    told = checks(database, RECEIVED_AT, MINUTE)
    assert oks(told) == {"database": True, "schema": False, "folding": None}


def test_without_the_database_nothing_else_is_known(tmp_path: Path) -> None:
    with nowhere(tmp_path) as database:
        told = oks(checks(database, RECEIVED_AT, MINUTE))
    assert told == {"database": False, "schema": None, "folding": None}


@contextmanager
def nowhere(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(f"sqlite:///{tmp_path}/no/where.db")) as database:
        yield database
