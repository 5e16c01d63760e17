"""What receiving and folding count for whoever watches this process: plain numbers, nothing else.

They are added to on the way of every request, so adding costs about a microsecond. Nobody is
told of them; who wants to know looks (``assay.exporting``). Counts begin with the process.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence

BOUNDS_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 60.0)
"""Upper ends of the buckets of durations, each of which is in its bucket; the last has none."""


class Durations:
    """How long something took, each time: counts by bucket, and their sum in seconds."""

    __slots__ = ("counts", "sum_seconds")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_SECONDS) + 1)
        self.sum_seconds = 0.0

    def add(self, seconds: float) -> None:
        """It took so long once more."""
        self.counts[bisect_left(BOUNDS_SECONDS, seconds)] += 1
        self.sum_seconds += seconds

    def seen(self) -> tuple[Sequence[int], float]:
        """(counts by bucket, sum in seconds) at this moment, for another thread."""
        return tuple(self.counts), self.sum_seconds


class Receiving:
    """What became of the requests of one receiver.

    ``acknowledged`` is how long those took that are durable, from when their head was read until
    they were answered. ``refused`` counts the others by the code of their refusal.
    """

    __slots__ = ("acknowledged", "refused")

    def __init__(self) -> None:
        self.acknowledged = Durations()
        self.refused: Counter[str] = Counter()
