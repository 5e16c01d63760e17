"""Attributes that stay encoded until somebody asks for them, and what is derived from them once.

Records of one kind have the same few names. A ``Shape`` knows where each of them stands, so that
what a reader wants is picked by place, and a name that a shape lacks costs nothing. Readers see a
plain mapping in any case; three makers of readers serve those that many records go through:
``remembered`` for what depends on words that come again and again, ``counts`` for numbers, and
``marks`` for what identifies a record.
"""

from abc import ABCMeta
from collections.abc import Callable, Hashable, ItemsView, Iterable, Iterator, Mapping
from functools import update_wrapper
from operator import itemgetter
from typing import Any, TypeVar, TypeVarTuple, cast

from msgspec import Struct

from collector.protobuf_values import (
    PLAIN,
    TEXT,
    encoded_value,
    normal,
    plain,
    value_of,
    whole,
)
from domain.record import Attributes, LogRecord, Scope, Value, count, text

_Others = TypeVarTuple("_Others")
_Answer = TypeVar("_Answer")
_Pick = Callable[[Any], tuple[bytes, ...]]
_UNKNOWN = object()
# The last of a record's encoded values is an empty one, that of all names it does not have.
_NOWHERE = -1

_EVENT = "event.name"
# No value is encoded so, so that one that is not told moves none of the others to another place.
_BETWEEN = b"\0"
# Names that one kind of record may have in all, kinds of one scope, and scopes.
_MOST_NAMES, _MOST_KINDS = 128, 256
# Answers of one reader, each to words of so many bytes at most: some megabytes.
_MOST_ANSWERS, _LONGEST_WORDS = 2_048, 1_024
_MOST_MARKS = 2_048


class Shape:
    """The names that records of one kind may have, and what readers know of them.

    ``event`` is what ``event.name`` is in all of them; None where it may differ.
    """

    __slots__ = ("event", "pick", "places", "plans", "size")

    def __init__(self, names: Iterable[str], event: str | None) -> None:
        self.event = event
        self.places = {name: place for place, name in enumerate(names)}
        self.size = len(self.places)
        self.pick = _picker(self.places)
        self.plans: dict[object, _Pick] = {}


class _StructMapping(type(Struct), ABCMeta):  # type: ignore[misc]
    """Of a struct that is a mapping: a class in Python takes four times as long to make."""


class Encoded(Struct, Mapping[str, Value], frozen=True, eq=False, metaclass=_StructMapping):
    """Attributes of one record, each an encoded AnyValue. An empty value is not told."""

    shape: Shape
    encoded: tuple[bytes, ...]

    __eq__, __hash__ = Mapping.__eq__, None  # type: ignore[assignment]

    def get(self, name: str, default: Any = None) -> Any:
        """The value of this name."""
        value = value_of(self.encoded[self.shape.places.get(name, _NOWHERE)])
        return default if value is None else value

    def __getitem__(self, name: str) -> Value:
        value: Value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def __contains__(self, name: object) -> bool:
        encoded = self.encoded[self.shape.places.get(name, _NOWHERE)]  # type: ignore[call-overload]
        return bool(encoded) and (encoded[0] in PLAIN or value_of(encoded) is not None)

    def __iter__(self) -> Iterator[str]:
        return (name for name in self.shape.places if name in self)

    def items(self) -> ItemsView[str, Value]:
        """Names and values, each decoded once."""
        told = zip(self.shape.places, map(value_of, self.encoded), strict=False)
        return {name: value for name, value in told if value is not None}.items()

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return repr(dict(self))


def event_name(record: LogRecord) -> str:
    """The name of a log event, by whichever of the ways that there are; empty where it has none."""
    attributes = record.attributes
    if type(attributes) is Encoded and attributes.shape.event:
        return attributes.shape.event
    return text(attributes, _EVENT) or record.event_name or record.body


class Shapes:
    """The shapes of one scope's records, learned from the records."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[str | bytes, Shape] = {}

    def attributes(self, kind: str | bytes, told: Mapping[str, bytes]) -> Encoded:
        """The attributes of a record of this kind, from protobuf's map of them.

        The kind of a log event is its ``event.name``, encoded, where it has one.
        Asked for a name that it lacks, such a map takes it in with an empty value. So if it has as
        many names as its shape once all of these were asked for, then it has no others.
        """
        shape = self._known.get(kind)
        if shape is not None:
            encoded = (*shape.pick(told), b"")
            if len(told) == shape.size:
                return Encoded(shape, encoded)
        return self._learned(kind, told)

    def _learned(self, kind: str | bytes, told: Mapping[str, bytes]) -> Encoded:
        """By now the names are this record's and those that its kind had before."""
        event = text({_EVENT: value_of(kind)}, _EVENT) if kind == told.get(_EVENT) else None
        shape = Shape(told, event)
        if shape.size <= _MOST_NAMES:
            if len(self._known) >= _MOST_KINDS:
                self._known.clear()
            self._known[kind] = shape
        elif kind in self._known:
            # Names without end: begin anew.
            del self._known[kind]
        return Encoded(shape, (*shape.pick(told), b""))


# Who sends: as many as memory is given for.
_MOST_SCOPES, _MOST_SHAPES = 4_096, 256
_SCOPES: dict[Scope, Scope] = {}
_SHAPES: dict[tuple[str, str], Shapes] = {}


def known_scope(scope: Scope) -> tuple[Scope, Shapes]:
    """This very scope if it was seen before, and the shapes of what it records.

    Records of one scope have the same names, whichever process and user sends them.
    """
    if len(_SCOPES) >= _MOST_SCOPES:
        _SCOPES.clear()
    if len(_SHAPES) >= _MOST_SHAPES:
        _SHAPES.clear()
    shapes = _SHAPES.setdefault((scope.name, scope.version), Shapes())
    return _SCOPES.setdefault(scope, scope), shapes


def remembered(
    *names: str,
) -> Callable[
    [Callable[[Attributes, *_Others], _Answer]],
    Callable[[Attributes, *_Others], _Answer],
]:
    """A reader that sees these attributes only, and whose answers are kept by their values.

    For what depends on words that come again in record after record: who sent it, which model.
    Its other arguments must be hashable.
    """

    def decorate(
        read: Callable[[Attributes, *_Others], _Answer],
    ) -> Callable[[Attributes, *_Others], _Answer]:
        answers: dict[Hashable, _Answer] = {}

        def reader(attributes: Attributes, *others: *_Others) -> _Answer:
            if type(attributes) is not Encoded:
                return read(_only(attributes, names), *others)
            shape = attributes.shape
            pick = shape.plans.get(reader)
            if pick is None:
                told = (shape.places[name] for name in names if name in shape.places)
                pick = shape.plans[reader] = _picker(told)
            words = pick(attributes.encoded)
            key = (shape, words, others)
            known = answers.get(key, _UNKNOWN)
            if known is not _UNKNOWN:
                return cast(_Answer, known)
            answer = read(_only(attributes, names), *others)
            if sum(map(len, words)) <= _LONGEST_WORDS:
                if len(answers) >= _MOST_ANSWERS:
                    answers.clear()
                answers[key] = answer
            return answer

        return update_wrapper(reader, read)

    return decorate


def counts(*names: str) -> Callable[[Attributes], list[int | None]]:
    """A reader of these attributes as ``count`` reads each, in their order."""

    def reader(attributes: Attributes) -> list[int | None]:
        if type(attributes) is not Encoded:
            return [count(attributes, name) for name in names]
        told = _picked(attributes, reader, names)
        return [_count(each) if each else None for each in told]

    return reader


def _count(encoded: bytes) -> int | None:
    number = whole(encoded)
    return count({"": value_of(encoded)}, "") if number is None else number


def marks(*ids: str, moment: str) -> Callable[[Attributes, int], tuple[bytes, bool]]:
    """A reader of what these attributes say, in bytes that are the same however it is encoded.

    For what identifies a record: its ids and its moment, which is the given time where the record
    does not tell it. A whole number is the same as int, double or text. With them comes whether any
    id is told.
    """
    names = (moment, *ids)

    def reader(attributes: Attributes, time_ns: int) -> tuple[bytes, bool]:
        told: Iterable[bytes]
        if type(attributes) is Encoded:
            told = _picked(attributes, reader, names)
        else:
            told = [encoded_value(attributes.get(name)) for name in names]
        at, *others = [
            # Nearly all are short texts.
            each if not each or (each[1] == len(each) - 2 and each[0] == TEXT) else _MARKS[each]
            for each in told
        ]
        return _BETWEEN.join((at or str(time_ns).encode(), *others)), any(others)

    return reader


class _Marks(dict[bytes, bytes]):
    """How a value marks a record, by its encoding; of numbers, which come again, it is kept."""

    def __missing__(self, encoded: bytes) -> bytes:
        value = value_of(encoded)
        if not isinstance(value, int | float):
            return normal(encoded)
        mark = encoded_value(plain(value))
        if len(self) >= _MOST_MARKS:
            self.clear()
        self[encoded] = mark
        return mark


_MARKS = _Marks()


def _picked(attributes: Encoded, reader: object, names: Iterable[str]) -> tuple[bytes, ...]:
    """The encoded values of these names, empty where one is not told."""
    shape = attributes.shape
    pick = shape.plans.get(reader)
    if pick is None:
        pick = shape.plans[reader] = _picker(shape.places.get(name, _NOWHERE) for name in names)
    return pick(attributes.encoded)


def _only(attributes: Attributes, names: Iterable[str]) -> dict[str, Value]:
    return {name: attributes[name] for name in names if name in attributes}


def _picker(keys: Iterable[Any]) -> _Pick:
    """All values under these keys as a tuple, in one call."""
    held = list(keys)
    if not held:
        return lambda _: ()
    if len(held) == 1:
        [key] = held
        return lambda told: (told[key],)
    return itemgetter(*held)
