"""One kind of conclusion after another, and what becomes of what can't be concluded.

A step concludes many marks at once. Where that fails it is tried with halves of them, until those
are found that fail alone: they are set aside, and all others are concluded.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import Any, Generic, NamedTuple, TypeVar

from domain.failures import class_name, frames, origin
from store.dirty import CommitMark, Marks
from store.engine import Connection, passing

_log = logging.getLogger(__name__)

Key = TypeVar("Key")


class Holding(Enum):
    """When a step has what follows wait, which else would be done again for what is left of it."""

    NEVER = "never"
    FULL = "full"
    """Where as many were read as are at most, so that more may be left."""
    ANY = "any"
    """Until nothing of it is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(Generic[Key]):
    """How marks of a kind are concluded.

    ``read`` gives at most ``most`` of them, each with how often it was marked by now. ``conclude``
    takes their marks away in the transaction in which it writes; if it raises, nothing is written.
    """

    kind: Marks
    most: int
    read: Callable[[Connection, int], Mapping[Key, int]]
    conclude: Callable[[Mapping[Key, int]], None]
    holding: Holding

    def holds(self, found: int) -> bool:
        """Whether what follows has to wait, after so many were found."""
        return {
            Holding.NEVER: False,
            Holding.FULL: found >= self.most,
            Holding.ANY: found > 0,
        }[self.holding]


SetAside = Callable[[Marks, Any, int, str], None]
"""Sets a mark aside: its kind and key, how often it was marked, the class of what it failed by."""


class _Failure(NamedTuple):
    """What is told of an error; to keep the error itself would keep all that was read."""

    reason: str
    place: str
    way: str


class Concluding:
    """Carries out steps, and sets aside what fails alone; the log says of what, and why.

    The way through the code to a failure is logged once, however many fail there.
    """

    def __init__(self, set_aside: SetAside) -> None:
        self._set_aside = set_aside
        self._told: set[str] = set()

    def carry_out(self, step: Step[Key], marks: Mapping[Key, int]) -> None:
        """Conclude these marks. Raises StoreError where that is a passing one; nothing is lost."""
        failure = _failure(step, marks)
        if failure is not None and len(marks) > 1:
            many, kind = len(marks), step.kind
            _log.warning("%d %s can't be concluded together: %s", many, kind, failure.place)
        if failure is not None:
            self._part(step, marks, failure)

    def _part(self, step: Step[Key], marks: Mapping[Key, int], failure: _Failure) -> None:
        """Find what fails alone among marks that failed together."""
        if len(marks) == 1:
            [(key, count)] = marks.items()
            self._set_aside(step.kind, key, count, failure.reason)
            self._tell(step.kind, key, failure)
            return
        for half in _halves(marks):
            again = _failure(step, half)
            if again is not None:
                self._part(step, half, again)

    def _tell(self, kind: Marks, key: object, failure: _Failure) -> None:
        way = "" if failure.way in self._told else f"\n{failure.way}"
        self._told.add(failure.way)
        what, place = _shown(kind, key), failure.place
        _log.error("%s %s can't be concluded and is set aside: %s%s", kind, what, place, way)


def _failure(step: Step[Key], marks: Mapping[Key, int]) -> _Failure | None:
    """Why these can't be concluded together; None where they are now."""
    try:
        step.conclude(marks)
    except Exception as error:
        if passing(error):
            raise
        return _Failure(class_name(error), origin(error), frames(error))
    return None


def _halves(marks: Mapping[Key, int]) -> Iterator[Mapping[Key, int]]:
    middle = len(marks) // 2
    yield dict(islice(marks.items(), middle))
    yield dict(islice(marks.items(), middle, None))


def _shown(kind: Marks, key: object) -> str:
    """A key as the log may show it: nobody, not even by a pseudonym."""
    if kind is Marks.PEOPLE:
        return "(somebody)"
    if isinstance(key, CommitMark):
        key = key[1:]
    return " ".join(map(str, key)) if isinstance(key, tuple) else str(key)
