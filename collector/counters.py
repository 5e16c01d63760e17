"""Cumulative counters: from readings in any order to what each hour added.

A reading is the value since the series' start; readings only grow, so the highest one up to an hour
is what was there by then, whenever it arrived. The sum of all hours is the highest reading, in any
order and however often it was sent.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Change(NamedTuple):
    """What an hour was believed to have added, and what it is now known to have added."""

    before: int
    after: int


def growth(highest: Mapping[int, int]) -> dict[int, int]:
    """What each hour added, from the highest reading of each hour."""
    added: dict[int, int] = {}
    before = 0
    for hour in sorted(highest):
        now = max(before, highest[hour])
        added[hour] = now - before
        before = now
    return added


def merged(old: Mapping[int, int], new: Mapping[int, int]) -> dict[int, int]:
    """The highest reading of each hour of both."""
    return {**old, **{hour: max(value, old.get(hour, 0)) for hour, value in new.items()}}


def correction(old: Mapping[int, int], new: Mapping[int, int]) -> dict[int, Change]:
    """The hours whose growth is another once these new readings join the old ones.

    It shrinks where a late reading shows that growth booked to a later hour was earlier.
    """
    before, after = growth(old), growth(merged(old, new))
    changes = {hour: Change(before.get(hour, 0), after[hour]) for hour in after}
    return {hour: change for hour, change in changes.items() if change.before != change.after}
