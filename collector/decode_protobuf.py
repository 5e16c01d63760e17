"""OTLP protobuf export requests to records."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from struct import Struct
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from collector.decode_json import DEPTH, SHORT
from collector.errors import Undecodable
from collector.protobuf_view import REQUESTS
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

# Of values seen, some 10 MB; longer ones are texts that seldom come again.
_REMEMBERED, _LONGEST_REMEMBERED = 32_768, 256
# Field numbers and wire types of KeyValue and AnyValue, as the encoding of one byte each.
_KEY_TAG, _VALUE_TAG, _TEXT_TAG, _WHOLE_TAG, _DOUBLE_TAG = 0x0A, 0x12, 0x0A, 0x18, 0x21
_SHORTEST_PAIR = 7
_ONE_BYTE = 0x80
# Nine groups of seven bits: below 2**63, so never negative.
_POSITIVE_BYTES = 9
_double = Struct("<d")
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


def _logs(request: Any) -> Iterator[LogRecord]:
    for group in request.resource_logs:
        resource = _attributes(group.resource.attributes)
        for scoped in group.scope_logs:
            scope = Scope(scoped.scope.name, scoped.scope.version, resource)
            for record in scoped.log_records:
                body = record.body.string_value
                yield LogRecord(
                    scope,
                    record.time_unix_nano,
                    record.observed_time_unix_nano,
                    record.event_name,
                    body if len(body) <= SHORT else "",
                    _attributes(record.attributes),
                )


def _points(request: Any) -> Iterator[MetricPoint]:
    for group in request.resource_metrics:
        resource = _attributes(group.resource.attributes)
        for scoped in group.scope_metrics:
            scope = Scope(scoped.scope.name, scoped.scope.version, resource)
            for metric in scoped.metrics:
                yield from _points_of(metric, scope)


def _points_of(metric: Any, scope: Scope) -> Iterator[MetricPoint]:
    kind = metric.WhichOneof("data")
    if kind is None:
        return
    data = getattr(metric, kind)
    temporality = _TEMPORALITY.get(
        getattr(data, "aggregation_temporality", 0), Temporality.UNSPECIFIED
    )
    number = kind in ("sum", "gauge")
    for point in data.data_points:
        yield MetricPoint(
            scope,
            metric.name,
            metric.unit,
            kind,
            temporality,
            point.start_time_unix_nano,
            point.time_unix_nano,
            _number(point) if number else point.sum,
            None if number else point.count,
            _attributes(point.attributes),
        )


def _number(point: Any) -> int | float:
    value: int | float
    value = point.as_int if point.WhichOneof("value") == "as_int" else point.as_double
    return value


def _spans(request: Any) -> Iterator[Span]:
    for group in request.resource_spans:
        resource = _attributes(group.resource.attributes)
        for scoped in group.scope_spans:
            scope = Scope(scoped.scope.name, scoped.scope.version, resource)
            for span in scoped.spans:
                yield _span(span, scope)


def _span(span: Any, scope: Scope) -> Span:
    return Span(
        scope,
        span.name,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        span.status.code == Status.STATUS_CODE_ERROR,
        _attributes(span.attributes),
        tuple(
            SpanEvent(event.name, event.time_unix_nano, _attributes(event.attributes))
            for event in span.events
        ),
    )


class _Memo(dict[bytes, tuple[str, Value]]):
    """Decoded attributes by their encoding, as many as memory is given for."""

    def __missing__(self, encoded: bytes) -> tuple[str, Value]:
        decoded = _plain_pair(encoded) or _any_pair(encoded)
        if len(encoded) <= _LONGEST_REMEMBERED:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[encoded] = decoded
        return decoded


_pair = _Memo().__getitem__
_name = lru_cache(maxsize=4096)(bytes.decode)


def _attributes(encoded: Iterable[bytes]) -> dict[str, Value]:
    return dict(map(_pair, encoded))


def _plain_pair(encoded: bytes) -> tuple[str, Value] | None:
    """A short name with a short text, a whole number or a double: nearly every pair there is.

    Reading these few bytes here takes half the time of two message objects. None for any other
    form, also for valid ones that no serializer in use writes.
    """
    size = len(encoded)
    if size < _SHORTEST_PAIR or encoded[0] != _KEY_TAG or encoded[1] >= _ONE_BYTE:
        return None
    end = 2 + encoded[1]
    if size < end + 4 or encoded[end] != _VALUE_TAG or encoded[end + 1] != size - end - 2:
        return None
    kind, start = encoded[end + 2], end + 3
    value: Value
    if kind == _TEXT_TAG and encoded[start] == size - start - 1:
        value = encoded[start + 1 :].decode()
    elif kind == _WHOLE_TAG and size - start <= _POSITIVE_BYTES:
        value = _varint(encoded[start:])
    elif kind == _DOUBLE_TAG and size - start == _double.size:
        value = _double.unpack_from(encoded, start)[0]
    else:
        return None
    return None if value is None else (_name(encoded[2:end]), value)


def _varint(encoded: bytes) -> int | None:
    number = shift = 0
    for byte in encoded:
        number |= (byte & 0x7F) << shift
        shift += 7
    return number if encoded[-1] < _ONE_BYTE and shift else None


def _any_pair(encoded: bytes) -> tuple[str, Value]:
    pair = KeyValue.FromString(encoded)
    return pair.key, _value(pair.value, 0)


def _value(value: AnyValue, depth: int) -> Value:
    """A plain value; what is too deep reads as empty, as in JSON."""
    kind = value.WhichOneof("value")
    if kind is None or depth > DEPTH:
        return None
    if kind == "array_value":
        return [_value(item, depth + 1) for item in value.array_value.values]
    if kind == "kvlist_value":
        pairs = value.kvlist_value.values
        return {pair.key: _value(pair.value, depth + 1) for pair in pairs}
    held: Value = getattr(value, kind)
    return held
