"""Synthetic export requests shaped as Claude Code's: every record its own ids, time and counts."""

import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

MODELS = ("claude-sonnet-4-5-20250929", "claude-haiku-4-5-20251001")
_START = datetime(2026, 11, 2, 8, tzinfo=UTC)
# A developer's session holds some hundreds of records; an exporter sends one session at a time.
_RECORDS_A_SESSION = 400


def bodies(requests: int, records: int, seed: int = 1) -> Iterator[bytes]:
    """Protobuf bodies of so many log records each; half model requests, half tool results."""
    chance = random.Random(seed)
    made = 0
    session = user = ""
    for _ in range(requests):
        request = ExportLogsServiceRequest()
        group = request.resource_logs.add()
        group.resource.attributes.extend(
            [_text("service.name", "claude-code"), _text("service.version", "2.1.330")]
        )
        scoped = group.scope_logs.add()
        scoped.scope.name = "com.anthropic.claude_code.events"
        scoped.scope.version = "2.1.330"
        for _ in range(records):
            if made % _RECORDS_A_SESSION == 0:
                session = str(uuid.UUID(int=chance.getrandbits(128)))
                user = f"{chance.getrandbits(14):064x}"
            at = _START + timedelta(milliseconds=made * 20)
            scoped.log_records.append(_record(chance, made, at, session, user))
            made += 1
        yield request.SerializeToString()


def _record(chance: random.Random, number: int, at: datetime, session: str, user: str) -> LogRecord:
    name = "api_request" if number % 2 else "tool_result"
    record = LogRecord(time_unix_nano=int(at.timestamp() * 1000) * 1_000_000)
    record.observed_time_unix_nano = record.time_unix_nano
    record.body.string_value = f"claude_code.{name}"
    record.attributes.extend(
        [
            _text("user.id", user),
            _text("session.id", session),
            _text("organization.id", "bbbbbbbb-1111-4222-8333-444444444444"),
            _text("terminal.type", "iTerm.app"),
            _text("event.name", name),
            _text("event.timestamp", f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"),
            _whole("event.sequence", number % _RECORDS_A_SESSION),
            _text("prompt.id", str(uuid.UUID(int=number // 20))),
            _text("request_id", f"req_{chance.getrandbits(96):024x}"),
        ]
    )
    record.attributes.extend(_request(chance) if number % 2 else _result(chance, number))
    return record


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
