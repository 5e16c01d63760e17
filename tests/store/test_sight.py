"""Whom somebody may see: on both databases, as the teams file and telemetry say it."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.record import EPOCH
from store import sight, teams
from store.engine import Database
from store.teams import Membership
from tests.api.guarding import (
    ADA,
    ADAS_ACCOUNT,
    BOB,
    BOBS,
    CAROL,
    LEAK,
    LEAK_OF_ALL,
    MAILS,
    PAYER,
    PAYERS,
    found_company,
    link_of,
)
from tests.filling import rows

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = (NOW - EPOCH) // timedelta(hours=1)


@pytest.fixture
def company(database: Database) -> Database:
    found_company(database)
    return database


def test_people_of_teams(company: Database) -> None:
    with company.reading() as connection:
        found = {
            team: sight.people_of_teams(connection, [team], NOW)
            for team in ("checkout", "web", "payments", "none")
        }
        assert found == {
            "checkout": {ADA},
            "web": {BOB},
            "payments": {PAYER},  # as their telemetry names it
            "none": set(),
        }
        assert sight.people_of_teams(connection, ["checkout", "payments"], NOW) == {ADA, PAYER}
        assert sight.people_of_teams(connection, [], NOW) == set()
        assert sight.teams_led(connection, CAROL, NOW) == {"checkout"}
        assert sight.teams_led(connection, ADA, NOW) == set()
        person, names = sight.whole_person(connection, MAILS["ada"])
        assert person == ADA
        assert names == {ADA, MAILS["ada"], ADAS_ACCOUNT}
        assert sight.whole_person(connection, "p_x") == ("p_x", frozenset({"p_x"}))


@pytest.mark.parametrize(
    ("start", "end", "there"), [(0, 1, True), (-5, None, True), (1, None, False), (-5, 0, False)]
)
def test_who_is_or_leads_for_a_time(
    database: Database, start: int, end: int | None, there: bool
) -> None:
    first, last = HOUR + start, None if end is None else HOUR + end
    memberships = [
        Membership(team="web", person=BOB, from_hour=first, to_hour=last),
        Membership(team="web", person=CAROL, from_hour=first, to_hour=last, lead=True),
    ]
    with database.writing() as connection:
        teams.replace_teams(connection, memberships)
        now = NOW + timedelta(minutes=59)
        assert sight.people_of_teams(connection, ["web"], now) == ({BOB} if there else set())
        assert sight.teams_led(connection, CAROL, now) == ({"web"} if there else set())


def test_of_which_team_a_thing_is(company: Database) -> None:
    with company.reading() as connection:
        bobs = sight.session_of(connection, *BOBS.split("/"))
        payers = sight.session_of(connection, *PAYERS.split("/"))
        assert bobs is not None
        assert payers is not None
        assert sight.is_of_teams(connection, bobs, {"web"}, ())
        assert sight.is_of_teams(connection, payers, {"payments"}, ())
        assert not sight.is_of_teams(connection, bobs, {"checkout"}, {ADA})
        assert sight.is_of_teams(connection, bobs, {"checkout"}, {BOB})
        assert sight.session_of(connection, "codex", BOBS.split("/")[1]) is None
        assert sight.session_of_link(connection, "none") is None
        assert sight.team_of_leak(connection, LEAK[:16]) == "checkout"
        assert sight.team_of_leak(connection, LEAK_OF_ALL[:16]) is None
    assert rows(company, "links")
    link = link_of(company, BOBS)
    with company.reading() as connection:
        assert sight.session_of_link(connection, link) == bobs
