"""Measurements of our own server."""

import time
from collections.abc import Iterator
from itertools import count

from bench.load import http_requests, over_grpc, over_http
from bench.measured import RECORDS, Measured, measure
from bench.process import Running, fetch
from bench.telemetry import bodies

PACE = 50_000
"""Records a second of the paced load."""

_NAME = "Tokenassay"
# Each load is of records never sent before: the same again would only be recognised as such.
_SEEDS = count(1)


def accepted_http(server: Running, requests: int) -> Measured:
    """What the HTTP receiver alone makes durable: folding waits meanwhile."""
    made = http_requests(list(bodies(requests, RECORDS, next(_SEEDS))))
    with server.folding_paused():
        pid = server.process.pid
        seen = measure(_NAME, "HTTP, durable", pid, lambda: over_http(server.http, made))
    server.drain()
    return seen


def accepted_grpc(server: Running, requests: int) -> Measured:
    """What the gRPC receiver alone makes durable: folding waits meanwhile."""
    made = list(bodies(requests, RECORDS, next(_SEEDS)))
    with server.folding_paused():
        pid = server.process.pid
        seen = measure(_NAME, "gRPC, durable", pid, lambda: over_grpc(server.grpc, made))
    server.drain()
    return seen


def sustained(server: Running, requests: int) -> Measured:
    """Everything: accepted, folded, classified and visible."""
    made = http_requests(list(bodies(requests, RECORDS, next(_SEEDS))))
    server.drain()
    pid = server.process.pid
    return measure(_NAME, "HTTP, folded", pid, lambda: over_http(server.http, made), server.drain)


def paced(server: Running, requests: int) -> Measured:
    """The acknowledgement at a steady pace, folding beside it."""
    made = http_requests(list(bodies(requests, RECORDS, next(_SEEDS))))
    pid = server.process.pid
    seen = measure(
        _NAME, f"HTTP, paced at {PACE:,}/s", pid, lambda: over_http(server.http, made, PACE / 50)
    )
    server.drain()
    return seen


def disk_bytes(server: Running, requests: int) -> float:
    """Bytes that a record leaves in the data folder once it is folded."""
    server.drain()
    before = server.disk_bytes()
    over_http(server.http, http_requests(list(bodies(requests, RECORDS, next(_SEEDS)))))
    server.drain()
    # The write-ahead log is cut when the worker is idle.
    time.sleep(1)
    return (server.disk_bytes() - before) / (requests * RECORDS)


def visible_ms(server: Running, times: int = 50) -> list[float]:
    """Milliseconds from an acknowledgement until the API tells of it, sorted."""
    return sorted(_visible(server) for _ in range(times))


def _visible(server: Running) -> float:
    # Two records: the second is a request, which makes the session one with usage.
    body = next(bodies(1, 2, next(_SEEDS)))
    before = _sessions(server)
    address = f"http://127.0.0.1:{server.http}/v1/logs"
    fetch(address, body, {"Content-Type": "application/x-protobuf"})
    start = time.perf_counter()
    for _ in _until(start + 60):
        if _sessions(server) != before:
            break
    return (time.perf_counter() - start) * 1000


def _until(deadline: float) -> Iterator[None]:
    while time.perf_counter() < deadline:
        yield
        time.sleep(0.005)
    raise TimeoutError


def _sessions(server: Running) -> int:
    rows: list[dict[str, int]] = server.answer("/v1/usage?group_by=tool")["rows"]
    return sum(row["sessions"] for row in rows)
