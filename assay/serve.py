"""``assay serve``: receivers, API and pages in this process, folding and classifying in another."""

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import uvicorn
import uvloop

from api.app import create_app
from assay import __version__
from assay.opening import CannotStart, check_exposure, open_database
from assay.settings import Address, Settings
from assay.welcome import welcome
from classifier.run import judge_tools, label_as_of
from collector.receive_grpc import grpc_server
from collector.receive_http import HttpReceiver, Limits
from collector.spool import Spool
from collector.webhooks import webhook_router
from domain.pseudonym import Pseudonyms
from store import schema
from store.access import Gate
from store.engine import Database

_log = logging.getLogger(__name__)

_DRAIN_SECONDS = 30
_GRACE_SECONDS = 5


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling: several servers share this loop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to us."""
        yield


def serve(settings: Settings) -> None:
    """Run until SIGINT or SIGTERM; then drain. Raises CannotStart."""
    database = open_database(settings)
    check_exposure(settings, database)
    http = [_listen("--otlp-http", settings.otlp_http), _listen("--http", settings.http)]
    spool = Spool(database)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(settings, database, spool, http))
    finally:
        for listener in http:
            listener.close()
        database.close()


def _listen(option: str, address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address.host, address.port))
    except OSError as error:
        listener.close()
        raise CannotStart(_taken(option, address, error.strerror or str(error))) from error
    return listener


def _taken(option: str, address: Address, reason: str) -> str:
    return (
        f"Cannot listen on {address}: {reason}. Another program may be using the port (another"
        f" assay?); choose one with {option} HOST:PORT."
    )


async def _run(
    settings: Settings,
    database: Database,
    spool: Spool,
    listeners: list[socket.socket],
) -> None:
    limits = Limits(settings.max_body_bytes, settings.max_unpacked_bytes)
    otlp_gate = Gate(
        database, open_without=settings.otlp_http.loopback and settings.otlp_grpc.loopback
    )
    grpc = _grpc(settings.otlp_grpc, spool, otlp_gate, limits)
    spool.start()
    await grpc.start()
    servers = [
        _Server(_config(HttpReceiver(spool, otlp_gate, limits), lifespan="off")),
        _Server(_config(_api(settings, database))),
    ]
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ending.set)
    serving = [
        asyncio.create_task(server.serve([listener]))
        for server, listener in zip(servers, listeners, strict=True)
    ]
    stopping = asyncio.Event()
    keeping = asyncio.create_task(_keep_worker(settings.url, stopping))
    print(welcome(settings, __version__), flush=True)
    await ending.wait()
    print("\nStopping: what was accepted is being finished. Ctrl-C again leaves it for later.")
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.remove_signal_handler(number)
    for server in servers:
        server.should_exit = True
    await asyncio.gather(grpc.stop(_GRACE_SECONDS), *serving)
    await asyncio.to_thread(spool.stop)
    stopping.set()
    await keeping


def _config(app: Any, **options: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        **options,
    )


def _grpc(address: Address, spool: Spool, gate: Gate, limits: Limits) -> Any:
    try:
        return grpc_server(str(address), spool, gate, limits)
    except RuntimeError as error:
        raise CannotStart(_taken("--otlp-grpc", address, "the port is taken")) from error


def _api(settings: Settings, database: Database) -> Any:
    def clock() -> datetime:
        return datetime.now(UTC)

    pseudonyms = Pseudonyms(schema.pseudonym_key(database))
    webhooks = webhook_router(database, pseudonyms, settings.webhook_secrets(), clock)
    return create_app(
        database,
        Gate(database, open_without=settings.http.loopback),
        version=__version__,
        clock=clock,
        labeller=label_as_of,
        judge=judge_tools,
        extra_routers=(webhooks,),
        otlp_http_port=settings.otlp_http.port,
    )


async def _keep_worker(url: str, stopping: asyncio.Event) -> None:
    """Run the worker; start it again should it die; wait for it when we end."""
    while True:
        # A process of its own interpreter, not a fork of this one: it holds no port and imports
        # neither servers nor pages. Its orders come through a pipe, see ``assay.worker``.
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "assay.worker", stdin=asyncio.subprocess.PIPE
        )
        await _order(process, url)
        ended = asyncio.create_task(process.wait())
        asked = asyncio.create_task(stopping.wait())
        await asyncio.wait((ended, asked), return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if stopping.is_set():
            await _order(process, "stop")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ended, _DRAIN_SECONDS)
            return
        _log.error("the worker ended with code %s; starting it again", process.returncode)
        await asyncio.sleep(1)


async def _order(process: asyncio.subprocess.Process, line: str) -> None:
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            process.stdin.write(f"{line}\n".encode())
            await process.stdin.drain()
