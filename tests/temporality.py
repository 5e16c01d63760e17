"""Counters told the other way: deltas as their running sums, readings as their differences."""

from collections.abc import Callable, Iterator
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import NumberDataPoint, Sum

from collector.decode import Encoding
from tests.otlp import Body, parse, write

_DELTA, _CUMULATIVE = 1, 2
_Series = tuple[Any, ...]


def as_cumulative(deltas: list[Body]) -> list[Body]:
    """The same counters as an exporter that reports each sum since its start."""
    requests = [_metrics(body) for body in deltas]
    total: dict[_Series, float] = {}
    start: dict[_Series, int] = {}
    for request in requests:
        for series, data, point in _points(request):
            if data.aggregation_temporality != _DELTA:
                continue
            total[series] = total.get(series, 0) + _value(point)
            point.start_time_unix_nano = start.setdefault(series, point.start_time_unix_nano)
            _set(point, total[series])
        _told_as(request, _DELTA, _CUMULATIVE)
    return [write(request, Encoding.PROTOBUF) for request in requests]


def as_delta(readings: list[Body]) -> list[Body]:
    """The same counters as an exporter that reports what was added since its last report."""
    requests = [_metrics(body) for body in readings]
    last: dict[_Series, tuple[int, float]] = {}
    for request in requests:
        for series, data, point in _points(request):
            if data.aggregation_temporality != _CUMULATIVE:
                continue
            own = (*series, point.start_time_unix_nano)
            value = _value(point)
            before, sum_before = last.get(own, (point.start_time_unix_nano, 0))
            last[own] = (point.time_unix_nano, value)
            point.start_time_unix_nano = before
            _set(point, value - sum_before)
        _told_as(request, _CUMULATIVE, _DELTA)
    return [write(request, Encoding.PROTOBUF) for request in requests]


def stretched(sent: list[Body], *, factor: int) -> list[Body]:
    """The same counters, but all that happened took so many times as long."""
    requests = [_metrics(body) for body in sent]
    times = [point.start_time_unix_nano for each in requests for _, _, point in _points(each)]
    origin = min(times, default=0)
    for request in requests:
        for _, _, point in _points(request):
            for name in ("start_time_unix_nano", "time_unix_nano"):
                setattr(point, name, origin + (getattr(point, name) - origin) * factor)
    return [write(request, Encoding.PROTOBUF) for request in requests]


def changed_points(body: Body, change: Callable[[dict[str, AnyValue]], object]) -> Body:
    """The body with the attributes of every point changed."""
    request = _metrics(body)
    for _, _, point in _points(request):
        attributes = {pair.key: pair.value for pair in point.attributes}
        change(attributes)
        kept = [KeyValue(key=key, value=value) for key, value in attributes.items()]
        del point.attributes[:]
        point.attributes.extend(kept)
    return write(request, body[1])


def _metrics(body: Body) -> ExportMetricsServiceRequest:
    request = parse(body)
    assert isinstance(request, ExportMetricsServiceRequest)
    return request


def _points(
    request: ExportMetricsServiceRequest,
) -> Iterator[tuple[_Series, Sum, NumberDataPoint]]:
    """Every point of every sum with what makes its series, but for the start."""
    for group in request.resource_metrics:
        for scoped in group.scope_metrics:
            for metric in scoped.metrics:
                # A histogram has none.
                for point in metric.sum.data_points:
                    told = sorted(pair.SerializeToString() for pair in point.attributes)
                    resource = group.resource.SerializeToString(deterministic=True)
                    yield (resource, metric.name, *told), metric.sum, point


def _told_as(request: ExportMetricsServiceRequest, old: int, new: int) -> None:
    for group in request.resource_metrics:
        for scoped in group.scope_metrics:
            for metric in scoped.metrics:
                if metric.sum.aggregation_temporality == old:
                    metric.sum.aggregation_temporality = new  # type: ignore[assignment]


def _value(point: NumberDataPoint) -> float:
    return point.as_int if point.WhichOneof("value") == "as_int" else point.as_double


def _set(point: NumberDataPoint, value: float) -> None:
    if point.WhichOneof("value") == "as_int":
        point.as_int = int(value)
    else:
        point.as_double = value
