"""What is kept of a body: its signal wherever it was posted to, and no record beyond the limits."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from bench.telemetry import bodies as synthetic
from collector import json_limits, protobuf_limits
from collector.admission import admit
from collector.answers import answer
from collector.decode import Encoding
from collector.errors import TooLarge, Undecodable, UnknownPath
from collector.limits import DEFAULT, Admitted, Limits
from domain.record import Signal
from tests.capturing import CAPTURES
from tests.filling import bodies
from tests.otlp import REQUESTS, Body, Request, parse, write

SCENARIOS = sorted({note.parent for note in CAPTURES.rglob("*.meta.json")})
LIMITS = Limits(attributes=10, nesting=3)
encodings = pytest.mark.parametrize("encoding", Encoding)


# Of which signal a body is


@pytest.mark.parametrize("told", [None, *Signal])
def test_a_body_is_kept_as_what_it_is_wherever_it_was_posted_to(told: Signal | None) -> None:
    sent = [each for scenario in SCENARIOS for each in bodies(scenario)]
    assert {(signal, encoding) for signal, encoding, _ in sent} == {
        (signal, encoding) for signal in Signal for encoding in Encoding
    }
    for signal, encoding, body in sent:
        assert admit(told, encoding, body, DEFAULT) == Admitted(signal, body)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        (Encoding.PROTOBUF, b""),
        (Encoding.PROTOBUF, b"\n\x00"),
        (Encoding.PROTOBUF, b"\n\x02\x12\x00"),
        (Encoding.PROTOBUF, b"\n\x04\x12\x02\x12\x00"),  # one empty record, of any signal
        (Encoding.PROTOBUF, b"garbage"),
        (Encoding.JSON, b"{}"),
        (Encoding.JSON, b'{"logs": []}'),
        (Encoding.JSON, b'{"resourceLogs": [], "resourceSpans": []}'),
        (Encoding.JSON, b'{"resourceSpans": {}}'),
    ],
)
def test_what_could_be_any_signal_is_refused_where_the_path_does_not_tell(
    encoding: Encoding, body: bytes
) -> None:
    with pytest.raises(UnknownPath):
        admit(None, encoding, body, DEFAULT)


def test_where_the_path_tells_a_body_without_records_is_of_that_signal() -> None:
    for told in Signal:
        assert admit(told, Encoding.PROTOBUF, b"", DEFAULT) == Admitted(told, b"")
        assert admit(told, Encoding.JSON, b"{}", DEFAULT) == Admitted(told, b"{}")


# Records beyond the limits


def pairs(count: int) -> list[KeyValue]:
    return [KeyValue(key=f"k{i}", value=AnyValue(int_value=i)) for i in range(count)]


def nested(depth: int, *, maps: bool) -> AnyValue:
    """A value inside as many lists or maps."""
    value = AnyValue(string_value="inside")
    for _ in range(depth):
        outer = AnyValue()
        if maps:
            outer.kvlist_value.values.add(key="k", value=value)
        else:
            # Not the first one: the levels must be counted wherever they are.
            outer.array_value.values.extend([AnyValue(int_value=1), value])
        value = outer
    return value


def _logs(place: str, attributes: list[KeyValue], body: AnyValue) -> ExportLogsServiceRequest:
    """Three log records; of the second, or of what is around all, these attributes."""
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    scoped = group.scope_logs.add()
    for number in range(3):
        scoped.log_records.add(time_unix_nano=number + 1).body.string_value = f"record {number}"
    record: Any = scoped.log_records[1]
    places = {"resource": group.resource, "scope": scoped.scope, "record": record}
    if place == "body":
        record.body.CopyFrom(body)
    else:
        places[place].attributes.extend(attributes)
    return request


def _metrics(place: str, attributes: list[KeyValue], _: AnyValue) -> ExportMetricsServiceRequest:
    request = ExportMetricsServiceRequest()
    scoped = request.resource_metrics.add().scope_metrics.add()
    for kind in ("sum", "gauge", "histogram", "exponential_histogram", "summary"):
        metric = scoped.metrics.add(name=kind)
        points = getattr(metric, kind).data_points
        points.add(time_unix_nano=1)
        if place != kind:
            continue
        points.add(time_unix_nano=2)
        points[1].attributes.extend(attributes)
    if place == "exemplar":
        point = scoped.metrics[0].sum.data_points.add(time_unix_nano=2)
        point.exemplars.add().filtered_attributes.extend(attributes)
    return request


def _spans(place: str, attributes: list[KeyValue], _: AnyValue) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    scoped = request.resource_spans.add().scope_spans.add()
    ids = {"trace_id": b"t" * 16, "span_id": b"s" * 8}
    for number in range(2):
        scoped.spans.add(name=f"span {number}", **ids)
    span = scoped.spans[1]
    places: dict[str, Callable[[], Any]] = {
        "span": lambda: span,
        "event": span.events.add,
        "link": lambda: span.links.add(**ids),
    }
    places[place]().attributes.extend(attributes)
    return request


# Where attributes can be, how to make a request with them there, how many records that concerns.
PLACES: list[tuple[str, Callable[[str, list[KeyValue], AnyValue], Request], int]] = [
    *((place, _logs, concerned) for place, concerned in (("record", 1), ("resource", 3))),
    ("scope", _logs, 3),
    *((kind, _metrics, 1) for kind in ("sum", "gauge", "histogram", "summary", "exemplar")),
    ("exponential_histogram", _metrics, 1),
    *((place, _spans, 1) for place in ("span", "event", "link")),
]
places = pytest.mark.parametrize(("place", "make", "concerned"), PLACES)


def _admitted(request: Request, encoding: Encoding) -> tuple[Body, Admitted]:
    body = write(request, encoding)
    return body, admit(body[0], encoding, body[2], LIMITS)


@encodings
@places
def test_records_with_too_many_attributes_are_refused_and_their_neighbours_kept(
    place: str, make: Any, concerned: int, encoding: Encoding
) -> None:
    most, more = pairs(LIMITS.attributes), pairs(LIMITS.attributes + 1)
    body, admitted = _admitted(make(place, most, AnyValue()), encoding)
    assert admitted == Admitted(body[0], body[2])
    _refused(place, make, concerned, encoding, more, AnyValue())


@encodings
@pytest.mark.parametrize("maps", [False, True], ids=["lists", "maps"])
@pytest.mark.parametrize(("place", "make", "concerned"), [*PLACES, ("body", _logs, 1)])
def test_records_with_values_nested_too_deep_are_refused_and_their_neighbours_kept(
    place: str, make: Any, concerned: int, encoding: Encoding, maps: bool
) -> None:
    deep, deeper = (nested(LIMITS.nesting + more, maps=maps) for more in (0, 1))
    body, admitted = _admitted(make(place, [KeyValue(key="k", value=deep)], deep), encoding)
    assert admitted == Admitted(body[0], body[2])
    attributes = [KeyValue(key="k", value=deeper)]
    _refused(place, make, concerned, encoding, attributes, deeper)


def _refused(
    place: str,
    make: Any,
    concerned: int,
    encoding: Encoding,
    attributes: list[KeyValue],
    value: AnyValue,
) -> None:
    request = make(place, attributes, value)
    body = write(request, encoding)
    if concerned == 3:
        with pytest.raises(Undecodable):
            admit(body[0], encoding, body[2], LIMITS)
        # Beside another group that is as it should be.
        request.MergeFrom(_logs("record", [], AnyValue()))
        body = write(request, encoding)
    admitted = admit(body[0], encoding, body[2], LIMITS)
    assert (admitted.signal, admitted.refused) == (body[0], concerned)
    left = parse((admitted.signal, encoding, admitted.body))
    # The records that are left are those of the same request without the ones concerned.
    without = parse(body)
    _remove(without, concerned)
    assert left == without


def _remove(request: Request, concerned: int) -> None:
    if isinstance(request, ExportLogsServiceRequest):
        records = request.resource_logs[0].scope_logs[0].log_records
        del records[0 if concerned == 3 else 1 : concerned if concerned == 3 else 2]
    elif isinstance(request, ExportMetricsServiceRequest):
        for metric in request.resource_metrics[0].scope_metrics[0].metrics:
            del getattr(metric, metric.WhichOneof("data") or "").data_points[1:]
    else:
        del request.resource_spans[0].scope_spans[0].spans[1]


def test_items_of_json_that_are_no_records_count_as_refused_and_stay_for_the_tally() -> None:
    told = {
        "resourceLogs": [
            7,
            {"scopeLogs": ["scope", {"logRecords": [None, {"timeUnixNano": "1"}, []]}]},
        ]
    }
    body = json.dumps(told).encode()
    assert admit(Signal.LOGS, Encoding.JSON, body, DEFAULT) == Admitted(Signal.LOGS, body, 4)
    told = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [1, {"sum": {"dataPoints": [2]}}]}]}]}
    body = json.dumps(told).encode()
    assert admit(Signal.METRICS, Encoding.JSON, body, DEFAULT) == Admitted(Signal.METRICS, body, 2)


@pytest.mark.parametrize(
    "body",
    [
        b'{"resourceLogs": [{"resource": 1, "scopeLogs": [{"scope": [], "logRecords": {}}]}]}',
        b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"attributes": "arrayValue"}]}]}]}',
        b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"attributes": [1, {"value": 1}],'
        b' "events": 1, "links": [2], "body": {"arrayValue": {"values": 3}}}]}]}]}',
        b'{"resourceLogs": null}',
    ],
)
def test_json_of_any_shape_is_looked_at_without_an_error(body: bytes) -> None:
    assert admit(Signal.LOGS, Encoding.JSON, body, LIMITS) == Admitted(Signal.LOGS, body)


def test_a_nested_value_spelled_in_escapes_is_nested_too() -> None:
    body = write(
        _logs("record", [KeyValue(key="k", value=nested(4, maps=False))], AnyValue()),
        Encoding.JSON,
    )[2]
    escaped = body.replace(b"arrayValue", b"\\u0061rrayValue")
    assert admit(Signal.LOGS, Encoding.JSON, escaped, LIMITS).refused == 1


@encodings
def test_the_answer_tells_how_many_were_refused_and_why(encoding: Encoding) -> None:
    response = {
        Signal.LOGS: "rejectedLogRecords",
        Signal.METRICS: "rejectedDataPoints",
        Signal.TRACES: "rejectedSpans",
    }
    for signal, name in response.items():
        assert answer(signal, encoding, 0, "x") == (b"" if encoding is Encoding.PROTOBUF else b"{}")
        told = answer(signal, encoding, 3, LIMITS.told())
        if encoding is Encoding.JSON:
            partial = {name: "3", "errorMessage": LIMITS.told()}
            assert json.loads(told) == {"partialSuccess": partial}
        else:
            # Field 1, and in it the number and the sentence.
            sentence = LIMITS.told().encode()
            assert told == bytes([10, len(sentence) + 4, 8, 3, 18, len(sentence)]) + sentence
    assert "10 attributes or 3 levels" in LIMITS.told()


# Bodies that would fill memory


def _length(number: int) -> bytes:
    encoded = b""
    while number > 127:
        encoded += bytes([number & 127 | 128])
        number >>= 7
    return encoded + bytes([number])


def _inside(tags: bytes, filling: bytes) -> bytes:
    for tag in reversed(tags):
        filling = bytes([tag]) + _length(len(filling)) + filling
    return filling


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds that small bodies exceed."""
    monkeypatch.setattr(protobuf_limits, "MOST_MESSAGES", 50_000)
    monkeypatch.setattr(json_limits, "MOST_ITEMS", 100_000)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("signal", Signal)
@pytest.mark.parametrize(
    "body",
    [
        b"\n\x00" * 60_000,
        b"\x8a\x00\x00" * 60_000,
        b"\x0a\x80\x00" * 60_000,
        _inside(b"\x0a\x12", b"\x12\x00" * 60_000),
        _inside(b"\x0a\x0a", b"\x0a\x02\x12\x00" * 30_000),
    ],
    ids=["groups", "long tags", "long sizes", "records", "attributes"],
)
def test_a_body_of_empty_messages_is_too_large_before_it_is_parsed(
    signal: Signal, body: bytes
) -> None:
    with pytest.raises(TooLarge, match="more than 50000 messages"):
        admit(signal, Encoding.PROTOBUF, body, DEFAULT)
    with pytest.raises(UnknownPath):
        admit(None, Encoding.PROTOBUF, body, DEFAULT)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("item", [b"{}", b"[]", b"1", b'"a"'])
def test_a_body_of_empty_values_is_too_large_before_it_is_parsed(item: bytes) -> None:
    body = b'{"resourceLogs":[' + b",".join([item] * 100_001) + b"]}"
    with pytest.raises(TooLarge, match="more than 100000 values"):
        admit(Signal.LOGS, Encoding.JSON, body, DEFAULT)


def test_messages_are_counted_to_the_last() -> None:
    whole = REQUESTS[Signal.LOGS]()
    for body in synthetic(3, 50):
        whole.MergeFromString(body)
    # 150 records of 19 attributes and a body; 3 groups, each with a resource of 2, and a scope.
    expected = sum(1 for _ in _below(whole))
    counted = protobuf_limits.count_messages(Signal.LOGS, whole.SerializeToString(), 10**9)
    assert counted == expected > 5000


def _below(message: Any) -> Iterator[Any]:
    for field, value in message.ListFields():
        if field.message_type is not None:
            for each in value if field.is_repeated else (value,):
                yield each
                yield from _below(each)


@encodings
def test_much_telemetry_is_admitted_whole(
    encoding: Encoding, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = REQUESTS[Signal.LOGS]()
    for body in synthetic(40, 100):
        whole.MergeFromString(body)
    _, _, body = write(whole, encoding)
    # 4,000 records, of the most that may come.
    monkeypatch.setattr(protobuf_limits, "MOST_MESSAGES", 2_000_000 * 4_000 // 48_000)
    monkeypatch.setattr(json_limits, "MOST_ITEMS", 5_000_000 * 4_000 // 48_000)
    assert admit(Signal.LOGS, encoding, body, DEFAULT) == Admitted(Signal.LOGS, body)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    "body",
    [
        _inside(b"\x0a\x12", b"\x12\x7f" * 100_000),
        _inside(b"\x0a\x12", b"\x12\x7f" * 100_000)[:-70_001],
        b"\xff" * 200_000,
        b"\x0d" * 200_001,
        b"\n" * 200_001,
    ],
)
def test_what_is_cut_or_broken_is_left_to_the_parser(body: bytes) -> None:
    with pytest.raises(Undecodable):
        admit(Signal.LOGS, Encoding.PROTOBUF, body, DEFAULT)
