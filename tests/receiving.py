"""Both receivers as real servers inside the test's own process, on ports of their own."""

import asyncio
import socket
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from assay.listening import receiving as receiving_options
from assay.listening import serving
from collector.limits import Limits
from collector.receive_grpc import grpc_server
from collector.receive_http import HttpReceiver
from collector.spool import Room, Spool
from store.access import Gate
from store.engine import Database
from tests.filling import RECEIVED_AT

LIMITS = Limits(body=100_000, unpacked=1_000_000)


@dataclass(frozen=True)
class Running:
    """Servers that listen, and the database behind them."""

    http: str
    grpc: str
    database: Database


@contextmanager
def receiving(
    database: Database,
    gate: Gate | None = None,
    room: Room = Room(),  # noqa: B008
    limits: Limits = LIMITS,
    connections: int = 100,
) -> Iterator[Running]:
    """Receive over HTTP and gRPC until the block ends."""
    gate = gate or Gate(database, open_without=True)
    spool = Spool(database, lambda: RECEIVED_AT, room=room)
    spool.start()
    listener = socket.create_server(("127.0.0.1", 0))
    with socket.create_server(("127.0.0.1", 0)) as free:
        grpc_port = free.getsockname()[1]
    started, ending = threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        app = HttpReceiver(spool, gate, limits)
        over_grpc = grpc_server(f"127.0.0.1:{grpc_port}", spool, gate, limits)
        await over_grpc.start()
        async with serving(app, listener, **receiving_options(connections)):
            started.set()
            await ending.wait()
            await over_grpc.stop(None)

    with ThreadPoolExecutor() as pool:
        done = pool.submit(asyncio.run, serve())
        started.wait(30)
        try:
            yield Running(
                f"http://127.0.0.1:{listener.getsockname()[1]}",
                f"127.0.0.1:{grpc_port}",
                database,
            )
        finally:
            loops[0].call_soon_threadsafe(ending.set)
        done.result()
    spool.stop()
    listener.close()


@contextmanager
def locked(database: Database) -> Iterator[sqlite3.Connection]:
    """Another program that is writing, until the block ends or it is told otherwise."""
    path = database.arrivals.engine.url.database
    assert path is not None
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


def hurried(raw: Any, _record: object) -> None:
    """Listens to ``connect``: what is locked is not waited for."""
    raw.execute("PRAGMA busy_timeout = 30")
