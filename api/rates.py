"""How often somebody may ask: buckets that fill again by and by.

Counted by each process for itself and forgotten when it ends: enough to slow down whoever guesses
or asks without end, no bookkeeping.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

_MOST_KEYS = 10_000


class Bucket:
    """So many a minute for each key, and as many at once after a pause.

    Of many keys those that came last are kept: a bucket that is forgotten is full again.
    """

    def __init__(self, per_minute: int, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._most = float(per_minute)
        self._per_second = per_minute / 60
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> float | None:
        """Take one; None where there was one, else the seconds until there is."""
        now = self._monotonic()
        with self._lock:
            left, at = self._left.pop(key, (self._most, now))
            left = min(self._most, left + (now - at) * self._per_second)
            enough = left >= 1
            self._left[key] = (left - 1 if enough else left, now)
            if len(self._left) > _MOST_KEYS:
                self._left.popitem(last=False)
        return None if enough else (1 - left) / self._per_second
