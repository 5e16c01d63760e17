"""``python -m bench.others --python PATH``: others' servers beside ours, in one run.

PATH is a Python that has what should be measured: ``arize-phoenix``, ``mlflow``, ``rotel``. What it
lacks is named and left out. Each runs on loopback over a folder of its own and gets the same
records: as logs where it takes logs, else as spans with the same attributes.
"""

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

from rich.console import Console

from bench import ours
from bench.load import http_requests, over_grpc, over_http
from bench.measured import RECORDS, Measured, as_json, machine, measure, median, table
from bench.process import end_when_asked, fetch, free_ports, running, started
from bench.telemetry import bodies, spans

_STORED_SECONDS = 180
_FOREIGN = ("PYTHON", "OTEL_", "PHOENIX_", "MLFLOW_", "ROTEL_", "ASSAY_")

Step = Callable[[int, int], Measured]
"""Sends so many requests made from this seed: each time others."""


@dataclass(frozen=True, slots=True)
class _Times:
    """How often each step is measured, and how long to wait for a quiet machine before each."""

    repeat: int
    quiet: float


@dataclass(frozen=True, slots=True)
class Other:
    """A server of someone else's.

    ``start`` runs it over a folder and gives what to measure of it; ``slow`` ones get fewer
    records, since they take some hundreds a second.
    """

    package: str
    start: "Callable[[Path, Path], AbstractContextManager[tuple[Step, ...]]]"
    slow: bool


@contextmanager
def _phoenix(python: Path, folder: Path) -> Iterator[tuple[Step, ...]]:
    http, grpc = free_ports(2)
    environment = {
        "PHOENIX_WORKING_DIR": str(folder),
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(http),
        "PHOENIX_GRPC_PORT": str(grpc),
        "PHOENIX_TELEMETRY_ENABLED": "false",
        "PHOENIX_ALLOW_EXTERNAL_RESOURCES": "false",
        "PHOENIX_LOG_MIGRATIONS": "false",
    }
    command = [str(python.parent / "phoenix"), "serve"]
    answers = partial(fetch, f"http://127.0.0.1:{http}/healthz")
    with started(command, answers, _environment(folder, environment), folder) as process:
        database = folder / "phoenix.db"
        yield (partial(_spans, "Arize Phoenix", process.pid, http, {}, database),)


@contextmanager
def _mlflow(python: Path, folder: Path) -> Iterator[tuple[Step, ...]]:
    (http,) = free_ports(1)
    database = folder / "mlflow.db"
    environment = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        # Seven more processes, for evaluations that nobody asks for here.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    command = [
        *(str(python), "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(http)),
        # Several would only wait for each other: SQLite has one writer.
        *("--workers", "1"),
        *("--backend-store-uri", f"sqlite:///{database}"),
        *("--artifacts-destination", str(folder / "artifacts")),
    ]
    answers = partial(fetch, f"http://127.0.0.1:{http}/health")
    headers = {"x-mlflow-experiment-id": "0"}
    with started(command, answers, _environment(folder, environment), folder) as process:
        yield (partial(_spans, "mlflow", process.pid, http, headers, database),)


@contextmanager
def _rotel(python: Path, folder: Path) -> Iterator[tuple[Step, ...]]:
    http, grpc = free_ports(2)
    package = _ask(python, "import rotel; print(rotel.__path__[0])")
    command = [
        *(f"{package}/rotel-agent", "start", "--exporter", "blackhole"),
        *("--otlp-http-endpoint", f"127.0.0.1:{http}"),
        *("--otlp-grpc-endpoint", f"127.0.0.1:{grpc}"),
        *("--pid-file", str(folder / "pid"), "--log-file", str(folder / "log")),
    ]
    probe = http_requests(list(bodies(1, 1, seed=0)))
    with started(
        command, lambda: _connects(http, probe), _environment(folder, {}), folder
    ) as process:
        pid = process.pid
        yield partial(_logs_http, pid, http), partial(_logs_grpc, pid, grpc)


OTHERS = (
    Other("arize-phoenix", _phoenix, slow=True),
    Other("mlflow", _mlflow, slow=True),
    Other("rotel", _rotel, slow=False),
)


def _environment(folder: Path, more: Mapping[str, str]) -> dict[str, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(_FOREIGN)}
    return {**clean, "HOME": str(folder), "DO_NOT_TRACK": "true", **more}


def _connects(port: int, probe: list[bytes]) -> None:
    try:
        over_http(port, probe, limit=5)
    except* OSError as group:
        raise OSError(str(group)) from group


def _spans(
    system: str,
    pid: int,
    port: int,
    headers: Mapping[str, str],
    database: Path,
    requests: int,
    seed: int,
) -> Measured:
    made = http_requests(list(spans(requests, RECORDS, seed)), "/v1/traces", headers)
    expected = _stored(database) + requests * RECORDS
    return measure(
        system,
        "HTTP, spans stored",
        pid,
        lambda: over_http(port, made),
        lambda: _await_stored(database, expected),
    )


def _logs_http(pid: int, port: int, requests: int, seed: int) -> Measured:
    made = http_requests(list(bodies(requests, RECORDS, seed)))
    return measure("rotel", "HTTP, nothing kept", pid, lambda: over_http(port, made))


def _logs_grpc(pid: int, port: int, requests: int, seed: int) -> Measured:
    made = list(bodies(requests, RECORDS, seed))
    return measure("rotel", "gRPC, nothing kept", pid, lambda: over_grpc(port, made))


def _stored(database: Path) -> int:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)) as opened:
        found: int = opened.execute("SELECT count(*) FROM spans").fetchone()[0]
    return found


def _await_stored(database: Path, expected: int) -> None:
    deadline = time.monotonic() + _STORED_SECONDS
    while (found := _stored(database)) < expected:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{found} spans stored of {expected}")
        time.sleep(0.05)


def _ask(python: Path, program: str) -> str:
    return subprocess.run(
        [str(python), "-I", "-c", program], capture_output=True, text=True, check=True, timeout=60
    ).stdout.strip()


def _version(python: Path, package: str) -> str | None:
    program = f"import importlib.metadata as m; print(m.version({package!r}))"
    try:
        return _ask(python, program)
    except subprocess.CalledProcessError:
        return None


def _measure(other: Other, python: Path, requests: int, times: _Times) -> list[Measured]:
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        other.start(python, Path(folder)) as steps,
    ):
        rows = []
        for step in steps:
            step(8, 0)  # the first requests of a process find nothing loaded yet
            seeds = count(1)
            sending = partial(_next, step, requests, seeds)
            rows.append(median(sending, times.repeat, times.quiet))
        return rows


def _next(step: Step, requests: int, seeds: Iterator[int]) -> Measured:
    return step(requests, next(seeds))


def _ours(requests: int, few: int, times: _Times) -> list[Measured]:
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as server:
        ours.sustained(server, 8)
        steps = (
            (ours.accepted_http, requests),
            (ours.accepted_grpc, requests),
            (ours.sustained, requests),
            (ours.sustained, few),
        )
        return [
            median(partial(step, server, sent), times.repeat, times.quiet) for step, sent in steps
        ]


def main() -> None:
    """Measure what is there, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m bench.others", description=__doc__)
    parser.add_argument("--python", type=Path, required=True, help="a Python that has the others")
    parser.add_argument("--requests", type=int, default=2_000, help="of 50 records, a step")
    parser.add_argument("--few", type=int, default=40, help="requests for those that are slow")
    parser.add_argument("--repeat", type=int, default=3, help="times a step; the median is told")
    parser.add_argument("--quiet", type=float, default=15, help="seconds to wait for quiet, a step")
    parser.add_argument("--json", action="store_true", help="print JSON, no table")
    told = parser.parse_args()
    end_when_asked()
    times = _Times(told.repeat, told.quiet)
    rows, notes = [], []
    for other in OTHERS:
        version = _version(told.python, other.package)
        if version is None:
            notes.append(f"{other.package}: not installed in {told.python}")
            continue
        notes.append(f"{other.package} {version}")
        try:
            sent = told.few if other.slow else told.requests
            rows += _measure(other, told.python, sent, times)
        except (RuntimeError, TimeoutError, OSError, ExceptionGroup) as error:
            notes.append(f"{other.package}: could not be measured: {error}")
        print(notes[-1], file=sys.stderr)
    about = machine()
    rows += _ours(told.requests, told.few, times)
    if told.json:
        print(json.dumps({"about": about, "notes": notes, "rows": as_json(rows)}, indent=1))
        return
    console = Console()
    console.print(table(rows))
    console.print("\n".join([*notes, str(about)]))


if __name__ == "__main__":
    main()
