"""``python -m bench.crash``: kill the server under load, again and again, and count what it kept.

Senders do as exporters do: they send one body after another, the same again until it is
acknowledged, and now and then one that already was. What was acknowledged is otherwise never sent
again, so that whatever is lost stays lost. Meanwhile the server, its worker or both are killed
without warning at random moments, also while they start. At the end each record must have been
counted once. Exits with 1 where it was not.
"""

import argparse
import asyncio
import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import grpc
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from bench.fuzz import books, fold_again
from bench.garbage import CONTENT_TYPES, Captured, Sending, captured, scenarios
from bench.process import Running, fetch, free_ports, tree
from bench.telemetry import bodies
from collector.decode import Encoding
from collector.receive_grpc import SERVICES
from domain.pseudonym import Pseudonyms
from domain.record import Signal
from store import installation
from store.engine import Database

_CAPTURES = Path(__file__).parent.parent / "tests" / "captures"
_SENDERS = 4
_RECORDS = 10
_AGAIN = 0.1
_START_SECONDS = 60
_ENOUGH = 10**9
_TOKENS = ("input_tokens", "cache_read_tokens", "cache_creation_tokens", "output_tokens")
_SUMS = """
    SELECT SUM(requests), SUM(input), SUM(cache_read), SUM(cache_write), SUM(output)
    FROM usage JOIN sessions ON sessions.pk = usage.session_pk
    WHERE usage.rank = sessions.usage_rank AND sessions.session_id IN (SELECT value FROM ours)
"""


@dataclass
class Outcome:
    """What came of a run. ``sent`` is how many bodies each sender got acknowledged."""

    sent: list[int] = field(default_factory=lambda: [0] * _SENDERS)
    told: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


class Server:
    """A server that is started again over the same data, at the same ports."""

    def __init__(self, folder: Path) -> None:
        self.data, self._output = folder / "data", folder / "output"
        self.http, self.grpc, self.api = free_ports(3)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> Running:
        """The server as it runs now."""
        assert self._process is not None
        return Running(self._process, self.http, self.grpc, self.api, self.data)

    def start(self) -> None:
        """Begin to start it."""
        options = ("--otlp-http", "--otlp-grpc", "--http")
        ports = (self.http, self.grpc, self.api)
        listen = [w for o, p in zip(options, ports, strict=True) for w in (o, f"127.0.0.1:{p}")]
        command = [sys.executable, "-m", "assay", "serve", "--data", str(self.data), *listen]
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(command, stdout=output, stderr=output)

    async def answers(self) -> None:
        """Wait until it does."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                await asyncio.to_thread(fetch, f"http://127.0.0.1:{self.api}/v1/status")
                return
            await asyncio.sleep(0.05)
        raise TimeoutError(self._output.read_text())

    async def kill(self, whom: str) -> None:
        """End a part of it as the lack of memory would, or all of it as the lack of power."""
        server, *workers = tree(self.running.process.pid)
        victims = {"all": [*workers, server], "server": [server], "worker": workers}[whom]
        for pid in victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if whom != "worker":
            await asyncio.to_thread(self.running.process.wait)

    def stop(self) -> int:
        """End it as Ctrl-C does; its status."""
        process = self.running.process
        process.send_signal(signal.SIGINT)
        return process.wait(60)

    def log(self) -> str:
        """What it has printed, all its lives together."""
        return self._output.read_text(errors="replace")


class Exporter:
    """Sends one body after another, over HTTP or gRPC."""

    def __init__(self, server: Server, *, over_grpc: bool, outcome: Outcome) -> None:
        self._server = server
        self._over_grpc = over_grpc
        self._outcome = outcome

    async def send(self, signal_of: Signal, encoding: Encoding, body: bytes) -> None:
        """Send until it is acknowledged."""
        while True:
            with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
                async with asyncio.timeout(20):
                    if self._over_grpc and encoding is Encoding.PROTOBUF:
                        acknowledged = await self._call(signal_of, body)
                    else:
                        acknowledged = await self._post(signal_of, encoding, body)
                if acknowledged:
                    return
            self._outcome.told["sent again for want of an answer"] += 1
            await asyncio.sleep(0.05)

    async def _call(self, signal_of: Signal, body: bytes) -> bool:
        options = [("grpc.use_local_subchannel_pool", 1)]
        target = f"127.0.0.1:{self._server.grpc}"
        async with grpc.aio.insecure_channel(target, options=options) as channel:
            call: Any = channel.unary_unary(f"/{SERVICES[signal_of]}/Export")
            try:
                await call(body)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE:
                    self._outcome.wrong.append(f"gRPC answered {error.code()}")
                return False
        return True

    async def _post(self, signal_of: Signal, encoding: Encoding, body: bytes) -> bool:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._server.http)
        head = f"POST /v1/{signal_of} HTTP/1.1\r\nHost: crash\r\nConnection: close\r\n"
        head += f"Content-Type: {CONTENT_TYPES[encoding]}\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        try:
            answer = await reader.readuntil(b"\r\n")
        finally:
            writer.close()
        status = answer.split()[1]
        if status not in (b"200", b"503"):
            self._outcome.wrong.append(f"HTTP answered {status.decode()}")
        return status == b"200"


def made(seed: int, number: int) -> Iterator[bytes]:
    """All that one sender ever sends, the same each time."""
    return bodies(_ENOUGH, _RECORDS, seed * 1000 + number)


async def load(server: Server, outcome: Outcome, seed: int, ending: asyncio.Event) -> None:
    """Send from all senders until told to end, and every capture once."""

    async def one(number: int) -> None:
        exporter = Exporter(server, over_grpc=bool(number % 2), outcome=outcome)
        chance, before = random.Random(seed + number), b""
        for body in made(seed, number):
            if ending.is_set():
                return
            await exporter.send(Signal.LOGS, Encoding.PROTOBUF, body)
            outcome.sent[number] += 1
            if before and chance.random() < _AGAIN:
                await exporter.send(Signal.LOGS, Encoding.PROTOBUF, before)
                outcome.told["sent again although acknowledged"] += 1
            before = body

    async def captures() -> None:
        exporter = Exporter(server, over_grpc=True, outcome=outcome)
        for told in captured_bodies():
            await exporter.send(*told)
            await asyncio.sleep(0.0 if ending.is_set() else 0.05)

    async with asyncio.TaskGroup() as group:
        for number in range(_SENDERS):
            group.create_task(one(number))
        group.create_task(captures())


def captured_bodies() -> list[Captured]:
    """The bodies of all captures."""
    return [body for scenario in scenarios(_CAPTURES) for body in captured(scenario)]


async def crash(server: Server, outcome: Outcome, kills: int, seed: int, life: float) -> None:
    """Kill under load so many times; in the end everything is acknowledged and folded.

    ``life`` is how many seconds it answers at most before the next kill.
    """
    chance = random.Random(seed)
    ending = asyncio.Event()
    server.start()
    sending = asyncio.create_task(load(server, outcome, seed, ending))
    for _ in range(kills):
        if sending.done():
            break
        # Once in a while before it has started at all.
        if starting := chance.random() < 0.1:
            await asyncio.sleep(chance.uniform(0, life))
        else:
            await server.answers()
            await asyncio.sleep(chance.uniform(0.05, life))
        whom = "all" if starting else chance.choices(("all", "server", "worker"), (6, 2, 2))[0]
        await server.kill(whom)
        outcome.told[f"killed while starting: {whom}" if starting else f"killed: {whom}"] += 1
        if whom != "worker":
            server.start()
    await server.answers()
    await asyncio.sleep(1)
    ending.set()
    await sending
    await asyncio.to_thread(server.running.drain)


def run(folder: Path, kills: int, seed: int, life: float = 2) -> Outcome:
    """Crash it, then compare what it counted with what was sent."""
    outcome, server = Outcome(), Server(folder)
    try:
        asyncio.run(crash(server, outcome, kills, seed, life))
        outcome.wrong += server.running.left_out()
        if status := server.stop():
            outcome.wrong.append(f"the server ended with {status}")
    finally:
        with contextlib.suppress(ProcessLookupError):
            for pid in tree(server.running.process.pid):
                os.kill(pid, signal.SIGKILL)
    outcome.wrong += [line for line in server.log().splitlines() if "Traceback" in line]
    _compare_sums(outcome, server.data / "assay.db", seed)
    _compare_books(outcome, server.data / "assay.db", folder, seed)
    return outcome


def _acknowledged(outcome: Outcome, seed: int) -> Iterator[bytes]:
    for number, count in enumerate(outcome.sent):
        yield from islice(made(seed, number), count)


def _compare_sums(outcome: Outcome, path: Path, seed: int) -> None:
    """Requests and tokens as they stand in the bodies, added up without any of our own code."""
    sums, sessions = [0] * 5, set()
    for body in _acknowledged(outcome, seed):
        for record in (
            ExportLogsServiceRequest.FromString(body).resource_logs[0].scope_logs[0].log_records
        ):
            told = {pair.key: pair.value for pair in record.attributes}
            sessions.add(told["session.id"].string_value)
            if told["event.name"].string_value == "api_request":
                tokens = [told[name].int_value for name in _TOKENS]
                sums = [had + new for had, new in zip(sums, (1, *tokens), strict=True)]
    outcome.told["records of the senders"] = sum(outcome.sent) * _RECORDS
    with closing(sqlite3.connect(path)) as database:
        if database.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
            outcome.wrong.append("the database is damaged")
        database.execute("CREATE TEMP TABLE ours (value)")
        database.executemany("INSERT INTO ours VALUES (?)", [(each,) for each in sessions])
        got = database.execute(_SUMS).fetchone()
    if list(got) != sums:
        outcome.wrong.append(f"requests and tokens are {got}, and should be {sums}")


def _compare_books(outcome: Outcome, path: Path, folder: Path, seed: int) -> None:
    """Everything else, against one database in which all of it was folded once and in order."""
    with closing(Database(f"sqlite:///{path}")) as database:
        pseudonyms = Pseudonyms(installation.pseudonym_key(database))

    def sendings() -> Iterator[Sending]:
        for body in _acknowledged(outcome, seed):
            yield _sending((Signal.LOGS, Encoding.PROTOBUF, body))
        yield from map(_sending, captured_bodies())

    got, wanted = books(path), fold_again(folder / "again.db", pseudonyms, sendings())
    outcome.wrong += [
        f"the books differ in {table}: {sorted(set(got[table]) ^ set(rows), key=repr)[:4]}"
        for table, rows in wanted.items()
        # Arrivals, which are counted as often as something is sent.
        if table != "coverage" and got[table] != rows
    ]


def _sending(told: Captured) -> Sending:
    signal_of, encoding, body = told
    return Sending(signal_of, CONTENT_TYPES[encoding], "", body, "", derived=True)


def main() -> None:
    """Run once and print what came of it."""
    parser = argparse.ArgumentParser(prog="python -m bench.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=datetime.now(UTC).toordinal())
    arguments = parser.parse_args()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(Path(folder), arguments.kills, arguments.seed)
    print(f"{sum(outcome.sent):,} requests in {time.perf_counter() - start:.0f} s")
    for what, number in sorted(outcome.told.items()):
        print(f"{what}: {number:,}")
    for sentence in outcome.wrong:
        print("WRONG:", sentence)
    sys.exit(bool(outcome.wrong))


if __name__ == "__main__":
    main()
