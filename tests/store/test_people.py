"""Statements about people in the database, and the persons that follow from them."""

from datetime import UTC, datetime
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from classifier.people import resolve
from domain.people import Named, SamePerson, Statements, Strength
from store import dirty, people, people_file
from store import tables as t
from store.dirty import Marks
from store.engine import Database
from store.people_file import FiledIdentity, Imported
from tests.filling import Fresh, rows
from tests.identifying import identify

REPO = "acme/shop"
NAMES = ("p_jd", "p_n")
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
IDENTITIES = [f"p_{letter}" for letter in "abcdef"]


def strong(one: str, other: str) -> SamePerson:
    return SamePerson(one=one, other=other, strength=Strength.STRONG, source="github")


def named(identity: str, name: str = "p_name", repo: str = REPO) -> Named:
    return Named(repo=repo, name=name, identity=identity)


def tell(database: Database, *told: SamePerson | Named) -> None:
    with database.writing() as connection:
        people.told(
            connection,
            [each for each in told if isinstance(each, SamePerson)],
            [each for each in told if isinstance(each, Named)],
        )


def file(
    database: Database, filed: dict[str, str] | None = None, *, replace: bool = False, **more: str
) -> Imported:
    rows = {
        identity: FiledIdentity(
            identity=identity, kind="name" if identity in NAMES else "email", person=person
        )
        for identity, person in ((filed or {}) | more).items()
    }
    with database.writing() as connection:
        return people_file.import_file(connection, rows, {}, replace=replace)


def persons(database: Database) -> dict[str, str]:
    """Resolve what is marked; the persons that follow."""
    while identify(database):
        pass
    return dict(rows(database, "persons"))


def session(database: Database, pk: int, *identities: str) -> None:
    """A session that tells these identities."""
    with database.writing() as connection:
        connection.execute(
            insert(t.sessions),
            {
                "pk": pk,
                "tool": "claude-code",
                "session_id": str(pk),
                "installation": "i_one",
                "first_at": AT,
                "last_at": AT,
                "active": True,
            },
        )
        connection.execute(
            insert(t.session_traces),
            [
                {
                    "session_pk": pk,
                    "trace": "identity",
                    "value": each,
                    "first_at": AT,
                    "last_at": AT,
                }
                for each in identities
            ],
        )


def marked(database: Database) -> list[int]:
    return [pk for pk, _ in rows(database, "dirty_sessions")]


def test_what_is_told_twice_or_the_other_way_round_is_told_once(database: Database) -> None:
    tell(database, strong("p_a", "p_b"), named("p_a"))
    assert persons(database) == {"p_a": "p_a", "p_b": "p_a"}
    tell(database, strong("p_b", "p_a"), strong("p_a", "p_b"), named("p_a"))
    assert rows(database, "same_person") == [("p_a", "p_b", "github", "strong")]
    assert rows(database, "display_names") == [(REPO, "p_name", "p_a")]
    assert rows(database, "dirty_people") == []


def test_an_identity_is_its_own_person_until_something_is_said(database: Database) -> None:
    tell(database, strong("p_a", "p_b"))
    persons(database)
    with database.reading() as connection:
        assert people.persons_of(connection, ["p_b", "p_z"]) == {"p_b": "p_a", "p_z": "p_z"}
        assert people.identities_of(connection, "p_a") == {"p_a", "p_b"}
        assert people.identities_of(connection, "p_z") == {"p_z"}


def test_statements_join_those_that_were_joined_before(database: Database) -> None:
    tell(database, strong("p_c", "p_d"), named("p_e"))
    assert persons(database) == {"p_c": "p_c", "p_d": "p_c"}
    tell(database, strong("p_a", "p_b"))
    tell(database, strong("p_b", "p_c"), named("p_d"))
    assert persons(database) == dict.fromkeys(("p_a", "p_b", "p_c", "p_d", "p_e"), "p_a")


def test_a_new_bearer_of_a_name_takes_from_others_what_the_name_gave(database: Database) -> None:
    tell(database, strong("p_a", "p_b"), named("p_a"), named("p_e"))
    assert persons(database)["p_e"] == "p_a"
    tell(database, strong("p_c", "p_d"), named("p_c"))
    assert persons(database) == {"p_a": "p_a", "p_b": "p_a", "p_c": "p_c", "p_d": "p_c"}


def test_the_file_is_imported_once_however_often(database: Database) -> None:
    assert file(database, p_a="p_jane", p_b="p_jane") == Imported(added=2, changed=0, removed=0)
    assert persons(database) == {"p_a": "p_jane", "p_b": "p_jane"}
    assert file(database, p_a="p_jane", p_b="p_jane") == Imported(added=0, changed=0, removed=0)
    assert rows(database, "dirty_people") == []


def test_the_file_parts_joins_and_lets_go(database: Database) -> None:
    tell(database, strong("p_a", "p_b"), named("p_c", "p_jd"), named("p_d", "p_jd", "acme/other"))
    assert persons(database) == {"p_a": "p_a", "p_b": "p_a"}
    file(database, p_b="p_jane", p_jd="p_jane", p_a="p_john")
    assert persons(database) == {
        "p_a": "p_john",
        "p_b": "p_jane",
        "p_c": "p_jane",
        "p_d": "p_jane",
    }
    assert file(database, replace=True, p_a="p_john") == Imported(added=0, changed=0, removed=2)
    assert persons(database) == {"p_a": "p_john", "p_b": "p_john"}


def test_sessions_of_whoever_is_joined_or_parted_are_concluded_anew(database: Database) -> None:
    session(database, 1, "p_a")
    session(database, 2, "p_b", "i_two")
    session(database, 3, "p_z")
    tell(database, strong("p_a", "p_x"), strong("p_z", "p_y"))
    persons(database)
    assert marked(database) == [1, 3]
    with database.writing() as connection:
        connection.execute(t.dirty_sessions.delete())
    tell(database, strong("p_x", "p_b"))
    persons(database)
    assert marked(database) == [1, 2]
    with database.writing() as connection:
        connection.execute(t.dirty_sessions.delete())
    file(database, p_x="p_jane")
    assert persons(database) == {
        **dict.fromkeys(("p_a", "p_b", "p_x"), "p_jane"),
        **dict.fromkeys(("p_y", "p_z"), "p_y"),
    }
    assert marked(database) == [1, 2]


def test_what_is_said_meanwhile_stays_marked(embedded: Database) -> None:
    tell(embedded, strong("p_a", "p_b"))
    with embedded.reading() as connection:
        marks = people.marked(connection, 10)
    tell(embedded, strong("p_a", "p_c"))
    with embedded.writing() as connection:
        dirty.clear(connection, Marks.PEOPLE, marks)
    assert rows(embedded, "dirty_people", "identity") == [("p_a",), ("p_c",)]
    assert persons(embedded) == {"p_a": "p_a", "p_b": "p_a", "p_c": "p_a"}


statements = st.lists(
    st.one_of(
        st.builds(
            SamePerson,
            one=st.sampled_from(IDENTITIES),
            other=st.sampled_from(IDENTITIES),
            strength=st.sampled_from(Strength),
            source=st.just("github"),
        ).filter(lambda pair: pair.one != pair.other),
        st.builds(
            Named,
            repo=st.sampled_from([REPO, "acme/other"]),
            name=st.sampled_from(["p_n", "p_m"]),
            identity=st.sampled_from(IDENTITIES),
        ),
    ),
    max_size=10,
)
files = st.dictionaries(st.sampled_from([*IDENTITIES, "p_n"]), st.sampled_from(["p_1", "p_2"]))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=statements, filed=files, random=st.randoms(use_true_random=False))
def test_step_by_step_gives_the_same_persons_as_all_at_once(
    fresh: Fresh, told: list[SamePerson | Named], filed: dict[str, str], random: Random
) -> None:
    same = tuple(each for each in told if isinstance(each, SamePerson))
    names = tuple(each for each in told if isinstance(each, Named))
    whole = resolve(
        Statements(
            identities=frozenset(
                {each.one for each in same}
                | {each.other for each in same}
                | {each.identity for each in names}
                | (filed.keys() - {"p_n"})
            ),
            same=same,
            named=names,
            filed=filed,
        )
    )
    filing = random.randrange(len(told) + 1)
    with fresh() as database:
        for index, each in enumerate([*told, None]):
            if index == filing:
                # A file of before, which another one replaces.
                file(database, dict.fromkeys(IDENTITIES[:2], "p_0"))
                persons(database)
                file(database, filed, replace=True)
            if each is not None:
                tell(database, each)
            if random.random() < 0.5:
                identify(database)
        assert persons(database) == whole
