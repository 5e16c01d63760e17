"""Our own telemetry, sent by the real processes to another server of ours, and never to itself."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from assay.metric_table import METRICS
from tests.capturing import CAPTURES
from tests.serving import Server, free_ports, requests_of, send, serving

SIMPLE = CAPTURES / "claude-code" / "01-simple-http-protobuf"
_REQUESTS = {
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}


class Listener:
    """A receiver that keeps what it is sent, decoded."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        heard = self.heard

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                request = _REQUESTS[self.path]()
                request.ParseFromString(body)
                heard.append(request)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = Thread(target=self.server.serve_forever)

    def values(self, name: str) -> dict[frozenset[tuple[str, str]], Any]:
        """The last value of a metric by its attributes; of a histogram its count."""
        found: dict[frozenset[tuple[str, str]], Any] = {}
        for request in self.heard:
            if isinstance(request, ExportMetricsServiceRequest):
                for metric in _metrics(request):
                    if metric.name == name:
                        kind = metric.WhichOneof("data")
                        for point in getattr(metric, kind).data_points:
                            number = point.count if kind == "histogram" else _number(point)
                            found[_attributes(point)] = number
        return found

    def spans(self) -> list[str]:
        return [
            span.name
            for request in self.heard
            if isinstance(request, ExportTraceServiceRequest)
            for of in request.resource_spans
            for scope in of.scope_spans
            for span in scope.spans
        ]


def _metrics(request: ExportMetricsServiceRequest) -> Iterator[Any]:
    for of in request.resource_metrics:
        for scope in of.scope_metrics:
            yield from scope.metrics


def _number(point: Any) -> float:
    return float(point.as_int or point.as_double)


def _attributes(point: Any) -> frozenset[tuple[str, str]]:
    return frozenset((each.key, each.value.string_value) for each in point.attributes)


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    made.thread.start()
    yield made
    made.server.shutdown()
    made.thread.join()
    made.server.server_close()


def telling(data: Path, to: str, ports: list[int] | None = None) -> AbstractContextManager[Server]:
    """A server that tells about itself every few hundred milliseconds."""
    return serving(
        data,
        ports,
        None,
        OTEL_EXPORTER_OTLP_ENDPOINT=to,
        OTEL_METRIC_EXPORT_INTERVAL="300",
        OTEL_BSP_SCHEDULE_DELAY="200",
    )


def send_all(server: Server) -> int:
    """How many requests were acknowledged; one more is refused."""
    requests = requests_of(SIMPLE)
    for note, body in requests:
        send(server, note, body)
    server.settle()
    url = f"{server.otlp_http}/v1/logs"
    refused = httpx.post(url, content=b"\xff", headers={"content-type": "application/x-protobuf"})
    assert refused.status_code == 400
    return len(requests)


def test_what_a_server_tells_is_what_happened(tmp_path: Path, listener: Listener) -> None:
    with telling(tmp_path, listener.url) as server:
        sent = send_all(server)
        totals = server.get("/v1/coverage")["totals"]
        assert server.interrupt() == 0
    requests = listener.values("assay.requests")
    told = frozenset({("transport", "http"), ("outcome", "acknowledged")})
    assert requests[told] == sent
    assert requests[frozenset({("transport", "http"), ("outcome", "not_otlp")})] == 1
    durations = listener.values("assay.acknowledgement.duration")
    assert durations[frozenset({("transport", "http")})] == sent
    records = listener.values("assay.records")
    assert {dict(key)["outcome"]: number for key, number in records.items()} == totals
    assert listener.values("assay.inbox.requests") == {frozenset(): 0}
    jobs = listener.values("assay.job.duration")
    assert jobs[frozenset({("job.name", "fold")})] == listener.spans().count("assay.job fold")
    assert sum(listener.values("assay.sessions").values()) == 1


def test_another_server_of_ours_receives_all_three_signals(tmp_path: Path) -> None:
    with serving(tmp_path / "watching") as watching:
        with telling(tmp_path / "watched", watching.otlp_http) as watched:
            send_all(watched)
            assert watched.interrupt() == 0
        watching.settle()
        rows = watching.get("/v1/coverage")["rows"]
        names = {row["name"].removeprefix("tokenassay: ") for row in rows}
        # What happened: nothing failed, and nothing is connected.
        unheard = {"assay.job.failures", "assay.sync.streams", "assay.sync.age"}
        assert {each.name for each in METRICS} - names == unheard
        assert {row["signal"] for row in rows} >= {"metrics", "traces"}
        assert watching.get("/v1/sessions")["rows"] == []


def test_a_server_never_tells_itself(tmp_path: Path) -> None:
    ports = free_ports(3)
    with telling(tmp_path, f"http://localhost:{ports[0]}", ports) as server:
        send_all(server)
        time.sleep(1.0)
        rows = server.get("/v1/coverage")["rows"]
        assert [row["name"] for row in rows if "assay" in row["name"]] == []
        assert server.interrupt() == 0
        assert server.process.stderr is not None
        assert "own telemetry is off" in server.process.stderr.read()


def test_an_endpoint_that_does_not_answer_keeps_nobody_waiting(tmp_path: Path) -> None:
    [port] = free_ports(1)
    with telling(tmp_path, f"http://127.0.0.1:{port}") as server:
        send_all(server)
        assert server.interrupt() == 0
