"""Bodies as no exporter should send them: broken captures, things of the right shape, and noise."""

import copy
import gzip
import json
import random
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zstandard
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.decode import Encoding
from domain.record import Signal

REQUESTS: dict[Signal, type[Message]] = {
    Signal.LOGS: ExportLogsServiceRequest,
    Signal.METRICS: ExportMetricsServiceRequest,
    Signal.TRACES: ExportTraceServiceRequest,
}
CONTENT_TYPES = {
    Encoding.PROTOBUF: "application/x-protobuf",
    Encoding.JSON: "application/json",
}
_ENCODINGS = {".json": Encoding.JSON, ".pb": Encoding.PROTOBUF}
_WHOLE = (0, 1, -1, 2**31, 2**63 - 1, -(2**63), 2**64 - 1, 10**15, 1_795_321_912_861_000_001)
_DOUBLES = (0.0, -0.0, 0.5, -1.0, 1e-320, 1e308, float("inf"), float("-inf"), float("nan"))
_TEXTS = (
    "",
    " ",
    "\0",
    "true",
    "-1",
    "1e999",
    "9" * 5000,
    "NaN",
    "2026-11-22T09:00:00Z",
    "é" * 300,
)
_DEEP = "(as many lists as the parser reads)"
_JUNK: tuple[Any, ...] = (
    *(None, True, False, [], {}, [[]], {"": ""}, [None], -1, 1.5, 1e308, 2**63, 2**64, 2**200),
    *_TEXTS,
    "\ud800",
)


@dataclass(frozen=True, slots=True)
class Sending:
    """One request. ``signal`` None is a path that names none; ``derived`` if made of a capture."""

    signal: Signal | None
    content_type: str
    coding: str
    body: bytes
    kind: str
    derived: bool
    over_grpc: bool = False

    @property
    def path(self) -> str:
        """The path of this signal, or the bare address."""
        return f"/v1/{self.signal}" if self.signal else "/"


Captured = tuple[Signal, Encoding, bytes]


def captured(scenario: Path) -> list[Captured]:
    """The bodies of a capture in the order they were sent."""
    return [
        (Signal(path.name.split(".")[1]), _ENCODINGS[path.suffix], path.read_bytes())
        for path in sorted(scenario.glob("*.*.*"))
        if ".meta." not in path.name
    ]


def scenarios(captures: Path) -> list[Path]:
    """The folders that hold captures."""
    return sorted({note.parent for note in captures.rglob("*.meta.json")})


class Garbage:
    """An endless supply, the same for the same seed; ``sources`` are what to break."""

    def __init__(self, seed: int, sources: Sequence[Captured]) -> None:
        self._chance = random.Random(seed)
        self._sources = sources
        self._names = _names(sources)
        noise = [(self._noise, 8), (self._random_json, 5)]
        derived = [
            (self._whole, 5),
            (self._flipped, 20),
            (self._cut, 10),
            (self._spliced, 10),
            (self._junk_in_json, 15),
            (self._other_values, 15),
            (self._shaped, 10),
            (self._mislabelled, 7),
        ]
        self._kinds = [*noise, *derived] if sources else noise

    def __iter__(self) -> Iterator[Sending]:
        makers, weights = zip(*self._kinds, strict=True)
        while True:
            (make,) = self._chance.choices(makers, weights)
            sending = make()
            yield self._somehow(sending)

    def _somehow(self, made: Sending) -> Sending:
        """Over gRPC, compressed, to another path or as it is."""
        chance = self._chance.random()
        if made.content_type == CONTENT_TYPES[Encoding.PROTOBUF] and made.signal and chance < 0.3:
            return _changed(made, over_grpc=True, coding="")
        if chance < 0.4:
            return _changed(made, signal=self._chance.choice([None, *Signal]))
        if chance < 0.6 and not made.coding:
            coding = self._chance.choice(("gzip", "deflate", "zstd"))
            packed = _PACKERS[coding](made.body)
            if self._chance.random() < 0.2:
                packed = self._with_flips(packed)
            return _changed(made, coding=coding, body=packed)
        return made

    # Made of captures

    def _source(self) -> Captured:
        return self._chance.choice(self._sources)

    def _of(self, source: Captured, body: bytes, kind: str) -> Sending:
        return Sending(source[0], CONTENT_TYPES[source[1]], "", body, kind, derived=True)

    def _whole(self) -> Sending:
        source = self._source()
        return self._of(source, source[2], "as captured")

    def _flipped(self) -> Sending:
        source = self._source()
        return self._of(source, self._with_flips(source[2]), "bits flipped")

    def _with_flips(self, body: bytes) -> bytes:
        flipped = bytearray(body)
        for _ in range(self._chance.choice((1, 1, 2, 4, 16)) if body else 0):
            flipped[self._chance.randrange(len(body))] ^= 1 << self._chance.randrange(8)
        return bytes(flipped)

    def _cut(self) -> Sending:
        source = self._source()
        end = self._chance.randrange(len(source[2]) + 1)
        return self._of(source, source[2][:end], "cut short")

    def _spliced(self) -> Sending:
        source, other = self._source(), self._source()
        start, end = sorted(self._chance.randrange(len(source[2]) + 1) for _ in range(2))
        middle = other[2][: self._chance.randrange(1, 400)] * self._chance.randrange(3)
        return self._of(source, source[2][:start] + middle + source[2][end:], "spliced")

    def _junk_in_json(self) -> Sending:
        signal, encoding, body = self._source()
        told = json.loads(body) if encoding is Encoding.JSON else _as_json(signal, body)
        for _ in range(self._chance.choice((1, 1, 2, 5, 20))):
            self._put_junk(told)
        # As other JSON writers do: numbers that are none, and characters as they are.
        raw = json.dumps(told, ensure_ascii=self._chance.random() < 0.5)
        raw = raw.replace(f'"{_DEEP}"', "[" * 900 + "]" * 900)
        raw = raw.replace(": NaN", self._chance.choice((": NaN", ": 1e400", ": -0")))
        body = raw.encode(errors="surrogatepass")
        return self._of((signal, Encoding.JSON, body), body, "junk in JSON")

    def _put_junk(self, told: Any) -> None:
        """Replace, remove or add something at a place that a walk from the root comes to."""
        while True:
            keys = list(told) if isinstance(told, dict) else list(range(len(told)))
            if not keys:
                return
            key = self._chance.choice(keys)
            inner = told[key]
            if isinstance(inner, dict | list) and inner and self._chance.random() < 0.85:
                told = inner
                continue
            choice = self._chance.random()
            if choice < 0.1:
                del told[key]
            elif choice < 0.2 and isinstance(told, list):
                told.extend([inner] * self._chance.choice((1, 2, 50)))
            elif choice < 0.25:
                told[key] = _DEEP
            else:
                told[key] = copy.deepcopy(self._chance.choice(_JUNK))
            return

    def _other_values(self) -> Sending:
        """A captured request, well-formed, of which some values are any that their types hold."""
        signal, encoding, body = self._source()
        request = REQUESTS[signal]()
        if encoding is Encoding.PROTOBUF:
            request.ParseFromString(body)
        else:
            ParseDict(json.loads(body), request, ignore_unknown_fields=True)
        for _ in range(self._chance.choice((1, 2, 5, 20))):
            self._put_value(request)
        body = request.SerializeToString()
        return self._of((signal, Encoding.PROTOBUF, body), body, "other values")

    def _put_value(self, message: Message) -> None:
        while told := message.ListFields():
            field, value = self._chance.choice(told)
            if isinstance(value, Message):
                message = value
            elif field.message_type is not None:
                message = self._chance.choice(value)
            else:
                if not field.is_repeated:
                    setattr(message, field.name, self._scalar(field))
                return

    def _mislabelled(self) -> Sending:
        source = self._source()
        made = self._of(source, source[2], "mislabelled")
        types = ("", "text/plain", "application/json; charset=utf-16", "application/x-protobuf;")
        content_type = self._chance.choice((*CONTENT_TYPES.values(), *types))
        coding = self._chance.choice(("", "gzip", "deflate", "zstd", "br", "gzip, zstd", "x"))
        return _changed(made, content_type=content_type, coding=coding)

    # Of the right shape

    def _shaped(self) -> Sending:
        """A request of its schema, with the names that tools use and any values at all."""
        signal = self._chance.choice(list(Signal))
        request = REQUESTS[signal]()
        self._fill(request, 0)
        if self._chance.random() < 0.7:
            encoding, body = Encoding.PROTOBUF, request.SerializeToString()
        else:
            encoding, body = Encoding.JSON, json.dumps(MessageToDict(request)).encode()
        return self._of((signal, encoding, body), body, "right shape")

    def _fill(self, message: Message, depth: int) -> None:
        for field in message.DESCRIPTOR.fields:
            nested = field.message_type is not None
            if self._chance.random() > (0.9 if depth < 4 and nested else 0.5):
                continue
            if depth > 12 and nested:
                continue
            value = getattr(message, field.name)
            if isinstance(value, Message):
                self._fill(value, depth + 1)
            elif nested:
                for _ in range(self._chance.choice((1, 1, 2, 3)) if depth < 8 else 1):
                    self._fill(value.add(), depth + 1)
            elif field.is_repeated:
                value.extend([self._scalar(field)] * self._chance.randrange(3))
            else:
                setattr(message, field.name, self._scalar(field))

    def _scalar(self, field: Any) -> Any:
        kinds = FieldDescriptor
        if field.cpp_type == kinds.CPPTYPE_STRING:
            if field.type == kinds.TYPE_BYTES:
                return self._chance.randbytes(self._chance.choice((0, 8, 16, 16)))
            named = self._chance.random() < 0.8
            return self._chance.choice(self._names if named else _TEXTS)
        if field.cpp_type in (kinds.CPPTYPE_DOUBLE, kinds.CPPTYPE_FLOAT):
            return self._chance.choice(_DOUBLES)
        if field.cpp_type == kinds.CPPTYPE_BOOL:
            return self._chance.random() < 0.5
        if field.cpp_type == kinds.CPPTYPE_ENUM:
            return self._chance.randrange(4)
        low, high = _RANGES[field.cpp_type]
        return min(max(self._chance.choice(_WHOLE), low), high)

    # Noise

    def _noise(self) -> Sending:
        signal, encoding = self._chance.choice(list(Signal)), self._chance.choice(list(Encoding))
        size = self._chance.choice((0, 1, 7, 100, 2000))
        body = self._chance.randbytes(size) if self._chance.random() < 0.5 else self._wire(0)
        return Sending(signal, CONTENT_TYPES[encoding], "", body, "noise", derived=False)

    def _wire(self, depth: int) -> bytes:
        """A well-formed protobuf message of no schema."""
        parts = []
        for _ in range(self._chance.randrange(1, 5)):
            number, wire = self._chance.randrange(1, 13), self._chance.choice((0, 1, 2, 2, 2, 5))
            parts.append(_varint(number << 3 | wire))
            if wire == 0:
                parts.append(_varint(self._chance.getrandbits(self._chance.choice((7, 32, 64)))))
            elif wire == 2:
                nested = depth < 6 and self._chance.random() < 0.7
                inner = self._wire(depth + 1) if nested else self._chance.randbytes(5)
                parts += [_varint(len(inner)), inner]
            else:
                parts.append(self._chance.randbytes(8 if wire == 1 else 4))
        return b"".join(parts)

    def _random_json(self) -> Sending:
        signal = self._chance.choice(list(Signal))
        told = {f"resource{str(signal).title()}": self._json(0), "resourceSpans": self._json(0)}
        if self._chance.random() < 0.5:
            told = self._json(0)
        body = json.dumps(told).encode()
        kind, content_type = "random JSON", CONTENT_TYPES[Encoding.JSON]
        return Sending(signal, content_type, "", body, kind, derived=False)

    def _json(self, depth: int) -> Any:
        keys = (
            "scopeLogs",
            "scopeMetrics",
            "scopeSpans",
            "logRecords",
            "metrics",
            "spans",
            "scope",
        )
        choice = self._chance.random()
        if choice < 0.4 and depth < 8:
            count = self._chance.randrange(4)
            return {self._chance.choice(keys): self._json(depth + 1) for _ in range(count)}
        if choice < 0.8 and depth < 8:
            return [self._json(depth + 1) for _ in range(self._chance.randrange(4))]
        return copy.deepcopy(self._chance.choice(_JUNK))


def _changed(made: Sending, **changed: Any) -> Sending:
    told = {name: getattr(made, name) for name in Sending.__slots__}
    return Sending(**{**told, **changed})


def _names(sources: Sequence[Captured]) -> list[str]:
    """The texts that stand in requests: names of scopes, events, metrics and attributes."""
    found: set[str] = set()

    def collect(told: Any) -> None:
        if isinstance(told, dict):
            for name in ("name", "key", "stringValue", "eventName"):
                if isinstance(told.get(name), str) and len(told[name]) < 80:
                    found.add(told[name])
            for inner in told.values():
                collect(inner)
        elif isinstance(told, list):
            for inner in told:
                collect(inner)

    for signal, encoding, body in sources:
        collect(json.loads(body) if encoding is Encoding.JSON else _as_json(signal, body))
    return sorted(found) or [""]


def _as_json(signal: Signal, body: bytes) -> Any:
    try:
        return MessageToDict(REQUESTS[signal].FromString(body))
    except DecodeError:
        return {}


def _varint(number: int) -> bytes:
    encoded = b""
    while number > 0x7F:
        encoded += bytes([number & 0x7F | 0x80])
        number >>= 7
    return encoded + bytes([number])


_PACKERS: dict[str, Callable[[bytes], bytes]] = {
    # With a time of now it would be another body each time.
    "gzip": lambda body: gzip.compress(body, mtime=0),
    "deflate": zlib.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}
_RANGES = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}
