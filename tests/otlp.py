"""OTLP requests taken apart, put together and written as JSON, as exporters and gateways do."""

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from google.protobuf.json_format import MessageToDict, ParseDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.decode import Encoding
from domain.record import Signal

Request = ExportLogsServiceRequest | ExportMetricsServiceRequest | ExportTraceServiceRequest
Body = tuple[Signal, Encoding, bytes]

REQUESTS: dict[Signal, type[Request]] = {
    Signal.LOGS: ExportLogsServiceRequest,
    Signal.METRICS: ExportMetricsServiceRequest,
    Signal.TRACES: ExportTraceServiceRequest,
}
_SIGNALS = {kind: signal for signal, kind in REQUESTS.items()}
_IDS = frozenset({"traceId", "spanId", "parentSpanId"})
# The fields of 64 bits, which protobuf's JSON spells as strings.
_WIDE = frozenset(
    {
        *("timeUnixNano", "observedTimeUnixNano", "startTimeUnixNano", "endTimeUnixNano"),
        *("asInt", "intValue", "count"),
    }
)


def parse(body: Body) -> Request:
    """The request that a body holds."""
    signal, encoding, raw = body
    kind = REQUESTS[signal]
    if encoding is Encoding.PROTOBUF:
        return kind.FromString(raw)
    told = _changed(json.loads(raw), lambda text: base64.b64encode(bytes.fromhex(text)).decode())
    return ParseDict(told, kind(), ignore_unknown_fields=True)


def write(request: Request, encoding: Encoding, *, wide_as_numbers: bool = False) -> Body:
    """A request as a body; 64-bit numbers of JSON are strings unless ``wide_as_numbers``."""
    signal = _SIGNALS[type(request)]
    if encoding is Encoding.PROTOBUF:
        return signal, encoding, request.SerializeToString()
    told = MessageToDict(request, use_integers_for_enums=True)
    told = _changed(told, lambda text: base64.b64decode(text).hex())
    if wide_as_numbers:
        told = _numbered(told)
    return signal, encoding, json.dumps(told).encode()


def singles(request: Request) -> Iterator[Request]:
    """The request as many, each of one log record, one data point or one span."""
    if isinstance(request, ExportLogsServiceRequest):
        for logs in request.resource_logs:
            for scoped in logs.scope_logs:
                for record in scoped.log_records:
                    alone = ExportLogsServiceRequest()
                    group = alone.resource_logs.add(resource=logs.resource)
                    group.scope_logs.add(scope=scoped.scope, log_records=[record])
                    yield alone
    elif isinstance(request, ExportMetricsServiceRequest):
        yield from _points(request)
    else:
        for spans in request.resource_spans:
            for traced in spans.scope_spans:
                for span in traced.spans:
                    only = ExportTraceServiceRequest()
                    around = only.resource_spans.add(resource=spans.resource)
                    around.scope_spans.add(scope=traced.scope, spans=[span])
                    yield only


def _points(request: ExportMetricsServiceRequest) -> Iterator[Request]:
    for group in request.resource_metrics:
        for scoped in group.scope_metrics:
            for metric in scoped.metrics:
                kind = metric.WhichOneof("data")
                if kind is None:
                    continue
                for point in getattr(metric, kind).data_points:
                    alone = ExportMetricsServiceRequest()
                    around = alone.resource_metrics.add(resource=group.resource)
                    copy = around.scope_metrics.add(scope=scoped.scope).metrics.add()
                    copy.CopyFrom(metric)
                    data = getattr(copy, kind)
                    del data.data_points[:]
                    data.data_points.append(point)
                    yield alone


def merged(requests: Iterable[Request]) -> Request:
    """Requests of one signal as one, as a gateway batches them."""
    first, *others = requests
    whole = type(first)()
    for request in (first, *others):
        whole.MergeFrom(request)  # type: ignore[arg-type]  # all are of one signal
    return whole


def _changed(told: Any, change: Callable[[str], str]) -> Any:
    if isinstance(told, list):
        return [_changed(each, change) for each in told]
    if not isinstance(told, dict):
        return told
    return {
        key: change(value) if key in _IDS and isinstance(value, str) else _changed(value, change)
        for key, value in told.items()
    }


def _numbered(told: Any) -> Any:
    if isinstance(told, list):
        return [_numbered(each) for each in told]
    if not isinstance(told, dict):
        return told
    return {
        key: int(value) if key in _WIDE and isinstance(value, str) else _numbered(value)
        for key, value in told.items()
    }
