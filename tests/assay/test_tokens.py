"""Tokens through the command line: whose they are, how long they last, and who made them."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assay.main import app
from domain.pseudonym import Pseudonyms
from store import access, installation
from store.access import Role, Token
from store.engine import Database
from tests.filling import rows


@pytest.fixture
def data(migrated: Path, tmp_path: Path) -> Path:
    (tmp_path / "assay.db").write_bytes(migrated.read_bytes())
    return tmp_path


def run(data: Path, *arguments: str) -> tuple[int, str, str]:
    """A command of ``assay tokens``: (exit status, output, error)."""
    told = CliRunner().invoke(
        app, ["tokens", *arguments, "--data", str(data)], env={"COLUMNS": "250"}
    )
    return told.exit_code, told.stdout, told.stderr


def made(data: Path, *arguments: str) -> Token:
    """The token that this makes."""
    status, _, error = run(data, "create", *arguments)
    assert status == 0, error
    path = data / "assay.db"
    with closing(Database(f"sqlite:///{path}")) as database, database.reading() as connection:
        return access.tokens(connection)[-1]


def pseudonym(data: Path, kind: str, value: str) -> str:
    with closing(Database(f"sqlite:///{data / 'assay.db'}")) as database:
        return Pseudonyms(installation.pseudonym_key(database))(kind, value)


def test_a_lead_of_teams(data: Path) -> None:
    token = made(data, "--role", "lead", "--team", "payments", "--team", " web ")
    assert (token.role, token.person) == (Role.LEAD, None)
    assert token.teams == {"payments", "web"}
    assert made(data, "--role", "lead", "--team", "*").teams == {"*"}


@pytest.mark.parametrize(
    ("told", "kind", "value"),
    [
        ("Ada@Example.com", "email", "ada@example.com"),
        ("email:ada@example.com", "email", "ada@example.com"),
        ("github_login:ada", "login", "ada"),
        ("enduser:ada@example.com", "email", "ada@example.com"),
        ("user_id:123", "installation", "123"),
    ],
)
def test_whose_it_is(data: Path, told: str, kind: str, value: str) -> None:
    token = made(data, "--role", "viewer", "--person", told)
    assert token.person == pseudonym(data, kind, value)
    assert token.teams == frozenset()


def test_a_pseudonym_is_taken_as_it_is(data: Path) -> None:
    told = "p_7149e41a9a48cc84373b"
    assert made(data, "--role", "lead", "--person", told).person == told


@pytest.mark.parametrize(
    ("told", "lasts"),
    [("1h", timedelta(hours=1)), ("90d", timedelta(days=90)), ("2w", timedelta(weeks=2))],
)
def test_how_long_it_lasts(data: Path, told: str, lasts: timedelta) -> None:
    before = datetime.now(UTC)
    token = made(data, "--role", "viewer", "--expires", told)
    assert token.expires_at is not None
    assert before + lasts <= token.expires_at <= datetime.now(UTC) + lasts
    assert made(data, "--role", "viewer").expires_at is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--role", "lead"], "Say which teams: --team NAME"),
        (["--role", "lead", "--team", " "], "Say which teams"),
        (["--role", "viewer", "--team", "web"], "--team is for the role lead"),
        (["--role", "ingest", "--person", "a@b.example"], "assay keys create --user"),
        (["--role", "viewer", "--person", "ada"], "--person: write a mail address"),
        (["--role", "viewer", "--person", "nickname:ada"], "--person: write a mail address"),
        (["--role", "viewer", "--person", "email: "], "--person: write a mail address"),
        (["--role", "viewer", "--expires", "soon"], "--expires: write a number"),
        (["--role", "viewer", "--expires", "0d"], "--expires: write a number"),
        (["--role", "viewer", "--expires", "-1d"], "--expires: write a number"),
    ],
)
def test_what_makes_no_token(data: Path, arguments: list[str], said: str) -> None:
    status, _, error = run(data, "create", *arguments)
    assert status == 1
    assert said in error
    assert run(data, "list")[1].startswith("There are no tokens yet")


def test_the_list_says_whose_and_how_long(data: Path) -> None:
    token = made(
        data, "--role", "lead", "--team", "web", "--person", "a@b.example", "--expires", "1d"
    )
    assert token.expires_at is not None
    shown = run(data, "list")[1]
    for told in (token.id, "lead", "web", token.person or "", f"{token.expires_at:%Y-%m-%d %H:%M}"):
        assert told in shown


def test_who_made_and_revoked_tokens_is_noted(data: Path) -> None:
    token = made(data, "--role", "admin")
    assert run(data, "revoke", token.id)[0] == 0
    assert run(data, "revoke", token.id)[0] == 1
    with closing(Database(f"sqlite:///{data / 'assay.db'}")) as database:
        noted = rows(database, "audit_log", "id, actor, action, object")
    assert [row[1:] for row in noted] == [
        ("command", "assay tokens create", f"admin {token.id}"),
        ("command", "assay tokens revoke", token.id),
    ]


def test_ids_stand_whole_in_a_narrow_list(data: Path) -> None:
    token = made(data, "--role", "lead", "--team", "payments", "--name", "dashboard of payments")
    listed = ["tokens", "list", "--data", str(data)]
    assert token.id in CliRunner().invoke(app, listed, env={"COLUMNS": "80"}).stdout


def test_a_team_that_nobody_is_in_is_told_of(data: Path) -> None:
    status, secret, told = run(data, "create", "--role", "lead", "--team", "paymentz")
    assert (status, secret[:6]) == (0, "assay_")
    assert "nobody is in team paymentz yet" in told
    assert "Note" not in run(data, "create", "--role", "lead", "--team", "*")[2]
