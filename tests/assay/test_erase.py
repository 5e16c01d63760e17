"""``assay erase`` asks first, says what it did, and leaves nobody of that address."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from assay.main import app
from assay.people_file import identity_of
from domain.pseudonym import Pseudonyms
from store import installation
from store.engine import Database
from tests.capturing import CAPTURES
from tests.filling import rows
from tests.serving import requests_of, send, serving

SIMPLE = CAPTURES / "claude-code" / "01-simple-http-protobuf"
OTHER = CAPTURES / "claude-code" / "24-commit-variants-tool-details"


def run(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["erase", *(str(each) for each in arguments)])
    return done.exit_code, done.output


def where(database: Database) -> tuple[str, ...]:
    """The options that name a database."""
    return ("--database-url", database.url)


@pytest.fixture
def known(database: Database) -> str:
    """Somebody whom the books know by the pseudonym of a mail address."""
    pseudonyms = Pseudonyms(installation.pseudonym_key(database))
    identity = identity_of("email", "ada@example.com", pseudonyms)
    with database.writing() as connection:
        connection.exec_driver_sql(
            f"INSERT INTO persons (identity, person) VALUES ('{identity}', '{identity}')"
        )
    return identity


def test_it_asks_first(database: Database, known: str) -> None:
    status, said = run("ada@example.com", *where(database))
    assert (status, known in said, "--yes" in said) == (1, True, True)
    assert rows(database, "persons") == [(known, known)]


def test_a_person_is_found_by_mail_and_by_pseudonym(database: Database, known: str) -> None:
    assert run(known, *where(database))[1] == run(" Ada@Example.com", *where(database))[1]
    status, said = run("ada@example.com", "--yes", *where(database))
    assert status == 0, said
    assert said.startswith("1 pseudonyms were replaced")
    [(identity, person)] = rows(database, "persons")
    assert identity == person != known
    [(action, of)] = rows(database, "audit_log", "action, object")
    assert (action, of) == ("assay erase", "0 sessions")
    status, said = run("ada@example.com", "--yes", *where(database))
    assert (status, "Nobody here is known by that" in said) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("ada",), "Say what ada is with --kind"),
        (("ada", "--kind", "shoe"), "There is no kind shoe"),
        (("nobody@example.com",), "Nobody here is known by that"),
    ],
)
def test_what_names_nobody_is_refused(
    arguments: tuple[str, ...], why: str, database: Database
) -> None:
    status, said = run(*arguments, "--yes", *where(database))
    assert (status, said.count("\n")) == (1, 1)
    assert why in said


def test_while_a_server_runs(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        for note, body in requests_of(SIMPLE):
            send(server, note, body)
        usage = server.usage()
        before = server.get("/v1/usage", group_by="user")["rows"]
        [user] = {row["user"] for row in before}
        status, said = run(user, "--yes", "--data", tmp_path)
        assert status == 0, said
        assert "in 1 sessions" in said
        after = server.get("/v1/usage", group_by="user")["rows"]
        assert [row["user"] for row in after] != [user]
        assert [{**row, "user": user} for row in after] == before
        assert server.usage() == usage
        # It goes on.
        for note, body in requests_of(OTHER):
            send(server, note, body)
        server.settle()
        assert len(server.get("/v1/sessions")["rows"]) > 1
        assert server.interrupt() == 0
