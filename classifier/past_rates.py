"""How sessions of one tool, repository or type of work have ended so far, told in their time.

A rate is what could have been known when a session ended: only of sessions whose label was final
by then. It is drawn towards the rate of all, since a few sessions say little.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from domain.labels import Label
from domain.predictions import OUTCOMES

Key: TypeAlias = tuple[str, ...]
"""What sessions have in common: the name of the sort, then its value or values."""

# As many sessions of the common rate as count beside those of one key.
STRENGTH = 20.0
ALL: Key = ("all",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A session that has settled: when that was, how it ended, and what it is a case of."""

    settled_at: datetime
    label: Label
    keys: frozenset[Key]


@dataclass(frozen=True, slots=True)
class _Line:
    """Times at which sessions of one key settled, and how many of each label had until then."""

    times: list[datetime]
    counts: list[tuple[int, ...]]

    def until(self, at: datetime) -> tuple[int, ...]:
        place = bisect_right(self.times, at)
        return self.counts[place - 1] if place else (0,) * len(OUTCOMES)


_NEVER = _Line([], [])


class PastRates:
    """The rates of all keys at any time."""

    def __init__(self, lines: Mapping[Key, _Line]) -> None:
        self._lines = lines

    def rates(self, key: Key, at: datetime) -> tuple[float, ...]:
        """The share of each of ``OUTCOMES`` among them, drawn towards that of all."""
        whole = self._lines.get(ALL, _NEVER).until(at)
        common = [(count + 1) / (sum(whole) + len(OUTCOMES)) for count in whole]
        own = self._lines.get(key, _NEVER).until(at)
        weight = sum(own) + STRENGTH
        return tuple((c + STRENGTH * p) / weight for c, p in zip(own, common, strict=True))

    @property
    def latest(self) -> Mapping[Key, tuple[int, ...]]:
        """The counts of each key at the end, as a model that is kept takes them along."""
        return {key: line.counts[-1] for key, line in self._lines.items() if line.counts}


def past_rates(past: Iterable[Past]) -> PastRates:
    """The rates that follow from these sessions."""
    lines: dict[Key, _Line] = defaultdict(lambda: _Line([], []))
    for each in sorted(past, key=lambda one: one.settled_at):
        place = OUTCOMES.index(each.label)
        for key in {ALL, *each.keys}:
            line = lines[key]
            before = line.counts[-1] if line.counts else (0,) * len(OUTCOMES)
            line.times.append(each.settled_at)
            line.counts.append(tuple(n + (i == place) for i, n in enumerate(before)))
    return PastRates(dict(lines))


def standing(counts: Mapping[Key, tuple[int, ...]], since: datetime) -> PastRates:
    """The rates of counts that were taken along, from then on."""
    return PastRates({key: _Line([since], [told]) for key, told in counts.items()})
