"""OTLP over HTTP: what is acknowledged is durable, and every refusal says what to do."""

import asyncio
import gzip
import json
import sqlite3
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
import zstandard
from google.rpc.code_pb2 import Code
from google.rpc.status_pb2 import Status
from sqlalchemy import event

from collector.decode import Encoding
from collector.limits import Limits
from collector.receive_http import HttpReceiver, Message, Receive, Send
from collector.spool import Spool, unpack_otlp
from domain.record import Signal
from store import access, inbox
from store.access import Gate, Role
from store.engine import Database
from tests.capturing import CAPTURES
from tests.filling import RECEIVED_AT, bodies

LIMITS = Limits(body=100_000, unpacked=1_000_000)
JSON, PROTOBUF = "application/json", "application/x-protobuf"
LOGS = b'{"resourceLogs": []}'
CAPTURED = bodies(CAPTURES / "claude-code" / "01-simple-http-protobuf")[0][2]


@pytest.fixture
def database(embedded: Database) -> Database:
    """One that another program can lock."""
    return embedded


@pytest.fixture
def spool(database: Database) -> Iterator[Spool]:
    # Nobody waits fifteen seconds for a locked database here.
    event.listen(database.engine, "connect", lambda raw, _: raw.execute("PRAGMA busy_timeout = 30"))
    writing = Spool(database, lambda: RECEIVED_AT)
    writing.start()
    yield writing
    writing.stop()


@pytest.fixture
def receiver(spool: Spool, database: Database) -> HttpReceiver:
    return HttpReceiver(spool, Gate(database, open_without=True), LIMITS)


def post(
    receiver: Any,
    content: "bytes | AsyncIterator[bytes]" = LOGS,
    content_type: str | None = JSON,
    path: str = "/v1/logs",
    method: str = "POST",
    **headers: str,
) -> httpx.Response:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    if content_type is not None:
        told["content-type"] = content_type

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app=receiver)
        async with httpx.AsyncClient(transport=transport, base_url="http://collector") as client:
            return await client.request(method, path, content=content, headers=told)

    return asyncio.run(send())


def held(database: Database) -> list[tuple[Signal, Encoding, bytes]]:
    with database.arrivals.reading() as connection:
        return [unpack_otlp(row.incoming) for row in inbox.oldest(connection, 100)]


def refused(response: httpx.Response) -> tuple[int, int]:
    """HTTP status and the code of the google.rpc.Status in the answer's own encoding."""
    if response.headers["content-type"] == PROTOBUF:
        status = Status.FromString(response.content)
        assert status.message
        return response.status_code, status.code
    assert response.headers["content-type"] == JSON
    told = json.loads(response.content)
    assert told["message"]
    return response.status_code, told["code"]


# Acknowledged


@pytest.mark.parametrize(
    "content_type", [PROTOBUF, "application/protobuf", "Application/X-Protobuf; v=1"]
)
def test_protobuf_is_kept_and_answered_in_protobuf(
    receiver: HttpReceiver, database: Database, content_type: str
) -> None:
    response = post(receiver, CAPTURED, content_type)
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-type"] == PROTOBUF
    assert held(database) == [(Signal.LOGS, Encoding.PROTOBUF, CAPTURED)]


@pytest.mark.parametrize("content_type", [JSON, "application/json; charset=utf-8"])
def test_json_is_kept_and_answered_in_json(
    receiver: HttpReceiver, database: Database, content_type: str
) -> None:
    response = post(receiver, LOGS, content_type)
    assert (response.status_code, response.content) == (200, b"{}")
    assert response.headers["content-type"] == JSON
    assert held(database) == [(Signal.LOGS, Encoding.JSON, LOGS)]


@pytest.mark.parametrize("path", ["/v1/logs", "/v1/logs/", "/team/payments/v1/logs", "/logs"])
def test_exporters_may_put_any_prefix_before_the_signal(
    receiver: HttpReceiver, database: Database, path: str
) -> None:
    assert post(receiver, path=path).status_code == 200
    assert held(database) == [(Signal.LOGS, Encoding.JSON, LOGS)]


@pytest.mark.parametrize("signal", Signal)
def test_each_signal_has_its_path(
    receiver: HttpReceiver, database: Database, signal: Signal
) -> None:
    assert post(receiver, b"{}", path=f"/v1/{signal}").status_code == 200
    assert held(database) == [(signal, Encoding.JSON, b"{}")]


def zstd(body: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(body)


def _raw(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("gzip", gzip.compress(CAPTURED, mtime=0)),
        ("x-gzip", gzip.compress(CAPTURED, mtime=0)),
        ("GZIP", gzip.compress(CAPTURED, mtime=0)),
        ("gzip", gzip.compress(CAPTURED[:99], mtime=0) + gzip.compress(CAPTURED[99:], mtime=0)),
        ("deflate", zlib.compress(CAPTURED)),
        ("deflate", _raw(CAPTURED)),
        ("zstd", zstd(CAPTURED)),
        ("zstd", zstd(CAPTURED[:99]) + zstd(CAPTURED[99:])),
        ("gzip, identity", gzip.compress(CAPTURED, mtime=0)),
        ("identity", CAPTURED),
        ("", CAPTURED),
    ],
    ids=["gzip", "x-gzip", "GZIP", "members", "zlib", "raw", "zstd", "frames", *"123"],
)
def test_a_compressed_request_is_kept_as_what_it_was(
    receiver: HttpReceiver, database: Database, coding: str, packed: bytes
) -> None:
    assert post(receiver, packed, PROTOBUF, content_encoding=coding).status_code == 200
    assert held(database) == [(Signal.LOGS, Encoding.PROTOBUF, CAPTURED)]


async def _chunks(body: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


def test_a_request_in_chunks_is_kept_whole(receiver: HttpReceiver, database: Database) -> None:
    assert post(receiver, _chunks(CAPTURED, 100), PROTOBUF).status_code == 200
    assert held(database) == [(Signal.LOGS, Encoding.PROTOBUF, CAPTURED)]


def test_the_request_is_in_the_inbox_before_the_answer(
    receiver: HttpReceiver, database: Database
) -> None:
    kept: list[int] = []

    async def watched(scope: Message, receive: Receive, send: Send) -> None:
        async def watching(message: Message) -> None:
            kept.append(len(held(database)))
            await send(message)

        await receiver(scope, receive, watching)

    assert post(watched).status_code == 200
    assert kept == [1, 1]


# Refused for good: nothing is kept


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"garbage", PROTOBUF),
        (b"\xff\xff", PROTOBUF),
        (CAPTURED[:-7], PROTOBUF),
        (b"garbage", JSON),
        (LOGS[:-1], JSON),
        (b"[]", JSON),
        (b'{"resourceLogs": "none"}', JSON),
        (CAPTURED, JSON),
    ],
)
def test_what_is_no_otlp_is_400(
    receiver: HttpReceiver, database: Database, body: bytes, content_type: str
) -> None:
    response = post(receiver, body, content_type)
    assert response.headers["content-type"] == content_type
    assert refused(response) == (400, Code.INVALID_ARGUMENT)
    assert held(database) == []


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(LOGS, mtime=0)[:-3]),
        ("gzip", b""),
        ("gzip", LOGS),
        ("gzip", gzip.compress(LOGS, mtime=0) + b"and more"),
        ("gzip", gzip.compress(b"", mtime=0) * 65),
        ("deflate", zlib.compress(LOGS)[:-3]),
        ("deflate", zlib.compress(LOGS) + LOGS),
        ("zstd", LOGS),
        ("zstd", b""),
        ("zstd", zstd(LOGS)[:-3]),
        ("zstd", zstd(LOGS) + LOGS),
        ("zstd", zstd(b"") * 65),
        # A frame that asks its reader for a window of a gigabyte.
        ("zstd", bytes.fromhex("28b52ffd00a0") + zstd(LOGS)[6:]),
    ],
)
def test_what_is_not_of_its_content_encoding_is_400(
    receiver: HttpReceiver, database: Database, coding: str, body: bytes
) -> None:
    assert refused(post(receiver, body, content_encoding=coding)) == (400, Code.INVALID_ARGUMENT)
    assert held(database) == []


@pytest.mark.parametrize("coding", ["br", "compress", "gzip, gzip"])
def test_other_content_encodings_are_415(receiver: HttpReceiver, coding: str) -> None:
    response = post(receiver, content_encoding=coding)
    assert refused(response) == (415, Code.INVALID_ARGUMENT)
    assert response.headers["accept-encoding"] == "gzip, deflate, zstd"


def test_tokens_decide_who_may_send(spool: Spool, database: Database) -> None:
    with database.writing() as connection:
        _, sender = access.create(connection, "", Role.INGEST, RECEIVED_AT)
        _, viewer = access.create(connection, "", Role.VIEWER, RECEIVED_AT)
    receiver = HttpReceiver(spool, Gate(database, open_without=True))
    for header in ("", "Bearer", "Bearer nonsense", f"Basic {sender}", sender):
        response = post(receiver, authorization=header)
        assert refused(response) == (401, Code.UNAUTHENTICATED)
        assert response.headers["www-authenticate"] == "Bearer"
    response = post(receiver, authorization=f"Bearer {viewer}")
    assert refused(response) == (403, Code.PERMISSION_DENIED)
    assert held(database) == []
    assert post(receiver, authorization=f"bearer {sender}").status_code == 200


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/profiles", "/v1/logs/more", "/v1/Logs"])
@pytest.mark.parametrize(("body", "content_type"), [(b"{}", JSON), (b"", PROTOBUF)])
def test_other_paths_are_404_where_the_body_does_not_tell_its_signal(
    receiver: HttpReceiver, database: Database, path: str, body: bytes, content_type: str
) -> None:
    assert refused(post(receiver, body, content_type, path)) == (404, Code.NOT_FOUND)
    assert held(database) == []


@pytest.mark.parametrize("path", ["/", "/v1/logs"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_other_methods_are_405(receiver: HttpReceiver, method: str, path: str) -> None:
    response = post(receiver, b"", method=method, path=path)
    assert refused(response) == (405, Code.UNIMPLEMENTED)
    assert response.headers["allow"] == "POST, OPTIONS"


def test_options_say_what_may_be_done(receiver: HttpReceiver) -> None:
    response = post(receiver, b"", method="OPTIONS")
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["allow"] == "POST, OPTIONS"


@pytest.mark.parametrize("content_type", [None, "", "text/plain", "application/x-ndjson"])
def test_other_content_types_are_415(receiver: HttpReceiver, content_type: str | None) -> None:
    assert refused(post(receiver, LOGS, content_type)) == (415, Code.INVALID_ARGUMENT)


def test_a_body_over_the_limit_is_413_declared_or_not(
    receiver: HttpReceiver, database: Database
) -> None:
    body = b" " * LIMITS.body + LOGS
    assert refused(post(receiver, body)) == (413, Code.INVALID_ARGUMENT)
    assert refused(post(receiver, _chunks(body, 1000))) == (413, Code.INVALID_ARGUMENT)
    assert refused(post(receiver, body, PROTOBUF)) == (413, Code.INVALID_ARGUMENT)
    assert held(database) == []


def test_a_declared_size_is_refused_before_the_body_is_read(receiver: HttpReceiver) -> None:
    async def nothing() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    response = post(receiver, nothing(), content_length=str(LIMITS.body + 1))
    assert response.status_code == 413


@pytest.mark.parametrize(
    ("coding", "packer"),
    [
        ("gzip", zlib.compressobj(wbits=31)),
        ("deflate", zlib.compressobj(wbits=15)),
        ("deflate", zlib.compressobj(wbits=-15)),
        ("zstd", zstandard.ZstdCompressor().compressobj()),
    ],
    ids=["gzip", "zlib", "raw", "zstd"],
)
def test_a_decompression_bomb_is_413_and_costs_no_memory(
    receiver: HttpReceiver, database: Database, coding: str, packer: Any
) -> None:
    megabytes = 64
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(megabytes)) + packer.flush()
    assert len(bomb) < LIMITS.body
    tracemalloc.start()
    try:
        assert refused(post(receiver, bomb, content_encoding=coding)) == (
            413,
            Code.INVALID_ARGUMENT,
        )
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * LIMITS.unpacked
    assert held(database) == []


# Refused for now


def later(response: httpx.Response) -> tuple[int, int]:
    assert int(response.headers["retry-after"]) >= 1
    return refused(response)


@pytest.mark.parametrize("content_type", [JSON, PROTOBUF])
def test_a_collector_that_stops_is_503(database: Database, content_type: str) -> None:
    stopped = Spool(database)
    stopped.start()
    stopped.stop()
    receiver = HttpReceiver(stopped, Gate(database, open_without=True))
    body = LOGS if content_type == JSON else CAPTURED
    assert later(post(receiver, body, content_type)) == (503, Code.UNAVAILABLE)


def test_a_locked_database_is_503_and_later_takes_the_same_request(
    receiver: HttpReceiver, database: Database
) -> None:
    path = database.arrivals.engine.url.database
    assert path is not None
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert later(post(receiver)) == (503, Code.UNAVAILABLE)
        other.execute("ROLLBACK")
    assert held(database) == []
    assert post(receiver).status_code == 200
    assert held(database) == [(Signal.LOGS, Encoding.JSON, LOGS)]


def test_where_tokens_cannot_be_read_nobody_gets_in(spool: Spool, tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path}/no/folder.db")) as nowhere:
        receiver = HttpReceiver(spool, Gate(nowhere, open_without=True))
        for _ in range(2):
            assert later(post(receiver)) == (503, Code.UNAVAILABLE)


def test_a_sender_that_hangs_up_is_no_error(receiver: HttpReceiver, database: Database) -> None:
    sent: list[Message] = []

    async def hung_up() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/logs",
        "headers": [(b"content-type", JSON.encode())],
    }
    asyncio.run(receiver(scope, hung_up, send))
    assert (sent, held(database)) == ([], [])
