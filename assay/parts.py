"""Receivers, API and pages, in one process or apart, with a worker process beside them or without.

``assay serve`` runs all on one machine; ``assay collect``, ``assay api`` and ``assay work`` run
apart, many of each, against one PostgreSQL.
"""

import asyncio
import contextlib
import signal
import socket
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
from assay.work_process import WorkProcess, keep
from assay.worker import FirstOrders
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


class Part(Enum):
    """What a process may be there for."""

    COLLECT = auto()
    API = auto()


def read(settings: Settings, *, whole: bool) -> tuple[Files, Sequence[Channel], Post]:
    """What our files and settings say, of a ``whole`` installation also where alerts go.

    To be read before anything is made. Raises CannotStart.
    """
    return read_files(settings), set_up() if whole else [], set_up_digest(settings)


def run(settings: Settings, parts: frozenset[Part], process: WorkProcess | None = None) -> None:
    """Run these parts until SIGINT or SIGTERM; then drain. Raises CannotStart.

    With a process to work in, whatever else belongs to a whole installation is done here too.
    """
    files, through, post = read(settings, whole=process is not None)
    database = open_database(settings)
    with contextlib.ExitStack() as held:
        held.callback(database.close)
        collects, answers = Part.COLLECT in parts, Part.API in parts
        check_exposure(settings, database, sends=collects, reads=answers)
        otlp = held.enter_context(listen("--otlp-http", settings.otlp_http)) if collects else None
        http = held.enter_context(listen("--http", settings.http)) if answers else None
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            running = _run(settings, database, files, process, through, post, otlp=otlp, http=http)
            runner.run(running)


async def _run(
    settings: Settings,
    database: Database,
    files: Files,
    process: WorkProcess | None,
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
        parts = {"api": http is not None, "collect": otlp is not None}
        part = ",".join(name for name, here in parts.items() if here)
        sources = metric_sources.receivers(meters) if otlp is not None else {}
        running.enter_context(telemetry.telling_if(tells, part, sources))
        # Ended in the opposite order: the worker last, when nothing more can be accepted.
        if process is not None:
            texts = files.prices.text, files.thresholds.text
            orders = FirstOrders(settings.url, *texts, tells)
            await running.enter_async_context(_working(process, orders))
        if http is not None:
            app = _api(settings, database, files)
            await running.enter_async_context(serving(app, http))
        if otlp is not None:
            await running.enter_async_context(_receivers(settings, database, otlp, meters))
        if process is not None:
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
async def _working(process: WorkProcess, orders: FirstOrders) -> AsyncIterator[None]:
    stopping = asyncio.Event()
    keeping = asyncio.create_task(keep(process, orders, stopping))
    try:
        yield
    finally:
        stopping.set()
        await keeping
