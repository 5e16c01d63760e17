"""Both receivers as real servers, and the official OpenTelemetry exporters as their clients."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry._logs import LogRecord as Emitted
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetrics
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogs
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetrics
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import event

from collector.decode import decode
from collector.protobuf_outline import PATHS, scopes
from collector.receive_grpc import SERVICES, grpc_server
from collector.spool import Spool, unpack_otlp
from domain.record import (
    Attributes,
    LogRecord,
    MetricPoint,
    Record,
    Scope,
    Signal,
    Span,
    Temporality,
)
from store import access, inbox
from store.access import Gate, Role
from store.engine import Database
from tests.filling import RECEIVED_AT
from tests.receiving import LIMITS, Running, locked, receiving

AT = 1_795_321_912_861_000_001
RESOURCE = {"service.name": "a tool", "host.id": "m"}
SCOPE = Scope("a scope", "1.2", RESOURCE)
LOGS_METHOD = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"


@pytest.fixture
def database(embedded: Database) -> Database:
    """One that another program can lock."""
    return embedded


@pytest.fixture
def running(database: Database) -> Iterator[Running]:
    event.listen(database.engine, "connect", lambda raw, _: raw.execute("PRAGMA busy_timeout = 30"))
    with receiving(database) as servers:
        yield servers


def arrived(database: Database) -> list[Record | None]:
    """Everything in the inbox, decoded."""
    with database.arrivals.reading() as connection:
        held = inbox.oldest(connection, 100)
    return [record for row in held for record in decode(*unpack_otlp(row.incoming))]


# What the SDK exports, and what must arrive of it


def logs() -> tuple[Any, list[Record]]:
    memory = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    provider = LoggerProvider(resource=Resource(RESOURCE), shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(memory))
    provider.get_logger("a scope", "1.2").emit(
        Emitted(
            timestamp=AT,
            observed_timestamp=AT + 1,
            body="hello",
            event_name="greeted",
            attributes={"count": 3, "share": 0.5, "ok": True, "words": ["a", "b"]},
        )
    )
    told: Attributes = {"count": 3, "share": 0.5, "ok": True, "words": ["a", "b"]}
    return memory.get_finished_logs(), [LogRecord(SCOPE, AT, AT + 1, "greeted", "hello", told)]


def metrics() -> tuple[Any, list[Record]]:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], Resource(RESOURCE), shutdown_on_exit=False)
    provider.get_meter("a scope", "1.2").create_counter("tokens", "1").add(7, {"type": "input"})
    data = reader.get_metrics_data()
    assert data is not None
    [point] = data.resource_metrics[0].scope_metrics[0].metrics[0].data.data_points
    times = (point.start_time_unix_nano, point.time_unix_nano)
    cumulative = Temporality.CUMULATIVE
    return data, [
        MetricPoint(SCOPE, "tokens", "1", "sum", cumulative, *times, 7, None, {"type": "input"})
    ]


def traces() -> tuple[Any, list[Record]]:
    memory = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource(RESOURCE), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    span = provider.get_tracer("a scope", "1.2").start_span("chat", start_time=AT)
    span.set_attribute("tokens", 12)
    span.end(end_time=AT + 5)
    context = span.get_span_context()
    ids = (f"{context.trace_id:032x}", f"{context.span_id:016x}", "")
    return memory.get_finished_spans(), [
        Span(SCOPE, "chat", *ids, AT, AT + 5, False, {"tokens": 12}, ())
    ]


Telling = Callable[[], tuple[Any, list[Record]]]
_TELLING: dict[Signal, Telling] = {
    Signal.LOGS: logs,
    Signal.METRICS: metrics,
    Signal.TRACES: traces,
}
_HTTP: dict[Signal, Any] = {
    Signal.LOGS: HttpLogs,
    Signal.METRICS: HttpMetrics,
    Signal.TRACES: HttpSpans,
}
_GRPC: dict[Signal, Any] = {
    Signal.LOGS: GrpcLogs,
    Signal.METRICS: GrpcMetrics,
    Signal.TRACES: GrpcSpans,
}


def export(
    running: Running,
    protocol: str,
    signal: Signal,
    data: Any,
    *,
    zipped: bool = False,
    token: str = "",
) -> str:
    """Export as a tool would; the name of the exporter's verdict."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    if protocol == "http":
        exporter = _HTTP[signal](
            endpoint=f"{running.http}/v1/{signal}",
            compression=Compression.Gzip if zipped else Compression.NoCompression,
            headers=headers,
            timeout=20,
        )
    else:
        exporter = _GRPC[signal](
            endpoint=running.grpc,
            insecure=True,
            compression=grpc.Compression.Gzip if zipped else grpc.Compression.NoCompression,
            headers=tuple(headers.items()),
            timeout=20,
        )
    try:
        return str(exporter.export(data).name)
    finally:
        exporter.shutdown()


protocols = pytest.mark.parametrize("protocol", ["http", "grpc"])


@protocols
@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("signal", Signal)
def test_what_the_sdk_exports_arrives_as_it_was(
    running: Running, protocol: str, signal: Signal, zipped: bool
) -> None:
    data, expected = _TELLING[signal]()
    assert export(running, protocol, signal, data, zipped=zipped) == "SUCCESS"
    assert arrived(running.database) == expected


@protocols
@pytest.mark.parametrize("signal", Signal)
def test_once_there_is_a_token_only_its_bearer_may_export(
    running: Running, protocol: str, signal: Signal
) -> None:
    with running.database.writing() as connection:
        _, sender = access.create(connection, "", Role.INGEST, RECEIVED_AT)
        _, viewer = access.create(connection, "", Role.VIEWER, RECEIVED_AT)
    data, expected = _TELLING[signal]()
    for token in ("", "nonsense", viewer):
        assert export(running, protocol, signal, data, token=token) == "FAILURE"
    assert arrived(running.database) == []
    assert export(running, protocol, signal, data, token=sender) == "SUCCESS"
    assert arrived(running.database) == expected


@protocols
def test_what_is_refused_for_now_is_sent_again_and_arrives_once(
    running: Running, protocol: str
) -> None:
    data, expected = logs()
    with ThreadPoolExecutor() as pool, locked(running.database) as other:
        outcome = pool.submit(export, running, protocol, Signal.LOGS, data)
        with pytest.raises(TimeoutError):
            outcome.result(timeout=0.5)
        other.execute("ROLLBACK")
        assert outcome.result() == "SUCCESS"
    assert arrived(running.database) == expected


# Records refused

_RESPONSES: dict[Signal, Any] = {
    Signal.LOGS: ExportLogsServiceResponse,
    Signal.METRICS: ExportMetricsServiceResponse,
    Signal.TRACES: ExportTraceServiceResponse,
}
_ENCODERS: dict[Signal, Any] = {
    Signal.LOGS: encode_logs,
    Signal.METRICS: encode_metrics,
    Signal.TRACES: encode_spans,
}


@protocols
@pytest.mark.parametrize("signal", Signal)
def test_the_sender_is_told_how_many_records_were_refused(
    running: Running, protocol: str, signal: Signal
) -> None:
    data, expected = _TELLING[signal]()
    request = _ENCODERS[signal](data)
    broken = _ENCODERS[signal](_TELLING[signal]()[0])
    [scoped] = [scope for _, scope, _ in scopes(signal, broken)]
    [record] = scopes_records(signal, scoped)
    for number in range(LIMITS.attributes + 1):
        record.attributes.add(key=f"k{number}")
    request.MergeFrom(broken)
    response = _RESPONSES[signal].FromString(send(running, protocol, signal, request))
    [(_, refused), (_, reason)] = response.partial_success.ListFields()
    assert (refused, "8192 attributes" in reason) == (1, True)
    assert arrived(running.database) == expected


def scopes_records(signal: Signal, scoped: Any) -> list[Any]:
    """The records of a scope; of a metric its points."""
    held = getattr(scoped, PATHS[signal][2])
    return [each.sum.data_points[0] for each in held] if signal is Signal.METRICS else list(held)


def send(running: Running, protocol: str, signal: Signal, request: Any) -> bytes:
    """Send a request; the answer's bytes."""
    body = request.SerializeToString()
    if protocol == "http":
        headers = {"content-type": "application/x-protobuf"}
        return httpx.post(f"{running.http}/v1/{signal}", content=body, headers=headers).content
    method = f"/{SERVICES[signal]}/Export"
    with grpc.insecure_channel(running.grpc) as channel:
        sending: Any = channel.unary_unary(method)
        answer: bytes = sending(body, timeout=20)
    return answer


# Refusals of gRPC


def call(
    running: Running, body: bytes, method: str = LOGS_METHOD, metadata: Sequence[Any] = ()
) -> grpc.RpcError:
    """Send raw bytes that must be refused."""
    with grpc.insecure_channel(running.grpc, compression=grpc.Compression.Gzip) as channel:
        sending: Any = channel.unary_unary(method)
        with pytest.raises(grpc.RpcError) as refusal:
            sending(body, metadata=tuple(metadata), timeout=20)
    return refusal.value


def test_unavailable_says_when_to_come_again(running: Running) -> None:
    with locked(running.database):
        refusal: Any = call(running, b"")
    assert refusal.code() is grpc.StatusCode.UNAVAILABLE
    trailing = dict(refusal.trailing_metadata())
    status = Status.FromString(trailing["grpc-status-details-bin"])
    retry = RetryInfo()
    assert status.details[0].Unpack(retry)
    assert (status.code, retry.retry_delay) == (14, Duration(seconds=1))


@pytest.mark.parametrize(
    ("body", "method", "code"),
    [
        (b"\xff", LOGS_METHOD, grpc.StatusCode.INVALID_ARGUMENT),
        (bytes(LIMITS.unpacked + 1), LOGS_METHOD, grpc.StatusCode.RESOURCE_EXHAUSTED),
        (b"", "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export",
         grpc.StatusCode.UNIMPLEMENTED),
    ],
    ids=["garbage", "too large when unpacked", "unknown service"],
)  # fmt: skip
def test_refusals_have_their_codes(
    running: Running, body: bytes, method: str, code: grpc.StatusCode
) -> None:
    refusal: Any = call(running, body, method)
    assert refusal.code() is code
    assert arrived(running.database) == []


def test_tokens_decide_with_their_own_codes(running: Running) -> None:
    with running.database.writing() as connection:
        access.create(connection, "", Role.INGEST, RECEIVED_AT)
        _, viewer = access.create(connection, "", Role.VIEWER, RECEIVED_AT)
    nobody: Any = call(running, b"")
    other: Any = call(running, b"", metadata=[("authorization", f"Bearer {viewer}")])
    assert nobody.code() is grpc.StatusCode.UNAUTHENTICATED
    assert other.code() is grpc.StatusCode.PERMISSION_DENIED


def test_where_tokens_cannot_be_read_senders_are_to_come_again(
    database: Database, tmp_path: Path
) -> None:
    with closing(Database(f"sqlite:///{tmp_path}/no/folder.db")) as nowhere:
        with receiving(database, Gate(nowhere, open_without=True)) as running:
            refusal: Any = call(running, b"")
            assert refusal.code() is grpc.StatusCode.UNAVAILABLE
        assert arrived(database) == []


def test_a_taken_port_is_said_at_once(running: Running, database: Database) -> None:
    async def second() -> None:
        grpc_server(running.grpc, Spool(database), Gate(database, open_without=True), LIMITS)

    with pytest.raises(RuntimeError):
        asyncio.run(second())
