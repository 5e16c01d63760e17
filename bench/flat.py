"""``python -m bench.flat``: what a record costs from the first million to the fiftieth.

One million records are made and sent again and again, each time as sessions that were never there
before: in all 2,500 sessions a million. After each million everything is folded and concluded, and
what that cost the server's processes is printed, with memory and disk.
"""

import argparse
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import mean

from bench.load import http_requests, over_http
from bench.measured import RECORDS, Measured, measure
from bench.process import Running, end_when_asked, running
from bench.telemetry import bodies

_MILLION = 1_000_000
# Of the first and of the last: one alone is as noisy as the machine.
_COMPARED = 5
_SESSION = re.compile(rb"session\.id\x12\x26\x0a\x24(.{36})")


def main() -> None:
    """Send, and print a line a million."""
    parser = argparse.ArgumentParser(prog="python -m bench.flat", description=__doc__)
    parser.add_argument("--millions", type=int, default=50)
    parser.add_argument("--records", type=int, default=_MILLION, help="in a million")
    parser.add_argument("--beside", type=Path, help="a database that is there already (a file)")
    told = parser.parse_args()
    end_when_asked()
    made = list(bodies(told.records // RECORDS, RECORDS))
    with tempfile.TemporaryDirectory() as folder:
        if told.beside is not None:
            shutil.copy(told.beside, Path(folder) / "assay.db")
        with running(Path(folder)) as server:
            server.drain()
            costs = [_told(server, made, number) for number in range(1, told.millions + 1)]
    first, last = mean(costs[:_COMPARED]), mean(costs[-_COMPARED:])
    print(f"first {first:.1f}, last {last:.1f} CPU-s/M: {last / first - 1:+.0%}")


def _told(server: Running, made: Sequence[bytes], number: int) -> float:
    """Send them as those of other sessions; what they cost, which is printed."""
    seen = _sent(server, list(_others(made, number)))
    print(
        f"{number}: {seen.cpu:.1f} CPU-s/M, {seen.settled:,.0f} records/s settled,"
        f" {seen.memory_mb:.0f} MB, {server.disk_bytes() / 1e6:,.0f} MB of disk,"
        f" {seen.elsewhere:.1f} cores elsewhere",
        flush=True,
    )
    return seen.cpu


def _sent(server: Running, requests: Sequence[bytes]) -> Measured:
    send = partial(over_http, server.http, http_requests(requests), limit=3600)
    return measure("", "", server.process.pid, send, server.drain)


def _others(made: Sequence[bytes], number: int) -> Iterator[bytes]:
    """The same records as those of other sessions."""
    for body in made:
        found = _SESSION.search(body)
        if found is None:
            raise ValueError("a body without a session")
        session = found[1]
        other = str(uuid.uuid5(uuid.UUID(session.decode()), str(number))).encode()
        yield body.replace(session, other)


if __name__ == "__main__":
    main()
