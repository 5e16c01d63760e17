"""Reading counters: what makes a point itself, and a cumulative series one series.

A delta point counts once by series, start, end and value: a gateway that deletes an attribute makes
two series one, whose points then differ in nothing else. A cumulative point is a reading: the
series (its attributes and the start time; a restarted process starts another) grows to its highest
value. The resource takes part by what is read of it, since all of a series is booked to one sender,
and by what the process says of itself, but not as a whole: replicas of a Collector each put a host
of their own there, and a processor may be added at any time.

A series that tells no start is one for good: where its counter begins anew, what it then counts
below its highest reading is lost. Readings of an hour are kept as their highest, so nobody can say
in which order they came.
"""

from collections.abc import Hashable
from functools import lru_cache

from collector.attributes import Encoded
from collector.dialects.dialect import identity
from collector.dialects.grouped import SESSION, USER, completing, spelled
from collector.protobuf_values import plain
from collector.sender import SENT
from domain.events import Counted, Observation, Origin, Pass, Series
from domain.record import Attributes, MetricPoint, Scope, Temporality, recorded_us

_COUNTERS = frozenset({"sum", "histogram", "exponential_histogram"})
# What tells processes apart that began at the same time.
_PROCESS = frozenset({"service.instance.id", "process.pid"})


def observe_point(point: MetricPoint, origin: Origin, fact: Counted) -> Observation | Pass:
    """An observation of one counter point; ``fact.amount`` is the point's own value."""
    at = recorded_us(point.time_ns)
    # A gauge is no count, and of a sum without temporality nobody knows what to add up.
    countable = point.kind in _COUNTERS and point.temporality is not Temporality.UNSPECIFIED
    if at is None or fact.amount < 0 or not countable:
        return Pass.MALFORMED
    series = _series(origin.tool, point)
    cumulative = point.temporality is Temporality.CUMULATIVE
    return Observation(
        origin=origin,
        key=identity(
            "point",
            series.hex(),
            point.time_ns,
            point.temporality.value,
            plain(point.value),
            point.count,
        ),
        at_us=at,
        stated=(fact,),
        series=Series(key=series, start_us=recorded_us(point.start_ns)) if cumulative else None,
    )


# A process tells the same series every minute.
_REMEMBERED, _LONGEST = 8_192, 2_048
_known: dict[Hashable, bytes] = {}


def _series(tool: str, point: MetricPoint) -> bytes:
    """What makes a series itself: its attributes, whose it is, its process, and its start."""
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
    started = recorded_us(point.start_ns) is not None
    around = _process(tool, point.scope) if started else point.scope.resource
    told = _as_read(point.attributes, point.scope)
    return identity(tool, point.name, spelled({**around, **told}), point.start_ns)


_as_read = completing(SESSION, *SENT, *((name,) for name in USER), ("service.version",))


@lru_cache(maxsize=4096)
def _process(tool: str, scope: Scope) -> Attributes:
    """What of the resource the process says of itself; no gateway speaks in a tool's own words."""
    own = f"{tool}."
    return {
        name: value
        for name, value in scope.resource.items()
        if name in _PROCESS or name.startswith(own)
    }
