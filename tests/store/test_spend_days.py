"""Sums of days that are kept ready: the same as summing anew, or not used."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text

from classifier.budgets import outlook
from classifier.forecast import MOST_DAYS
from classifier.watch import Watch
from domain.budgets import COMPANY, Basis, Outlook, Part, ScopeKind, Unit
from store import spend_days, spending
from store.engine import Database
from tests.filling import rows
from tests.spending import Used, put

NOW = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)
TODAY, DAY = NOW.date(), timedelta(days=1)
FIRST = TODAY - MOST_DAYS * DAY
PARTS = (
    COMPANY,
    Part(kind=ScopeKind.TEAM, value="payments"),
    Part(kind=ScopeKind.TOOL, value="codex"),
    Part(kind=ScopeKind.MODEL, value="nobody-1"),
    Part(kind=ScopeKind.REPO, value="acme/x"),
    Part(kind=ScopeKind.PERSON, value="p_1"),
)


def used(days: int) -> Iterator[Used]:
    for back in range(days):
        yield Used(
            at=NOW - back * DAY,
            session=f"s{back}",
            requests=back % 3 + 1,
            team=("payments", None)[back % 2],
            tool=("codex", "opencode")[back % 2],
            model=("claude-sonnet-4-5", "nobody-1", None)[back % 3],
            repo="acme/x" if back % 5 else None,
            user="p_1" if back % 4 else None,
        )


@pytest.fixture
def watched(database: Database) -> Database:
    """Usage of half a year, all of which was looked at."""
    put(database, used(200))
    assert Watch(reading_seconds=60).look(database, NOW)
    return database


def kept(
    database: Database,
    part: Part,
    first: date = FIRST,
    after: date = TODAY + DAY,
    now: datetime = NOW,
) -> object:
    with database.reading() as connection:
        return spend_days.by_day(connection, part, Basis.LIST, first, after, now)


def anew(database: Database, part: Part, first: date = FIRST, after: date = TODAY + DAY) -> object:
    with database.reading() as connection:
        return spending.by_day(connection, part, Basis.LIST, first, after)


@pytest.mark.parametrize("part", PARTS)
def test_they_are_the_same_as_summing_anew(part: Part, watched: Database) -> None:
    assert kept(watched, part) == anew(watched, part)
    assert kept(watched, part, TODAY - 9 * DAY, TODAY) == anew(
        watched, part, TODAY - 9 * DAY, TODAY
    )


def test_they_are_what_is_answered(watched: Database) -> None:
    """Without the usage they still answer, so it is they that were asked."""
    before = anew(watched, COMPANY)
    with watched.writing() as connection:
        connection.execute(text("DELETE FROM usage"))
    assert kept(watched, COMPANY) == before


def test_minutes_later_the_last_two_days_are_summed_anew(watched: Database) -> None:
    put(watched, [Used(at=NOW, session="more", requests=5)])
    later = NOW + timedelta(minutes=3)
    assert kept(watched, COMPANY) != anew(watched, COMPANY)
    assert kept(watched, COMPANY, now=later) == anew(watched, COMPANY)
    Watch(reading_seconds=60).look(watched, later)
    assert kept(watched, COMPANY, now=later) == anew(watched, COMPANY)


def test_where_a_day_was_never_read_all_is_summed_anew(watched: Database) -> None:
    with watched.writing() as connection:
        connection.execute(text("DELETE FROM spend_days"))
        connection.execute(text("DELETE FROM spend_days_read WHERE day % 50 = 0"))
    assert kept(watched, COMPANY) == anew(watched, COMPANY)
    assert kept(watched, COMPANY, FIRST - 9 * DAY) == anew(watched, COMPANY, FIRST - 9 * DAY)


def test_late_records_reach_them_in_turn(watched: Database) -> None:
    watch = Watch(reading_seconds=60)
    put(
        watched,
        [Used(at=NOW - 20 * DAY, session="late"), Used(at=NOW - 100 * DAY, session="later")],
    )
    for _ in range(MOST_DAYS):
        watch.look(watched, NOW)
    assert kept(watched, COMPANY) == anew(watched, COMPANY)


def test_the_years_do_not_pile_up_and_nobody_is_in_them(watched: Database) -> None:
    assert len(rows(watched, "spend_days_read")) == MOST_DAYS + 1
    assert {row[0] for row in rows(watched, "spend_days", "scope")} == {
        each.value for each in ScopeKind if each is not ScopeKind.PERSON
    }
    Watch(reading_seconds=60).look(watched, NOW + 100 * DAY)
    assert (
        min(row[0] for row in rows(watched, "spend_days_read", "day"))
        >= (TODAY + 100 * DAY - (MOST_DAYS + 7) * DAY - date(1970, 1, 1)).days
    )


def test_it_is_complete_since_the_last_day_that_was_not_read(watched: Database) -> None:
    def since() -> date:
        with watched.reading() as connection:
            return spend_days.complete_since(connection, Basis.LIST, TODAY)

    assert since() == FIRST
    missing = (TODAY - 70 * DAY - date(1970, 1, 1)).days
    with watched.writing() as connection:
        connection.execute(text(f"DELETE FROM spend_days_read WHERE day = {missing}"))
    assert since() == TODAY - 69 * DAY
    # Nine weeks are enough for a forecast, which then takes no longer than that.
    with watched.reading() as connection:
        told = outlook(connection, COMPANY, Unit.TOKENS, 30, NOW, None)
    assert isinstance(told, Outlook)
    assert told.history_days == 69
    with watched.writing() as connection:
        connection.execute(text("DELETE FROM spend_days_read"))
    assert since() == TODAY
