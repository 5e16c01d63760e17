"""The operator's file of who gets the digest, and the commands about it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from assay.digest_recipients_file import read_recipients
from assay.main import app
from assay.people_file import FileInvalid
from domain.pseudonym import Pseudonyms
from store import digest_recipients, installation, people_file
from store.engine import Database
from store.people_file import FiledIdentity
from store.teams import Membership, replace_teams
from tests.capturing import PSEUDONYMS

ADA = PSEUDONYMS("person", "Ada")
Run = Callable[..., Result]


def read(tmp_path: Path, *lines: str) -> dict[str, tuple[frozenset[str], str | None]]:
    path = tmp_path / "recipients.csv"
    path.write_text("\n".join(lines))
    found = read_recipients(path, PSEUDONYMS, {PSEUDONYMS("email", "a@b.example"): ADA})
    return {each.address: (each.teams, each.person) for each in found.values()}


def test_an_address_may_stand_on_many_lines(tmp_path: Path) -> None:
    assert read(
        tmp_path,
        "address,team,person",
        "ada@acme.example,payments,",
        " ADA@acme.example , ,ada",
        "o'brien+x@mail.acme.example,*",
    ) == {
        "ada@acme.example": (frozenset({"payments", ""}), ADA),
        "o'brien+x@mail.acme.example": (frozenset({"*"}), None),
    }


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("ada,web", "ada is no mail address"),
        (",web", r"\(empty\) is no mail address"),
        ("a@b@c.example,web", "no mail address"),
        ('"a@b.example, c@d.example",web', "no mail address"),
        ("Ada <a@b.example>,web", "no mail address"),
        ("ä@b.example,web", "no mail address"),
        (".a@b.example,web", "no mail address"),
        ("a@-b.example,web", "no mail address"),
        ('"a@b.example\nBcc: c@d.example",web', "no mail address"),
        ("a\0@b.example,web", "no mail address"),
        (f"{'a' * 250}@b.example,web", "no mail address"),
        ('a@b.example,"we\nb"', "one line of text"),
        ("a@b.example,web,Nobody", "names nobody like this"),
    ],
    ids=str,
)
def test_every_line_that_is_wrong_is_named(tmp_path: Path, line: str, problem: str) -> None:
    with pytest.raises(FileInvalid, match=rf"^line \d: .*{problem}") as refused:
        read(tmp_path, "address,team,person", line, "good@acme.example,web")
    assert len(refused.value.problems) == 1


def test_an_address_is_one_persons(tmp_path: Path) -> None:
    path = tmp_path / "recipients.csv"
    path.write_text("address,team,person\na@b.example,web,Ada\na@b.example,pay,Ben\n")
    filed = {"p_1": ADA, "p_2": PSEUDONYMS("person", "Ben")}
    with pytest.raises(FileInvalid, match="another person in line 2"):
        read_recipients(path, PSEUDONYMS, filed)


@pytest.fixture
def run(embedded: Database, tmp_path: Path) -> Run:
    """Runs ``assay digest recipients``."""
    data = Path(str(embedded.engine.url.database)).parent

    def running(*told: str) -> Result:
        return CliRunner().invoke(app, ["digest", "recipients", *told, "--data", str(data)])

    return running


def mine(database: Database) -> Pseudonyms:
    return Pseudonyms(installation.pseudonym_key(database))


def lead(database: Database, team: str, mail: str) -> None:
    """A team and its lead, as the files of people and teams say."""
    person = mine(database)("person", mail)
    identity = mine(database)("email", mail)
    with database.writing() as connection:
        filed = {identity: FiledIdentity(identity=identity, kind="email", person=person)}
        people_file.import_file(connection, filed, {}, replace=False)
        replace_teams(connection, [Membership(team=team, person=person, lead=True)])


def write(tmp_path: Path, *lines: str) -> str:
    path = tmp_path / "recipients.csv"
    path.write_text("\n".join(("address,team", *lines)))
    return str(path)


def test_import_list_and_check(run: Run, embedded: Database, tmp_path: Path) -> None:
    lead(embedded, "web", "ada@acme.example")
    told = run("import", write(tmp_path, "boss@acme.example,", "ben@acme.example,wbe"))
    assert told.exit_code == 0, told.output
    assert "Addresses: 2; of these unsubscribed: 0." in told.output
    assert "ben@acme.example: there is no team wbe." in told.output
    listed = run("list").output
    assert "boss@acme.example" in listed
    assert "the company" in listed
    checked = run("check")
    assert checked.exit_code == 1
    assert "web has a lead, but nobody gets its digest." in checked.output
    run("import", write(tmp_path, "ben@acme.example,web", "boss@acme.example,"))
    assert run("check").exit_code == 0


def test_nothing_of_a_file_with_a_mistake_is_imported(
    run: Run, embedded: Database, tmp_path: Path
) -> None:
    told = run("import", write(tmp_path, "ada@acme.example,web", "ada,web"))
    assert told.exit_code == 1
    assert "line 3: ada is no mail address" in told.output
    with embedded.reading() as connection:
        assert digest_recipients.recipients(connection) == []
    assert "Nobody gets it yet" in run("list").output


def test_who_leads_is_found_by_their_address(run: Run, embedded: Database, tmp_path: Path) -> None:
    """The file of people has said whose it is, before anything was concluded from it."""
    lead(embedded, "web", "ada@acme.example")
    run("import", write(tmp_path, "ada@acme.example,*", "ben@acme.example,*"))
    checked = run("check")
    assert "ben@acme.example leads no team now." in checked.output
    assert "ada" not in checked.output
    assert "nobody gets its digest" not in checked.output


def test_unsubscribing_by_hand(run: Run, embedded: Database, tmp_path: Path) -> None:
    run("import", write(tmp_path, "ada@acme.example,"))
    assert run("resubscribe", "ada@acme.example").exit_code == 1
    assert run("unsubscribe", "Ada@acme.example").exit_code == 0
    again = run("import", write(tmp_path, "ada@acme.example,"))
    assert "Addresses: 1; of these unsubscribed: 1." in again.output
    assert "ada@acme.example has unsubscribed." in run("check").output
    assert run("resubscribe", "ada@acme.example").exit_code == 0
    assert "unsubscribed." not in run("check").output
