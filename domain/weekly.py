"""A moment of every week by the clocks of one place, whatever these do twice a year.

A week is named by its Monday. Each has exactly one such moment: a time that the clocks skip is as
much later by them, and of a time that comes twice it is the first. Weeks of records begin and end
by UTC, so the moment never comes before the one before is over by UTC.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from domain.weeks import WEEK, monday_of

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TOLD = re.compile(rf"({'|'.join(_DAYS)})[a-z]*\s+([01]?\d|2[0-3]):([0-5]\d)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weekly:
    """A time of a day of the week, 0 for Monday, by the clocks of a zone."""

    weekday: int
    at: time
    zone: tzinfo = UTC

    def of(self, week: date) -> datetime:
        """The moment of the week that begins on this Monday, in UTC."""
        day = week + timedelta(days=self.weekday)
        moment = datetime.combine(day, self.at, tzinfo=self.zone).astimezone(UTC)
        return max(moment, datetime.combine(week, time(), tzinfo=UTC))

    def last(self, now: datetime) -> date:
        """The Monday of the week whose moment was the last one until now."""
        week = monday_of(now.astimezone(self.zone).date()) + WEEK
        while self.of(week) > now:
            week -= WEEK
        return week

    def local(self, moment: datetime) -> datetime:
        """A moment by the clocks of the zone."""
        return moment.astimezone(self.zone)


def parse(told: str, zone: tzinfo = UTC) -> Weekly:
    """What ``mon 08:00`` says. Raises ValueError."""
    found = _TOLD.fullmatch(told.strip())
    if found is None:
        raise ValueError(f"{told!r} is no day and time; write for example 'mon 08:00'")
    day, hour, minute = found.groups()
    return Weekly(weekday=_DAYS.index(day.lower()), at=time(int(hour), int(minute)), zone=zone)
