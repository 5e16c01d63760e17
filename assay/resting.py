"""When a worker looks for records, and concludes what it has folded.

It concludes at once where it is quiet, else at intervals.

A session at work sends records again and again, and each would have it concluded anew. So what
comes after a round of conclusions waits and is concluded together, the longer the more a round
takes. A round of more than three seconds takes a larger part of the worker's time than a fourth.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LEAST_SECONDS = 1.0
_MOST_SECONDS = 10.0
# So many times as long as a round took: while that is less than the most, rounds take a fourth.
_TIMES = 3.0
# How long it waits where nothing came: a twentieth of the time since something did, within these.
_SHARE, _SHORTEST_SECONDS, _LONGEST_SECONDS = 20, 0.05, 0.5


def pause(idle: float) -> float:
    """How many seconds to wait before looking again, after so many in which nothing came."""
    return min(max(idle / _SHARE, _SHORTEST_SECONDS), _LONGEST_SECONDS)


class Resting:
    """Waits after each round of conclusions."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._spent = 0.0
        self._folded_at = self._soonest = self._latest = float("-inf")

    def note_folded(self) -> None:
        """Records came: there may be more of the same sessions soon."""
        self._folded_at = self._monotonic()

    def over(self) -> bool:
        """Whether it is time to conclude: waited long enough, or nothing comes any more."""
        now = self._monotonic()
        quiet = now - self._folded_at >= _LEAST_SECONDS
        return now >= self._latest or (quiet and now >= self._soonest)

    @contextmanager
    def concluding(self) -> Iterator[None]:
        """What is done meanwhile is a part of the round."""
        began = self._monotonic()
        try:
            yield
        finally:
            self._spent += self._monotonic() - began

    def begin(self) -> None:
        """The round is done, nothing is left to conclude: rest."""
        now = self._monotonic()
        self._soonest = now + _LEAST_SECONDS
        self._latest = now + min(max(self._spent * _TIMES, _LEAST_SECONDS), _MOST_SECONDS)
        self._spent = 0.0
