"""Sessions of several days, for the tests of what is old: requests, and counters that were read."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from collector.decode import Encoding
from domain.record import Signal
from store.engine import Database
from tests.filling import fill
from tests.otlp import Body

START = datetime(2026, 3, 2, tzinfo=UTC)


def day(number: float) -> datetime:
    """The beginning of a day."""
    return START + timedelta(days=number)


class Sent(NamedTuple):
    """A request of a session on a day, or a reading of a counter that began on another."""

    session: str
    day: int
    number: int
    began: int | None = None


def body(sent: Sent) -> Body:
    """What Claude Code sends of it."""
    at = str(int(day(sent.day).timestamp()) * 10**9 + sent.number)
    own = {"session.id": sent.session, "model": "claude-sonnet-4-5"}
    if sent.began is None:
        told = {
            **own,
            "event.name": "api_request",
            "request_id": f"{sent.session} {sent.number}",
            "input_tokens": "100",
            "output_tokens": "10",
        }
        scope = {"name": "com.anthropic.claude_code.events"}
        logs = [{"scope": scope, "logRecords": [{"timeUnixNano": at, "attributes": _pairs(told)}]}]
        request: Any = {"resourceLogs": [{"resource": _resource(), "scopeLogs": logs}]}
        return Signal.LOGS, Encoding.JSON, json.dumps(request).encode()
    point = {
        "startTimeUnixNano": str(int(day(sent.began).timestamp()) * 10**9),
        "timeUnixNano": at,
        "attributes": _pairs({**own, "type": "input"}),
        "asInt": str(1000 * (sent.day - sent.began)),
    }
    summed = {"aggregationTemporality": 2, "isMonotonic": True, "dataPoints": [point]}
    metrics = [{"name": "claude_code.token.usage", "sum": summed}]
    scoped = [{"scope": {"name": "com.anthropic.claude_code"}, "metrics": metrics}]
    request = {"resourceMetrics": [{"resource": _resource(), "scopeMetrics": scoped}]}
    return Signal.METRICS, Encoding.JSON, json.dumps(request).encode()


def _resource() -> dict[str, Any]:
    return {"attributes": _pairs({"service.name": "claude-code"})}


def _pairs(told: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in told.items()]


def send(database: Database, told: Iterable[Sent]) -> None:
    """Receive and fold these, each in a request of its own."""
    fill(database, [body(each) for each in told])
