"""The API over a database, served by a process of its own and asked from beside it.

``python -m bench.served DATABASE PORT``: the application of the tests, whose clock stands still,
behind the server that ``assay api`` runs.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path

import httpx
from sqlalchemy import select

from assay import cycles
from assay.listening import listen, serving
from assay.settings import Address
from bench.process import fetch, free_ports, started
from domain.weeks import week_of
from store import outcomes
from store import tables as t
from store.engine import Database
from tests.api.answering import NOW, client

_EVERY = 10


def main() -> None:
    """Serve until a signal comes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("database")
    parser.add_argument("port", type=int)
    parser.add_argument("--closed", action="store_true", help="answer nobody without a token")
    told = parser.parse_args()
    host = f"127.0.0.1:{told.port}"
    http = client(Database(told.database), open_without=not told.closed, host=host)
    cycles.look_rarely(cycles.ANSWERING)
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(http.app, told.port))


async def _serve(app: object, port: int) -> None:
    listener = listen("port", Address("127.0.0.1", port))
    async with serving(app, listener):
        await asyncio.Event().wait()


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Milliseconds of each request but the first: waited for, and of the server's processor."""

    first: float
    waited: list[float]
    worked: list[float]

    def cells(self) -> list[str]:
        """First, median and p99 of the waits, median and p99 of the work."""
        told = (self.first, *_spread(self.waited), *_spread(self.worked))
        return [f"{ms:.0f}" for ms in told]


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A server of the API that answers, and the database that it reads."""

    http: httpx.Client
    pid: int
    write: Callable[[], None]

    def timed(self, path: str, times: int) -> tuple[Times, httpx.Response]:
        """Ask once, and then so many times; a session is concluded anew before every tenth."""
        waited, worked = [], []
        for number in range(times + 1):
            if number % _EVERY == 1:
                self.write()
            cpu, begun = _cpu_ms(self.pid), time.perf_counter()
            answer = self.http.get(path)
            waited.append((time.perf_counter() - begun) * 1000)
            worked.append(_cpu_ms(self.pid) - cpu)
            if answer.status_code != 200:
                raise SystemExit(f"{path}: {answer.text}")
        return Times(first=waited[0], waited=waited[1:], worked=worked[1:]), answer


@contextmanager
def served(database: Database, *, token: str | None = None) -> Iterator[Served]:
    """Serve a database; with a token to whoever shows one."""
    [port] = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "bench.served", database.url, str(port)]
    command += [] if token is None else ["--closed"]
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    with (
        started(command, lambda: fetch(f"{url}/healthz")) as process,
        httpx.Client(base_url=url, headers=headers, timeout=300) as http,
    ):
        yield Served(http=http, pid=process.pid, write=_concluding(database))


def _concluding(database: Database) -> Callable[[], None]:
    """Conclude a session of the running week anew, by another rule each time."""
    running = select(t.session_outcomes.c.session_pk).where(
        t.session_outcomes.c.week == week_of(NOW)
    )
    with database.reading() as connection:
        pk = connection.execute(running.limit(1)).scalar_one()
        [told] = outcomes.contributions_of(connection, [pk]).values()
    others = cycle(replace(told, standing=told.standing._replace(rule=rule)) for rule in ("a", "b"))

    def conclude() -> None:
        with database.writing() as connection:
            outcomes.keep(connection, [pk], {pk: next(others)})

    return conclude


def _cpu_ms(pid: int) -> float:
    """Of a process, its threads together, so far."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e6


def _spread(told: list[float]) -> tuple[float, float]:
    """The median, and what 99 of 100 stay below."""
    ordered = sorted(told)
    return ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]


if __name__ == "__main__":
    main()
