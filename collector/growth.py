"""Cumulative readings to growth: what each hour added, and when the counter's session was seen.

A reading says two things. Its value moves the growth of hours (``counters``). Its time tells that
the session was there, but only where it brings something: an idle tool repeats the same readings
every minute for as long as it is open, and that is no activity.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from msgspec import structs

from collector.counters import Change, correction, growth, merged
from domain.events import Counted, Observation


@dataclass(frozen=True, slots=True)
class Growth:
    """What readings of one series change about one hour.

    ``reading`` is one that tells when the session was seen, and says whose counter it is. The hour
    need not be its own, since a late reading moves growth between hours.
    """

    reading: Observation
    hour: int
    change: Change


HOUR_US = 3_600_000_000
"""Microseconds of an hour."""


def counter(reading: Observation) -> Counted:
    """The counter that a reading is of: its first fact."""
    counted = reading.stated[0]
    if not isinstance(counted, Counted):
        raise TypeError("the first fact of a series observation is its counter")
    return counted


def highest(readings: Iterable[Observation]) -> dict[int, int]:
    """The highest of these readings of one series, by hour."""
    hours: dict[int, int] = {}
    for reading in readings:
        hour = reading.at_us // HOUR_US
        hours[hour] = max(counter(reading).amount, hours.get(hour, 0))
    return hours


def grown(
    known: Mapping[int, int], readings: Sequence[Observation]
) -> tuple[list[Observation], list[Growth]]:
    """What new readings of one series bring, given the highest known of each hour.

    First the readings that tell when the session was seen, without their counts: the first ever and
    those that an hour grew by. However the readings are batched, the times are the same; one that
    arrives before its predecessors can only make the session longer, by as much as it was early.
    """
    new = highest(readings)
    changes = correction(known, new)
    added = growth(merged(known, new))
    ordered = sorted(readings, key=lambda each: each.at_us)
    first, first_hour = ordered[0], ordered[0].at_us // HOUR_US
    telling = [
        next(
            each for each in ordered if (each.at_us // HOUR_US, counter(each).amount) == (hour, top)
        )
        for hour, top in new.items()
        if top > known.get(hour, 0) and added[hour]
    ]
    earlier = first_hour < min(known, default=first_hour + 1)
    # Readings only grow: a lower one than the hour's highest was taken before it.
    if earlier or counter(first).amount < known.get(first_hour, 0):
        telling.append(first)
    if earlier:
        # A first reading of zero is told too: the count becomes 0 instead of unknown.
        changes.setdefault(first_hour, Change(0, 0))
    # Growth anywhere means that one of these readings brought it: there is one that tells.
    growths = [Growth(telling[0], hour, change) for hour, change in changes.items()]
    return [structs.replace(each, stated=each.stated[1:]) for each in telling], growths
