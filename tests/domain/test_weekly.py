"""A moment of every week, whatever the clocks of the place do."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.weekly import Weekly, parse
from domain.weeks import WEEK, monday_of

# Half hours, days that were left out, changes at midnight, and the common ones.
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "Africa/Cairo",
    "Asia/Kathmandu",
]
WEEKLIES = st.builds(
    Weekly,
    weekday=st.integers(0, 6),
    at=st.builds(time, st.integers(0, 23), st.integers(0, 59)),
    zone=st.sampled_from(ZONES).map(ZoneInfo),
)
WEEKS = st.dates(date(2005, 1, 1), date(2037, 12, 31)).map(monday_of)
MOMENTS = st.datetimes(
    datetime(2005, 1, 1),  # noqa: DTZ001  # the strategy adds the zone
    datetime(2037, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@given(WEEKLIES, WEEKS)
def test_every_week_has_its_moment_after_that_of_the_week_before(
    weekly: Weekly, week: date
) -> None:
    before, moment = weekly.of(week - WEEK), weekly.of(week)
    assert timedelta(days=5, hours=23) <= moment - before <= timedelta(days=8, hours=1)
    assert moment >= datetime.combine(week, time(), tzinfo=UTC)


@given(WEEKLIES, MOMENTS)
def test_the_last_moment_is_the_last(weekly: Weekly, now: datetime) -> None:
    week = weekly.last(now)
    assert weekly.of(week) <= now < weekly.of(week + WEEK)


@given(WEEKLIES, WEEKS)
def test_the_clocks_show_the_time_that_was_told_wherever_they_show_it_at_all(
    weekly: Weekly, week: date
) -> None:
    told = datetime.combine(week + timedelta(days=weekly.weekday), weekly.at, tzinfo=weekly.zone)
    exists = told.astimezone(UTC).astimezone(weekly.zone).replace(fold=0) == told
    shown = weekly.local(weekly.of(week))
    over = datetime.combine(week, time(), tzinfo=UTC)
    if exists and told.astimezone(UTC) >= over:
        assert shown.replace(tzinfo=None) == told.replace(tzinfo=None)
    else:
        assert shown.replace(tzinfo=None) > told.replace(tzinfo=None)


@pytest.mark.parametrize(
    ("at", "week", "moment"),
    [
        # Skipped in Berlin on 29 March 2026, and there twice on 25 October.
        ("sun 02:30", date(2026, 3, 23), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        ("sun 02:30", date(2026, 10, 19), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("mon 08:00", date(2026, 3, 23), datetime(2026, 3, 23, 7, tzinfo=UTC)),
        ("mon 08:00", date(2026, 3, 30), datetime(2026, 3, 30, 6, tzinfo=UTC)),
        ("Friday 16:05", date(2026, 11, 23), datetime(2026, 11, 27, 15, 5, tzinfo=UTC)),
    ],
)
def test_in_berlin(at: str, week: date, moment: datetime) -> None:
    assert parse(at, ZoneInfo("Europe/Berlin")).of(week) == moment


def test_it_waits_for_the_end_of_the_week_by_utc() -> None:
    tokyo = parse("mon 08:00", timezone(timedelta(hours=9)))
    assert tokyo.of(date(2026, 11, 23)) == datetime(2026, 11, 23, tzinfo=UTC)
    assert tokyo.last(datetime(2026, 11, 22, 23, 30, tzinfo=UTC)) == date(2026, 11, 16)


@pytest.mark.parametrize(
    "told", ["", "mon", "08:00", "mon 24:00", "mon 8", "noday 08:00", "mon 8:60"]
)
def test_what_is_no_day_and_time_is_refused(told: str) -> None:
    with pytest.raises(ValueError, match="mon 08:00"):
        parse(told)
