"""What was worked out before, as long as what it was worked out from is the same.

A key holds the stamps of all weeks that a value follows from (``store.outcomes.stamp``). A stamp is
never drawn twice, so a value is right for whoever sees these stamps, in whichever transaction.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar

Value = TypeVar("Value")

_MOST = 4096


class Remembered:
    """The values that were asked for last, up to so many; any number of threads may ask.

    A large value may weigh as much as many.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._held: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._weight = 0
        self._lock = Lock()

    def get(self, key: Hashable) -> Any:
        """The value of a key; None where it is not remembered."""
        with self._lock:
            if key not in self._held:
                return None
            self._held.move_to_end(key)
            return self._held[key][0]

    def put(self, key: Hashable, value: object, weight: int = 1) -> None:
        """Remember a value; what was not asked for the longest is forgotten for it."""
        with self._lock:
            _, before = self._held.pop(key, (None, 0))
            self._held[key] = value, weight
            self._weight += weight - before
            while self._weight > self._most and self._held:
                _, (_, gone) = self._held.popitem(last=False)
                self._weight -= gone

    def made(
        self,
        key: Hashable,
        make: Callable[[], Value],
        weigh: Callable[[Value], int] = lambda _: 1,
    ) -> Value:
        """The value of a key, made where it is not remembered. None is never remembered."""
        value: Value | None = self.get(key)
        if value is None:
            value = make()
            if value is not None:
                self.put(key, value, weigh(value))
        return value
