"""Usage by persons and teams: an identity's usage is its person's, a team's that of its hour."""

from collections.abc import Iterable

from sqlalchemy import insert

from domain.usage import Tokens
from store import tables as t
from store import teams
from store.engine import Database
from store.report_usage import Dimension, Selection, report
from store.teams import Membership
from tests.filling import RECEIVED_AT

HOUR = 500_000


def use(
    database: Database, pk: int, user: str | None, hour: int, requests: int, team: str | None = None
) -> None:
    """A session of one user with so many requests in one hour."""
    session = {
        "pk": pk,
        "tool": "claude-code",
        "session_id": str(pk),
        "installation": "i_any",
        "first_at": RECEIVED_AT,
        "last_at": RECEIVED_AT,
        "usage_rank": 0,
        "active": True,
    }
    usage = {
        "session_pk": pk,
        "rank": 0,
        "hour": hour,
        "model": "m",
        "purpose": "",
        "context_pk": pk,
        "prompt_over": -1,
        "prompt_upto": -1,
        "source": "log",
        "requests": requests,
        **dict.fromkeys(t.USAGE_RESTS, 0),
    }
    with database.writing() as connection:
        connection.execute(insert(t.sessions), session)
        connection.execute(insert(t.contexts), {"pk": pk, "user": user, "team": team})
        connection.execute(insert(t.usage), usage)


def join(database: Database, person: str, *identities: str) -> None:
    with database.writing() as connection:
        connection.execute(
            insert(t.persons), [{"identity": each, "person": person} for each in identities]
        )


def requests(
    database: Database, dimensions: list[Dimension], **values: Iterable[str | None]
) -> tuple[dict[tuple[str | None, ...], int | None], int | None, int]:
    """Requests by these dimensions, in all, and how many sessions."""
    chosen = {Dimension(name): frozenset(told) for name, told in values.items()}
    with database.reading() as connection:
        rows, total = report(connection, dimensions, Selection(values=chosen))
    assert total.tokens == Tokens()
    by = {tuple(values.values()): usage.requests for values, usage in rows}
    return by, total.requests, total.sessions


def test_the_usage_of_a_persons_identities_is_theirs(database: Database) -> None:
    use(database, 1, "p_mail", HOUR, 1)
    use(database, 2, "p_login", HOUR, 2)
    use(database, 3, "p_other", HOUR, 4)
    use(database, 4, None, HOUR, 8)
    join(database, "p_jane", "p_mail", "p_login")
    by_user = ({("p_jane",): 3, ("p_other",): 4, (None,): 8}, 15, 4)
    assert requests(database, [Dimension.USER]) == by_user
    only = ({("p_jane",): 3}, 3, 2)
    assert requests(database, [Dimension.USER], user=["p_jane"]) == only
    assert requests(database, [Dimension.USER], user=["p_mail"]) == ({("p_jane",): 1}, 1, 1)
    assert requests(database, [Dimension.MODEL], user=["p_jane", None]) == ({("m",): 11}, 11, 3)


def test_a_team_is_the_one_told_else_the_users_at_the_hour(database: Database) -> None:
    for pk, hour in enumerate((HOUR - 1, HOUR, HOUR + 9, HOUR + 10), start=1):
        use(database, pk, "p_mail", hour, 10**pk)
    use(database, 5, "p_mail", HOUR, 5, team="told")
    use(database, 6, "p_lead", HOUR, 6)
    use(database, 7, None, HOUR, 7)
    join(database, "p_jane", "p_mail", "p_login")
    with database.writing() as connection:
        teams.replace_teams(
            connection,
            [
                Membership(team="web", person="p_jane", to_hour=HOUR),
                Membership(team="core", person="p_jane", from_hour=HOUR, to_hour=HOUR + 10),
                Membership(team="web", person="p_jane", lead=True),
                Membership(team="core", person="p_lead", lead=True),
            ],
        )
    by, total, sessions = requests(database, [Dimension.TEAM])
    assert by == {("web",): 10, ("core",): 1100, ("told",): 5, (None,): 10_013}
    assert (total, sessions) == (11_128, 7)
    assert requests(database, [Dimension.MODEL], team=["core"]) == ({("m",): 1100}, 1100, 2)
    assert requests(database, [Dimension.USER], team=[None])[0] == {
        ("p_jane",): 10_000,
        ("p_lead",): 6,
        (None,): 7,
    }


def test_teams_are_replaced_as_a_whole(database: Database) -> None:
    first = [Membership(team="web", person="p_jane"), Membership(team="core", person="p_bob")]
    with database.writing() as connection:
        teams.replace_teams(connection, first)
        assert teams.memberships(connection) == sorted(first, key=lambda each: each.team)
        teams.replace_teams(connection, first[:1])
        assert teams.memberships(connection) == first[:1]
