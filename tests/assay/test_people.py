"""Who is who, by the operator's files: what they may say, and what the commands tell."""

from pathlib import Path

import pytest
from sqlalchemy import insert
from typer.testing import CliRunner

from assay import people, teams
from assay.people_file import FileInvalid, read_people
from assay.teams_file import read_teams
from domain.people import SamePerson, Strength
from domain.pseudonym import Pseudonyms
from store import installation
from store import people as stored_people
from store import tables as t
from store.engine import Database
from store.people_file import FiledIdentity
from store.teams import Membership
from tests.filling import RECEIVED_AT, rows
from tests.identifying import identify

ALICE = """\
person,kind,value
Alice Smith,email,Alice@acme.example
Alice  smith, github_login , alice-gh
Alice Smith,name,"Smith, Alice"
Alice Smith,enduser,alice@home.example
Alice Smith,user_id,1f2e

Bob,gitlab_login,bob
"""


def written(folder: Path, text: str, name: str = "people.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def run(command: str, data: Path, *arguments: object, **environment: str) -> tuple[int, str, str]:
    """A command of ``assay people`` or ``assay teams``: (exit status, output, error)."""
    app = {"people": people.app, "teams": teams.app}[command]
    told = CliRunner().invoke(
        app,
        [*map(str, arguments), "--data", str(data)],
        env={"COLUMNS": "250", **environment},
    )
    return told.exit_code, told.stdout, told.stderr


@pytest.fixture
def data(embedded: Database, tmp_path: Path) -> Path:
    """The folder of a migrated database."""
    del embedded
    return tmp_path


def problems(path: Path, pseudonyms: Pseudonyms) -> list[str]:
    with pytest.raises(FileInvalid) as refused:
        read_people(path, pseudonyms)
    return refused.value.problems


def test_a_file_is_read_as_telemetry_and_providers_tell_the_same(
    tmp_path: Path, pseudonyms: Pseudonyms
) -> None:
    told = read_people(written(tmp_path, "\ufeff" + ALICE), pseudonyms)
    alice, bob = pseudonyms("person", "alice smith"), pseudonyms("person", "Bob")
    expected = [
        ("email", pseudonyms("email", "alice@acme.example"), alice),
        ("github_login", pseudonyms("login", "alice-gh"), alice),
        ("name", pseudonyms("name", "smith, alice"), alice),
        ("enduser", pseudonyms("email", "alice@home.example"), alice),
        ("user_id", pseudonyms("installation", "1f2e"), alice),
        ("gitlab_login", pseudonyms("gitlab_login", "bob"), bob),
    ]
    assert told.rows == {
        identity: FiledIdentity(identity=identity, kind=kind, person=person)
        for kind, identity, person in expected
    }
    assert told.names == {alice: "Alice Smith", bob: "Bob"}


def test_logins_of_different_forges_are_kept_apart(pseudonyms: Pseudonyms) -> None:
    kinds = ("login", "gitlab_login", "bitbucket_login", "azure_login", "gitea_login")
    assert len({pseudonyms(kind, "alice") for kind in kinds}) == len(kinds)
    assert all(pseudonyms(kind, "alice") == pseudonyms(kind, " ALICE") for kind in kinds)


def test_every_mistake_is_named_with_its_line(tmp_path: Path, pseudonyms: Pseudonyms) -> None:
    path = written(
        tmp_path,
        "person,kind,value\n"
        ",email,a@acme.example\n"
        "Alice,mail,a@acme.example\n"
        "Alice,email,a.acme.example\n"
        'Alice,name,"Smith,\nAlice"\n'
        "Alice,github_login,\n"
        "Alice,identity,p_123\n"
        "Alice,github_login,alice\n"
        "Bob,github_login,ALICE\n",
    )
    told = problems(path, pseudonyms)
    assert [each.partition(":")[0] for each in told] == [
        f"line {number}" for number in (2, 3, 4, 7, 8, 10)
    ]
    assert told[0] == "line 2: person is empty"
    assert told[1].startswith("line 3: there is no kind mail; there are email, ")
    assert told[-1] == "line 10: this github_login is given to another person in line 9"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "line 1: write person,kind,value, which names the columns"),
        ("person,value\n", "line 1: write person,kind,value, which names the columns"),
        (
            "person,kind,value\nAlice,name,Smith, Alice\n",
            "line 2: 4 values for 3 columns; put a value that holds a comma into double quotes",
        ),
    ],
)
def test_a_file_of_another_shape_is_refused(
    tmp_path: Path, pseudonyms: Pseudonyms, text: str, problem: str
) -> None:
    assert problems(written(tmp_path, text), pseudonyms) == [problem]


def test_a_long_list_of_mistakes_is_cut(tmp_path: Path, pseudonyms: Pseudonyms) -> None:
    path = written(tmp_path, "person,kind,value\n" + "Alice,mail,a\n" * 30)
    told = problems(path, pseudonyms)
    assert len(told) == 21
    assert told[-1] == "and 10 more"


def test_an_import_is_idempotent_and_keeps_no_name(data: Path, embedded: Database) -> None:
    file = written(data, ALICE)
    status, told, _ = run("people", data, "import", file)
    assert (status, told) == (0, "2 people, 6 rows: 6 new, 0 changed, 0 as before, 0 removed.\n")
    held = rows(embedded, "people_file")
    status, told, _ = run("people", data, "import", file)
    assert (status, told) == (0, "2 people, 6 rows: 0 new, 0 changed, 6 as before, 0 removed.\n")
    assert rows(embedded, "people_file") == held
    assert rows(embedded, "people_names") == []
    assert b"alice" not in b"".join(path.read_bytes() for path in data.glob("assay.db*")).lower()


def test_a_wrong_file_changes_nothing(data: Path, embedded: Database) -> None:
    status, _, error = run(
        "people", data, "import", written(data, "person,kind,value\nAlice,email,a@b\nAlice,x,y\n")
    )
    assert status == 1
    assert "line 3: there is no kind x" in error
    assert rows(embedded, "people_file") == []
    status, _, error = run("people", data, "import", data / "nowhere.csv")
    assert (status, error) == (
        1,
        f"Cannot read {data / 'nowhere.csv'}: No such file or directory.\n",
    )


def test_replace_forgets_what_is_not_in_the_file(data: Path, embedded: Database) -> None:
    run("people", data, "import", written(data, ALICE), ASSAY_SHOW_NAMES="true")
    assert sorted(name for _, name in rows(embedded, "people_names")) == ["Alice Smith", "Bob"]
    bob = written(data, "person,kind,value\nBob,gitlab_login,bob\n")
    _, told, _ = run("people", data, "import", bob, "--replace")
    assert told == "1 people, 1 rows: 0 new, 0 changed, 1 as before, 5 removed.\n"
    assert rows(embedded, "people_names") == []


def test_find_and_export_tell_who_is_who(data: Path, embedded: Database) -> None:
    name = Pseudonyms(installation.pseudonym_key(embedded))
    run("people", data, "import", written(data, ALICE))
    while identify(embedded):
        pass
    person = name("person", "Alice Smith")
    own = sorted(
        [
            name("email", "alice@acme.example"),
            name("email", "alice@home.example"),
            name("installation", "1f2e"),
            name("login", "alice-gh"),
        ]
    )
    _, told, _ = run("people", data, "find", "github_login", "Alice-GH")
    others = [each for each in own if each != name("login", "alice-gh")]
    assert told.split() == ["identity", name("login", "alice-gh"), "person", person] + [
        word for each in others for word in ("also", each)
    ]
    _, exported, _ = run("people", data, "export")
    bob = (name("person", "Bob"), name("gitlab_login", "bob"))
    lines = sorted([f"{person},identity,{each}" for each in own] + [f"{bob[0]},identity,{bob[1]}"])
    assert exported.splitlines() == ["person,kind,value", *lines]
    _, exported, _ = run("people", data, "export", ASSAY_SHOW_NAMES="true")
    assert exported.splitlines() == ["person,kind,value", *lines]
    # An export can be imported: it says the same of everybody.
    again = written(data, exported, "again.csv")
    assert run("people", data, "import", again, "--replace")[0] == 0
    while identify(embedded):
        pass
    assert len({person for _, person in rows(embedded, "persons")}) == 2


def test_unresolved_shows_whom_nothing_ties_to_anything(data: Path, embedded: Database) -> None:
    with embedded.writing() as connection:
        for pk, identities in (
            (1, ("p_tied",)),
            (2, ("p_alone", "i_two")),
            (3, ("i_three",)),
            (4, ()),
        ):
            session = {
                "pk": pk,
                "tool": "claude-code",
                "session_id": str(pk),
                "installation": "i_any",
                "first_at": RECEIVED_AT,
                "last_at": RECEIVED_AT,
                "active": True,
            }
            connection.execute(insert(t.sessions), session)
            for each in identities:
                trace = {"session_pk": pk, "trace": "identity", "value": each}
                times = {"first_at": RECEIVED_AT, "last_at": RECEIVED_AT}
                connection.execute(insert(t.session_traces), trace | times)
        same = SamePerson(one="p_tied", other="p_x", strength=Strength.STRONG, source="github")
        stored_people.told(connection, [same], [])
    while identify(embedded):
        pass
    _, told, _ = run("people", data, "unresolved")
    shown = [line.split("│")[1].strip() for line in told.splitlines() if line.startswith("│")]
    assert shown == ["(none told)", "i_three", "p_alone"]
    assert "user_id" in next(line for line in told.splitlines() if "i_three" in line)


TEAMS = """\
team,person,from,to,role
web,alice smith,,2026-03-01,
core,ALICE@acme.example,2026-03-01,,member
core,Bob,,,lead
"""


def test_teams_are_read_with_their_days(data: Path, embedded: Database) -> None:
    run("people", data, "import", written(data, ALICE))
    status, told, error = run("teams", data, "import", written(data, TEAMS, "teams.csv"))
    assert (status, told, error) == (0, "2 teams, 2 people, 3 rows.\n", "")
    name = Pseudonyms(installation.pseudonym_key(embedded))
    alice, bob = name("person", "Alice Smith"), name("person", "Bob")
    march = 20513 * 24
    assert set(rows(embedded, "team_members", "team, person, from_hour, to_hour, lead")) == {
        ("web", alice, 0, march, 0),
        ("core", alice, march, None, 0),
        ("core", bob, 0, None, 1),
    }
    _, told, _ = run("teams", data, "list")
    assert "2026-03-01" in told
    assert "Bob" not in told


def test_every_mistake_in_teams_is_named_with_its_line(
    tmp_path: Path, pseudonyms: Pseudonyms
) -> None:
    alice = pseudonyms("person", "Alice")
    path = written(
        tmp_path,
        "team,person,from,to,role\n"
        ",Alice,,,\n"
        "web,Eve,,,\n"
        "web,,,,\n"
        "web,Alice,yesterday,,\n"
        "web,Alice,2026-03-02,2026-03-02,\n"
        "web,Alice,,,boss\n"
        "web,Alice,,2026-03-02,\n"
        "core,Alice,2026-03-01,,\n"
        "core,Alice,2026-03-01,,lead\n",
    )
    with pytest.raises(FileInvalid) as refused:
        read_teams(path, pseudonyms, {"p_any": alice})
    assert refused.value.problems == [
        "line 2: team is empty",
        "line 3: the people file names nobody like this; import people first: assay people import",
        "line 4: person is empty",
        "line 5: yesterday is no date; write 2026-11-22",
        "line 6: 'to' must be after 'from': it is the day after the last one",
        "line 7: there is no role boss; there are member, lead",
        "line 9: this person is a member of web at the same time (line 8); usage would count twice",
    ]


def test_a_membership_needs_no_days(tmp_path: Path, pseudonyms: Pseudonyms) -> None:
    alice = pseudonyms("person", "Alice")
    path = written(tmp_path, "person,team\nAlice,web\n")
    assert read_teams(path, pseudonyms, {"p_any": alice}) == (Membership(team="web", person=alice),)
