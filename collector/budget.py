"""Memory for what senders choose the number and size of: bounded for all of them together."""

from collector.errors import Unavailable


class Budget:
    """So many bytes may be held at once by all requests of one door."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.held = 0

    def holding(self) -> "Holding":
        """What one request holds, until its block ends."""
        return Holding(self)


class Holding:
    """One request's part of a budget."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.size = 0

    def grow(self, size: int) -> None:
        """Hold more; Unavailable where all requests together would hold too much."""
        if self._budget.held + size > self._budget.most:
            raise Unavailable("more requests are being received than memory allows")
        self.size += size
        self._budget.held += size

    def __enter__(self) -> "Holding":
        return self

    def __exit__(self, *_: object) -> None:
        self._budget.held -= self.size
