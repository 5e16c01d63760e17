"""OTLP bodies to records, one shape for protobuf and JSON.

``check`` answers before the acknowledgement whether a body is OTLP at all; ``decode`` reads it
afterwards. One unreadable record gives None and costs its neighbours nothing.
"""

from collections.abc import Iterator
from enum import StrEnum

from collector import decode_json, decode_protobuf
from domain.record import Record, Signal


class Encoding(StrEnum):
    """How a stored OTLP body is encoded."""

    PROTOBUF = "protobuf"
    JSON = "json"


def check(signal: Signal, encoding: Encoding, body: bytes) -> None:
    """Raise Undecodable unless the body parses as an export request of this signal."""
    if encoding is Encoding.JSON:
        decode_json.parse(signal, body)
    else:
        decode_protobuf.parse(signal, body)


def decode(signal: Signal, encoding: Encoding, body: bytes) -> Iterator[Record | None]:
    """All records of a body in their order; None stands for a record that could not be read."""
    if encoding is Encoding.JSON:
        return decode_json.records(signal, body)
    return decode_protobuf.records(signal, body)
