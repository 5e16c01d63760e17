"""Encoded AnyValues to plain values: the few forms that nearly all have are read by hand.

Reading a short text or number here takes a quarter of the time of a message object.
"""

from struct import Struct

from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    KeyValue,
    KeyValueList,
)

from domain.record import Value

DEPTH = 16
"""Deeper values carry nothing we read."""

# Field numbers and wire types of AnyValue, as the encoding of one byte.
TEXT, _WHOLE, _DOUBLE = 0x0A, 0x18, 0x21
# From here on a length or number takes more than one byte.
PLAIN = frozenset({TEXT, _WHOLE, _DOUBLE})
"""How a value begins that is a text or a number."""
ONE_BYTE = 0x80
_DOUBLE_SIZE = 9
# A tag and nine groups of seven bits: below 2**63, so never negative.
_POSITIVE_SIZE = 10
# With their tag.
_TWO_BYTES, _THREE_BYTES = 3, 4
_double = Struct("<d")


def value_of(encoded: bytes) -> Value:
    """The value of an AnyValue; None for an empty one, and for what is nested too deep.

    Raises ValueError or protobuf's DecodeError where it is none.
    """
    if not encoded:
        return None
    kind, size = encoded[0], len(encoded)
    if kind == TEXT:
        if size > 1 and encoded[1] == size - 2 < ONE_BYTE:
            return encoded[2:].decode()
        two_bytes = size > ONE_BYTE and encoded[1] >= ONE_BYTE > encoded[2]
        if two_bytes and encoded[1] ^ ONE_BYTE | encoded[2] << 7 == size - 3:
            return encoded[3:].decode()
    elif kind == _WHOLE:
        number = whole(encoded)
        if number is not None:
            return number
    elif kind == _DOUBLE and size == _DOUBLE_SIZE:
        value: float = _double.unpack_from(encoded, 1)[0]
        return value
    return _any(AnyValue.FromString(encoded), 0)


def whole(encoded: bytes) -> int | None:
    """The number of an AnyValue that is a whole and positive one; None for any other."""
    size = len(encoded)
    # As most token counts are: up to 14 bits, and up to 21.
    if size == _TWO_BYTES:
        kind, low, high = encoded
        if kind == _WHOLE and high < ONE_BYTE <= low:
            return low ^ ONE_BYTE | high << 7
    elif size == _THREE_BYTES:
        kind, low, middle, high = encoded
        if kind == _WHOLE and high < ONE_BYTE <= low and ONE_BYTE <= middle:
            return low ^ ONE_BYTE | (middle ^ ONE_BYTE) << 7 | high << 14
    if not 1 < size <= _POSITIVE_SIZE or encoded[0] != _WHOLE or encoded[-1] >= ONE_BYTE:
        return None
    number = shift = 0
    for byte in encoded[1:]:
        if byte < ONE_BYTE and shift < 7 * (size - 2):
            return None
        number |= (byte & 0x7F) << shift
        shift += 7
    return number


def encoded_value(value: Value) -> bytes:
    """A plain value as the AnyValue that it came from, or would have come from."""
    if value is None:
        return b""
    if type(value) is str:
        told = value.encode()
        size = len(told)
        return (_SHORT[TEXT][size] if size < ONE_BYTE else _tagged(TEXT, size)) + told
    if type(value) is int and 0 <= value < _BEYOND:
        return _tagged(_WHOLE, value)
    if type(value) is float:
        return _DOUBLE_TAG + _double.pack(value)
    return _any_value(value).SerializeToString()


def _tagged(tag: int, number: int) -> bytes:
    """A tag and a number, seven bits a byte."""
    if number < ONE_BYTE:
        return _SHORT[tag][number]
    encoded = [tag]
    while number >= ONE_BYTE:
        encoded.append(number & 0x7F | ONE_BYTE)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


_DOUBLE_TAG = bytes((_DOUBLE,))
_SHORT = {tag: [bytes((tag, size)) for size in range(ONE_BYTE)] for tag in (TEXT, _WHOLE)}


def _any_value(value: Value) -> AnyValue:
    if isinstance(value, list):
        return AnyValue(array_value=ArrayValue(values=map(_any_value, value)))
    if isinstance(value, dict):
        pairs = (KeyValue(key=name, value=_any_value(each)) for name, each in value.items())
        return AnyValue(kvlist_value=KeyValueList(values=pairs))
    if type(value) is int and not -_BEYOND <= value < _BEYOND:
        # More than protobuf has: told in JSON alone.
        value = str(value)
    field = _FIELDS.get(type(value))
    return AnyValue(**{field: value}) if field else AnyValue()  # type: ignore[arg-type]


_FIELDS: dict[type, str] = {
    str: "string_value",
    bool: "bool_value",
    int: "int_value",
    float: "double_value",
    bytes: "bytes_value",
}
_BEYOND = 2**63


def normal(encoded: bytes) -> bytes:
    """The same with numbers and lengths in their shortest form: some writers pad them."""
    # One that does not end with an empty group of bits.
    if encoded[0] == _WHOLE and encoded[-1]:
        return encoded
    return AnyValue.FromString(encoded).SerializeToString()


def plain(value: Value) -> Value:
    """A whole number as its text, so that it is one and the same told as int, double or text."""
    if type(value) is int or (type(value) is float and value.is_integer() and abs(value) < _BEYOND):
        return str(int(value))
    return value


def _any(value: AnyValue, depth: int) -> Value:
    """A plain value; what is too deep reads as empty, as in JSON."""
    kind = value.WhichOneof("value")
    if kind is None or depth > DEPTH:
        return None
    if kind == "array_value":
        return [_any(item, depth + 1) for item in value.array_value.values]
    if kind == "kvlist_value":
        pairs = value.kvlist_value.values
        return {pair.key: _any(pair.value, depth + 1) for pair in pairs}
    held: Value = getattr(value, kind)
    return held
