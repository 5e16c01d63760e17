"""The real server as a process, and what it costs: CPU seconds, memory, disk."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Running:
    """A server and its ports."""

    process: "subprocess.Popen[bytes]"
    http: int
    grpc: int
    api: int
    data: Path

    def answer(self, path: str) -> Any:
        """A JSON answer of the API."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.api}{path}") as response:
            return json.load(response)

    def drain(self) -> float:
        """Seconds until everything acknowledged is visible."""
        start = time.perf_counter()
        while self.answer("/v1/status")["pending"]:
            time.sleep(0.02)
        return time.perf_counter() - start

    def cpu_seconds(self) -> float:
        """CPU seconds of all its processes so far."""
        return sum(_stat(pid)[0] for pid in self.pids())

    def memory_mb(self) -> float:
        """Resident memory of all its processes now, shared pages counted in each."""
        return sum(_stat(pid)[1] for pid in self.pids()) / 1e6

    def disk_bytes(self) -> int:
        """Size of everything in the data folder."""
        return sum(path.stat().st_size for path in self.data.iterdir())

    def pids(self) -> list[int]:
        """The server and its children."""
        parent = self.process.pid
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        return [parent, *map(int, children)]

    @contextmanager
    def folding_paused(self) -> Iterator[None]:
        """Stop the folding process meanwhile, to measure the receivers alone."""
        # An idle folder holds no lock; one stopped at work would.
        self.drain()
        time.sleep(1)
        children = self.pids()[1:]
        for pid in children:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in children:
                os.kill(pid, signal.SIGCONT)


def _stat(pid: int) -> tuple[float, int]:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS, int(fields[21]) * _PAGE


@contextmanager
def running(data: Path) -> Iterator[Running]:
    """Start ``assay serve`` over this folder; end it afterwards."""
    ports = []
    for _ in range(3):
        with socket.create_server(("127.0.0.1", 0)) as free:
            ports.append(free.getsockname()[1])
    options = ("--otlp-http", "--otlp-grpc", "--http")
    listen = [w for o, p in zip(options, ports, strict=True) for w in (o, f"127.0.0.1:{p}")]
    process = subprocess.Popen(
        [sys.executable, "-m", "assay", "serve", "--data", str(data), *listen],
        stdout=subprocess.DEVNULL,
    )
    server = Running(process, ports[0], ports[1], ports[2], data)
    try:
        _await_start(server)
        yield server
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def _await_start(server: Running) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            server.answer("/v1/status")
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the server did not start")
