"""Reading counters: what makes a point itself, and a cumulative series one series.

A delta point counts once by series, start and end. A cumulative point is a reading: the series
(all attributes and the start time; a restarted process starts another) grows to its highest value.
"""

from collector.dialects.dialect import identity
from collector.sender import Sender
from domain.events import Counted, Observation, Pass, Series, Source
from domain.record import Attributes, MetricPoint, Temporality, recorded_at


def observe_point(
    point: MetricPoint, tool: str, sender: Sender, session_id: str | None, rank: int, fact: Counted
) -> Observation | Pass:
    """An observation of one counter point; ``fact.amount`` is the point's own value."""
    at = recorded_at(point.time_ns)
    if at is None or fact.amount < 0:
        return Pass.MALFORMED
    series = identity(tool, point.name, _canonical(point), point.start_ns)
    cumulative = point.temporality is Temporality.CUMULATIVE
    return Observation(
        tool=tool,
        session_id=session_id,
        installation=sender.installation,
        key=identity("point", series.hex(), point.time_ns, point.temporality.value),
        at=at,
        source=Source.METRIC,
        rank=rank,
        context=sender.context,
        facts=(fact, *sender.traces),
        series=Series(key=series) if cumulative else None,
    )


def _canonical(point: MetricPoint) -> str:
    def spelled(attributes: Attributes) -> str:
        return repr(sorted(attributes.items(), key=lambda pair: pair[0]))

    return spelled(point.attributes) + spelled(point.scope.resource)
