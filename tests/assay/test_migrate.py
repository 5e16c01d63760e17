"""Upgrades: what ``assay migrate`` says and does, while processes of the version before go on."""

import shutil
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

import migrations
from assay.main import app
from store import schema
from store.engine import Database
from store.schema import SchemaState
from tests.capturing import CAPTURES
from tests.serving import requests_of, send, serving

SIMPLE = CAPTURES / "claude-code" / "01-simple-http-protobuf"
_NEXT = '''
"""More"""

import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{before}"


def upgrade() -> None:
    op.create_table("more", sa.Column("id", sa.Integer, primary_key=True))
    op.add_column("sessions", sa.Column("more", sa.Text))
    op.create_index("ix_more", "sessions", ["more"])
'''


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes this program, and no other process, the next version, whose step only adds."""
    folder = shutil.copytree(Path(migrations.__file__).parent, tmp_path / "migrations")
    [*_, last] = sorted(path.stem.partition("_")[0] for path in folder.glob("versions/0*.py"))
    (folder / "versions" / "9999_more.py").write_text(_NEXT.format(before=last))
    monkeypatch.setattr(migrations, "__file__", str(folder / "__init__.py"))


def run(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(each) for each in arguments])
    return done.exit_code, done.output


def test_a_check_says_how_it_stands_and_changes_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    status, said = run("migrate", "--check", "--data", data)
    assert (status, "no database yet" in said) == (1, True)
    assert list(data.iterdir()) == []
    assert run("migrate", "--data", data)[0] == 0
    assert run("migrate", "--check", "--data", data) == (0, "The database is of this version.\n")


@pytest.mark.usefixtures("next_version")
def test_a_process_of_the_version_before_goes_on_after_a_migration(
    tmp_path: Path,
) -> None:
    """Expand, then contract: what a migration adds is in nobody's way."""
    data = tmp_path / "data"
    requests = requests_of(SIMPLE)
    with serving(data) as old:
        half = len(requests) // 2
        for note, body in requests[:half]:
            send(old, note, body)
        old.settle()
        assert run("migrate", "--check", "--data", data)[0] == 1
        assert run("migrate", "--data", data)[0] == 0
        for note, body in requests[half:]:
            send(old, note, body)
        usage = old.usage()
        assert old.api.get("/readyz").json()["status"] == "ready"
        with closing(Database(f"sqlite:///{data / 'assay.db'}")) as database:
            assert schema.state(database) is SchemaState.CURRENT
    # In the order in which all were sent to a server without any migration.
    with serving(tmp_path / "other") as other:
        for note, body in requests:
            send(other, note, body)
        assert other.usage() == usage


@pytest.mark.usefixtures("next_version")
def test_a_new_process_of_the_version_before_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    assert run("migrate", "--data", data)[0] == 0
    monkeypatch.undo()
    status, said = run("migrate", "--check", "--data", data)
    assert (status, "newer version" in said) == (1, True)
    with closing(Database(f"sqlite:///{data / 'assay.db'}")) as database:
        assert schema.state(database) is SchemaState.NEWER
