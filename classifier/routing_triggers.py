"""When a routing policy is to be evaluated again: what happened since it was last looked at."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from math import log
from typing import TypeAlias

from classifier.cohort import ChangeKey
from classifier.thresholds import RoutingThresholds
from domain.labels import JudgedSession
from domain.routing import Cause, Trigger

Priced: TypeAlias = Callable[[str, str, datetime], object]
"""What a tool's model costs at a time: two that are equal are the same prices."""

# The mix before is that of a quarter.
_BEFORE = timedelta(days=90)


def triggers(
    sessions: Sequence[JudgedSession],
    priced: Priced,
    thresholds: RoutingThresholds,
    since: datetime,
    as_of: datetime,
) -> tuple[Trigger, ...]:
    """Every cause with its state, of what happened after ``since``."""
    known = [session for session in sessions if session.started_at <= as_of]
    return (
        _new_models(known, since),
        _price_changes(known, priced, since, as_of),
        _mix_shift(known, thresholds, since),
        _quarter_over(since, as_of),
    )


def _new_models(sessions: Sequence[JudgedSession], since: datetime) -> Trigger:
    first = _first_seen(sessions)
    new = sorted(f"{tool} {model}" for (tool, model), at in first.items() if at > since)
    detail = "A model was seen for the first time." if new else "No model is new."
    return Trigger(cause=Cause.NEW_MODEL, due=bool(new), detail=detail, names=tuple(new))


def _price_changes(
    sessions: Sequence[JudgedSession], priced: Priced, since: datetime, as_of: datetime
) -> Trigger:
    changed = sorted(
        f"{tool} {model}"
        for tool, model in _first_seen(sessions)
        if priced(tool, model, since) != priced(tool, model, as_of)
    )
    detail = "Prices of models in use have changed." if changed else "No price has changed."
    return Trigger(cause=Cause.PRICE_CHANGE, due=bool(changed), detail=detail, names=tuple(changed))


def _mix_shift(
    sessions: Sequence[JudgedSession], thresholds: RoutingThresholds, since: datetime
) -> Trigger:
    told = [(session.ended_at, session) for session in sessions]
    before = _mix([each for at, each in told if since - _BEFORE < at <= since])
    after = _mix([each for at, each in told if at > since])
    least = min(before.total(), after.total())
    if least < max(thresholds.mix_changes, 1):
        detail = (
            f"Too little to say: {before.total()} changes of a known type in the 90 days before,"
            f" {after.total()} since; it takes {thresholds.mix_changes} of both."
        )
        return Trigger(cause=Cause.MIX_SHIFT, due=None, detail=detail)
    index = stability(before, after)
    detail = (
        f"The population stability index of the types of work is {index:.2f}; above"
        f" {thresholds.mix_shift:g} it is another mix."
    )
    return Trigger(cause=Cause.MIX_SHIFT, due=index > thresholds.mix_shift, detail=detail)


def _quarter_over(since: datetime, as_of: datetime) -> Trigger:
    over = _quarter(as_of) > _quarter(since)
    detail = "A quarter has ended." if over else "The quarter is not over."
    return Trigger(cause=Cause.QUARTER_OVER, due=over, detail=detail)


def stability(before: Mapping[str, int], after: Mapping[str, int]) -> float:
    """The population stability index of two counts by kind; 0 where both have the same shares.

    Half a piece is added to each kind, so that one that is missing on a side has a share.
    """
    kinds = sorted(before.keys() | after.keys())
    index = 0.0
    for kind in kinds:
        was = (before.get(kind, 0) + 0.5) / (sum(before.values()) + 0.5 * len(kinds))
        now = (after.get(kind, 0) + 0.5) / (sum(after.values()) + 0.5 * len(kinds))
        index += (now - was) * log(now / was)
    return index


def _first_seen(sessions: Sequence[JudgedSession]) -> Mapping[tuple[str, str], datetime]:
    first: dict[tuple[str, str], datetime] = {}
    for session in sessions:
        if session.model is not None:
            route = (session.tool, session.model)
            first[route] = min(session.started_at, first.get(route, session.started_at))
    return first


def _mix(sessions: Sequence[JudgedSession]) -> Counter[str]:
    """How many different changes there are of each type."""
    kinds: dict[ChangeKey, str] = {
        (change.repo, change.number): change.work_type
        for session in sessions
        for change in session.changes
        if change.work_type
    }
    return Counter(kinds.values())


def _quarter(at: datetime) -> tuple[int, int]:
    return at.year, (at.month - 1) // 3
