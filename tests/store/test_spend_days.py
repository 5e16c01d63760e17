"""Sums of days that are kept ready: the same as summing anew, or not used."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text

from classifier.budgets import outlook
from classifier.forecast import MOST_DAYS
from classifier.watch import Watch
from domain.budgets import COMPANY, Basis, Outlook, Part, ScopeKind, Unit
from store import outdated_days, spend_days, spending
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
) -> object:
    with database.reading() as connection:
        return spend_days.by_day(connection, part, Basis.LIST, first, after, TODAY)


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
    """Without the usage they still answer but for today, so it is they that were asked."""
    before = anew(watched, COMPANY, after=TODAY)
    with watched.writing() as connection:
        connection.execute(text("DELETE FROM usage"))
    assert kept(watched, COMPANY) == before


def test_the_running_day_is_always_summed(watched: Database) -> None:
    put(watched, [Used(at=NOW, session="more", requests=5)])
    assert kept(watched, COMPANY) == anew(watched, COMPANY)
    assert {row[0] for row in rows(watched, "spend_days_read", "max(day)")} == {number(TODAY) - 1}


def number(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def test_days_that_were_never_read_are_summed_beside_the_others(watched: Database) -> None:
    with watched.writing() as connection:
        connection.execute(text("DELETE FROM spend_days_read WHERE day % 50 = 0"))
    for part in PARTS:
        assert kept(watched, part) == anew(watched, part)
        assert kept(watched, part, FIRST - 9 * DAY) == anew(watched, part, FIRST - 9 * DAY)


LATE = (Used(at=NOW - 20 * DAY, session="late"), Used(at=NOW - 100 * DAY, session="later"))


def test_late_records_are_right_at_once_and_kept_with_the_next_look(watched: Database) -> None:
    put(watched, LATE)
    assert kept(watched, COMPANY) == anew(watched, COMPANY)
    assert len(rows(watched, "spend_days_read")) == MOST_DAYS - 2
    Watch(reading_seconds=60).look(watched, NOW)
    assert len(rows(watched, "spend_days_read")) == MOST_DAYS
    with watched.writing() as connection:
        connection.execute(text("DELETE FROM usage"))
    told = kept(watched, COMPANY)
    assert isinstance(told, dict)
    assert told[TODAY - 20 * DAY].tokens == (20 % 3 + 1) * 100_000 + 100_000


def test_the_same_watch_reads_again_what_was_written_to(watched: Database) -> None:
    """Also where the sums of the day turn out to be what they were."""
    watch = Watch(reading_seconds=60)
    watch.look(watched, NOW)
    put(watched, LATE)
    with watched.writing() as connection:
        outdated_days.outdate(connection, [number(TODAY) - 9])
    watch.look(watched, NOW)
    with watched.reading() as connection:
        read = spend_days.days_read(connection, Basis.LIST)
    assert len(read) == MOST_DAYS
    assert kept(watched, COMPANY) == anew(watched, COMPANY)


def test_what_is_written_while_a_day_is_read_is_not_kept_without(watched: Database) -> None:
    """The reader saw the day before the batch, and keeps it after."""
    day = TODAY - 20 * DAY
    for ready in (True, False):
        if not ready:
            with watched.writing() as connection:
                outdated_days.outdate(connection, [number(day)])
                spend_days.claim(connection, Basis.LIST, [day])
        before = anew(watched, COMPANY, day, day + DAY)
        assert isinstance(before, dict)
        put(watched, [Used(at=NOW - 20 * DAY, session=f"late {ready}")])
        with watched.writing() as connection:
            spend_days.keep(connection, Basis.LIST, {day: {COMPANY: before[day]}}, NOW)
        assert kept(watched, COMPANY) == anew(watched, COMPANY)


def test_no_day_is_claimed_while_a_batch_is_written_to_past_days(database: Database) -> None:
    """Its usage may be committed after the day was read: PostgreSQL lets both write at a time."""
    if database.embedded:
        pytest.skip("SQLite has one writer")
    day = TODAY - 20 * DAY
    with database.writing() as folding:
        outdated_days.outdate(folding, [number(day)])
        with database.writing() as connection:
            spend_days.claim(connection, Basis.LIST, [day])
        assert rows(database, "spend_days_read") == []
    with database.writing() as connection:
        spend_days.claim(connection, Basis.LIST, [day])
    assert len(rows(database, "spend_days_read")) == 1


def test_the_years_do_not_pile_up_and_nobody_is_in_them(watched: Database) -> None:
    assert len(rows(watched, "spend_days_read")) == MOST_DAYS
    assert {row[0] for row in rows(watched, "spend_days", "scope")} == {
        each.value for each in ScopeKind if each is not ScopeKind.PERSON
    }
    Watch(reading_seconds=60).look(watched, NOW + 100 * DAY)
    assert (
        min(row[0] for row in rows(watched, "spend_days_read", "day"))
        >= (TODAY + 100 * DAY - (MOST_DAYS + 7) * DAY - date(1970, 1, 1)).days
    )


def test_it_is_complete_since_many_days_were_not_read(watched: Database) -> None:
    def since() -> date:
        with watched.reading() as connection:
            return spend_days.complete_since(connection, Basis.LIST, TODAY)

    def unread(*back: int) -> None:
        with watched.writing() as connection:
            outdated_days.outdate(connection, [number(TODAY) - each for each in back])

    assert since() == FIRST
    # A few that were written to lately are summed in no time.
    unread(1, 30, 70)
    assert since() == FIRST
    unread(*range(70, 80))
    assert since() == TODAY - 69 * DAY
    # Nine weeks are enough for a forecast, which then takes no longer than that.
    with watched.reading() as connection:
        told = outlook(connection, COMPANY, Unit.TOKENS, 30, NOW, None)
    assert isinstance(told, Outlook)
    assert told.history_days == 69
    with watched.writing() as connection:
        outdated_days.outdate_all(connection)
    assert since() == TODAY
