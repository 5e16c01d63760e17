"""Ports: taken before anything starts, so that a taken one is said at once and plainly."""

import asyncio
import contextlib
import resource
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from assay.connection import BoundedConnection
from assay.opening import CannotStart
from assay.settings import Address

GRACE_SECONDS = 5
# Exporters send every five or ten seconds, over the connection of before: were it closed just when
# they do, some would lose what they send.
_KEEP_ALIVE_SECONDS = 20
# Of this process, beside connections: database, gRPC, pages.
_OTHER_FILES = 512


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling: several servers share this loop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to us."""
        yield


def listen(option: str, address: Address) -> socket.socket:
    """A socket bound to this address; CannotStart where it can't be had."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    # Where the socket does not say that it is of TCP, asyncio leaves Nagle's algorithm on: the body
    # of an answer then waits for the other side to acknowledge its headers, often 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address.host, address.port))
    except OSError as error:
        listener.close()
        raise taken(option, address, error.strerror or str(error)) from error
    return listener


def taken(option: str, address: Address, reason: str) -> CannotStart:
    """Why nothing can listen there."""
    return CannotStart(
        f"Cannot listen on {address}: {reason}. Another program may be using the port (another"
        f" assay?); choose one with {option} HOST:PORT."
    )


def receiving(connections: int) -> dict[str, Any]:
    """Options of ``serving`` for a receiver of at most so many connections at once."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _OTHER_FILES
    if soft < wanted and soft != resource.RLIM_INFINITY:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        connections = max(min(connections, soft - _OTHER_FILES), 1)
    return {
        "lifespan": "off",
        # Who sends is told by keys: where a proxy stands in between is of no interest.
        "proxy_headers": False,
        # An upgrade to a WebSocket is none of our business: it is answered as what it is, a GET.
        "ws": "none",
        # It counts the connection that asks.
        "limit_concurrency": connections + 1,
        "timeout_keep_alive": _KEEP_ALIVE_SECONDS,
    }


@asynccontextmanager
async def serving(app: Any, listener: socket.socket, **options: Any) -> AsyncIterator[None]:
    """Serve an ASGI application on this socket; at the end, what was begun is finished."""
    config = uvicorn.Config(
        app,
        http=BoundedConnection,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        **options,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve([listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await task
