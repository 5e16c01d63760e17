"""The outline of a protobuf request: its records as bytes, and how deep its messages stand.

Each request is checked before it is acknowledged, so that has to cost little. Both are made from
the official descriptors and follow them.
"""

from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf.descriptor import Descriptor, FileDescriptor
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from collector.decode_protobuf import parse
from collector.errors import Undecodable
from domain.record import Signal

# The repeated fields from a request down to its records; a metric stands for its points.
PATHS = {
    Signal.LOGS: ("resource_logs", "scope_logs", "log_records"),
    Signal.METRICS: ("resource_metrics", "scope_metrics", "metrics"),
    Signal.TRACES: ("resource_spans", "scope_spans", "spans"),
}
_HELD = frozenset(held for _, _, held in PATHS.values())
# Start and end of the group that is field 1, and the field 2 that holds the request.
_OPEN, _CLOSE, _REQUEST = b"\x0b", b"\x0c", b"\x12"
# The tags on the way from a request to a record, and as much of a record as tells what it is.
_DOWN, _BEGINNING = b"\x0a\x12\x12", 20
_LEN, _CONTINUED = 2, 0x80
# Should a parser ever have no limit, or another one.
_MOST_LEVELS = 1000


def outline(signal: Signal, body: bytes) -> Any:
    """The request with each record (log record, metric, span) as bytes; Undecodable."""
    try:
        return _OUTLINES[signal].FromString(body)
    except DecodeError as error:
        raise Undecodable(f"the body is not an OTLP {signal} protobuf message") from error


def scopes(signal: Signal, request: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Each scope of a request or an outline: (what is around it, the scope's part, its records)."""
    outer, inner, held = PATHS[signal]
    for group in getattr(request, outer):
        for scoped in getattr(group, inner):
            yield group, scoped, getattr(scoped, held)


def first_record(body: bytes) -> bytes:
    """How the first record of a request's first scope begins; nothing where that can't be told.

    A request of any signal holds groups as its field 1, these hold scopes and these records as
    their field 2; what comes before is skipped.
    """
    at, end = 0, len(body)
    for field in _DOWN:
        while True:
            tag, at = varint(body, at, end)
            if tag & 7 != _LEN:
                return b""
            size, at = varint(body, at, end)
            if tag == field:
                break
            at += size
    return body[at : at + _BEGINNING]


def varint(body: bytes, at: int, end: int) -> tuple[int, int]:
    """The number there and where it ends; one that is cut short is 0 and ends everything."""
    number = shift = 0
    while at < end:
        byte = body[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < _CONTINUED:
            return number, at
        shift += 7
    return 0, end


def within_levels(signal: Signal, body: bytes, levels: int) -> bool:
    """Whether a request is well-formed and has no message deeper than this below itself.

    The parser refuses what is deeper than it allows; so the body is parsed inside of as many
    other messages as leave it those levels. False too where the levels can't be told this way.
    """
    around = _LEVELS - levels - 1
    if around < 0 or _LEVELS == _MOST_LEVELS:
        return False
    parts = (_OPEN * around, _REQUEST, _written(len(body)), body, _CLOSE * around)
    try:
        _WRAPPERS[signal].FromString(b"".join(parts))
    except DecodeError:
        return False
    return True


def _written(number: int) -> bytes:
    encoded = bytearray()
    while number >= _CONTINUED:
        encoded.append(number & 0x7F | _CONTINUED)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _files(file: FileDescriptor) -> Iterator[FileDescriptor]:
    for imported in file.dependencies:
        yield from _files(imported)
    yield file


def _pool(request: Descriptor, change: Callable[[FileDescriptorProto], None]) -> DescriptorPool:
    """A pool of changed copies of everything that a request consists of."""
    pool = DescriptorPool()
    for file in dict.fromkeys(_files(request.file)):
        copy = FileDescriptorProto()
        file.CopyToProto(copy)
        change(copy)
        pool.Add(copy)
    return pool


def _outline_class(request: Descriptor) -> type[Message]:
    pool = _pool(request, _records_to_bytes)
    return GetMessageClass(pool.FindMessageTypeByName(request.full_name))


def _records_to_bytes(file: FileDescriptorProto) -> None:
    for message in file.message_type:
        for field in message.field:
            if field.name in _HELD:
                field.type = FieldDescriptorProto.TYPE_BYTES
                field.ClearField("type_name")


def _wrapper_class(request: Descriptor) -> type[Message]:
    """A message that holds itself as a group, or the request."""
    file = FileDescriptorProto(name="wrapper.proto", package="wrapper", syntax="proto2")
    file.dependency.append(request.file.name)
    wrapper = file.message_type.add(name="Wrapper")
    for number, kind, held in (
        (1, FieldDescriptorProto.TYPE_GROUP, "wrapper.Wrapper"),
        (2, FieldDescriptorProto.TYPE_MESSAGE, request.full_name),
    ):
        wrapper.field.add(
            name=f"field{number}",
            number=number,
            label=FieldDescriptorProto.LABEL_OPTIONAL,
            type=kind,
            type_name=f".{held}",
        )
    pool = _pool(request, lambda _: None)
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName("wrapper.Wrapper"))


def _levels(wrapper: type[Message]) -> int:
    """How many messages inside each other this parser reads."""
    for levels in range(1, _MOST_LEVELS):
        try:
            wrapper.FromString(_OPEN * levels + _CLOSE * levels)
        except DecodeError:
            return levels - 1
    return _MOST_LEVELS


_DESCRIPTORS = {signal: parse(signal, b"").DESCRIPTOR for signal in Signal}
_OUTLINES = {signal: _outline_class(request) for signal, request in _DESCRIPTORS.items()}
_WRAPPERS = {signal: _wrapper_class(request) for signal, request in _DESCRIPTORS.items()}
_LEVELS = _levels(_WRAPPERS[Signal.LOGS])
