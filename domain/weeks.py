"""Weeks, by number: Monday to Monday in UTC, the week of 1970-01-01 being 0.

What sessions bought is summed by these, and by the 4, 12 and 24 weeks that begin with a multiple of
these: whatever period is asked for, the borders stay the same.
"""

from datetime import UTC, date, datetime, timedelta

_FIRST_MONDAY = datetime(1969, 12, 29, tzinfo=UTC)
WEEK = timedelta(weeks=1)
BLOCK = 4
"""Weeks of a block: the finest time by which groups are told apart, where weeks are too fine."""
QUARTER = 12
"""Weeks of a quarter: the finest time by which two dimensions are crossed."""
HALF = 24
"""Weeks of a half-year: what whole blocks are summed in beforehand, to be read at once."""


def week_of(moment: datetime) -> int:
    """The week that holds this moment."""
    return (moment - _FIRST_MONDAY) // WEEK


def monday(week: int) -> datetime:
    """When a week begins."""
    return _FIRST_MONDAY + week * WEEK


def monday_of(day: date) -> date:
    """The Monday of the week that a day is in."""
    return day - timedelta(days=day.weekday())


def block_of(week: int) -> int:
    """The first week of the block that holds a week."""
    return week - week % BLOCK


def half_of(week: int) -> int:
    """The first week of the half-year that holds a week."""
    return week - week % HALF


def quarter_of(week: int) -> int:
    """The first week of the quarter that holds a week."""
    return week - week % QUARTER
