"""OTLP JSON export requests to records, as leniently as real exporters need.

64-bit numbers come as numbers or strings, times are missing or ``"0"``, bodies null, AnyValues
empty, trace ids ``""``. What is of an unexpected type reads as not told; a record that is no
object at all gives None.
"""

import base64
import binascii
import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any, cast

import msgspec

from collector.attributes import Shapes, known_scope
from collector.errors import Undecodable
from collector.protobuf_values import DEPTH, encoded_value
from domain.record import (
    LogRecord,
    MetricPoint,
    Record,
    Scope,
    Signal,
    Span,
    SpanEvent,
    Temporality,
    Value,
)

_GROUPS = {
    Signal.LOGS: ("resourceLogs", "scopeLogs"),
    Signal.METRICS: ("resourceMetrics", "scopeMetrics"),
    Signal.TRACES: ("resourceSpans", "scopeSpans"),
}
_KINDS = ("sum", "gauge", "histogram", "exponentialHistogram", "summary")
_NUMBERS = ("sum", "gauge")
_PROTOBUF_KIND = {"exponentialHistogram": "exponential_histogram"}
_TEMPORALITY = {
    1: Temporality.DELTA,
    2: Temporality.CUMULATIVE,
    "AGGREGATION_TEMPORALITY_DELTA": Temporality.DELTA,
    "AGGREGATION_TEMPORALITY_CUMULATIVE": Temporality.CUMULATIVE,
}
SHORT = 256
_LEAST, _MOST = -(2**63), 2**64 - 1
# More digits than a 64-bit number has; int() would be quadratic in them.
_LONGEST = 20


def parse(signal: Signal, body: bytes) -> dict[str, Any]:
    """The request's object, or Undecodable."""
    try:
        request = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Undecodable("the body is not JSON") from error
    outer, _ = _GROUPS[signal]
    if not isinstance(request, dict) or not isinstance(request.get(outer, []), list | None):
        raise Undecodable(f"the body is not an OTLP {signal} request: no list {outer!r}")
    return cast(dict[str, Any], request)


def records(signal: Signal, body: bytes) -> Iterator[Record | None]:
    """All records of the request in their order; None for what is no record."""
    outer, inner = _GROUPS[signal]
    for group in _objects(parse(signal, body).get(outer)):
        if group is None:
            yield None
            continue
        resource = _resource(_object(group.get("resource")).get("attributes"))
        for scoped in _objects(group.get(inner)):
            if scoped is None:
                yield None
                continue
            told = _object(scoped.get("scope"))
            scope = Scope(_text(told.get("name")), _text(told.get("version")), resource)
            yield from _scoped(signal, scoped, known_scope(scope))


# A scope, and the shapes of what it records.
_Known = tuple[Scope, Shapes]


def _scoped(signal: Signal, scoped: dict[str, Any], known: _Known) -> Iterator[Record | None]:
    if signal is Signal.LOGS:
        for record in _objects(scoped.get("logRecords")):
            yield None if record is None else _log(record, known)
    elif signal is Signal.METRICS:
        for metric in _objects(scoped.get("metrics")):
            if metric is None:
                yield None
            else:
                yield from _points(metric, known)
    else:
        for span in _objects(scoped.get("spans")):
            yield None if span is None else _span(span, known)


def _log(record: dict[str, Any], known: _Known) -> LogRecord:
    scope, shapes = known
    body = _text(_object(record.get("body")).get("stringValue"))
    name, told = _text(record.get("eventName")), _told(record.get("attributes"))
    return LogRecord(
        scope=scope,
        time_ns=_integer(record.get("timeUnixNano")),
        observed_ns=_integer(record.get("observedTimeUnixNano")),
        event_name=name,
        body=body if len(body) <= SHORT else "",
        attributes=shapes.attributes(told["event.name"] or name or body[:SHORT], told),
    )


def _points(metric: dict[str, Any], known: _Known) -> Iterator[MetricPoint | None]:
    for kind in _KINDS:
        data = metric.get(kind)
        if not isinstance(data, dict):
            continue
        temporality = _temporality(data.get("aggregationTemporality"))
        for point in _objects(data.get("dataPoints")):
            yield None if point is None else _point(metric, kind, temporality, point, known)


def _temporality(told: object) -> Temporality:
    known = _TEMPORALITY.get(told) if isinstance(told, int | str) else None
    return known or Temporality.UNSPECIFIED


def _point(
    metric: dict[str, Any],
    kind: str,
    temporality: Temporality,
    point: dict[str, Any],
    known: _Known,
) -> MetricPoint:
    scope, shapes = known
    name = _text(metric.get("name"))
    return MetricPoint(
        scope=scope,
        name=name,
        unit=_text(metric.get("unit")),
        kind=_PROTOBUF_KIND.get(kind, kind),
        temporality=temporality,
        start_ns=_integer(point.get("startTimeUnixNano")),
        time_ns=_integer(point.get("timeUnixNano")),
        value=_measured(point),
        # Zero is not written, and only distributions have a count.
        count=None if kind in _NUMBERS else _integer(point.get("count")),
        attributes=shapes.attributes(name, _told(point.get("attributes"))),
    )


def _measured(point: dict[str, Any]) -> int | float:
    """The value of a point, 0 where there is none, as in protobuf; no number where it is none."""
    for name, read in _MEASURES.items():
        if point.get(name) is not None:
            value = read(point[name])
            return math.nan if value is None else value
    return 0.0


def _span(span: dict[str, Any], known: _Known) -> Span:
    scope, shapes = known
    name = _text(span.get("name"))
    return Span(
        scope=scope,
        name=name,
        trace_id=_text(span.get("traceId")).lower(),
        span_id=_text(span.get("spanId")).lower(),
        parent_span_id=_text(span.get("parentSpanId")).lower(),
        start_ns=_integer(span.get("startTimeUnixNano")),
        end_ns=_integer(span.get("endTimeUnixNano")),
        failed=_object(span.get("status")).get("code") in (2, "2", "STATUS_CODE_ERROR"),
        attributes=shapes.attributes(name, _told(span.get("attributes"))),
        events=tuple(
            _event(event, shapes) for event in _objects(span.get("events")) if event is not None
        ),
    )


def _event(event: dict[str, Any], shapes: Shapes) -> SpanEvent:
    name = _text(event.get("name"))
    return SpanEvent(
        name=name,
        time_ns=_integer(event.get("timeUnixNano")),
        attributes=shapes.attributes(name, _told(event.get("attributes"))),
    )


def _resource(pairs: object) -> dict[str, Value]:
    return {name: value for name, value in _pairs(pairs, 0).items() if value is not None}


class _Told(dict[str, bytes]):
    """Encoded values by name, as protobuf's own map: a name that is asked for is taken in."""

    def __missing__(self, name: str) -> bytes:
        self[name] = b""
        return b""


def _told(pairs: object) -> _Told:
    """Attributes as they would have come in protobuf, so that all that follows is the same."""
    told = _Told()
    for pair in pairs if isinstance(pairs, list) else ():
        if isinstance(pair, dict) and isinstance(key := pair.get("key", ""), str):
            value = pair.get("value")
            text = value.get("stringValue") if isinstance(value, dict) else None
            # A text is by far the commonest.
            told[key] = encoded_value(text if isinstance(text, str) else _value(value, 0))
    return told


def _pairs(pairs: object, depth: int) -> dict[str, Value]:
    return {
        key: _value(pair.get("value"), depth)
        for pair in _objects(pairs)
        if pair is not None and isinstance(key := pair.get("key", ""), str)
    }


def _value(value: object, depth: int) -> Value:
    """A plain value from an AnyValue; what is malformed or too deep reads as empty."""
    if not isinstance(value, dict) or depth > DEPTH:
        return None
    if "stringValue" in value:
        return _text(value["stringValue"])
    for name, read in _PLAIN.items():
        if name in value:
            return read(value[name])
    if "arrayValue" in value:
        items = _object(value["arrayValue"]).get("values")
        return [_value(item, depth + 1) for item in items] if isinstance(items, list) else []
    if "kvlistValue" in value:
        return _pairs(_object(value["kvlistValue"]).get("values"), depth + 1)
    return None


def _bytes(told: object) -> bytes | None:
    try:
        return base64.b64decode(told, validate=True) if isinstance(told, str) else None
    except (binascii.Error, ValueError):
        return None


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> Iterator[dict[str, Any] | None]:
    """The items of a list; None for an item that is no object."""
    for item in value if isinstance(value, list) else ():
        yield item if isinstance(item, dict) else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _integer(value: object) -> int:
    """A 64-bit number of which 0 says that it is not told."""
    return _whole(value) or 0


def _whole(value: object) -> int | None:
    """A 64-bit number; None for what is none.

    Protobuf's JSON takes ``100.0`` and ``1e2`` too, with quotes and without.
    """
    number: int | float | None = None
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = value
    elif isinstance(value, str) and len(value) <= _LONGEST:
        with contextlib.suppress(ValueError):
            number = int(value)
        if number is None:
            number = _float(value)
    if number is None or not _LEAST <= number <= _MOST or number != int(number):
        return None
    return int(number)


def _float(value: object) -> float | None:
    """A number; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


_PLAIN: dict[str, Callable[[object], Value]] = {
    "intValue": _whole,
    "boolValue": lambda told: told is True,
    "doubleValue": _float,
    "bytesValue": _bytes,
}
_MEASURES: dict[str, Callable[[object], int | float | None]] = {
    "asInt": _whole,
    "asDouble": _float,
    "sum": _float,
}
