"""What is asked about what sessions bought, and how it is answered: groups, ratios, indicators.

Shares are from 0 to 1. None means that it cannot be said.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from domain.contributions import Facet
from domain.labels import Label


class Interval(StrEnum):
    """By what time answers are apart; four weeks are the block that begins at a fixed Monday."""

    WEEK = "week"
    FOUR_WEEKS = "four_weeks"
    NONE = "none"


class TooFewPeople(Exception):
    """A value was asked for that is not shown, since too few people are behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked for. ``only`` is one value of one facet ("" is *not told*), None: all."""

    group_by: Facet | None = None
    only: tuple[Facet, str] | None = None
    interval: Interval = Interval.NONE
    start: datetime | None = None
    end: datetime | None = None
    limit: int = 50


class Kind(StrEnum):
    """What a row is about."""

    GROUP = "group"
    OTHERS = "others"  # all groups that are not shown
    TOTAL = "total"


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Which time an answer is about: whole weeks from ``start`` to ``end``, and in all so many.

    ``narrowed``: it is less than was asked for, since the rest can't be told apart from it.
    """

    start: datetime | None
    end: datetime | None
    weeks: int
    narrowed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A share with its 95 % interval; ``weight`` is the number of equal sessions it rests on."""

    value: float
    low: float
    high: float
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spent:
    """What went to one label, and by which rule: sessions and nano-dollars, the most first.

    An amount is None where of none of its sessions the cost is known; ``unpriced_sessions`` are
    those of unknown cost. It equals nothing but itself, so that what is made of it can be kept by
    it.
    """

    label: Label
    sessions: int
    cost_nanousd: int | None
    unpriced_sessions: int
    final_sessions: int
    final_nanousd: int | None
    rules: Mapping[str, tuple[int, int | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """How far a group's whole interval lies from what is usual for its work; below is negative."""

    by: float


class Reading(StrEnum):
    """What follows from a group's spend and ratio, against the time before."""

    TOO_LITTLE = "too_little_settled"
    NOTHING_BEFORE = "nothing_before"
    GROWTH = "growth"
    PROBLEM = "problem"
    RISING = "ratio_rising"
    FALLING = "ratio_falling"
    STEADY = "steady"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """The ratio of a time against that of the four before it, fewer where the period has fewer.

    ``spend_change`` is of all spend, as a share of the mean before; ``low`` and ``high`` are the
    95 % interval of ``change``, the difference of the ratios. ``weeks`` and ``weeks_before`` are
    those with sessions.
    """

    start: datetime
    weeks: int
    weeks_before: int
    ratio: float
    before: float
    change: float
    low: float
    high: float
    spend_change: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One group in one time; ``start`` and ``weeks`` are None where it is over all of the period.

    ``time`` is the number of the first week by which the interval asked for is told apart.
    ``weeks_pooled`` are weeks of the period in which the group has sessions and is a part of the
    others. ``people`` are those behind it.
    """

    kind: Kind
    value: str | None
    time: int | None
    start: datetime | None
    weeks: int | None
    weeks_pooled: int
    people: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EfficiencyRow:
    """How efficient one group's spend was. Like ``Spent`` it equals nothing but itself.

    ``lower_bound_sessions`` are those whose cost is known in part: they cost at least what is
    summed. ``incomplete_sessions`` are those of which something is known to be missing
    (``domain.completeness``).
    """

    measured: Measured
    by_spend: Share | None
    by_sessions: Share | None
    coverage: float | None
    spent: tuple[Spent, ...]
    unpriced_sessions: int
    lower_bound_sessions: int
    incomplete_sessions: int
    baseline: float | None
    same_mix: float | None
    outlier: Beside | None
    trend: Trend | None
    reading: Reading
    sentence: str

    @property
    def cost_nanousd(self) -> int | None:
        """What all its sessions cost; None where of none of them it is known."""
        costs = [each.cost_nanousd for each in self.spent if each.cost_nanousd is not None]
        return sum(costs) if costs or not self.spent else None

    @property
    def at_least(self) -> bool:
        """Whether its sessions cost more than that, or may have, for all that is known."""
        doubtful = (self.unpriced_sessions, self.lower_bound_sessions, self.incomplete_sessions)
        return any(doubtful)


@dataclass(frozen=True, slots=True, kw_only=True)
class EfficiencyReport:
    """All rows, and all of them together."""

    period: Period
    rows: tuple[EfficiencyRow, ...]
    total: EfficiencyRow | None


class Kpi(Struct, frozen=True, kw_only=True, gc=False):
    """One indicator.

    ``sessions`` is how many it rests on; ``missing`` the share of sessions that do not tell what it
    takes. ``why`` says why there is no value.
    """

    name: str
    value: float | None
    unit: str
    sessions: int
    missing: float | None
    why: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiRow:
    """The indicators of one group; see ``EfficiencyRow`` for the two counts of sessions."""

    measured: Measured
    lower_bound_sessions: int
    incomplete_sessions: int
    kpis: tuple[Kpi, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiReport:
    """All rows, and all of them together."""

    period: Period
    rows: tuple[KpiRow, ...]
    total: KpiRow | None
