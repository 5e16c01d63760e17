"""Synthetic export requests shaped as Claude Code's: every record its own ids, time and counts."""

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count, islice

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

MODELS = ("claude-sonnet-4-5-20250929", "claude-haiku-4-5-20251001")
_START = datetime(2026, 11, 2, 8, tzinfo=UTC)
# A developer's session holds some hundreds of records; an exporter sends one session at a time.
_RECORDS_A_SESSION = 400
_RECORDS_A_PROMPT = 20
_SCOPE, _VERSION = "com.anthropic.claude_code.events", "2.1.330"


def bodies(requests: int, records: int, seed: int = 1) -> Iterator[bytes]:
    """Protobuf bodies of so many log records each; half model requests, half tool results."""
    told = _told(seed)
    for _ in range(requests):
        request = ExportLogsServiceRequest()
        group = request.resource_logs.add()
        group.resource.attributes.extend(_resource())
        scoped = group.scope_logs.add()
        scoped.scope.name, scoped.scope.version = _SCOPE, _VERSION
        scoped.log_records.extend(_record(each) for each in islice(told, records))
        yield request.SerializeToString()


def spans(requests: int, records: int, seed: int = 1) -> Iterator[bytes]:
    """The same records with the same attributes as spans, for servers that take no logs.

    One trace a prompt, of 20 spans: the prompt's first record is the parent of the others.
    """
    told = _told(seed)
    for _ in range(requests):
        request = ExportTraceServiceRequest()
        group = request.resource_spans.add()
        group.resource.attributes.extend(_resource())
        scoped = group.scope_spans.add()
        scoped.scope.name, scoped.scope.version = _SCOPE, _VERSION
        scoped.spans.extend(_span(each) for each in islice(told, records))
        yield request.SerializeToString()


@dataclass(frozen=True, slots=True)
class _Told:
    number: int
    at: datetime
    session: uuid.UUID
    name: str
    attributes: list[KeyValue]

    @property
    def nanoseconds(self) -> int:
        return int(self.at.timestamp() * 1000) * 1_000_000


def _told(seed: int) -> Iterator[_Told]:
    """What one exporter after another tells, without end."""
    chance = random.Random(seed)
    session, user = uuid.UUID(int=0), ""
    for number in count():
        if number % _RECORDS_A_SESSION == 0:
            session = uuid.UUID(int=chance.getrandbits(128))
            user = f"{chance.getrandbits(14):064x}"
        at = _START + timedelta(milliseconds=number * 20)
        name = "api_request" if number % 2 else "tool_result"
        attributes = [
            _text("user.id", user),
            _text("session.id", str(session)),
            _text("organization.id", "bbbbbbbb-1111-4222-8333-444444444444"),
            _text("terminal.type", "iTerm.app"),
            _text("event.name", name),
            _text("event.timestamp", f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"),
            _whole("event.sequence", number % _RECORDS_A_SESSION),
            _text("prompt.id", str(uuid.UUID(int=number // _RECORDS_A_PROMPT))),
            _text("request_id", f"req_{chance.getrandbits(96):024x}"),
        ]
        attributes += _request(chance) if number % 2 else _result(chance, number)
        yield _Told(number, at, session, name, attributes)


def _record(told: _Told) -> LogRecord:
    record = LogRecord(time_unix_nano=told.nanoseconds, attributes=told.attributes)
    record.observed_time_unix_nano = record.time_unix_nano
    record.body.string_value = f"claude_code.{told.name}"
    return record


def _span(told: _Told) -> Span:
    first = told.number - told.number % _RECORDS_A_PROMPT
    return Span(
        trace_id=uuid.uuid5(told.session, f"prompt {first}").bytes,
        span_id=_span_id(told.session, told.number),
        parent_span_id=b"" if told.number == first else _span_id(told.session, first),
        name=f"claude_code.{told.name}",
        kind=Span.SPAN_KIND_INTERNAL,
        start_time_unix_nano=told.nanoseconds,
        end_time_unix_nano=told.nanoseconds + 15_000_000,
        attributes=told.attributes,
    )


def _span_id(session: uuid.UUID, number: int) -> bytes:
    return uuid.uuid5(session, f"span {number}").bytes[:8]


def _resource() -> list[KeyValue]:
    return [_text("service.name", "claude-code"), _text("service.version", _VERSION)]


def _request(chance: random.Random) -> list[KeyValue]:
    cost = chance.randrange(1_000, 900_000) / 1e6
    return [
        _text("model", chance.choice(MODELS)),
        _whole("input_tokens", chance.randrange(5_000)),
        _whole("output_tokens", 1 + chance.randrange(4_000)),
        _whole("cache_read_tokens", chance.randrange(150_000)),
        _whole("cache_creation_tokens", chance.randrange(9_000)),
        KeyValue(key="cost_usd", value=AnyValue(double_value=cost)),
        _whole("duration_ms", chance.randrange(60_000)),
        _whole("ttft_ms", chance.randrange(4_000)),
        _text("query_source", "repl_main_thread"),
        _text("speed", "normal"),
    ]


def _result(chance: random.Random, number: int) -> list[KeyValue]:
    return [
        _text("tool_name", chance.choice(("Bash", "Read", "Edit", "Grep"))),
        _text("tool_use_id", f"toolu_{number:024d}"),
        _text("success", "true" if chance.random() < 0.9 else "false"),
        _text("duration_ms", str(chance.randrange(30_000))),
        _text("tool_result_size_bytes", str(chance.randrange(20_000))),
        _text("decision_source", "config"),
    ]


def _text(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def _whole(key: str, value: int) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(int_value=value))
