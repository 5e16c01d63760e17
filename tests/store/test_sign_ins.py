"""Sessions of browsers: how long they last, and what is left of them."""

from datetime import UTC, datetime, timedelta

import pytest

from store import sign_ins
from store.access import Role
from store.engine import Database
from store.sign_ins import SIGN_IN_LASTS, Admitted, SignedIn, SignIn
from tests.filling import rows

NOW = datetime(2026, 3, 1, tzinfo=UTC)
IDLE, LASTS = timedelta(hours=1), timedelta(hours=3)
WHO = Admitted(role=Role.LEAD, teams=frozenset({"web", "pay"}), person="p_1")
BEGUN = SignIn(nonce="n", verifier="v", return_to="/")


def begin(database: Database, who: Admitted = WHO) -> tuple[str, str]:
    with database.writing() as connection:
        return sign_ins.sign_in(connection, who, NOW, LASTS)


def at(database: Database, secret: str, minutes: int) -> SignedIn | None:
    return sign_ins.signed_in(database, secret, NOW + timedelta(minutes=minutes), IDLE)


def test_who_is_signed_in(database: Database) -> None:
    session_id, secret = begin(database)
    assert at(database, secret, 0) == SignedIn(
        role=Role.LEAD,
        teams=frozenset({"web", "pay"}),
        person="p_1",
        id=session_id,
        expires_at=NOW + LASTS,
    )
    assert at(database, secret[:-1], 0) is None
    nobody = Admitted(role=Role.VIEWER, teams=frozenset(), person=None)
    found = at(database, begin(database, nobody)[1], 0)
    assert found is not None
    assert (found.teams, found.person) == (frozenset(), None)


def test_use_keeps_it_alive_until_its_end(database: Database) -> None:
    _, secret = begin(database)
    for minutes in (59, 118, 177):
        assert at(database, secret, minutes)
    assert at(database, secret, 180) is None


@pytest.mark.parametrize(("minutes", "there"), [(59, True), (60, False)])
def test_it_ends_when_nobody_uses_it(database: Database, minutes: int, there: bool) -> None:
    _, secret = begin(database)
    assert (at(database, secret, minutes) is not None) is there


def test_use_is_noted_once_a_minute(database: Database) -> None:
    _, secret = begin(database)
    at(database, secret, 0)
    [before] = rows(database, "browser_sessions", "last_seen_at")
    at(database, secret, 2)
    [after] = rows(database, "browser_sessions", "last_seen_at")
    assert after[0] - before[0] == 120_000_000


def test_signing_out_ends_one(database: Database) -> None:
    (_, mine), (_, theirs) = begin(database), begin(database)
    with database.writing() as connection:
        assert sign_ins.sign_out(connection, mine)
        assert not sign_ins.sign_out(connection, mine)
        assert not sign_ins.sign_out(connection, "")
    assert at(database, mine, 0) is None
    assert at(database, theirs, 0)


def test_what_has_ended_is_forgotten(database: Database) -> None:
    _, secret = begin(database)
    with database.writing() as connection:
        sign_ins.begin(connection, "state", "browser", BEGUN, NOW)
    assert sign_ins.forget_ended(database, NOW + timedelta(minutes=9), IDLE) == 0
    assert len(rows(database, "sign_ins")) == 1
    assert at(database, secret, 50)
    assert sign_ins.forget_ended(database, NOW + timedelta(minutes=100), IDLE) == 0
    assert rows(database, "sign_ins") == []
    assert sign_ins.forget_ended(database, NOW + timedelta(minutes=110), IDLE) == 1
    assert rows(database, "browser_sessions") == []


def test_a_sign_in_is_taken_up_once_and_in_time(database: Database) -> None:
    with database.writing() as connection:
        sign_ins.begin(connection, "one", "browser", BEGUN, NOW)
        sign_ins.begin(connection, "two", "browser", BEGUN, NOW)
        assert sign_ins.take_up(connection, "none", "browser", NOW) is None
        assert sign_ins.take_up(connection, "one", "browser", NOW + SIGN_IN_LASTS) == BEGUN
        assert sign_ins.take_up(connection, "one", "browser", NOW) is None
        assert sign_ins.take_up(connection, "two", "another", NOW) is None
        assert sign_ins.take_up(connection, "two", "browser", NOW) is None


def test_sign_ins_that_never_came_back_do_not_pile_up(database: Database) -> None:
    with database.writing() as connection:
        for number in range(5):
            began = NOW + number * SIGN_IN_LASTS * 2
            sign_ins.begin(connection, str(number), "browser", BEGUN, began)
    assert len(rows(database, "sign_ins")) == 1
