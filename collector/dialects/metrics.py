"""Reading counters: what makes a point itself, and a cumulative series one series.

A delta point counts once by series, start and end. A cumulative point is a reading: the series
(all attributes and the start time; a restarted process starts another) grows to its highest value.
"""

from collections.abc import Hashable

from collector.attributes import Encoded
from collector.dialects.dialect import identity
from domain.events import Counted, Observation, Origin, Pass, Series
from domain.record import Attributes, MetricPoint, Temporality, recorded_us


def observe_point(point: MetricPoint, origin: Origin, fact: Counted) -> Observation | Pass:
    """An observation of one counter point; ``fact.amount`` is the point's own value."""
    at = recorded_us(point.time_ns)
    if at is None or fact.amount < 0:
        return Pass.MALFORMED
    series = _series(origin.tool, point)
    cumulative = point.temporality is Temporality.CUMULATIVE
    return Observation(
        origin=origin,
        key=identity("point", series.hex(), point.time_ns, point.temporality.value),
        at_us=at,
        stated=(fact,),
        series=Series(key=series, start_us=recorded_us(point.start_ns)) if cumulative else None,
    )


# A process tells the same series every minute.
_REMEMBERED, _LONGEST = 8_192, 2_048
_known: dict[Hashable, bytes] = {}


def _series(tool: str, point: MetricPoint) -> bytes:
    """What makes a series itself: all of its attributes, those of the resource, and its start."""
    attributes = point.attributes
    if not isinstance(attributes, Encoded):
        return _identified(tool, point)
    key = (attributes.shape, attributes.encoded, point.scope, tool, point.name, point.start_ns)
    series = _known.get(key)
    if series is None:
        series = _identified(tool, point)
        if sum(map(len, attributes.encoded)) <= _LONGEST:
            if len(_known) >= _REMEMBERED:
                _known.clear()
            _known[key] = series
    return series


def _identified(tool: str, point: MetricPoint) -> bytes:
    def spelled(attributes: Attributes) -> str:
        return repr(sorted(attributes.items(), key=lambda pair: pair[0]))

    canonical = spelled(point.attributes) + spelled(point.scope.resource)
    return identity(tool, point.name, canonical, point.start_ns)
