"""``python -m bench.profile``: where the worker's CPU time goes, by layer and by file.

A real server accepts records with its worker stopped and is then killed; the worker's own loop
folds them here, looked at every millisecond of CPU time. Each look counts for the CPU seconds since
the last, so that a long call into the database or the protobuf parser weighs what it took, and
nothing is added to each call, as a tracing profiler does.
"""

import argparse
import os
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.table import Table

from assay.worker import work
from bench.load import http_requests, over_http
from bench.measured import RECORDS, await_quiet
from bench.process import end_when_asked, running, tree
from bench.telemetry import bodies
from store.engine import Database

_ROOT = Path(__file__).parent.parent
_EVERY_SECONDS = 0.001
# The first that a file's path begins with; ``domain`` counts to whichever layer called it.
_LAYERS = {
    "collector/decode": "decode",
    "collector/attributes": "decode",
    "collector/protobuf_": "decode",
    "collector/inflate": "decode",
    "collector/spool": "decode",
    "collector/ingest": "exactly once",
    "collector/growth": "exactly once",
    "store/seen": "exactly once",
    "collector/fold": "fold",
    "collector/counters": "fold",
    "collector/": "dialect",
    "classifier/": "classification",
    "store/": "database",
}


class _UntilEmpty:
    """Orders to stop when nothing is left."""

    stop = True
    gone = False

    def wait(self, seconds: float) -> None:
        """Do not."""


class _Looks:
    """CPU seconds by (layer, file)."""

    def __init__(self) -> None:
        self.seconds: Counter[tuple[str, str]] = Counter()
        self._last = time.process_time()

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Look meanwhile."""
        before = signal.signal(signal.SIGPROF, self._look)
        self._last = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, _EVERY_SECONDS, _EVERY_SECONDS)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, before)

    def _look(self, _number: int, frame: FrameType | None) -> None:
        since = time.process_time() - self._last
        self.seconds[_place(frame)] += since  # type: ignore[assignment]
        self._last = time.process_time()  # what looking itself took is left out


def _place(frame: FrameType | None) -> tuple[str, str]:
    """The innermost file of ours, and the layer it worked for."""
    files: list[str] = []
    while frame is not None:
        file = _ours(frame.f_code.co_filename)
        if file is not None:
            files.append(file)
        frame = frame.f_back
    if "classifier/run.py" in files:
        return "classification", files[0]
    for file in files:
        for beginning, layer in _LAYERS.items():
            if file.startswith(beginning):
                return layer, files[0]
    return "the loop", files[0] if files else "?"


@cache
def _ours(file: str) -> str | None:
    path = Path(file)
    if not path.is_relative_to(_ROOT) or ".venv" in path.parts or path == Path(__file__):
        return None
    return str(path.relative_to(_ROOT))


def _filled(folder: Path, requests: int) -> None:
    """Leave a data folder with accepted records that nobody has folded."""
    made = http_requests(list(bodies(requests, RECORDS)))
    with running(folder) as server, server.folding_paused():
        over_http(server.http, made)
        for pid in tree(server.process.pid):
            os.kill(pid, signal.SIGKILL)
        server.process.wait()


def main() -> None:
    """Fold so many requests and print where the time went."""
    parser = argparse.ArgumentParser(prog="python -m bench.profile", description=__doc__)
    parser.add_argument("--requests", type=int, default=1_000, help="of 50 records")
    parser.add_argument("--quiet", type=float, default=0, help="seconds to wait for quiet")
    told = parser.parse_args()
    end_when_asked()
    looks = _Looks()
    with tempfile.TemporaryDirectory() as folder:
        _filled(Path(folder), told.requests)
        await_quiet(told.quiet)
        database = Database(f"sqlite:///{folder}/assay.db")
        with looks.looking():
            work(database, _UntilEmpty())
        database.close()
    Console().print(_table(looks.seconds, told.requests * RECORDS))


def _table(seconds: Counter[tuple[str, str]], records: int) -> Table:
    total = seconds.total()
    layers: Counter[str] = Counter()
    for (layer, _), each in seconds.items():
        layers[layer] += each
    table = Table("layer", "file", "share", "CPU-s/M", title=f"{total / records * 1e6:.1f} CPU-s/M")
    for layer, of_layer in layers.most_common():
        table.add_row(layer, "", f"{of_layer / total:.0%}", f"{of_layer / records * 1e6:.1f}")
        for (its, file), each in seconds.most_common():
            if its == layer and each / total >= 0.005:
                table.add_row("", file, f"{each / total:.1%}", f"{each / records * 1e6:.1f}")
    return table


if __name__ == "__main__":
    main()
