"""One measurement of one server, the median of several, and the table of all."""

import os
import platform
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from bench.load import Sent
from bench.process import Meter, busy_seconds

RECORDS = 50
"""Records in each request."""

_QUIET_CORES = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one load came to.

    ``accepted`` and ``settled`` are records a second until all were acknowledged and until all were
    stored and visible; ``settled`` is None for a load that was not waited for. CPU seconds are a
    million records': of all the server's processes until settled, and of the sending process.
    ``p50_ms`` and ``p99_ms`` are waits for the acknowledgement. ``memory_mb`` is what all processes
    held at their most, each page once; ``resident_mb`` is that of each, summed. ``elsewhere`` is
    how many cores meanwhile worked for anyone else.
    """

    system: str
    what: str
    records: int
    accepted: float
    settled: float | None
    cpu: float
    client_cpu: float
    p50_ms: float
    p99_ms: float
    memory_mb: float
    resident_mb: float
    elsewhere: float


def measure(
    system: str,
    what: str,
    pid: int,
    load: Callable[[], Sent],
    settle: Callable[[], None] | None = None,
) -> Measured:
    """Load a server, wait until it has ``settle``d, and see what that took and cost."""
    meter = Meter(pid)
    sent = load()
    if settle is not None:
        settle()
    cost = meter.read()
    records = sent.requests * RECORDS
    return Measured(
        system=system,
        what=what,
        records=records,
        accepted=records / sent.seconds,
        settled=None if settle is None else records / cost.seconds,
        cpu=cost.cpu_seconds / records * 1e6,
        client_cpu=sent.cpu_seconds / records * 1e6,
        p50_ms=sent.percentile(0.5),
        p99_ms=sent.percentile(0.99),
        memory_mb=cost.memory_mb,
        resident_mb=cost.resident_mb,
        elsewhere=cost.elsewhere,
    )


def median(step: Callable[[], Measured], repeat: int, quiet: float) -> Measured:
    """The run whose rate is the median: one run as it was, not a mixture.

    Before each it waits for a quiet machine, at most ``quiet`` seconds.
    """
    runs: list[Measured] = []
    for _ in range(repeat):
        await_quiet(quiet)
        runs.append(step())
    runs.sort(key=lambda run: run.accepted if run.settled is None else run.settled)
    return runs[(len(runs) - 1) // 2]


def await_quiet(seconds: float) -> None:
    """Wait until nobody else works on this machine, or so long at most."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        before = busy_seconds()
        time.sleep(1)
        if busy_seconds() - before < _QUIET_CORES:
            return


def machine() -> dict[str, Any]:
    """What the numbers were taken on."""
    return {
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load_averages": os.getloadavg(),
    }


def table(rows: Iterable[Measured]) -> Table:
    """The measurements as text."""
    made = Table(
        *("system", "what", "records", "accepted/s", "settled/s", "CPU-s/M", "client CPU-s/M"),
        *("ack p50 ms", "p99 ms", "MB", "MB, summed", "cores elsewhere"),
    )
    for row in rows:
        made.add_row(
            row.system,
            row.what,
            f"{row.records:,}",
            f"{row.accepted:,.0f}",
            "–" if row.settled is None else f"{row.settled:,.0f}",  # noqa: RUF001
            f"{row.cpu:,.1f}",
            f"{row.client_cpu:,.1f}",
            f"{row.p50_ms:,.1f}",
            f"{row.p99_ms:,.1f}",
            f"{row.memory_mb:,.0f}",
            f"{row.resident_mb:,.0f}",
            f"{row.elsewhere:.1f}",
        )
    return made


def as_json(rows: Iterable[Measured]) -> list[dict[str, Any]]:
    """The measurements as JSON's types."""
    return [asdict(row) for row in rows]
