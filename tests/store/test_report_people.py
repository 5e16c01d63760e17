"""Whom nothing ties to anything else, on both sides."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import insert

from domain.people import SamePerson, Strength
from domain.work import Actor
from store import people, report_people
from store import tables as t
from store.engine import Database
from store.report_people import Unresolved
from tests.identifying import identify
from tests.store.working import apply, commit, push

AT = datetime(2026, 3, 1, tzinfo=UTC)


def session(
    database: Database, pk: int, *identities: str, cost: int | None = None, tool: str = "codex"
) -> None:
    """A session at the day of its number that tells these identities, and what it cost."""
    at = AT + timedelta(days=pk)
    row = {
        "pk": pk,
        "tool": tool,
        "session_id": str(pk),
        "installation": "i_any",
        "first_at": at,
        "last_at": at,
        "usage_rank": 0,
        "active": True,
    }
    used = {
        "session_pk": pk,
        "rank": 0,
        "hour": 1,
        "model": "m",
        "purpose": "",
        "context_pk": 1,
        "prompt_over": -1,
        "prompt_upto": -1,
        "source": "log",
        "list_nanousd": cost,
        **dict.fromkeys(t.USAGE_RESTS, 0),
    }
    told = {"session_pk": pk, "trace": "identity", "first_at": at, "last_at": at}
    with database.writing() as connection:
        connection.execute(insert(t.sessions), row)
        connection.execute(insert(t.usage), used)
        for each in identities:
            connection.execute(insert(t.session_traces), told | {"value": each})


def test_identities_that_nothing_ties_to_anything(database: Database) -> None:
    session(database, 1, "p_tied", "i_any", cost=1000)
    session(database, 2, "p_author", cost=1000)
    session(database, 3, "p_alone", "i_two", cost=5)
    session(database, 4, "i_two", "p_alone", cost=6, tool="claude-code")
    session(database, 5, "i_three", cost=30)
    session(database, 6)
    stranger = Actor(identities=("p_stranger",))
    apply(
        database,
        push("main", 0, commit(1, author=Actor(identities=("p_author",)))),
        push("main", 1, commit(2, author=stranger), commit(3, author=stranger)),
        push("main", 2, commit(4, author=Actor(identities=("p_bot",), bot=True))),
    )
    same = SamePerson(one="p_tied", other="p_x", strength=Strength.STRONG, source="github")
    with database.writing() as connection:
        people.told(connection, [same], [])
    while identify(database):
        pass
    with database.reading() as connection:
        found = report_people.unresolved(connection, 10)
        assert report_people.unresolved(connection, 2) == found[:2]
    day = timedelta(days=1)
    assert found == [
        Unresolved(
            identity="i_three",
            seen_in=("codex",),
            last_at=AT + 5 * day,
            sessions=1,
            cost_nanousd=30,
        ),
        Unresolved(
            identity="p_alone",
            seen_in=("claude-code", "codex"),
            last_at=AT + 4 * day,
            sessions=2,
            cost_nanousd=11,
        ),
        Unresolved(identity=None, seen_in=("codex",), last_at=AT + 6 * day, sessions=1),
        Unresolved(
            identity="p_stranger",
            seen_in=("acme/shop",),
            last_at=commit(3).authored_at,
            commits=2,
        ),
    ]
