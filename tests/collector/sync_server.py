"""A real HTTP server that a provider's API is played on, and all that goes wrong with one.

A provider's test gives ``respond``: from a request to its answer, as the provider would answer. The
server adds ETags and answers 304 where the client already has it, and breaks what it is told to.
``conforms`` is what every provider must pass.
"""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
from sqlalchemy import MetaData, select

from assay.provider_settings import ProviderSettings, variable
from assay.reading import client_of
from assay.sync import Order
from collector.client import Surroundings
from collector.source import Source
from collector.sync import Result, Sync
from store import sync as store
from store.engine import Database
from tests.capturing import PSEUDONYMS

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TOKEN = "a token for tests"
# What says when we looked, and not what there is.
_OF_READING = ("seen_at", "listed_at", "commits_at", "files_at", "version", "last_at")
_NOT_WORK = ("sync_", "coverage", "dirty_", "set_aside", "folded_", "installation", "alembic")


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def page(self, items: list[Any], most: int = 2, size: str = "per_page") -> "Response":
        """One page of a list by ``page`` and ``per_page``, with ``Link`` to the next.

        No more than ``most`` are given at once, so that a short story has pages.
        """
        length = min(most, int(self.query.get(size, 30)))
        number = int(self.query.get("page", 1))
        end = length * number
        headers = {}
        if end < len(items):
            query = "&".join(
                f"{name}={value}" for name, value in ({**self.query, "page": number + 1}).items()
            )
            headers["Link"] = f'<http://{self.headers["host"]}{self.path}?{query}>; rel="next"'
        return Response(items[end - length : end], headers=headers)


@dataclass(frozen=True)
class Response:
    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Respond = Callable[[Request], Response]


class Break:
    """Ways to break an answer."""

    @staticmethod
    def close(handler: BaseHTTPRequestHandler, _response: Response) -> None:
        """Hang up instead of answering (a reset, not an end)."""
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.close_connection = True
        handler.connection.close()

    @staticmethod
    def truncate(handler: BaseHTTPRequestHandler, _response: Response) -> None:
        """Promise more than is sent."""
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        handler.wfile.write(b'[{"id":')
        handler.close_connection = True

    @staticmethod
    def status(code: int, **headers: str) -> "Fault":
        """Answer with this status instead."""

        def answer(handler: BaseHTTPRequestHandler, _response: Response) -> None:
            handler.send_response(code)
            for name, value in headers.items():
                handler.send_header(name.replace("_", "-"), value)
            handler.send_header("Content-Length", "2")
            handler.end_headers()
            handler.wfile.write(b"{}")

        return answer


Fault = Callable[[BaseHTTPRequestHandler, Response], None]


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A client that was killed is no news."""


class SyncServer:
    """The server; ``fault`` says of the n-th request (from 1 on) what breaks it, if anything."""

    def __init__(self, respond: Respond) -> None:
        self.respond = respond
        self.fault: Callable[[int, Request], Fault | None] = lambda _number, _request: None
        self.requests: list[tuple[Request, int]] = []
        self._lock = threading.Lock()
        self._http = _Http(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> "SyncServer":
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def statuses(self) -> list[int]:
        return [status for _, status in self.requests]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Otherwise the body waits 40 ms for the acknowledgement of the headers.
            disable_nagle_algorithm = True

            def log_message(self, *_: Any) -> None:
                pass

            def do_GET(self) -> None:
                server._answer(self)

            do_POST = do_GET  # noqa: N815

        return Handler

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("content-length", 0))
        parts = urlsplit(handler.path)
        request = Request(
            handler.command,
            parts.path,
            dict(parse_qsl(parts.query, keep_blank_values=True)),
            {name.lower(): value for name, value in handler.headers.items()},
            handler.rfile.read(length),
        )
        with self._lock:
            self.requests.append((request, 0))
            number = len(self.requests)
        response = self.respond(request)
        fault = self.fault(number, request)
        if fault is not None:
            fault(handler, response)
            return
        body = response.body if isinstance(response.body, bytes) else _encoded(response.body)
        etag = f'"{sha256(body).hexdigest()[:32]}"'
        status = response.status
        if request.method == "GET" and request.headers.get("if-none-match") == etag:
            status, body = 304, b""
        # Whoever has the answer may look here at once.
        self.requests[number - 1] = (request, status)
        handler.send_response(status)
        told = {"Content-Type": "application/json", "ETag": etag, **response.headers}
        for name, value in (told | {"Content-Length": str(len(body))}).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)


def _encoded(body: Any) -> bytes:
    return json.dumps(body).encode()


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now
        self.slept: list[float] = []

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)


def settings(server: SyncServer, **more: Any) -> ProviderSettings:
    return ProviderSettings.model_validate({"url": server.url, "token": TOKEN} | more)


def synced(
    database: Database, source: Source, server: SyncServer, clock: Clock | None = None, **told: Any
) -> list[Result]:
    """One sync in this process; ``told`` are fields of ``Sync`` and of the provider's settings."""
    clock = clock or Clock()
    own = {name: told.pop(name) for name in list(told) if name in ProviderSettings.model_fields}

    def known(address: str) -> str | None:
        with database.reading() as connection:
            return store.tag(connection, source.name, address)

    around = Surroundings(known=known, clock=clock, sleep=clock.sleep)
    with client_of(source, settings(server, **own), around) as client:
        return Sync(
            database=database,
            source=source,
            client=client,
            pseudonyms=PSEUDONYMS,
            clock=clock,
            **told,
        ).run()


def work(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """All that is known of the work, but for when it was looked at."""
    metadata = MetaData()
    metadata.reflect(database.engine)
    told = {}
    with database.reading() as connection:
        for table in metadata.sorted_tables:
            if table.name.startswith(_NOT_WORK):
                continue
            columns = [c for c in table.columns if not c.name.endswith(_OF_READING)]
            rows = sorted(map(tuple, connection.execute(select(*columns))), key=repr)
            if rows:
                told[table.name] = rows
    return told


def errors(results: list[Result]) -> list[Result]:
    return [result for result in results if result.error]


def conforms(source: Source, respond: Respond, fresh: Any, **told: Any) -> None:
    """What every provider must pass, over a story of some pages.

    ``fresh`` opens empty databases (the fixture), ``told`` names what is read (``wanted=…``) and
    fields of the provider's settings (``user=…``).
    """
    with fresh() as plain, SyncServer(respond) as server:
        assert errors(synced(plain, source, server, **told)) == []
        everything, asked = work(plain), len(server.requests)
        assert everything
        assert {request.headers["authorization"] for request, _ in server.requests} != {""}
        _nothing_new(plain, source, server, everything, asked, told)
    _patient(source, respond, fresh, everything, told)
    _resumable(source, respond, fresh, everything, told)


def _nothing_new(
    database: Database,
    source: Source,
    server: SyncServer,
    everything: Any,
    asked: int,
    told: Mapping[str, Any],
) -> None:
    """A second sync changes nothing and asks for less."""
    server.requests.clear()
    assert errors(synced(database, source, server, **told)) == []
    assert work(database) == everything
    assert len(server.requests) < asked


def _patient(
    source: Source, respond: Respond, fresh: Any, everything: Any, told: Mapping[str, Any]
) -> None:
    """Whatever breaks every third request, all of it arrives, and limits are waited out."""
    faults = (
        Break.status(502),
        Break.status(429, Retry_After="17"),
        Break.close,
        Break.status(503),
        Break.truncate,
        Break.status(429, Retry_After="Sun, 22 Nov 2026 20:00:00 GMT"),
    )
    with fresh() as database, SyncServer(respond) as server:
        server.fault = lambda number, _: (
            faults[number // 3 % len(faults)] if number % 3 == 0 else None
        )
        clock = Clock(datetime(2026, 11, 22, 19, 59, tzinfo=UTC))
        assert errors(synced(database, source, server, clock, **told)) == []
        assert work(database) == everything
        assert 17 in clock.slept


def _resumable(
    source: Source, respond: Respond, fresh: Any, everything: Any, told: Mapping[str, Any]
) -> None:
    """A process that is killed at any request leaves what the next one completes."""
    with fresh() as database, SyncServer(respond) as server:
        with database.writing() as connection:
            _share_key(connection)
        killed = 0
        for number in (5, 9, 14, 23):
            server.requests.clear()
            with _process(database, source, server, told) as process:
                server.fault = _killing(process, number)
                killed += process.wait() == -signal.SIGKILL
        assert killed
        server.fault = lambda _number, _request: None
        with _process(database, source, server, told) as process:
            assert process.wait() == 0
        assert work(database) == everything


def _share_key(connection: Any) -> None:
    """Let a process make the pseudonyms that this one makes."""
    table = MetaData()
    table.reflect(connection, only=["installation"])
    connection.execute(
        table.tables["installation"].update().values(pseudonym_key=b"0123456789abcdef")
    )


def _killing(process: "subprocess.Popen[bytes]", number: int) -> Callable[[int, Request], None]:
    def fault(at: int, _request: Request) -> None:
        if at == number:
            process.kill()
            process.wait()

    return fault


@contextmanager
def _process(
    database: Database, source: Source, server: SyncServer, told: Mapping[str, Any]
) -> Iterator["subprocess.Popen[bytes]"]:
    own = {"url": server.url, "token": TOKEN, **told}
    clean = {k: v for k, v in os.environ.items() if not k.startswith("ASSAY_")}
    given = {
        variable(source.name, name): str(value)
        for name, value in own.items()
        if name in ProviderSettings.model_fields
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "assay.syncing"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env=clean | given,
    )
    assert process.stdin is not None
    order = Order(
        database_url=database.url,
        provider=source.name,
        names=tuple(told.get("wanted", ())),
        quiet=True,
    )
    try:
        process.stdin.write(msgspec.json.encode(order) + b"\n")
        process.stdin.flush()
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
