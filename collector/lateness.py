"""Records that come too late: from before the horizon, where nothing is booked any more.

What would recognise such a record may be forgotten already, so it can't be told from one that was
counted. See ``store.retention``.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from domain.events import Observation, Source
from domain.folded import CoverageKey
from domain.record import EPOCH, Signal

TOO_OLD = "too_old"
_ANY_NAME = "(any)"
_SIGNALS = {Source.LOG: Signal.LOGS, Source.METRIC: Signal.METRICS, Source.SPAN: Signal.TRACES}


def microseconds(moment: datetime) -> int:
    """A time as observations tell theirs."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def in_time(
    observations: Iterable[Observation], horizon_us: int, late: Counter[CoverageKey]
) -> list[Observation]:
    """The observations from the horizon on; the others are tallied as late."""
    kept: list[Observation] = []
    for each in observations:
        if each.at_us >= horizon_us:
            kept.append(each)
        else:
            late[_key(each)] += 1
    return kept


def began_since(
    readings: Sequence[Observation], horizon_us: int, late: Counter[CoverageKey]
) -> bool:
    """Whether an unknown counter's readings can be counted; tallied as late where they can't.

    A counter that began before the horizon may have been known once: what of it was counted then,
    nobody can tell. One that tells no start is taken for a new one.
    """
    for each in readings:
        if each.series is not None and (each.series.start_us or horizon_us) < horizon_us:
            late[_key(each)] += len(readings)
            return False
    return True


def _key(observation: Observation) -> CoverageKey:
    origin = observation.origin
    return CoverageKey(origin.tool, _SIGNALS[origin.source].value, _ANY_NAME, TOO_OLD)
