"""The processes: receivers, API and pages in one, folding and classifying in another.

``assay serve`` runs all parts on one machine; ``assay collect``, ``assay api`` and ``assay work``
run them apart, many of each, against one PostgreSQL.
"""

import asyncio
import contextlib
import json
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from enum import Enum, auto
from typing import Any

import uvloop

from api.app import create_app
from assay import __version__, cycles, metric_sources, telemetry
from assay.channels import Channel
from assay.digest_sending import delivering
from assay.digest_settings import Post
from assay.digest_settings import set_up as set_up_digest
from assay.learn import learning_daily
from assay.listening import GRACE_SECONDS, listen, receiving, serving, taken
from assay.notifying import notifying, set_up
from assay.opening import check_exposure, open_database
from assay.own_endpoint import wanted
from assay.retention import forgetting
from assay.schedule import reading_on_schedule
from assay.settings import Settings
from assay.sign_in import doors
from assay.welcome import welcome
from assay.wiring import Files, clock, read_files, wired
from collector.limits import Limits
from collector.meters import Receiving
from collector.receive_grpc import grpc_server
from collector.receive_http import HttpReceiver
from collector.spool import Room, Spool
from collector.webhooks import webhook_router
from domain.pseudonym import Pseudonyms
from store import installation
from store.access import Gate
from store.engine import Database

_log = logging.getLogger(__name__)

_DRAIN_SECONDS = 30


class Part(Enum):
    """What a process may be there for."""

    COLLECT = auto()
    API = auto()
    WORK = auto()


def serve(settings: Settings, parts: frozenset[Part] = frozenset(Part)) -> None:
    """Run these parts until SIGINT or SIGTERM; then drain. Raises CannotStart."""
    files = read_files(settings)
    through = set_up() if Part.WORK in parts else []
    post = set_up_digest(settings)
    database = open_database(settings)
    with contextlib.ExitStack() as held:
        held.callback(database.close)
        collects, answers = Part.COLLECT in parts, Part.API in parts
        check_exposure(settings, database, sends=collects, reads=answers)
        otlp = held.enter_context(listen("--otlp-http", settings.otlp_http)) if collects else None
        http = held.enter_context(listen("--http", settings.http)) if answers else None
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            running = _run(settings, database, files, parts, through, post, otlp=otlp, http=http)
            runner.run(running)


async def _run(
    settings: Settings,
    database: Database,
    files: Files,
    parts: frozenset[Part],
    through: Sequence[Channel],
    post: Post,
    *,
    otlp: socket.socket | None,
    http: socket.socket | None,
) -> None:
    receivers = (settings.otlp_http, settings.otlp_grpc) if otlp is not None else ()
    tells = wanted(settings, receivers)
    meters = {"http": Receiving(), "grpc": Receiving()}
    async with AsyncExitStack() as running:
        part = ",".join(sorted(each.name.lower() for each in parts - {Part.WORK}))
        sources = metric_sources.receivers(meters) if otlp is not None else {}
        running.enter_context(telemetry.telling_if(tells, part, sources))
        # Ended in the opposite order: the worker last, when nothing more can be accepted.
        if Part.WORK in parts:
            await running.enter_async_context(_worker(settings.url, files, tells=tells))
        if http is not None:
            app = _api(settings, database, files)
            await running.enter_async_context(serving(app, http))
        if otlp is not None:
            await running.enter_async_context(_receivers(settings, database, otlp, meters))
        if Part.WORK in parts:
            running.enter_context(reading_on_schedule(settings))
            running.enter_context(forgetting(settings, database))
            running.enter_context(learning_daily(settings, database))
            running.enter_context(notifying(database, through, settings.privacy_floor))
            running.enter_context(delivering(wired(settings, database, files), post))
        cycles.look_rarely(cycles.ANSWERING)
        receives, answers = otlp is not None, http is not None
        print(welcome(settings, __version__, receives=receives, answers=answers), flush=True)
        await _until_asked()
        print("\nStopping: what was accepted is being finished. Ctrl-C again leaves it for later.")


async def _until_asked() -> None:
    """Wait for SIGINT or SIGTERM; a second one then ends the process as usual."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked.set)
    await asked.wait()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.remove_signal_handler(number)


@asynccontextmanager
async def _receivers(
    settings: Settings,
    database: Database,
    listener: socket.socket,
    meters: Mapping[str, Receiving],
) -> AsyncIterator[None]:
    limits = Limits(
        body=settings.max_body_bytes,
        unpacked=settings.max_unpacked_bytes,
        attributes=settings.max_attributes,
        nesting=settings.max_nesting,
    )
    room = Room(
        rows=settings.max_inbox_rows,
        free_bytes=settings.min_free_disk_bytes,
        folder=settings.data if settings.database_url is None else None,
    )
    gate = Gate(database, open_without=settings.otlp_http.loopback and settings.otlp_grpc.loopback)
    spool = Spool(database, room=room)
    try:
        grpc = grpc_server(str(settings.otlp_grpc), spool, gate, limits, meters["grpc"])
    except RuntimeError as error:
        raise taken("--otlp-grpc", settings.otlp_grpc, "the port is taken") from error
    spool.start()
    try:
        await grpc.start()
        receiver = HttpReceiver(spool, gate, limits, meters["http"])
        options = receiving(settings.max_connections)
        async with serving(receiver, listener, **options):
            yield
            await grpc.stop(GRACE_SECONDS)
    finally:
        await asyncio.to_thread(spool.stop)


def _api(settings: Settings, database: Database, files: Files) -> Any:
    pseudonyms = Pseudonyms(installation.pseudonym_key(database))
    webhooks = webhook_router(database, pseudonyms, settings.webhook_secrets(), clock)
    wiring = wired(settings, database, files, doors(settings, pseudonyms))
    return create_app(wiring, extra_routers=(webhooks,))


@asynccontextmanager
async def _worker(url: str, files: Files, *, tells: bool) -> AsyncIterator[None]:
    stopping = asyncio.Event()
    keeping = asyncio.create_task(_keep_worker(url, files, stopping, tells=tells))
    try:
        yield
    finally:
        stopping.set()
        await keeping


async def _keep_worker(url: str, files: Files, stopping: asyncio.Event, *, tells: bool) -> None:
    """Run the worker; start it again should it die; wait for it when we end."""
    while True:
        # A process of its own interpreter, not a fork of this one: it holds no port and imports
        # neither servers nor pages. Its orders come through a pipe, see ``assay.worker``.
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "assay.worker"),
            stdin=asyncio.subprocess.PIPE,
            # It can't know where we receive: whether that is where it would tell, we have seen.
            env=None if tells else telemetry.silenced(),
        )
        await _order(process, url)
        await _order(process, json.dumps(files.prices.text))
        await _order(process, json.dumps(files.thresholds.text))
        ended = asyncio.create_task(process.wait())
        asked = asyncio.create_task(stopping.wait())
        await asyncio.wait((ended, asked), return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if stopping.is_set():
            await _order(process, "stop")
            if process.stdin is not None:
                # A worker that is only starting finds the order and the end of the pipe together.
                process.stdin.close()
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
