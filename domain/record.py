"""Decoded OTLP records, one shape for protobuf, JSON and gRPC.

Timestamps stay integer nanoseconds since the epoch as on the wire, 0 where the sender gave none;
``recorded_us`` picks the one to go by, ``moment`` makes it aware UTC. Attribute values are plain
Python values: JSON and protobuf bodies of the same telemetry give equal records.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct

Value: TypeAlias = "str | int | float | bool | bytes | list[Value] | dict[str, Value] | None"
Attributes = Mapping[str, Value]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# No coding tool with telemetry existed before; an earlier time is a broken clock or a zero.
EARLIEST_NS = int(datetime(2020, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000_000
LATEST_NS = int(datetime(2200, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000_000


class Signal(StrEnum):
    """The three OTLP signals, by the last part of their HTTP path."""

    LOGS = "logs"
    METRICS = "metrics"
    TRACES = "traces"


class Temporality(StrEnum):
    """How the points of a sum relate to each other."""

    DELTA = "delta"
    CUMULATIVE = "cumulative"
    UNSPECIFIED = "unspecified"


@dataclass(frozen=True, slots=True)
class Scope:
    """Who recorded it: the instrumentation scope and the resource around it."""

    name: str
    version: str
    resource: Attributes
    _hash: list[int] = field(default_factory=list, compare=False, repr=False)

    def __hash__(self) -> int:
        """Worked out once: what many records are of is looked up for each of them."""
        if not self._hash:
            told = {pair for pair in self.resource.items() if isinstance(pair[1], str)}
            self._hash.append(hash((self.name, self.version, frozenset(told))))
        return self._hash[0]


class LogRecord(Struct, frozen=True):
    """One OTLP log record. ``body`` is kept only when it is a short string (an event name)."""

    scope: Scope
    time_ns: int
    observed_ns: int
    event_name: str
    body: str
    attributes: Attributes


class MetricPoint(Struct, frozen=True):
    """One data point of a sum, gauge or histogram; a histogram's ``value`` is its sum."""

    scope: Scope
    name: str
    unit: str
    kind: str
    temporality: Temporality
    start_ns: int
    time_ns: int
    value: int | float
    count: int | None
    attributes: Attributes


class SpanEvent(Struct, frozen=True):
    """An event inside a span."""

    name: str
    time_ns: int
    attributes: Attributes


class Span(Struct, frozen=True):
    """One finished span. Ids are lower-case hex; ``failed`` means status code ERROR."""

    scope: Scope
    name: str
    trace_id: str
    span_id: str
    parent_span_id: str
    start_ns: int
    end_ns: int
    failed: bool
    attributes: Attributes
    events: Sequence[SpanEvent] = ()


Record: TypeAlias = LogRecord | MetricPoint | Span


def recorded_us(*candidates_ns: int) -> int | None:
    """The first plausible of these times as microseconds since the epoch, or None."""
    for ns in candidates_ns:
        if EARLIEST_NS <= ns < LATEST_NS:
            return ns // 1000
    return None


def moment(at_us: int) -> datetime:
    """Microseconds since the epoch as aware UTC."""
    return EPOCH + timedelta(microseconds=at_us)


def text(attributes: Attributes, *names: str) -> str | None:
    """The first of these attributes that is a non-empty string (numbers are spelled out)."""
    for name in names:
        value = attributes.get(name)
        if value is None:
            continue
        if isinstance(value, str):
            if value:
                return value
        elif isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
    return None


def count(attributes: Attributes, *names: str) -> int | None:
    """The first of these attributes that is a count: not negative; int, float or digits."""
    for name in names:
        value = attributes.get(name)
        if isinstance(value, bool) or value is None:
            continue
        if isinstance(value, int):
            return value if value >= 0 else None
        number = decimal(attributes, name)
        if number is not None and number >= 0 and number == int(number):
            return int(number)
    return None


def decimal(attributes: Attributes, name: str) -> float | None:
    """This attribute as a finite number, also where it is spelled as a string."""
    value = attributes.get(name)
    if type(value) is float:
        return value if math.isfinite(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def flag(attributes: Attributes, *names: str) -> bool | None:
    """The first of these attributes that is a boolean, also where it is spelled as a string."""
    for name in names:
        value = attributes.get(name)
        if isinstance(value, bool):
            return value
        if value in ("true", "false"):
            return value == "true"
    return None
