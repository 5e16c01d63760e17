"""Servers as processes, and what they cost in CPU seconds, memory and disk. Asks Linux's /proc."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import memory

_TICKS = os.sysconf("SC_CLK_TCK")
_START_SECONDS = 180
_DRAIN_SECONDS = 300
_END_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a stretch of time cost a server with all its processes.

    ``memory_mb`` is the most that all held, each page once; ``resident_mb`` that of each process
    summed, so that a page counts in each that holds it.
    ``elsewhere`` is how many cores meanwhile worked for neither the server nor this process.
    """

    seconds: float
    cpu_seconds: float
    memory_mb: float
    resident_mb: float
    elsewhere: float


class Meter:
    """Measures from its making until ``read``."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        for each in tree(pid):
            memory.reset(each)
        self._busy, self._own = busy_seconds(), time.process_time()
        self._cpu, self._start = cpu_seconds(pid), time.perf_counter()

    def read(self) -> Cost:
        """The cost so far."""
        seconds = time.perf_counter() - self._start
        cpu = cpu_seconds(self._pid) - self._cpu
        busy = busy_seconds() - self._busy - cpu - (time.process_time() - self._own)
        return Cost(
            seconds=seconds,
            cpu_seconds=cpu,
            memory_mb=memory.held(tree(self._pid)) / 1e6,
            resident_mb=memory.resident(tree(self._pid)) / 1e6,
            elsewhere=max(busy / seconds, 0.0),
        )


def tree(pid: int) -> list[int]:
    """A process and all that descend from it."""
    found = [pid]
    for each in found:
        with contextlib.suppress(OSError):
            for thread in Path(f"/proc/{each}/task").iterdir():
                found += map(int, (thread / "children").read_text().split())
    return found


def cpu_seconds(pid: int) -> float:
    """CPU seconds of a process and all that descend from it, so far; of ended ones too."""
    return sum(_cpu(each) for each in tree(pid))


def _cpu(pid: int) -> float:
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / _TICKS
    return 0.0


def busy_seconds() -> float:
    """CPU seconds that all cores together have worked since boot; waiting for disks is no work."""
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(
        int, Path("/proc/stat").read_text().split("\n")[0].split()[1:9]
    )
    return (user + nice + system + irq + softirq + steal) / _TICKS


def end_when_asked() -> None:
    """Let SIGTERM end this process as an exception does, so that no server is left running."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))


@contextmanager
def started(
    command: Sequence[str],
    answers: Callable[[], object],
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a server until the block ends; it has started once ``answers`` raises no OSError.

    With a folder it works there, and what it prints goes there too.
    """
    output = Path(os.devnull) if folder is None else folder / "output"
    with output.open("wb") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=None if folder is None else out, env=environment, cwd=folder
        )
        try:
            _await_start(process, answers)
            yield process
        finally:
            _end(process)


def _await_start(process: "subprocess.Popen[bytes]", answers: Callable[[], object]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            answers()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"{process.args!r} did not start")


def _end(process: "subprocess.Popen[bytes]") -> None:
    """As Ctrl-C ends it; whatever of it is then left is killed."""
    all_of_it = tree(process.pid)
    process.send_signal(signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_END_SECONDS)
    left = all_of_it if process.poll() is None else [each for each in all_of_it if _alive(each)]
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def _alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def free_ports(number: int) -> list[int]:
    """Ports that nobody listens on at this moment."""
    with contextlib.ExitStack() as held:
        sockets = [
            held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(number)
        ]
        return [each.getsockname()[1] for each in sockets]


def fetch(url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> bytes:
    """An answer's body; raises OSError for a refusal and where nobody listens."""
    request = urllib.request.Request(url, data=body, headers=dict(headers or {}))
    with urllib.request.urlopen(request, timeout=30) as response:
        answer: bytes = response.read()
    return answer


@dataclass(frozen=True, slots=True)
class Running:
    """A server of ours and its ports."""

    process: "subprocess.Popen[bytes]"
    http: int
    grpc: int
    api: int
    data: Path

    def answer(self, path: str) -> Any:
        """A JSON answer of the API."""
        return json.loads(fetch(f"http://127.0.0.1:{self.api}{path}"))

    def drain(self) -> None:
        """Wait until everything acknowledged is visible."""
        deadline = time.monotonic() + _DRAIN_SECONDS
        while pending := self.answer("/v1/status")["pending"]:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{pending} still pending")
            time.sleep(0.02)

    def left_out(self) -> list[str]:
        """What was acknowledged and is in no answer, in words."""
        told = self.answer("/v1/status")
        what = {"parked": "requests can't be read", "set_aside": "marks can't be concluded"}
        return [f"{told[name]} {why}" for name, why in what.items() if told[name]]

    def disk_bytes(self) -> int:
        """Size of everything in the data folder."""
        return sum(path.stat().st_size for path in self.data.iterdir())

    @contextmanager
    def folding_paused(self) -> Iterator[None]:
        """Stop the folding process meanwhile, to measure the receivers alone."""
        # An idle folder holds no lock; one stopped at work would.
        self.drain()
        time.sleep(1)
        children = tree(self.process.pid)[1:]
        for pid in children:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in children:
                os.kill(pid, signal.SIGCONT)


@contextmanager
def running(data: Path) -> Iterator[Running]:
    """Start ``assay serve`` over this folder; end it afterwards."""
    http, grpc, api = ports = free_ports(3)
    options = ("--otlp-http", "--otlp-grpc", "--http")
    listen = [w for o, p in zip(options, ports, strict=True) for w in (o, f"127.0.0.1:{p}")]
    command = [sys.executable, "-m", "assay", "serve", "--data", str(data), *listen]
    answers = f"http://127.0.0.1:{api}/v1/status"
    with started(command, lambda: fetch(answers)) as process:
        yield Running(process, http, grpc, api, data)
