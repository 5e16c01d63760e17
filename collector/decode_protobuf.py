"""OTLP protobuf export requests to records."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from collector.decode_json import DEPTH, SHORT
from collector.errors import Undecodable
from domain.record import (
    Attributes,
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

_TEMPORALITY = {1: Temporality.DELTA, 2: Temporality.CUMULATIVE}

Request = ExportLogsServiceRequest | ExportMetricsServiceRequest | ExportTraceServiceRequest
_REQUESTS: dict[Signal, type[Request]] = {
    Signal.LOGS: ExportLogsServiceRequest,
    Signal.METRICS: ExportMetricsServiceRequest,
    Signal.TRACES: ExportTraceServiceRequest,
}


class _Scoped(Protocol):
    @property
    def scope(self) -> InstrumentationScope: ...


def parse(signal: Signal, body: bytes) -> Request:
    """The parsed request, or Undecodable."""
    try:
        return _REQUESTS[signal].FromString(body)
    except DecodeError as error:
        raise Undecodable(f"the body is not an OTLP {signal} protobuf message") from error


def records(signal: Signal, body: bytes) -> Iterator[Record | None]:
    """All records of the request in their order."""
    request = parse(signal, body)
    if isinstance(request, ExportLogsServiceRequest):
        yield from _logs(request)
    elif isinstance(request, ExportMetricsServiceRequest):
        yield from _points(request)
    else:
        yield from _spans(request)


def _logs(request: ExportLogsServiceRequest) -> Iterator[LogRecord]:
    for group in request.resource_logs:
        resource = _resource(group.resource)
        for scoped in group.scope_logs:
            scope = _scope(scoped, resource)
            for record in scoped.log_records:
                body = record.body.string_value
                yield LogRecord(
                    scope=scope,
                    time_ns=record.time_unix_nano,
                    observed_ns=record.observed_time_unix_nano,
                    event_name=record.event_name,
                    body=body if len(body) <= SHORT else "",
                    attributes=_attributes(record.attributes),
                )


def _points(request: ExportMetricsServiceRequest) -> Iterator[MetricPoint]:
    for group in request.resource_metrics:
        resource = _resource(group.resource)
        for scoped in group.scope_metrics:
            scope = _scope(scoped, resource)
            for metric in scoped.metrics:
                yield from _points_of(metric, scope)


def _points_of(metric: Metric, scope: Scope) -> Iterator[MetricPoint]:
    kind = metric.WhichOneof("data")
    if kind is None:
        return
    data = getattr(metric, kind)
    temporality = _TEMPORALITY.get(
        getattr(data, "aggregation_temporality", 0), Temporality.UNSPECIFIED
    )
    for point in data.data_points:
        yield MetricPoint(
            scope=scope,
            name=metric.name,
            unit=metric.unit,
            kind=kind,
            temporality=temporality,
            start_ns=point.start_time_unix_nano,
            time_ns=point.time_unix_nano,
            value=_number(point),
            count=getattr(point, "count", None),
            attributes=_attributes(point.attributes),
        )


def _number(point: NumberDataPoint | HistogramDataPoint) -> int | float:
    if isinstance(point, NumberDataPoint):
        return point.as_int if point.WhichOneof("value") == "as_int" else point.as_double
    return getattr(point, "sum", 0.0)


def _spans(request: ExportTraceServiceRequest) -> Iterator[Span]:
    for group in request.resource_spans:
        resource = _resource(group.resource)
        for scoped in group.scope_spans:
            scope = _scope(scoped, resource)
            for span in scoped.spans:
                yield _span(span, scope)


def _span(span: SpanMessage, scope: Scope) -> Span:
    return Span(
        scope=scope,
        name=span.name,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_span_id=span.parent_span_id.hex(),
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        failed=span.status.code == Status.STATUS_CODE_ERROR,
        attributes=_attributes(span.attributes),
        events=tuple(
            SpanEvent(
                name=event.name,
                time_ns=event.time_unix_nano,
                attributes=_attributes(event.attributes),
            )
            for event in span.events
        ),
    )


def _resource(resource: Resource) -> Attributes:
    return _attributes(resource.attributes)


def _scope(scoped: _Scoped, resource: Attributes) -> Scope:
    return Scope(name=scoped.scope.name, version=scoped.scope.version, resource=resource)


def _attributes(pairs: Iterable[KeyValue], depth: int = 0) -> dict[str, Value]:
    return {pair.key: _value(pair.value, depth) for pair in pairs}


def _value(value: AnyValue, depth: int) -> Value:
    """A plain value; what is too deep reads as empty, as in JSON."""
    kind = value.WhichOneof("value")
    if kind is None or depth > DEPTH:
        return None
    if kind == "array_value":
        return [_value(item, depth + 1) for item in value.array_value.values]
    if kind == "kvlist_value":
        return _attributes(value.kvlist_value.values, depth + 1)
    held: Value = getattr(value, kind)
    return held
