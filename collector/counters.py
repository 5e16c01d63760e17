"""Cumulative counters: from readings in any order to what each hour added.

A reading is the value since the series' start; readings only grow, so the highest one up to an hour
is what was there by then, whenever it arrived. The sum of all hours is the highest reading, in any
order and however often it was sent.
"""

from collections.abc import Mapping


def growth(highest: Mapping[int, int]) -> dict[int, int]:
    """What each hour added, from the highest reading of each hour."""
    added: dict[int, int] = {}
    before = 0
    for hour in sorted(highest):
        now = max(before, highest[hour])
        added[hour] = now - before
        before = now
    return added


def correction(old: Mapping[int, int], new: Mapping[int, int]) -> dict[int, int]:
    """What must be added to each hour when these new readings join the old ones.

    Negative where a late reading shows that growth booked to a later hour was earlier.
    """
    merged = dict(old)
    for hour, value in new.items():
        merged[hour] = max(value, merged.get(hour, 0))
    before, after = growth(old), growth(merged)
    change = {hour: after[hour] - before.get(hour, 0) for hour in after}
    return {hour: amount for hour, amount in change.items() if amount}
