"""Whether something that was tried helped: weekly shares before and since, beside other groups.

Pure arithmetic. A share is money lost over money spent of one group in one week; whole weeks are
compared, never days. The interval of a difference is Welch's, from how much the weeks differ among
themselves: it takes no two weeks to be alike, and it is wide where there are few.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from math import sqrt

from domain.weeks import WEEK, monday_of

# Weeks before that are compared with: a month, as long as what was before still says anything.
BEFORE = 4
LEAST = 2
# Half of a 95 % interval in standard errors, by degrees of freedom (Student's t); between two of
# them the lower one's, which is the wider.
_STUDENT = (
    *((1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (6, 2.447), (7, 2.365)),
    *((8, 2.306), (9, 2.262), (10, 2.228), (12, 2.179), (15, 2.131), (20, 2.086), (30, 2.042)),
    *((60, 2.000), (120, 1.980)),
)


class EffectState(StrEnum):
    """Whether an effect can be said."""

    MEASURED = "measured"
    TOO_EARLY = "too_early"
    NOTHING_BEFORE = "nothing_before"
    WITHHELD = "withheld"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """An estimated difference with its 95 % interval."""

    low: float
    estimate: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """The same weeks in ``groups`` groups in which nothing was tried.

    ``change`` is how much more the group that tried has changed than these (difference in
    differences); None where too few weeks have both.
    """

    groups: int
    before_share: float
    since_share: float
    change: Difference | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What became of a leak since something was tried.

    Shares are money lost over money spent, means of the weeks. ``change`` is since minus before:
    below zero the leak has become smaller. ``saved_nanousd`` is that in money a week, at what the
    group has spent a week since; above zero it is saved. All are None unless ``state`` is measured.
    """

    state: EffectState
    weeks_before: int
    weeks_since: int
    before_share: float | None = None
    since_share: float | None = None
    change: Difference | None = None
    saved_nanousd: Difference | None = None
    beside: Beside | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekShare:
    """What a group lost and spent in one week, in nano-dollars."""

    lost: int
    spent: int

    @property
    def share(self) -> float:
        """The part that was lost."""
        return self.lost / self.spent


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The weeks to compare, by their Mondays: ``before`` the week of the trial, and ``since`` it.

    The week of the trial belongs to neither.
    """

    before: tuple[date, ...]
    since: tuple[date, ...]


def window(tried_on: date, until: date, next_on: date | None) -> Window:
    """The weeks for something tried on this day, measured up to the week that begins ``until``.

    Where the next thing was tried on ``next_on``, its week and later ones are that one's.
    """
    own = monday_of(tried_on)
    end = until if next_on is None else min(until, monday_of(next_on))
    before = tuple(own - WEEK * number for number in range(BEFORE, 0, -1))
    since = []
    week = own + WEEK
    while week < end:
        since.append(week)
        week += WEEK
    return Window(before=before, since=tuple(since))


def effect(
    weeks: Window,
    own: Mapping[date, WeekShare],
    others: Sequence[Mapping[date, WeekShare]],
) -> Effect:
    """The effect in a group, from its own weeks and those of groups in which nothing was tried.

    A week without spend has no share and is left out.
    """
    before = [own[week] for week in weeks.before if week in own and own[week].spent]
    since = [own[week] for week in weeks.since if week in own and own[week].spent]
    if len(before) < LEAST or len(since) < LEAST:
        early = len(before) >= LEAST
        return Effect(
            state=EffectState.TOO_EARLY if early else EffectState.NOTHING_BEFORE,
            weeks_before=len(before),
            weeks_since=len(since),
        )
    change = difference([each.share for each in before], [each.share for each in since])
    spent = sum(each.spent for each in since) / len(since)
    return Effect(
        state=EffectState.MEASURED,
        weeks_before=len(before),
        weeks_since=len(since),
        before_share=_mean([each.share for each in before]),
        since_share=_mean([each.share for each in since]),
        change=change,
        saved_nanousd=Difference(
            low=-change.high * spent, estimate=-change.estimate * spent, high=-change.low * spent
        ),
        beside=_beside(weeks, own, others),
    )


def difference(before: Sequence[float], since: Sequence[float]) -> Difference:
    """The mean since minus the mean before; each takes two values at least."""
    parts = [_variance(values) / len(values) for values in (before, since)]
    error = sqrt(sum(parts))
    estimate = _mean(since) - _mean(before)
    if not error:
        # Weeks that are all alike say nothing of how much weeks differ; nothing else does either.
        return Difference(low=estimate, estimate=estimate, high=estimate)
    # Each side's part of the error: squared as they are, the smallest would vanish.
    freedom = 1 / sum(
        (part / sum(parts)) ** 2 / (len(values) - 1)
        for part, values in zip(parts, (before, since), strict=True)
    )
    half = student(freedom) * error
    return Difference(low=estimate - half, estimate=estimate, high=estimate + half)


def student(freedom: float) -> float:
    """Half of a 95 % interval in standard errors, rounded to the wider side."""
    known = [value for least, value in _STUDENT if least <= freedom + 1e-9]
    return known[-1] if known else _STUDENT[0][1]


def _beside(
    weeks: Window, own: Mapping[date, WeekShare], others: Sequence[Mapping[date, WeekShare]]
) -> Beside | None:
    asked = {*weeks.before, *weeks.since}
    held = [each for each in others if any(week in each for week in asked)]
    pooled = {week: share for week in asked if (share := _pooled(week, held))}
    before = [pooled[week].share for week in weeks.before if week in pooled]
    since = [pooled[week].share for week in weeks.since if week in pooled]
    if not held or len(before) < LEAST or len(since) < LEAST:
        return None
    apart = {
        week: own[week].share - pooled[week].share
        for week in pooled
        if week in own and own[week].spent
    }
    gaps = [[apart[week] for week in part if week in apart] for part in (weeks.before, weeks.since)]
    enough = all(len(part) >= LEAST for part in gaps)
    return Beside(
        groups=len(held),
        before_share=_mean(before),
        since_share=_mean(since),
        change=difference(gaps[0], gaps[1]) if enough else None,
    )


def _pooled(week: date, others: Sequence[Mapping[date, WeekShare]]) -> WeekShare | None:
    lost = sum(each[week].lost for each in others if week in each)
    spent = sum(each[week].spent for each in others if week in each)
    return WeekShare(lost=lost, spent=spent) if spent else None


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _variance(values: Sequence[float]) -> float:
    centre = _mean(values)
    return sum((value - centre) ** 2 for value in values) / (len(values) - 1)
