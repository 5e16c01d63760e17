"""OTLP bodies as they really come: both encodings, what exporters leave out, and plain nonsense."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.metrics.v1 import metrics_pb2 as metrics

from collector.decode import Encoding, check, decode
from collector.errors import Undecodable
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
from tests.capturing import CAPTURES
from tests.filling import bodies
from tests.otlp import Request, parse, write

EVERY_CAPTURE = sorted(truth.parent for truth in CAPTURES.rglob("truth.json"))
EMPTY = Scope("", "", {})
# Above 2**53, so that a detour over a double would show.
NANOS = 1_795_321_912_861_000_001


def read(signal: Signal, told: object) -> list[Record | None]:
    return list(decode(signal, Encoding.JSON, json.dumps(told).encode()))


def read_log(**told: Any) -> LogRecord:
    [record] = read(Signal.LOGS, {"resourceLogs": [{"scopeLogs": [{"logRecords": [told]}]}]})
    assert isinstance(record, LogRecord)
    return record


def read_attribute(value: object) -> Value:
    return read_log(attributes=[{"key": "k", "value": value}]).attributes.get("k")


def read_metric(**told: Any) -> list[Record | None]:
    return read(Signal.METRICS, {"resourceMetrics": [{"scopeMetrics": [{"metrics": [told]}]}]})


def read_point(**told: Any) -> MetricPoint:
    [point] = read_metric(name="n", sum={"dataPoints": [told]})
    assert isinstance(point, MetricPoint)
    return point


def read_span(**told: Any) -> Span:
    [span] = read(Signal.TRACES, {"resourceSpans": [{"scopeSpans": [{"spans": [told]}]}]})
    assert isinstance(span, Span)
    return span


# One shape for all encodings


@pytest.mark.parametrize("scenario", EVERY_CAPTURE, ids=lambda path: path.name)
def test_every_encoding_of_a_capture_gives_the_same_records(scenario: Path) -> None:
    for body in bodies(scenario):
        request = parse(body)
        told = list(decode(*body))
        assert told
        for other in (
            write(request, Encoding.PROTOBUF),
            write(request, Encoding.JSON),
            write(request, Encoding.JSON, wide_as_numbers=True),
        ):
            assert list(decode(*other)) == told


_WORDS = st.text(max_size=4)
_WIDE = st.integers(0, 2**64 - 1)
_SCALARS = st.one_of(
    st.builds(AnyValue),
    st.builds(AnyValue, string_value=_WORDS),
    st.builds(AnyValue, bool_value=st.booleans()),
    st.builds(AnyValue, int_value=st.integers(-(2**63), 2**63 - 1)),
    st.builds(AnyValue, double_value=st.floats(allow_nan=False)),
    st.builds(AnyValue, bytes_value=st.binary(max_size=4)),
)


def _pairs(values: st.SearchStrategy[AnyValue]) -> st.SearchStrategy[list[KeyValue]]:
    pair = st.builds(KeyValue, key=_WORDS, value=values)
    return st.lists(pair, max_size=3, unique_by=lambda each: each.key)


_VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3).map(
            lambda items: AnyValue(array_value=ArrayValue(values=items))
        )
        | _pairs(inner).map(lambda pairs: AnyValue(kvlist_value=KeyValueList(values=pairs)))
    ),
    max_leaves=6,
)
_POINTS = st.builds(
    metrics.NumberDataPoint,
    start_time_unix_nano=_WIDE,
    time_unix_nano=_WIDE,
    attributes=_pairs(_VALUES),
    as_int=st.integers(-(2**63), 2**63 - 1),
) | st.builds(metrics.NumberDataPoint, as_double=st.floats(allow_nan=False))
_HISTOGRAM_POINTS = st.builds(
    metrics.HistogramDataPoint, count=_WIDE, sum=st.floats(allow_nan=False), time_unix_nano=_WIDE
)
_METRICS = st.one_of(
    st.builds(metrics.Metric, name=_WORDS),
    st.lists(_POINTS, max_size=3).map(
        lambda points: metrics.Metric(
            name="n",
            unit="u",
            sum=metrics.Sum(data_points=points, aggregation_temporality=2),  # type: ignore[arg-type]
        )
    ),
    st.lists(_POINTS, max_size=3).map(
        lambda points: metrics.Metric(gauge=metrics.Gauge(data_points=points))
    ),
    st.lists(_HISTOGRAM_POINTS, max_size=3).map(
        lambda points: metrics.Metric(
            histogram=metrics.Histogram(data_points=points, aggregation_temporality=1)  # type: ignore[arg-type]
        )
    ),
    st.just(
        metrics.Metric(
            summary=metrics.Summary(data_points=[metrics.SummaryDataPoint(count=3, sum=2.5)])
        )
    ),
    st.just(
        metrics.Metric(
            exponential_histogram=metrics.ExponentialHistogram(
                data_points=[metrics.ExponentialHistogramDataPoint(count=0, sum=2.5)]
            )
        )
    ),
)


def same_in_all_encodings(request: Request) -> None:
    told = list(decode(*write(request, Encoding.PROTOBUF)))
    for wide_as_numbers in (True, False):
        body = write(request, Encoding.JSON, wide_as_numbers=wide_as_numbers)
        assert list(decode(*body)) == told


@given(_pairs(_VALUES), _pairs(_VALUES), _WIDE, _WIDE, st.just(AnyValue()) | _SCALARS)
def test_any_log_is_the_same_in_both_encodings(
    resource: list[KeyValue], own: list[KeyValue], at: int, seen_at: int, body: AnyValue
) -> None:
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add(resource={"attributes": resource})
    scoped = group.scope_logs.add(scope={"name": "s", "version": "1"})
    scoped.log_records.add(
        time_unix_nano=at, observed_time_unix_nano=seen_at, body=body, attributes=own
    )
    same_in_all_encodings(request)


@given(st.lists(_METRICS, max_size=3))
def test_any_metric_is_the_same_in_both_encodings(told: list[metrics.Metric]) -> None:
    request = ExportMetricsServiceRequest()
    request.resource_metrics.add().scope_metrics.add(metrics=told)
    same_in_all_encodings(request)


@given(
    st.binary(min_size=16, max_size=16), st.binary(max_size=8), _WIDE, st.sampled_from([0, 1, 2])
)
def test_any_span_is_the_same_in_both_encodings(
    trace_id: bytes, span_id: bytes, at: int, status: int
) -> None:
    request = ExportTraceServiceRequest()
    scoped = request.resource_spans.add().scope_spans.add()
    span = scoped.spans.add(trace_id=trace_id, span_id=span_id, name="n", end_time_unix_nano=at)
    span.status.code = status  # type: ignore[assignment]
    span.events.add(name="e", time_unix_nano=at)
    same_in_all_encodings(request)


# What real exporters write in JSON


@pytest.mark.parametrize("told", [NANOS, str(NANOS)])
def test_64_bit_numbers_come_as_numbers_or_strings(told: object) -> None:
    assert read_log(timeUnixNano=told).time_ns == NANOS
    assert read_attribute({"intValue": told}) == NANOS
    assert read_point(asInt=told, timeUnixNano=told).value == NANOS


@pytest.mark.parametrize("told", [{}, {"timeUnixNano": "0"}, {"timeUnixNano": 0}])
def test_a_missing_time_is_zero(told: dict[str, object]) -> None:
    assert read_log(**told).time_ns == 0
    assert read_point(**told).time_ns == 0


@pytest.mark.parametrize("body", [None, {}, {"intValue": 1}, "free", {"stringValue": None}, []])
def test_a_body_that_is_no_text_is_empty(body: object) -> None:
    assert read_log(body=body) == LogRecord(EMPTY, 0, 0, "", "", {})


def test_a_long_body_is_not_kept() -> None:
    assert read_log(body={"stringValue": "x" * 256}).body == "x" * 256
    assert read_log(body={"stringValue": "x" * 257}).body == ""


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ({}, None),
        (None, None),
        ("bare", None),
        ({"newValue": 1}, None),
        ({"stringValue": 1}, ""),
        ({"intValue": True}, None),
        ({"intValue": 3.0}, 3),
        ({"intValue": "3.0"}, 3),
        ({"intValue": "3e2"}, 300),
        ({"intValue": "3.5"}, None),
        ({"intValue": 3.5}, None),
        ({"intValue": "NaN"}, None),
        ({"intValue": "many"}, None),
        ({"intValue": 2**64}, None),
        ({"intValue": "9" * 100_000}, None),
        ({"intValue": "-9"}, -9),
        ({"doubleValue": "Infinity"}, math.inf),
        ({"doubleValue": 3}, 3.0),
        ({"doubleValue": 10**400}, None),
        ({"doubleValue": [1]}, None),
        ({"boolValue": "true"}, False),
        ({"bytesValue": "AQI="}, b"\x01\x02"),
        ({"bytesValue": "?"}, None),
        ({"bytesValue": "\u00e9"}, None),
        ({"arrayValue": {}}, []),
        ({"arrayValue": {"values": [{"intValue": 1}, None, 7]}}, [1, None, None]),
        ({"kvlistValue": None}, {}),
        ({"kvlistValue": {"values": [{"key": "a", "value": {"intValue": "1"}}]}}, {"a": 1}),
    ],
)
def test_an_attribute_is_read_or_reads_as_not_told(value: object, plain: Value) -> None:
    assert read_attribute(value) == plain


@pytest.mark.parametrize(
    ("told", "value"),
    [
        ({}, 0.0),
        ({"asInt": None, "asDouble": 2}, 2.0),
        ({"asInt": "100.0"}, 100),
        ({"sum": "2.5"}, 2.5),
    ],
)
def test_a_point_has_the_value_that_it_tells(told: dict[str, Any], value: float) -> None:
    assert read_point(**told).value == value


@pytest.mark.parametrize("told", [{"asInt": "many"}, {"asInt": "0.5"}, {"asDouble": [1]}])
def test_a_value_that_is_no_number_is_not_read_as_zero(told: dict[str, Any]) -> None:
    assert math.isnan(read_point(**told).value)


def test_nan_is_read_as_such_and_is_no_count() -> None:
    assert math.isnan(read_point(asDouble="NaN").value)


def test_attributes_that_are_no_pairs_cost_their_neighbours_nothing() -> None:
    pairs = [None, 3, {"key": 5, "value": {"intValue": 1}}, {"key": "k", "value": {"intValue": 2}}]
    assert read_log(attributes=pairs).attributes == {"k": 2}
    assert read_log(attributes="none").attributes == {}


def test_empty_ids_and_unknown_fields_are_no_obstacle() -> None:
    span = read_span(
        traceId="", spanId="AB", parentSpanId=None, name="n", status={"code": 2}, novelty=[1]
    )
    assert span == Span(EMPTY, "n", "", "ab", "", 0, 0, True, {}, ())


@pytest.mark.parametrize(
    ("status", "failed"),
    [({"code": "STATUS_CODE_ERROR"}, True), ({"code": 1}, False), ({}, False), ("bad", False)],
)
def test_a_status_is_an_error_only_where_it_says_so(status: object, failed: bool) -> None:
    assert read_span(status=status).failed is failed


def test_span_events_that_are_no_objects_are_left_out() -> None:
    assert read_span(events=[None, {"name": "e"}]).events == (SpanEvent("e", 0, {}),)


@pytest.mark.parametrize(
    ("told", "understood"),
    [
        (1, Temporality.DELTA),
        ("AGGREGATION_TEMPORALITY_CUMULATIVE", Temporality.CUMULATIVE),
        (None, Temporality.UNSPECIFIED),
        ("later", Temporality.UNSPECIFIED),
        ([2], Temporality.UNSPECIFIED),
    ],
)
def test_temporality_by_number_or_by_name(told: object, understood: Temporality) -> None:
    [point] = read_metric(sum={"dataPoints": [{}], "aggregationTemporality": told})
    assert isinstance(point, MetricPoint)
    assert point.temporality is understood


def test_what_is_no_record_is_none_and_costs_its_neighbours_nothing() -> None:
    log = {"scopeLogs": [None, {"logRecords": [3, {"eventName": "e"}, None]}]}
    fine = LogRecord(EMPTY, 0, 0, "e", "", {})
    assert read(Signal.LOGS, {"resourceLogs": ["x", log]}) == [None, None, None, fine, None]
    metric: dict[str, Any] = {"sum": {"dataPoints": [None, {}]}}
    point = MetricPoint(EMPTY, "", "", "sum", Temporality.UNSPECIFIED, 0, 0, 0.0, None, {})
    group = {"scopeMetrics": [{"metrics": [None, metric, {"name": "empty"}]}]}
    assert read(Signal.METRICS, {"resourceMetrics": [group]}) == [None, None, point]
    assert read(Signal.TRACES, {"resourceSpans": [{"scopeSpans": [{"spans": [0]}]}]}) == [None]


@pytest.mark.parametrize("told", [{}, {"resourceLogs": None}, {"resourceLogs": [{}]}])
def test_an_empty_request_has_no_records(told: object) -> None:
    assert read(Signal.LOGS, told) == []


@pytest.mark.parametrize("depth", [17, 300])
def test_deep_values_end_in_nothing(depth: int) -> None:
    value: object = {"stringValue": "deep"}
    for _ in range(depth):
        value = {"arrayValue": {"values": [value]}}
    plain = read_attribute(value)
    for _ in range(17):
        assert isinstance(plain, list)
        [plain] = plain
    assert plain is None


# Refusals


@pytest.mark.parametrize("signal", Signal)
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"3", b"\xff{}", b"NaN", b'{"a": "\\ud800"}', b"[" * 100_000],
)
def test_what_is_no_json_object_is_undecodable(signal: Signal, body: bytes) -> None:
    with pytest.raises(Undecodable):
        check(signal, Encoding.JSON, body)
    with pytest.raises(Undecodable):
        list(decode(signal, Encoding.JSON, body))


@pytest.mark.parametrize("signal", Signal)
@pytest.mark.parametrize("body", [b"\xff", b"\x0a\xff", b"not a message", b'{"resourceLogs": []}'])
def test_what_is_no_message_is_undecodable(signal: Signal, body: bytes) -> None:
    with pytest.raises(Undecodable):
        check(signal, Encoding.PROTOBUF, body)


@pytest.mark.parametrize("wrong", ['"x"', "{}", "7", "true"])
def test_a_request_of_the_wrong_shape_is_undecodable(wrong: str) -> None:
    with pytest.raises(Undecodable, match="resourceSpans"):
        check(Signal.TRACES, Encoding.JSON, b'{"resourceSpans": %s}' % wrong.encode())


@given(st.sampled_from(Signal), st.sampled_from(Encoding), st.binary())
def test_random_bytes_are_read_or_undecodable(
    signal: Signal, encoding: Encoding, body: bytes
) -> None:
    try:
        check(signal, encoding, body)
    except Undecodable:
        return
    list(decode(signal, encoding, body))


_NAMES = st.sampled_from(
    [
        *("resourceLogs", "resourceMetrics", "resourceSpans", "scopeLogs", "scopeMetrics"),
        *("scopeSpans", "logRecords", "metrics", "spans", "sum", "gauge", "histogram", "count"),
        *("dataPoints", "attributes", "key", "value", "stringValue", "intValue", "doubleValue"),
        *("arrayValue", "kvlistValue", "values", "asInt", "asDouble", "body", "resource", "scope"),
        *("name", "status", "code", "events", "timeUnixNano", "aggregationTemporality"),
    ]
)
_PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
_JSON = st.recursive(
    _PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=30,
)


@given(st.sampled_from(Signal), _JSON)
def test_random_json_is_read_or_undecodable(signal: Signal, told: Any) -> None:
    outer = {Signal.LOGS: "Logs", Signal.METRICS: "Metrics", Signal.TRACES: "Spans"}[signal]
    body = json.dumps({f"resource{outer}": [told, {f"scope{outer}": [told]}]}).encode()
    try:
        check(signal, Encoding.JSON, body)
    except Undecodable:
        return
    list(decode(signal, Encoding.JSON, body))
