"""From a body to what is kept of it: of which signal it is, and which of its records are refused.

Some tools post to the address they are given as it is, without a signal's path or with another
signal's. The body tells the signal then. Bodies that could be of several signals are refused: what
is acknowledged here must be counted as what it is.
"""

import re

from collector import json_limits, protobuf_limits
from collector.decode import Encoding
from collector.decode_protobuf import parse
from collector.errors import CollectorError, Undecodable, UnknownPath
from collector.limits import Admitted, Limits
from collector.protobuf_outline import first_record, scopes
from domain.record import Signal

# How a metric begins, with its name, and a span, with the sixteen bytes of its trace's id and the
# eight of its own. A log record has no text as its first field.
_METRIC = re.compile(rb"\x0a(?!\x10.{16}\x12\x08)", re.DOTALL)
_SPAN = re.compile(rb"\x0a\x10.{16}\x12\x08", re.DOTALL)
_LOG_RECORD = re.compile(rb"(?!\x0a)")
_BEGINNINGS = {Signal.LOGS: _LOG_RECORD, Signal.METRICS: _METRIC, Signal.TRACES: _SPAN}


def admit(told: Signal | None, encoding: Encoding, body: bytes, limits: Limits) -> Admitted:
    """What is kept of a body that came to the path of this signal, or to none's.

    Raises UnknownPath, Undecodable or TooLarge.
    """
    if encoding is Encoding.JSON:
        return json_limits.admitted(told, body, limits)
    if told is None:
        signal = _only_reading(body)
        if signal is None:
            raise UnknownPath("post to /v1/logs, /v1/metrics or /v1/traces")
        return _admit(signal, body, limits)
    try:
        return _admit(told, body, limits)
    except Undecodable:
        signal = _only_reading(body)
        if signal in (told, None):
            raise
        return _admit(signal, body, limits)


def _admit(signal: Signal, body: bytes, limits: Limits) -> Admitted:
    protobuf_limits.bound(signal, body)
    first = first_record(body)
    if first and not _BEGINNINGS[signal].match(first):
        other = _only_reading(body)
        if other not in (signal, None):
            return _admit(other, body, limits)
    return protobuf_limits.admitted(signal, body, limits)


def _only_reading(body: bytes) -> Signal | None:
    """The only signal as which a body has records and nothing unknown, if there is one."""
    read = [signal for signal in Signal if _reads(signal, body)]
    return read[0] if len(read) == 1 else None


def _reads(signal: Signal, body: bytes) -> bool:
    try:
        protobuf_limits.bound(signal, body)
        request = parse(signal, body)
    except CollectorError:
        return False
    if not any(held for _, _, held in scopes(signal, request)):
        return False
    size = request.ByteSize()
    request.DiscardUnknownFields()
    return size == request.ByteSize()
