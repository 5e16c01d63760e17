"""What a worker's jobs count: how long each took, what failed, what it did. Plain numbers.

A look that finds nothing to do is no job. Who wants to know more, for example to trace each job,
listens (``assay.exporting``); while nobody does, that costs nothing.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from collector.meters import Durations

JOBS = ("fold", "classify", "judge", "leaks")
"""Every job by name: folding a batch, concluding some of what is marked, judging, measuring."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A job that ended; times are nanoseconds since the epoch.

    ``done`` is how much it did, in what its kind counts; ``error`` names the class of what ended
    it before that.
    """

    name: str
    began_ns: int
    ended_ns: int
    done: int
    error: str | None


@dataclass(slots=True)
class Doing:
    """A job under way, which says at its end how much it did."""

    done: int = 0


@dataclass(slots=True)
class Jobs:
    """The jobs of one process. ``records`` counts what was folded, by what became of it."""

    records: Counter[str] = field(default_factory=Counter)
    durations: defaultdict[str, Durations] = field(default_factory=lambda: defaultdict(Durations))
    failures: Counter[str] = field(default_factory=Counter)
    listeners: list[Callable[[Ended], None]] = field(default_factory=list)

    @contextmanager
    def job(self, name: str) -> Iterator[Doing]:
        """Do a job in this block; what it raises is noted and goes on."""
        doing, began_ns, began = Doing(), time.time_ns(), time.perf_counter()
        error: str | None = None
        try:
            yield doing
        except Exception as raised:
            error = type(raised).__name__
            self.failures[name] += 1
            raise
        finally:
            took = time.perf_counter() - began
            if doing.done or error:
                self._note(name, took, began_ns, doing.done, error)

    def _note(self, name: str, took: float, began_ns: int, done: int, error: str | None) -> None:
        self.durations[name].add(took)
        if self.listeners:
            ended_ns = began_ns + int(took * 1e9)
            ended = Ended(name=name, began_ns=began_ns, ended_ns=ended_ns, done=done, error=error)
            for listener in self.listeners:
                listener(ended)
