"""OTLP requests in protobuf, from plain values."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Status

Value: TypeAlias = str | int | float | bool | None
Values: TypeAlias = Mapping[str, Value]
"""Attributes; those that are None are left out."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A log record."""

    at: datetime
    attributes: Values
    body: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """A span of ``seconds`` that ends at ``at``; ``failed`` sets its status."""

    name: str
    at: datetime
    seconds: float
    attributes: Values
    failed: bool = False
    events: tuple[tuple[str, Values], ...] = field(default=())


def logs(scope: str, resource: Values, events: Iterable[Event]) -> bytes:
    """The body of a request to ``/v1/logs``."""
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    group.resource.attributes.extend(_pairs(resource))
    scoped = group.scope_logs.add()
    scoped.scope.name = scope
    for event in events:
        record = scoped.log_records.add(
            time_unix_nano=_nanoseconds(event.at), attributes=_pairs(event.attributes)
        )
        record.observed_time_unix_nano = record.time_unix_nano
        record.body.string_value = event.body
    return request.SerializeToString()


def spans(scope: str, version: str, resource: Values, trace: str, told: Iterable[Timed]) -> bytes:
    """The body of a request to ``/v1/traces``; all spans belong to the trace of this name."""
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.extend(_pairs(resource))
    scoped = group.scope_spans.add()
    scoped.scope.name, scoped.scope.version = scope, version
    for number, each in enumerate(told):
        span = scoped.spans.add(
            trace_id=_id(trace, 16),
            span_id=_id(f"{trace} {number}", 8),
            name=each.name,
            start_time_unix_nano=_nanoseconds(each.at - timedelta(seconds=each.seconds)),
            end_time_unix_nano=_nanoseconds(each.at),
            attributes=_pairs(each.attributes),
        )
        if each.failed:
            span.status.code = Status.STATUS_CODE_ERROR
        for name, attributes in each.events:
            span.events.add(
                name=name,
                time_unix_nano=span.start_time_unix_nano,
                attributes=_pairs(attributes),
            )
    return request.SerializeToString()


def iso(at: datetime) -> str:
    """A time as the tools write it: milliseconds, and Z."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def _id(name: str, size: int) -> bytes:
    return hashlib.blake2b(name.encode(), digest_size=size).digest()


def _nanoseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1) * 1000


def _pairs(values: Values) -> list[KeyValue]:
    return [
        KeyValue(key=key, value=_value(value)) for key, value in values.items() if value is not None
    ]


def _value(value: str | float | bool) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    return AnyValue(string_value=value)
