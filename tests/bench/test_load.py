"""What the measurements send is telemetry like any other: a real server counts all of it."""

from collections import defaultdict
from pathlib import Path

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench.load import http_requests, over_grpc, over_http
from bench.telemetry import bodies, spans
from tests.capturing import Counts
from tests.serving import serving

_TOKENS = {
    "input": "input_tokens",
    "cache_read": "cache_read_tokens",
    "cache_write": "cache_creation_tokens",
    "output": "output_tokens",
}


def told(body: bytes) -> list[dict[str, object]]:
    """The attributes of each record of a body."""
    request = ExportLogsServiceRequest.FromString(body)
    return [
        {each.key: each.value.string_value or each.value.int_value for each in record.attributes}
        for group in request.resource_logs
        for scoped in group.scope_logs
        for record in scoped.log_records
    ]


def expected(sent: list[bytes]) -> dict[str, Counts]:
    """Requests and tokens by model, summed without our help."""
    sums: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(("requests", *_TOKENS), 0))
    for record in (each for body in sent for each in told(body)):
        if record["event.name"] == "api_request":
            into = sums[str(record["model"])]
            into["requests"] += 1
            for name, attribute in _TOKENS.items():
                into[name] += int(str(record[attribute]))
    return {model: dict(each) for model, each in sums.items()}


def test_all_that_is_sent_over_http_and_grpc_is_counted(tmp_path: Path) -> None:
    http, grpc = list(bodies(24, 50, seed=1)), list(bodies(16, 50, seed=2))
    with serving(tmp_path) as server:
        by_http = over_http(int(server.otlp_http.rpartition(":")[2]), http_requests(http), limit=10)
        by_grpc = over_grpc(int(server.otlp_grpc.rpartition(":")[2]), grpc, limit=10)
        assert (by_http.requests, by_grpc.requests) == (24, 16)
        assert server.usage() == expected(http + grpc)


def test_spans_tell_what_the_logs_tell_in_one_trace_a_prompt() -> None:
    logs = ExportLogsServiceRequest.FromString(next(bodies(1, 50))).resource_logs[0]
    traced = ExportTraceServiceRequest.FromString(next(spans(1, 50))).resource_spans[0]
    records, spanned = logs.scope_logs[0].log_records, traced.scope_spans[0].spans
    assert traced.resource == logs.resource
    assert [span.attributes for span in spanned] == [record.attributes for record in records]
    assert [span.name for span in spanned] == [record.body.string_value for record in records]
    assert len({span.span_id for span in spanned}) == 50
    assert len({span.trace_id for span in spanned}) == 3
    assert sum(not span.parent_span_id for span in spanned) == 3
