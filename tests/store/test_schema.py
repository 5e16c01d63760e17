"""Which version a database is of, and that migrations lead to what the tables say."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

import migrations
from store import access, installation, migrating, schema
from store.engine import Database, StoreError
from store.schema import SchemaState
from store.standing import version
from store.tables import metadata
from tests.filling import one, rows

NOW = datetime(2026, 3, 1, tzinfo=UTC)
_ROW = text("INSERT INTO folded_requests (id) VALUES (:id)")
_NEXT = '''
"""More"""

import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{before}"


def upgrade() -> None:
    op.create_table("more", sa.Column("id", sa.Integer, primary_key=True))
'''


@pytest.fixture
def unmigrated(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(f"sqlite:///{tmp_path}/new.db")) as database:
        yield database


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Makes the program the next version, of one more migration; its file."""
    folder = shutil.copytree(Path(migrations.__file__).parent, tmp_path / "migrations")
    [*_, last] = sorted(path.stem.partition("_")[0] for path in folder.glob("versions/0*.py"))
    monkeypatch.setattr(migrations, "__file__", str(folder / "__init__.py"))
    more = folder / "versions" / "9999_more.py"
    more.write_text(_NEXT.format(before=last))
    return more


def columns(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Every table with its columns and indexes, and whether it has rowids, as SQLite sees it."""
    tables = "SELECT name, wr FROM pragma_table_list WHERE type = 'table'"
    indexes = (
        "SELECT list.name, list.'unique', info.seqno, info.name FROM pragma_index_list(:table)"
        " AS list JOIN pragma_index_info(list.name) AS info ORDER BY list.name, info.seqno"
    )
    with database.reading() as connection:
        return {
            table: [
                ("without rowid", without_rowid),
                *map(tuple, connection.execute(text(f"PRAGMA table_xinfo({table})"))),
                *map(tuple, connection.execute(text(indexes), {"table": table})),
            ]
            for table, without_rowid in connection.execute(text(tables)).all()
            if not table.startswith("sqlite_") and table != "alembic_version"
        }


def test_migrations_lead_from_nothing_to_what_the_tables_say(database: Database) -> None:
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_the_migrated_tables_are_the_declared_ones_to_the_column(
    embedded: Database, unmigrated: Database
) -> None:
    with unmigrated.writing() as connection:
        metadata.create_all(connection)
    assert columns(embedded) == columns(unmigrated)


def test_a_new_file_is_empty_and_after_migrating_current(unmigrated: Database) -> None:
    assert schema.state(unmigrated) is SchemaState.EMPTY
    migrating.migrate(unmigrated, NOW)
    assert schema.state(unmigrated) is SchemaState.CURRENT


def test_migrating_again_keeps_the_key_of_the_pseudonyms(unmigrated: Database) -> None:
    migrating.migrate(unmigrated, NOW)
    key = installation.pseudonym_key(unmigrated)
    migrating.migrate(unmigrated, NOW)
    assert len(key) == 32
    assert installation.pseudonym_key(unmigrated) == key
    assert len(rows(unmigrated, "installation")) == 1


def test_each_installation_has_its_own_key(unmigrated: Database, tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path}/other.db")) as other:
        migrating.migrate(unmigrated, NOW)
        migrating.migrate(other, NOW)
        assert installation.pseudonym_key(unmigrated) != installation.pseudonym_key(other)


def test_a_database_of_the_version_before_is_older_until_it_is_migrated(
    database: Database, next_version: Path
) -> None:
    assert schema.state(database) is SchemaState.OLDER
    migrating.migrate(database, NOW)
    assert schema.state(database) is SchemaState.CURRENT
    assert rows(database, "more") == []


def test_a_database_of_the_version_after_is_newer(
    database: Database, next_version: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrating.migrate(database, NOW)
    monkeypatch.undo()
    assert schema.state(database) is SchemaState.NEWER


def test_the_files_name_the_revisions_that_alembic_finds_in_them() -> None:
    script = ScriptDirectory.from_config(migrating.alembic_config())
    found = [each.revision for each in script.walk_revisions()]
    assert list(schema.revisions(migrations.__file__)) == found[::-1]


def test_who_was_a_lead_of_everything_stays_one(unmigrated: Database) -> None:
    config = migrating.alembic_config()
    made = "INSERT INTO access_tokens (id, name, role, digest, created_at) VALUES "
    with unmigrated.writing() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0007")
        connection.execute(text(made + "('a', '', 'lead', '1', 0), ('b', '', 'viewer', '2', 0)"))
    migrating.migrate(unmigrated, NOW)
    with unmigrated.reading() as connection:
        teams = {token.id: token.teams for token in access.tokens(connection)}
    assert teams == {"a": {"*"}, "b": frozenset()}


def test_what_stood_of_repositories_is_kept_with_its_time(unmigrated: Database) -> None:
    config = migrating.alembic_config()
    insert = text("INSERT INTO repositories VALUES (:repo, 'github', :branch, :version)")
    refused = (
        "INSERT INTO coverage VALUES (:forge, 'webhook', 'acme/b', 'other_forge', 1, :first, 99)"
    )
    known = [("acme/a", "trunk", version(NOW, {"branch": "trunk"})), ("acme/b", None, None)]
    with unmigrated.writing() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0020")
        for repo, branch, told in known:
            connection.execute(insert, {"repo": repo, "branch": branch, "version": told})
        for forge, first in (("gitlab", 9), ("gitea", 5)):
            told_by = {"forge": forge, "first": first}
            connection.execute(text(refused), told_by)
    migrating.migrate(unmigrated, NOW)
    at = int(NOW.timestamp() * 1_000_000)
    assert rows(unmigrated, "default_branches") == [("acme/a", "trunk", at, at)]
    assert rows(unmigrated, "lost_repositories") == [("acme/b", 5)]


def test_a_migration_that_fails_leaves_the_database_as_it_was(
    embedded: Database, next_version: Path
) -> None:
    told = next_version.read_text()
    next_version.write_text(told + '    op.execute("INSERT INTO nowhere VALUES (1)")\n')
    before = columns(embedded)
    with pytest.raises(StoreError, match="nowhere"):
        migrating.migrate(embedded, NOW)
    assert columns(embedded) == before
    assert schema.state(embedded) is SchemaState.OLDER


def test_a_file_that_is_no_database_is_a_store_error(tmp_path: Path) -> None:
    path = tmp_path / "letter.db"
    path.write_text("Dear database, " * 500)
    with closing(Database(f"sqlite:///{path}")) as letter:
        with pytest.raises(StoreError, match="not a database"):
            schema.state(letter)
        with pytest.raises(StoreError, match="not a database"):
            migrating.migrate(letter, NOW)
    assert path.read_text() == "Dear database, " * 500


def test_a_folder_that_is_not_there_is_a_store_error_that_may_pass(tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path}/no/where.db")) as nowhere:
        with pytest.raises(StoreError, match="unable to open") as failure:
            schema.state(nowhere)
        assert failure.value.passing


# The engine


def test_an_acknowledged_write_waits_for_the_disk_and_deletes_overwrite(embedded: Database) -> None:
    assert one(embedded, "PRAGMA synchronous") == 2  # FULL
    assert one(embedded, "PRAGMA journal_mode") == "wal"
    assert one(embedded, "PRAGMA secure_delete") == 1


def test_what_a_block_wrote_is_undone_when_it_raises(database: Database) -> None:
    def write_and_fail() -> None:
        with database.writing() as connection:
            connection.execute(_ROW, {"id": 0})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    assert rows(database, "folded_requests") == []


def test_what_one_block_reads_is_one_state(database: Database) -> None:
    count = text("SELECT COUNT(*) FROM folded_requests")
    with database.reading() as reading:
        before = reading.execute(count).scalar_one()
        with database.writing() as connection:
            connection.execute(_ROW, {"id": 1})
        assert reading.execute(count).scalar_one() == before == 0
    assert len(rows(database, "folded_requests")) == 1


def test_an_error_of_the_statement_is_no_passing_one_and_shows_no_values(
    database: Database,
) -> None:
    with pytest.raises(StoreError) as failure, database.writing() as connection:
        connection.execute(
            text("INSERT INTO inbox (received_at, kind, name, body) VALUES (1, :k, 'n', NULL)"),
            {"k": "a private word"},
        )
    assert not failure.value.passing
    assert "private" not in str(failure.value)


def test_emptying_the_log_never_keeps_a_writer_waiting_for_a_reader(embedded: Database) -> None:
    with embedded.writing() as connection:
        connection.execute(_ROW, {"id": 1})
    with embedded.reading() as reading:
        reading.execute(text("SELECT * FROM folded_requests")).all()
        with embedded.writing() as connection:
            connection.execute(_ROW, {"id": 2})
        assert not embedded.empty_log()
        with embedded.writing() as connection:
            connection.execute(_ROW, {"id": 3})
    assert embedded.empty_log()
    path = embedded.engine.url.database
    assert path is not None
    assert Path(f"{path}-wal").stat().st_size == 0
