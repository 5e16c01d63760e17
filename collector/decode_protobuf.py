"""OTLP protobuf export requests to records."""

from collections.abc import Iterator
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from collector.attributes import Shapes, known_scope
from collector.decode_json import SHORT
from collector.errors import Undecodable
from collector.protobuf_values import value_of
from collector.protobuf_view import REQUESTS, RESOURCE, SCOPE
from domain.record import (
    LogRecord,
    MetricPoint,
    Record,
    Scope,
    Signal,
    Span,
    SpanEvent,
    Temporality,
)

# A body that is an event's name, as an encoded AnyValue.
_LONGEST_BODY = SHORT * 4 + 3
_MOST_SCOPES, _MOST_BODIES = 4_096, 1_024
_TEMPORALITY = {1: Temporality.DELTA, 2: Temporality.CUMULATIVE}

Request = ExportLogsServiceRequest | ExportMetricsServiceRequest | ExportTraceServiceRequest
_REQUESTS: dict[Signal, type[Request]] = {
    Signal.LOGS: ExportLogsServiceRequest,
    Signal.METRICS: ExportMetricsServiceRequest,
    Signal.TRACES: ExportTraceServiceRequest,
}


def parse(signal: Signal, body: bytes) -> Request:
    """The parsed request, or Undecodable."""
    try:
        return _REQUESTS[signal].FromString(body)
    except DecodeError as error:
        raise Undecodable(f"the body is not an OTLP {signal} protobuf message") from error


def records(signal: Signal, body: bytes) -> Iterator[Record | None]:
    """All records of the request in their order; Undecodable where ``parse`` would refuse it."""
    request: Any = REQUESTS[signal]()
    try:
        request.MergeFromString(body)
    except DecodeError as error:
        raise Undecodable(f"the body is not an OTLP {signal} protobuf message") from error
    if signal is Signal.LOGS:
        yield from _logs(request)
    elif signal is Signal.METRICS:
        yield from _points(request)
    else:
        yield from _spans(request)


class _Scopes(dict[tuple[bytes, bytes], tuple[Scope, Shapes]]):
    """Scopes and the shapes of what they record, by how their resource and they are encoded."""

    def __missing__(self, encoded: tuple[bytes, bytes]) -> tuple[Scope, Shapes]:
        resource: Any = RESOURCE.FromString(encoded[0])
        told: Any = SCOPE.FromString(encoded[1])
        attributes = {
            name: value
            for name, each in resource.attributes.items()
            if (value := value_of(each)) is not None
        }
        if len(self) >= _MOST_SCOPES:
            self.clear()
        known = self[encoded] = known_scope(Scope(told.name, told.version, attributes))
        return known


_SCOPES = _Scopes()


def _logs(request: Any) -> Iterator[LogRecord | None]:
    for group in request.resource_logs:
        for scoped in group.scope_logs:
            scope, shapes = _SCOPES[group.resource, scoped.scope]
            attributes = shapes.attributes
            for record in scoped.log_records:
                told = record.attributes
                event_name, body = record.event_name, record.body
                yield LogRecord(
                    scope,
                    record.time_unix_nano,
                    record.observed_time_unix_nano,
                    event_name,
                    _BODIES[body] if len(body) <= _LONGEST_BODY else "",
                    attributes(told["event.name"] or event_name or body[:SHORT], told),
                )


class _Bodies(dict[bytes, str]):
    """Bodies that are short texts, by their encoding: mostly names of events."""

    def __missing__(self, encoded: bytes) -> str:
        told = value_of(encoded)
        text = told if isinstance(told, str) and len(told) <= SHORT else ""
        if len(self) >= _MOST_BODIES:
            self.clear()
        self[encoded] = text
        return text


_BODIES = _Bodies()


def _points(request: Any) -> Iterator[MetricPoint]:
    for group in request.resource_metrics:
        for scoped in group.scope_metrics:
            scope, shapes = _SCOPES[group.resource, scoped.scope]
            for metric in scoped.metrics:
                yield from _points_of(metric, scope, shapes)


def _points_of(metric: Any, scope: Scope, shapes: Shapes) -> Iterator[MetricPoint]:
    kind = metric.WhichOneof("data")
    if kind is None:
        return
    data = getattr(metric, kind)
    temporality = _TEMPORALITY.get(
        getattr(data, "aggregation_temporality", 0), Temporality.UNSPECIFIED
    )
    name, unit, number = metric.name, metric.unit, kind in ("sum", "gauge")
    for point in data.data_points:
        yield MetricPoint(
            scope,
            name,
            unit,
            kind,
            temporality,
            point.start_time_unix_nano,
            point.time_unix_nano,
            _number(point) if number else point.sum,
            None if number else point.count,
            shapes.attributes(name, point.attributes),
        )


def _number(point: Any) -> int | float:
    value: int | float
    value = point.as_int if point.WhichOneof("value") == "as_int" else point.as_double
    return value


def _spans(request: Any) -> Iterator[Span]:
    for group in request.resource_spans:
        for scoped in group.scope_spans:
            scope, shapes = _SCOPES[group.resource, scoped.scope]
            for span in scoped.spans:
                yield _span(span, scope, shapes)


def _span(span: Any, scope: Scope, shapes: Shapes) -> Span:
    name = span.name
    return Span(
        scope,
        name,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        span.status.code == Status.STATUS_CODE_ERROR,
        shapes.attributes(name, span.attributes),
        tuple(
            SpanEvent(
                event.name, event.time_unix_nano, shapes.attributes(event.name, event.attributes)
            )
            for event in span.events
        ),
    )
