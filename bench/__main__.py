"""``python -m bench``: measure, and print the table of ``docs/performance.md``."""

import argparse
import asyncio
import json
import platform
import tempfile
import time
import urllib.request
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.load import Sent, http_requests, over_grpc, over_http
from bench.process import Running, running
from bench.telemetry import bodies

_RECORDS = 50
_PACE = 50_000


def main() -> None:
    """Run all measurements of the ingest path once."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--requests", type=int, default=4_000, help="of 50 records, a step")
    requests = parser.parse_args().requests
    table = Table("what", "measured", title=f"{platform.python_version()}, {requests} requests")
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as server:
        _accept(server, table, requests)
        _pace(server, table, requests)
        _sustain(server, table, requests)
        _visible(server, table)
    Console().print(table)


def _accept(server: Running, table: Table, requests: int) -> None:
    made = list(bodies(requests, _RECORDS, seed=1))
    with server.folding_paused():
        before = server.cpu_seconds()
        sent = asyncio.run(over_http(server.http, http_requests(made)))
        cost = server.cpu_seconds() - before
        _row(table, "accepted and durable, HTTP protobuf", sent, cost)
    server.drain()
    made = list(bodies(requests, _RECORDS, seed=2))
    with server.folding_paused():
        before = server.cpu_seconds()
        sent = asyncio.run(over_grpc(server.grpc, made))
        cost = server.cpu_seconds() - before
        _row(table, "accepted and durable, gRPC", sent, cost)
    server.drain()


def _row(table: Table, what: str, sent: Sent, cpu: float) -> None:
    records = sent.requests * _RECORDS
    table.add_row(
        what,
        f"{records / sent.seconds:,.0f} records/s, {cpu / records * 1e6:.1f} CPU-s/M,"
        f" ack p50 {sent.percentile(0.5):.1f} ms, p99 {sent.percentile(0.99):.1f} ms",
    )


def _pace(server: Running, table: Table, requests: int) -> None:
    made = http_requests(list(bodies(requests, _RECORDS, seed=3)))
    sent = asyncio.run(over_http(server.http, made, per_second=_PACE / _RECORDS))
    reached = sent.requests * _RECORDS / sent.seconds
    table.add_row(
        f"acknowledgement at {_PACE:,} records/s, folding beside it",
        f"p50 {sent.percentile(0.5):.1f} ms, p99 {sent.percentile(0.99):.1f} ms"
        f" ({reached:,.0f} records/s reached)",
    )
    server.drain()


def _sustain(server: Running, table: Table, requests: int) -> None:
    server.drain()
    disk, cpu = server.disk_bytes(), server.cpu_seconds()
    made = http_requests(list(bodies(requests, _RECORDS, seed=4)))
    start = time.perf_counter()
    asyncio.run(over_http(server.http, made))
    memory = server.memory_mb()
    server.drain()
    seconds = time.perf_counter() - start
    records = requests * _RECORDS
    time.sleep(1)
    table.add_row(
        "sustained: accepted, folded and visible",
        f"{records / seconds:,.0f} records/s,"
        f" {(server.cpu_seconds() - cpu) / records * 1e6:.1f} CPU-s/M, all processes",
    )
    table.add_row("memory meanwhile, all processes", f"{memory:.0f} MB")
    kept = (server.disk_bytes() - disk) / records
    table.add_row("disk after folding", f"{kept:.0f} bytes a record")


def _visible(server: Running, table: Table) -> None:
    waits = []
    for seed in range(100, 150):
        # Two records: the second is a request, which makes the session one with usage.
        body = next(bodies(1, 2, seed=seed))
        before = _sessions(server)
        request = urllib.request.Request(
            f"http://127.0.0.1:{server.http}/v1/logs",
            data=body,
            headers={"Content-Type": "application/x-protobuf"},
        )
        urllib.request.urlopen(request).close()
        start = time.perf_counter()
        while _sessions(server) == before:
            time.sleep(0.005)
        waits.append(time.perf_counter() - start)
    waits.sort()
    table.add_row(
        "visible in the API after the acknowledgement",
        f"p50 {waits[len(waits) // 2] * 1000:.0f} ms, p99 {waits[-1] * 1000:.0f} ms",
    )


def _sessions(server: Running) -> int:
    usage = server.answer("/v1/usage?group_by=tool")
    rows: list[dict[str, int]] = json.loads(json.dumps(usage["rows"]))
    return sum(row["sessions"] for row in rows)


if __name__ == "__main__":
    main()
