"""``python -m bench.fuzz``: garbage over HTTP and gRPC to a real server, and what must come of it.

No answer of 500 or above but a deliberate 503, no crash, no growth; everything acknowledged is
folded or set aside; and the books hold exactly what the acknowledged bodies say when they are
folded one after another in another database. Exits with 1 where any of this is not so.
"""

import argparse
import asyncio
import contextlib
import random
import re
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import grpc
from rich.console import Console
from rich.table import Table

from bench.garbage import CONTENT_TYPES, Captured, Garbage, Sending, captured, scenarios
from bench.process import Running, fetch, free_ports, started, tree
from collector.admission import admit
from collector.decode import Encoding
from collector.inflate import inflate
from collector.ingest import ingest
from collector.limits import DEFAULT
from collector.receive_grpc import SERVICES
from collector.spool import pack_otlp
from domain.pseudonym import Pseudonyms
from store import inbox, installation, migrating
from store.engine import Database
from store.inbox import Incoming

_CAPTURES = Path(__file__).parent.parent / "tests" / "captures"
_SENDERS = 4
_ANSWER_SECONDS = 60
_DELIBERATE = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.UNIMPLEMENTED,
}
# Everything that telemetry is folded into, but for what depends on when it arrived.
_BOOKS = {
    "sessions": "*",
    "usage": "*",
    "session_counts": "*",
    "session_traces": "*",
    "session_families": "*",
    "context_sizes": "*",
    "contexts": "*",
    "repeated": "*",
    "request_spans": "*",
    "series": "*",
    "coverage": "tool, signal, name, outcome, records",
}
# Sessions and their ties without their times: a counter that falls, as none of a tool's does, tells
# that its session was there only if the readings come in separate batches, and a reading that comes
# before those it follows may lengthen its session (``collector.growth``).
_TIMELESS = {
    "sessions": "pk, tool, session_id, installation, usage_rank, active, token_rank",
    "session_traces": "session_pk, trace, value",
}
# Of all processes, in the second half of a run: caches are nearly full by the middle.
_GROWTH_MB = 30
_LOOKS = 8
# With all its frames and what it ends with.
_TRACEBACK = re.compile(r"^Traceback.*\n(?: .*\n)*.*", re.MULTILINE)


@dataclass
class Outcome:
    """What came of a run. ``wrong`` are sentences, one for each thing that must not be."""

    answers: Counter[tuple[str, str]] = field(default_factory=Counter)
    acknowledged: list[bytearray] = field(default_factory=list)
    memory_mb: list[tuple[float, ...]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


class Sender:
    """One connection of each protocol; sends one body after another, so their order is known."""

    def __init__(self, server: Running, channel: grpc.aio.Channel) -> None:
        self._server = server
        self._channel = channel
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def send(self, made: Sending) -> str:
        """How it was answered: an HTTP status, or the name of gRPC's."""
        async with asyncio.timeout(_ANSWER_SECONDS):
            return await (self._over_grpc(made) if made.over_grpc else self._over_http(made))

    async def _over_grpc(self, made: Sending) -> str:
        service = SERVICES[made.signal] if made.signal else "no.such.Service"
        call: Any = self._channel.unary_unary(f"/{service}/Export")
        try:
            await call(made.body)
        except grpc.aio.AioRpcError as error:
            code = error.code()
            return code.name if code in _DELIBERATE else f"{code.name}!"
        return "OK"

    async def _over_http(self, made: Sending) -> str:
        if self._writer is None or self._writer.is_closing():
            self._reader, self._writer = await asyncio.open_connection(
                "127.0.0.1", self._server.http
            )
        head = f"POST {made.path} HTTP/1.1\r\nHost: fuzz\r\nContent-Type: {made.content_type}\r\n"
        if made.coding:
            head += f"Content-Encoding: {made.coding}\r\n"
        head += f"Content-Length: {len(made.body)}\r\n\r\n"
        self._writer.write(head.encode() + made.body)
        assert self._reader is not None
        answer = await self._reader.readuntil(b"\r\n\r\n")
        told = answer.decode("latin-1").lower()
        length = int(told.partition("content-length: ")[2].partition("\r\n")[0])
        await self._reader.readexactly(length)
        status = told.split()[1]
        deliberate = status == "503" and "retry-after" in told
        return f"{status}!" if status >= "500" and not deliberate else status

    async def be_odd(self, chance: random.Random) -> str:
        """What is no request at all, or only the beginning of one."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._server.http)
        head = b"POST /v1/logs HTTP/1.1\r\nContent-Type: application/json\r\n"
        writer.write(
            chance.choice(
                (
                    chance.randbytes(300),
                    head + b"Content-Length: 99\r\n\r\n{",
                    head + b"Content-Length: -1\r\n\r\n{}",
                    head + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
                    head + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{}",
                    head + b"Content-Length: 2\r\nContent-Length: 7\r\n\r\n{}",
                    b"GET " + b"/" * 70_000 + b" HTTP/1.1\r\n\r\n",
                    b"POST /%ff%00\xff HTTP/1.1\r\n\r\n",
                    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                    head + b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
                )
            )
        )
        told = b""
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(0.05):
                told = await reader.read(100)
        writer.close()
        return told.split()[1].decode() if told.startswith(b"HTTP/1.1 ") else "no answer"


def shares(sources: Sequence[Path]) -> list[list[Captured]]:
    """The captures of each sender: a session has one sender, so that its order is known."""
    return [
        [body for scenario in sources[start::_SENDERS] for body in captured(scenario)]
        for start in range(_SENDERS)
    ]


def garbage(seed: int, number: int, share: Sequence[Captured], count: int) -> Iterator[Sending]:
    """What one sender sends, the same each time."""
    return islice(Garbage(seed * _SENDERS + number, share), count)


async def send_all(
    server: Running, outcome: Outcome, seed: int, parts: list[list[Captured]], count: int
) -> None:
    """Send so many bodies from each sender, and keep which of them were acknowledged."""
    target = f"127.0.0.1:{server.grpc}"
    options = [("grpc.use_local_subchannel_pool", 1)]

    async def one(number: int, acknowledged: bytearray) -> None:
        chance = random.Random(number)
        async with grpc.aio.insecure_channel(target, options=options) as channel:
            sender = Sender(server, channel)
            for made in garbage(seed, number, parts[number], count):
                answered = await sender.send(made)
                outcome.answers[made.kind, answered] += 1
                acknowledged.append(answered in ("200", "OK"))
                if chance.random() < 0.01:
                    outcome.answers["no request", await sender.be_odd(chance)] += 1

    async def watch() -> None:
        while True:
            done = sum(map(len, outcome.acknowledged))
            if done >= len(parts) * count * (len(outcome.memory_mb) + 1) / _LOOKS:
                outcome.memory_mb.append(memory_mb(server))
            await asyncio.sleep(0.2)

    watching = asyncio.create_task(watch())
    async with asyncio.TaskGroup() as group:
        for number in range(len(parts)):
            outcome.acknowledged.append(bytearray())
            group.create_task(one(number, outcome.acknowledged[number]))
    watching.cancel()


def memory_mb(server: Running) -> tuple[float, ...]:
    """What each process of the server holds now, shared pages counted in each."""
    pages = [Path(f"/proc/{pid}/statm").read_text().split()[1] for pid in tree(server.process.pid)]
    return tuple(int(each) * 4096 / 1e6 for each in pages)


def rows_of(made: Sending) -> Incoming:
    """The inbox row of a body that was acknowledged."""
    content_type = made.content_type.partition(";")[0]
    encoding = next(each for each, told in CONTENT_TYPES.items() if told == content_type)
    encoding = Encoding.PROTOBUF if made.over_grpc else encoding
    body = inflate(made.coding, made.body, DEFAULT.unpacked)
    admitted = admit(made.signal, encoding, body, DEFAULT)
    return pack_otlp(admitted.signal, encoding, admitted.body, datetime.now(UTC))


def fold_again(
    path: Path, pseudonyms: Pseudonyms, acknowledged: Iterator[Sending], *, timeless: bool = False
) -> dict[str, list[tuple[Any, ...]]]:
    """The books of another database after these bodies, one after another."""
    with closing(Database(f"sqlite:///{path}")) as database:
        migrating.migrate(database, datetime.now(UTC))
        while held := [rows_of(made) for made in islice(acknowledged, 256)]:
            with database.arrivals.writing() as connection:
                inbox.put(connection, held)
            while ingest(database, pseudonyms):
                pass
    return books(path, timeless=timeless)


def books(path: Path, *, timeless: bool = False) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that telemetry was folded into; of sessions the times too, unless ``timeless``."""
    wanted = _BOOKS | (_TIMELESS if timeless else {})
    with closing(sqlite3.connect(path)) as database:
        told = {
            table: sorted(database.execute(f"SELECT {columns} FROM {table}"), key=repr)
            for table, columns in wanted.items()
        }
        seen = database.execute("SELECT session_pk, hour, keys FROM seen")
        told["seen"] = sorted(
            (session, hour, *sorted(keys[i : i + 8] for i in range(0, len(keys), 8)))
            for session, hour, keys in seen
        )
    return told


def run(folder: Path, bodies: int, seed: int, sources: Sequence[Path]) -> Outcome:
    """Start a server, send everything, and look at what came of it."""
    outcome, parts = Outcome(), shares(sources)
    count = bodies // len(parts)
    data, output = folder / "data", folder / "output"
    http, over_grpc, api = ports = free_ports(3)
    options = ("--otlp-http", "--otlp-grpc", "--http")
    listen = [w for o, p in zip(options, ports, strict=True) for w in (o, f"127.0.0.1:{p}")]
    command = [sys.executable, "-m", "assay", "serve", "--data", str(data), *listen]
    environment = {"PYTHONPATH": str(Path.cwd()), "PATH": ""}
    status = f"http://127.0.0.1:{api}/v1/status"
    with started(command, lambda: fetch(status), environment, folder) as process:
        server = Running(process, http, over_grpc, api, data)
        asyncio.run(send_all(server, outcome, seed, parts, count))
        server.drain()
        outcome.memory_mb.append(memory_mb(server))
        outcome.wrong += server.left_out()
        if process.poll() is not None:
            outcome.wrong.append("the server has ended")
    if process.returncode:
        outcome.wrong.append(f"the server ended with {process.returncode}")
    _judge(outcome, output.read_text(errors="replace"))
    _compare(outcome, folder, seed, parts, count)
    return outcome


def grown_mb(looks: Sequence[tuple[float, ...]]) -> float:
    """By how much all processes have grown between the second quarter of a run and the last.

    Of each quarter the least counts: what a large body takes is given back, what leaks is not.
    """
    quarter = max(len(looks) // 4, 1)
    early, late = looks[quarter : 2 * quarter], looks[-quarter:]
    return min(map(sum, late)) - min(map(sum, early), default=0)


def _judge(outcome: Outcome, output: str) -> None:
    wrong = {
        f"{kind}: {answer}": n for (kind, answer), n in outcome.answers.items() if "!" in answer
    }
    wrong |= {
        f"{kind}: {answer}": n for (kind, answer), n in outcome.answers.items() if answer == "500"
    }
    outcome.wrong += [f"{number} answers {what}" for what, number in wrong.items()]
    grown = grown_mb(outcome.memory_mb)
    if grown > _GROWTH_MB:
        outcome.wrong.append(f"memory has grown by {grown:.0f} MB in the second half")
    lines = [line for line in output.splitlines() if " ERROR " in line]
    outcome.wrong += [f"in the log: {line}" for line in sorted(set(lines))[:20]]
    outcome.wrong += [f"in the log: {told}" for told in sorted(set(_TRACEBACK.findall(output)))]


def _compare(
    outcome: Outcome, folder: Path, seed: int, parts: list[list[Captured]], count: int
) -> None:
    def acknowledged(*, derived: bool) -> Iterator[Sending]:
        for number, (part, kept) in enumerate(zip(parts, outcome.acknowledged, strict=True)):
            for made, taken in zip(garbage(seed, number, part, count), kept, strict=True):
                if taken and (made.derived or not derived):
                    yield made

    with closing(Database(f"sqlite:///{folder / 'data' / 'assay.db'}")) as database:
        pseudonyms = Pseudonyms(installation.pseudonym_key(database))
    got = books(folder / "data" / "assay.db", timeless=True)
    sent = acknowledged(derived=False)
    wanted = fold_again(folder / "again.db", pseudonyms, sent, timeless=True)
    outcome.wrong += [
        f"the books differ in {table}: {sorted(set(got[table]) ^ set(rows), key=repr)[:4]}"
        for table, rows in wanted.items()
        if got[table] != rows
    ]
    sent = acknowledged(derived=True)
    without = fold_again(folder / "without.db", pseudonyms, sent, timeless=True)
    if any(without[table] != rows for table, rows in wanted.items() if table != "coverage"):
        outcome.wrong.append("something was counted that no capture holds")


def main() -> None:
    """Run once and print what came of it."""
    parser = argparse.ArgumentParser(prog="python -m bench.fuzz", description=__doc__)
    parser.add_argument("--bodies", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(Path(folder), arguments.bodies, arguments.seed, scenarios(_CAPTURES))
    seconds = time.perf_counter() - start
    told = Table("what", "answers", title=f"{arguments.bodies} bodies in {seconds:.0f} s")
    for kind in sorted({kind for kind, _ in outcome.answers}):
        of_kind = sorted((a, n) for (k, a), n in outcome.answers.items() if k == kind)
        told.add_row(kind, ", ".join(f"{answer}: {number:,}" for answer, number in of_kind))
    memory = ", ".join("+".join(f"{each:.0f}" for each in all_) for all_ in outcome.memory_mb)
    told.add_row("memory meanwhile, each process, MB", memory)
    told.add_row("acknowledged", f"{sum(map(sum, outcome.acknowledged)):,}")
    Console().print(told)
    for sentence in outcome.wrong:
        print("WRONG:", sentence)
    sys.exit(bool(outcome.wrong))


if __name__ == "__main__":
    main()
