"""The limits of a protobuf request, found without looking at each of its attributes.

Nearly every request is far from every limit. So the parser itself is made to count the levels, and
only requests with a record long enough to hold too many attributes are looked at.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from collector.decode_protobuf import Request, parse
from collector.errors import TooLarge, Undecodable
from collector.limits import Admitted, Limits
from collector.protobuf_outline import outline, scopes, varint, within_levels
from domain.record import Signal

# A message takes two bytes of a body at least, and thirty to seventy of memory. A record of twenty
# attributes is forty messages: of such, fifty thousand records may come in one request.
MOST_MESSAGES = 2_000_000
_SHORTEST_MESSAGE = 2
# An attribute of no value and a name of two bytes: among thousands few names can be shorter.
_SHORTEST_PAIR = 6
# A request, its group, a resource, a pair, a value: the levels at which the first value stands.
_LEVELS_TO_VALUE = 4
# A list in a value, and the value in that list; a map takes one more.
_LEVELS_A_LIST = 2
_VARINT, _FIXED64, _LEN, _FIXED32 = 0, 1, 2, 5
_SKIPPED = {_FIXED64: 8, _FIXED32: 4}
_CONTINUED = 0x80


def admitted(signal: Signal, body: bytes, limits: Limits) -> Admitted:
    """The request without the records that exceed the limits; Undecodable where none is left."""
    levels = _LEVELS_TO_VALUE + _LEVELS_A_LIST * limits.nesting
    if within_levels(signal, body, levels) and not _may_exceed(signal, body, limits):
        return Admitted(signal, body)
    request = parse(signal, body)
    refused, left = _refuse(signal, request, limits)
    if not refused:
        return Admitted(signal, body)
    if not left:
        raise Undecodable(limits.told())
    return Admitted(signal, request.SerializeToString(), refused)


def _may_exceed(signal: Signal, body: bytes, limits: Limits) -> bool:
    """Whether any list of attributes is too long, or stands in a record long enough for that."""
    most = limits.attributes
    if len(body) <= most * _SHORTEST_PAIR:
        return False
    return any(
        len(group.resource.attributes) > most
        or len(scoped.scope.attributes) > most
        or max(map(len, held), default=0) > most * _SHORTEST_PAIR
        for group, scoped, held in scopes(signal, outline(signal, body))
    )


# Refusing


def _refuse(signal: Signal, request: Request, limits: Limits) -> tuple[int, int]:
    """Take out the records that exceed the limits: (how many, how many are left)."""
    refused = left = 0
    for group, scoped, held in scopes(signal, request):
        around = _exceeds(group.resource, limits) or _exceeds(scoped.scope, limits)
        for listed in _lists(signal, held):
            kept = [] if around else [each for each in listed if not _exceeds(each, limits)]
            refused += len(listed) - len(kept)
            left += len(kept)
            if len(kept) < len(listed):
                # Copies: they would be gone with the list that they stand in.
                copies = [type(each).FromString(each.SerializeToString()) for each in kept]
                del listed[:]
                listed.extend(copies)
    return refused, left


def _lists(signal: Signal, held: Any) -> Sequence[Any]:
    """The lists of records in a scope's part: of a metric, its data points."""
    if signal is not Signal.METRICS:
        return [held]
    told = [(metric, metric.WhichOneof("data")) for metric in held]
    return [getattr(metric, kind).data_points for metric, kind in told if kind]


def _exceeds(message: Message, limits: Limits) -> bool:
    """Whether anything in a message has too many attributes, or one nested too deep."""
    for _, value in message.ListFields():
        held: Sequence[Any] = (value,) if isinstance(value, Message) else value
        if not isinstance(held, Sequence) or not held or not isinstance(held[0], Message):
            continue
        if isinstance(held[0], KeyValue):
            if len(held) > limits.attributes:
                return True
            held = [pair.value for pair in held]
        if isinstance(held[0], AnyValue):
            if max(map(_nesting, held)) > limits.nesting:
                return True
        elif any(_exceeds(each, limits) for each in held):
            return True
    return False


def _nesting(value: AnyValue) -> int:
    """How many lists and maps stand inside each other; the parser bounds them to some fifty."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return 1 + max(map(_nesting, value.array_value.values), default=0)
    if kind == "kvlist_value":
        pairs = value.kvlist_value.values
        return 1 + max((_nesting(pair.value) for pair in pairs), default=0)
    return 0


# Memory


def bound(signal: Signal, body: bytes) -> None:
    """Raise TooLarge for a body that would fill memory with messages of next to nothing.

    What is malformed is left to the parser.
    """
    most = MOST_MESSAGES
    if len(body) <= most * _SHORTEST_MESSAGE:
        return
    if len(body) - len(body.translate(None, _TAGS)) <= most:
        return
    if count_messages(signal, body, most) > most:
        raise TooLarge(f"the body holds more than {most} messages")


def count_messages(signal: Signal, body: bytes, most: int) -> int:
    """How many messages a body holds, counted until there are more than ``most``."""
    counted, at, end = 0, 0, len(body)
    around: list[tuple[dict[int, Descriptor], int]] = []
    inside = _MESSAGE_FIELDS[_REQUESTS[signal].full_name]
    while counted <= most:
        while at >= end:
            if not around:
                return counted
            inside, end = around.pop()
        tag = body[at]
        at += 1
        if tag >= _CONTINUED:
            tag, at = varint(body, at - 1, end)
        wire = tag & 7
        if wire == _LEN:
            size = body[at] if at < end else 0
            at += 1
            if size >= _CONTINUED:
                size, at = varint(body, at - 1, end)
            child = inside.get(tag >> 3)
            if child is None or at + size > end:
                at += size
                continue
            counted += 1
            if size:
                around.append((inside, end))
                inside, end = _MESSAGE_FIELDS[child.full_name], at + size
        elif wire == _VARINT:
            _, at = varint(body, at, end)
        else:
            at += _SKIPPED.get(wire, end)
    return counted


def _message_fields(kind: Descriptor, into: dict[str, dict[int, Descriptor]]) -> None:
    if kind.full_name in into:
        return
    fields = {field.number: field.message_type for field in kind.fields if field.message_type}
    into[kind.full_name] = fields
    for child in fields.values():
        _message_fields(child, into)


_REQUESTS = {signal: parse(signal, b"").DESCRIPTOR for signal in Signal}
_MESSAGE_FIELDS: dict[str, dict[int, Descriptor]] = {}
for _request in _REQUESTS.values():
    _message_fields(_request, _MESSAGE_FIELDS)
_NUMBERS = set(chain.from_iterable(_MESSAGE_FIELDS.values()))
# What a message inside another begins with, also where the number is written longer than it need
# be: as often as these bytes occur, so many messages there are at most.
_TAGS = bytes(number << 3 | _LEN | longer for number in _NUMBERS for longer in (0, _CONTINUED))
