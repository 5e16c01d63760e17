"""HTTP as it comes over the wire: connections that last, bodies in pieces, and odd senders."""

import contextlib
import gzip
import http.client
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from assay import listening
from collector import receive_http
from store import inbox
from store.engine import Database
from tests.receiving import LIMITS, Running, receiving

LOGS = b'{"resourceLogs": []}'
JSON = {"content-type": "application/json"}


@pytest.fixture
def running(embedded: Database) -> Iterator[Running]:
    with receiving(embedded) as servers:
        yield servers


@pytest.fixture
def connection(running: Running) -> Iterator[http.client.HTTPConnection]:
    opened = http.client.HTTPConnection(urlsplit(running.http).netloc, timeout=30)
    opened.connect()
    yield opened
    opened.close()


def held(running: Running) -> int:
    with running.database.arrivals.reading() as connection:
        return sum(inbox.waiting(connection))


def test_one_connection_serves_many_requests_refused_ones_too(
    running: Running, connection: http.client.HTTPConnection
) -> None:
    opened = connection.sock
    too_large = b" " * (LIMITS.body + 1)
    sent = [
        ("POST", "/v1/logs", LOGS, JSON, 200),
        ("POST", "/v1/logs", b"garbage", JSON, 400),
        ("POST", "/v1/profiles", b"{}", JSON, 404),
        ("GET", "/v1/logs", None, {}, 405),
        ("HEAD", "/", None, {}, 405),
        ("OPTIONS", "/v1/logs", None, {}, 204),
        ("POST", "/v1/logs", too_large, JSON, 413),
        ("POST", "/v1/logs", LOGS, {}, 415),
        (
            "POST",
            "/v1/logs",
            gzip.compress(LOGS, mtime=0),
            {**JSON, "content-encoding": "gzip"},
            200,
        ),
        ("POST", "/", LOGS, JSON, 200),
    ]
    for method, path, body, headers, status in sent:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        assert (answer.status, bool(answer.read())) == (status, method not in ("HEAD", "OPTIONS"))
        assert connection.sock is opened, "the connection was closed"
    assert held(running) == 3


def test_a_body_in_chunks_is_kept_whole_also_one_over_the_limit_refused(
    running: Running, connection: http.client.HTTPConnection
) -> None:
    pieces = [LOGS[:5], LOGS[5:9], LOGS[9:]]
    connection.request("POST", "/v1/logs", iter(pieces), JSON, encode_chunked=True)
    assert connection.getresponse().read() == b"{}"
    endless = iter([b" " * 1000] * (LIMITS.body // 1000 + 2))
    connection.request("POST", "/v1/logs", endless, JSON, encode_chunked=True)
    answer = connection.getresponse()
    assert (answer.status, answer.read() != b"") == (413, True)
    connection.request("POST", "/v1/logs", LOGS, JSON)
    assert connection.getresponse().read() == b"{}"
    assert held(running) == 2


def exchange(running: Running, sent: bytes, *, until: bytes) -> bytes:
    """Write bytes, and read until these came or the server closed."""
    with socket.create_connection(_address(running), timeout=30) as plain:
        plain.sendall(sent)
        told = b""
        while until not in told and (more := plain.recv(65536)):
            told += more
    return told


def _address(running: Running) -> tuple[str, int]:
    parts = urlsplit(running.http)
    return str(parts.hostname), int(parts.port or 0)


def _post(body: bytes, *lines: str, length: int | None = None) -> bytes:
    head = ["POST /v1/logs HTTP/1.1", "Host: x", "Content-Type: application/json", *lines]
    head.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def test_requests_that_do_not_wait_for_answers_get_all_of_them(running: Running) -> None:
    told = exchange(running, _post(LOGS) * 5 + _post(LOGS, "Connection: close"), until=b"nothing")
    assert told.count(b"HTTP/1.1 200 OK") == 6
    assert held(running) == 6


def test_a_sender_that_asks_first_is_told_to_go_on_or_why_not(running: Running) -> None:
    asking = _post(b"", "Expect: 100-continue", length=len(LOGS))
    assert exchange(running, asking, until=b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    asking = _post(b"", "Expect: 100-continue", length=LIMITS.body + 1)
    assert exchange(running, asking, until=b"\r\n\r\n").startswith(b"HTTP/1.1 413")


def test_what_is_no_http_is_400_and_closes(running: Running) -> None:
    told = exchange(running, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", until=b"nothing")
    assert told.startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "line", [b"X-A: " + b"a" * 1000 + b"\r\n", b"a" * 1000], ids=["many headers", "one header"]
)
def test_a_head_that_does_not_end_is_400_and_closes(running: Running, line: bytes) -> None:
    with socket.create_connection(_address(running), timeout=30) as plain:
        plain.sendall(b"POST /v1/logs HTTP/1.1\r\nX: ")
        sent, told = 0, b""
        with contextlib.suppress(ConnectionError):
            while sent < 10_000_000:
                plain.sendall(line)
                sent += len(line)
            raise AssertionError("it reads on")
        with contextlib.suppress(ConnectionError):
            told = plain.recv(1000)
    assert told == b"" or told.startswith(b"HTTP/1.1 400")
    # A head as long as any that is sent in earnest.
    long = _post(LOGS, "X-Long: " + "a" * 60_000)
    assert exchange(running, long, until=b"{}").startswith(b"HTTP/1.1 200")


def test_a_connection_on_which_nothing_comes_is_closed(
    embedded: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "_KEEP_ALIVE_SECONDS", 0.3)
    with receiving(embedded) as running:
        for sent in (b"", b"POST /v1/logs HT", b"POST /v1/logs HTTP/1.1\r\nX: y\r\n", _post(LOGS)):
            began = time.monotonic()
            told = exchange(running, sent, until=b"nothing")
            assert told.startswith(b"HTTP/1.1 200" if sent.endswith(LOGS) else b"")
            assert 0.2 < time.monotonic() - began < 10


def test_an_upgrade_is_answered_without_one(running: Running) -> None:
    head = "GET /v1/logs HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
    head += "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    assert exchange(running, head.encode(), until=b"}").startswith(b"HTTP/1.1 405")


def test_a_body_that_does_not_come_is_not_waited_for(
    embedded: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receive_http, "_BODY_SECONDS", 0.2)
    with receiving(embedded) as running:
        for sent in (_post(b"", length=9), _post(b'{"res', length=20)):
            began = time.monotonic()
            told = exchange(running, sent, until=b"}")
            assert told.startswith(b"HTTP/1.1 503")
            assert b"\r\nretry-after: 1\r\n" in told
            assert 0.2 <= time.monotonic() - began < 10
        assert exchange(running, _post(LOGS), until=b"{}").startswith(b"HTTP/1.1 200")
        assert held(running) == 1


def test_senders_that_leave_in_the_middle_cost_nothing(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(50):
        with socket.create_connection(_address(running)) as plain:
            plain.sendall(_post(LOGS[:7], length=len(LOGS)))
    assert exchange(running, _post(LOGS), until=b"{}").startswith(b"HTTP/1.1 200")
    assert held(running) == 1
    assert caplog.records == []


def test_requests_over_too_many_connections_are_to_come_again(embedded: Database) -> None:
    with receiving(embedded, connections=3) as running:
        address = urlsplit(running.http).netloc
        opened = [http.client.HTTPConnection(address, timeout=30) for _ in range(4)]
        statuses = []
        for each in opened:
            each.request("POST", "/v1/logs", LOGS, JSON)
            answer = each.getresponse()
            answer.read()
            statuses.append(answer.status)
        assert statuses == [200, 200, 200, 503]
        for each in opened[1:]:
            each.close()
        deadline = time.monotonic() + 10
        while True:
            opened[0].request("POST", "/v1/logs", LOGS, JSON)
            answer = opened[0].getresponse()
            answer.read()
            if answer.status == 200 or time.monotonic() > deadline:
                break
        assert answer.status == 200
        opened[0].close()
        assert held(running) == 4
