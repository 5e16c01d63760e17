"""Attributes that stay encoded say what a plain mapping of them says, to every reader."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord as WireRecord

from collector.attributes import Encoded, Shapes, counts, known_scope, marks, remembered
from collector.protobuf_values import encoded_value, normal, plain, value_of, whole
from collector.protobuf_view import REQUESTS
from domain.record import Attributes, Scope, Signal, Value, count, flag, text

_NAMES = ("model", "success", "tokens", "id", "")
_PLAIN: st.SearchStrategy[Value] = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(0, 2**22),
    st.floats(allow_nan=False),
    st.text(max_size=4),
    st.integers(120, 140).map(lambda size: "é" * (size // 2) + "x" * (size % 2)),
    st.sampled_from(["12", "true", "-3", "7.0", "x" * 20_000]),
    st.binary(max_size=3),
)
_VALUES = _PLAIN | st.lists(_PLAIN, max_size=2) | st.dictionaries(st.text(max_size=2), _PLAIN)
_TOLD = st.dictionaries(st.sampled_from(_NAMES) | st.text(max_size=2), _VALUES, max_size=6)


def wired(told: Mapping[str, Value]) -> Mapping[str, bytes]:
    """These attributes as protobuf's map of a record that was sent with them."""
    record = WireRecord()
    for name, value in told.items():
        pair = record.attributes.add(key=name)
        pair.value.ParseFromString(encoded_value(value))
    request = REQUESTS[Signal.LOGS]()
    group = request.resource_logs.add()  # type: ignore[attr-defined]
    group.scope_logs.add().log_records.add().MergeFromString(record.SerializeToString())
    attributes: Mapping[str, bytes] = group.scope_logs[0].log_records[0].attributes
    return attributes


def encoded(told: Mapping[str, Value], shapes: Shapes | None = None) -> Encoded:
    return (shapes or Shapes()).attributes("kind", wired(told))


# Values


@given(_VALUES)
def test_a_value_is_read_as_it_was_written(value: Value) -> None:
    assert value_of(encoded_value(value)) == value
    assert type(value_of(encoded_value(value))) is type(value)


@given(_PLAIN)
def test_a_value_is_written_as_protobuf_writes_it(value: Value) -> None:
    written = encoded_value(value)
    assert AnyValue.FromString(written).SerializeToString() == written == normal(written)


@given(st.integers(0, 2**63 - 1), st.integers(0, 3))
def test_a_padded_number_is_the_same_number(number: int, padding: int) -> None:
    plain = encoded_value(number)
    padded = plain[:-1] + bytes((plain[-1] | 0x80, *[0x80] * padding, 0)) if padding else plain
    if len(padded) <= 11:
        assert value_of(padded) == number
        assert normal(padded) == plain


@pytest.mark.parametrize("size", [0, 5, 127, 128, 300])
def test_a_text_with_a_padded_length_is_the_same_text(size: int) -> None:
    plain = encoded_value("x" * size)
    padded = bytes((0x0A, size & 0x7F | 0x80, size >> 7 | 0x80, 0)) + b"x" * size
    assert value_of(padded) == "x" * size
    assert normal(padded) == plain


@pytest.mark.parametrize(
    "strange",
    [
        encoded_value(5) + encoded_value("last"),
        encoded_value("x" * 3) + encoded_value("last"),
        encoded_value("x" * 200) + encoded_value("last"),
        encoded_value(300) + encoded_value("last"),
    ],
)
def test_of_a_value_that_is_told_twice_the_last_counts(strange: bytes) -> None:
    assert value_of(strange) == "last"


@given(st.binary(max_size=12))
def test_of_any_bytes_whole_reads_what_protobuf_reads(told: bytes) -> None:
    number = whole(told)
    if number is not None:
        assert AnyValue.FromString(told) == AnyValue(int_value=number)


# Mappings


@given(st.lists(_TOLD, max_size=5))
def test_records_of_one_kind_say_each_what_it_says(told: list[dict[str, Value]]) -> None:
    shapes = Shapes()
    for each in told:
        attributes = encoded(each, shapes)
        assert attributes == each
        assert {**attributes} == each
        assert len(attributes) == len(each)
        assert {name: name in attributes for name in _NAMES} == {n: n in each for n in _NAMES}
        assert [attributes.get(name, 5) for name in _NAMES] == [each.get(n, 5) for n in _NAMES]


def test_names_without_end_are_forgotten_again() -> None:
    shapes = Shapes()
    for number in range(300):
        assert encoded({f"name {number}": number}, shapes) == {f"name {number}": number}
    again = encoded({"name": 1}, shapes)
    assert again.shape.size < 150


def test_a_record_of_very_many_names_is_read() -> None:
    many: dict[str, Value] = {str(number): number for number in range(500)}
    assert encoded(many) == many


# Readers


@remembered("model", "success")
def _called(attributes: Attributes, scope: Scope) -> tuple[object, ...]:
    return text(attributes, "model"), flag(attributes, "success"), scope.name, dict(attributes)


_counted = counts("tokens", "id", "model", "nobody")
_marked = marks("id", "model", "nobody", moment="tokens")


@given(st.lists(_TOLD, max_size=5), st.sampled_from(["a", "b"]))
def test_readers_say_the_same_of_encoded_and_of_plain_attributes(
    told: list[dict[str, Value]], name: str
) -> None:
    shapes, scope = Shapes(), Scope(name, "", {})
    for each in told:
        attributes = encoded(each, shapes)
        for _ in range(2):
            assert _called(attributes, scope) == _called(each, scope)
        assert _counted(attributes) == _counted(each)
        assert _counted(each) == [count(each, n) for n in ("tokens", "id", "model", "nobody")]
        assert _marked(attributes, 7) == _marked(each, 7)


def test_a_remembered_reader_sees_no_other_attribute() -> None:
    told: dict[str, Value] = {"model": "m", "tokens": 3}
    assert _called(encoded(told), Scope("a", "", {})) == ("m", None, "a", {"model": "m"})


@given(_TOLD, _TOLD)
def test_marks_tell_records_apart_that_differ_in_what_they_mark(
    one: dict[str, Value], other: dict[str, Value]
) -> None:
    names = ("id", "model", "tokens")
    same = [encoded_value(plain(one.get(n))) for n in names] == [
        encoded_value(plain(other.get(n))) for n in names
    ]
    assert (_marked(one, 7) == _marked(other, 7)) == same


@given(st.integers(-(2**53), 2**53), _VALUES)
def test_a_whole_number_marks_the_same_however_it_is_told(number: int, other: Value) -> None:
    marked = _marked({"id": number}, 7)
    for told in (number, float(number), str(number)):
        assert _marked({"id": told}, 7) == _marked(encoded({"id": told}), 7) == marked
    assert (_marked({"id": other}, 7) == marked) == (plain(other) == str(number))


def test_the_given_time_marks_where_no_moment_is_told() -> None:
    assert _marked({"id": "x"}, 7) != _marked({"id": "x"}, 8)
    assert _marked({"id": "x", "tokens": 5}, 7) == _marked({"id": "x", "tokens": 5}, 8)
    assert _marked({"tokens": 5}, 7)[1] is False


def test_equal_scopes_become_one() -> None:
    told: dict[str, Value] = {"service.name": "x", "n": 1, "list": [1]}
    first, shapes = known_scope(Scope("s", "1", dict(told)))
    again, same_shapes = known_scope(Scope("s", "1", dict(told)))
    other, others = known_scope(Scope("s", "1", {**told, "n": 2}))
    assert first is again
    assert other is not first
    assert shapes is same_shapes is others
