"""Working hours and seasons: when people work, and how much."""

import random
from datetime import datetime, timedelta

_OPENS, _CLOSES = 8, 18
_SATURDAY = 5
# By month: summer and the turn of the year are quiet.
_SEASON = (0.9, 1.0, 1.05, 1.0, 1.0, 1.0, 0.75, 0.65, 1.05, 1.1, 1.05, 0.6)


def at_work(at: datetime) -> datetime:
    """The same moment if it is in working hours, else the next morning of a working day."""
    while at.weekday() >= _SATURDAY or not _OPENS <= at.hour < _CLOSES:
        day = at if at.hour < _OPENS else at + timedelta(days=1)
        at = day.replace(hour=_OPENS, minute=at.minute)
    return at


def later(at: datetime, hours: float) -> datetime:
    """So many hours on, moved into working hours."""
    return at_work(at + timedelta(hours=hours))


def pace(at: datetime, since: datetime, until: datetime) -> float:
    """How much is done in the week of ``at``, against 1: seasons and growth."""
    grown = (at - since) / (until - since)
    return _SEASON[at.month - 1] * (0.75 + 0.5 * grown)


def morning(chance: random.Random, week: datetime) -> datetime:
    """Some moment in the working hours of this week."""
    day = week + timedelta(days=chance.randrange(5))
    return day.replace(hour=chance.randrange(_OPENS, _CLOSES), minute=chance.randrange(60))
