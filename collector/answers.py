"""What a sender is told of a request that was taken: nothing, or how much of it was refused."""

import json

from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsPartialSuccess,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsPartialSuccess,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from collector.decode import Encoding
from domain.record import Signal

_REJECTED = {
    Signal.LOGS: "rejectedLogRecords",
    Signal.METRICS: "rejectedDataPoints",
    Signal.TRACES: "rejectedSpans",
}


def answer(signal: Signal, encoding: Encoding, refused: int, reason: str) -> bytes:
    """An export response; empty where everything was accepted."""
    if encoding is Encoding.PROTOBUF:
        return _response(signal, refused, reason).SerializeToString() if refused else b""
    if not refused:
        return b"{}"
    # Numbers of 64 bits are strings in JSON.
    partial = {_REJECTED[signal]: str(refused), "errorMessage": reason}
    return json.dumps({"partialSuccess": partial}).encode()


def _response(signal: Signal, refused: int, reason: str) -> Message:
    if signal is Signal.LOGS:
        logs = ExportLogsPartialSuccess(rejected_log_records=refused, error_message=reason)
        return ExportLogsServiceResponse(partial_success=logs)
    if signal is Signal.METRICS:
        points = ExportMetricsPartialSuccess(rejected_data_points=refused, error_message=reason)
        return ExportMetricsServiceResponse(partial_success=points)
    spans = ExportTracePartialSuccess(rejected_spans=refused, error_message=reason)
    return ExportTraceServiceResponse(partial_success=spans)
