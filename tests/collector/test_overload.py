"""More than can be taken: refused so that senders come again, and nothing lost meanwhile."""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from sqlalchemy import event

from collector import admission, intake
from collector.decode import Encoding
from collector.errors import CollectorError, TooLarge, Unavailable
from collector.intake import Intake
from collector.limits import Limits
from collector.spool import Room, Spool, unpack_otlp
from domain.record import Signal
from store import backlog, inbox
from store.access import Gate
from store.engine import Database
from tests.filling import RECEIVED_AT, rows
from tests.receiving import Running, hurried, locked, receiving

LOGS_METHOD = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
BODY = b'{"resourceLogs": []}'


@pytest.fixture
def spooling(database: Database) -> Iterator[Callable[[Room], Spool]]:
    """Starts spools with this room; they are stopped at the end."""
    started: list[Spool] = []

    def start(room: Room) -> Spool:
        spool = Spool(database, lambda: RECEIVED_AT, room=room)
        spool.start()
        started.append(spool)
        return spool

    yield start
    for spool in started:
        spool.stop()


async def put(spool: Spool, body: bytes = BODY) -> None:
    await spool.put(spool.pack(Signal.LOGS, Encoding.JSON, body))


def refusals(spool: Spool, count: int) -> list[BaseException]:
    """Put so many at once; what those that were refused were told."""

    async def put_all() -> list[BaseException | None]:
        return await asyncio.gather(*(put(spool) for _ in range(count)), return_exceptions=True)

    return [each for each in asyncio.run(put_all()) if each is not None]


def put_until_taken(spool: Spool) -> None:
    """As an exporter does: again after a while, until it is taken."""
    deadline = time.monotonic() + 10
    while True:
        try:
            asyncio.run(put(spool))
        except Unavailable:
            assert time.monotonic() < deadline, "there is no room again"
            time.sleep(0.05)
        else:
            return


def fold(database: Database, count: int) -> None:
    """Take the oldest rows away, as the folder does."""
    with database.arrivals.reading() as connection:
        ids = [row.id for row in inbox.oldest(connection, count)]
    with database.writing() as connection:
        assert len(inbox.take(database, connection, ids)) == count
    inbox.forget(database, ids)


# The bound of the inbox


def test_not_one_row_more_than_may_wait(
    spooling: Callable[[Room], Spool], database: Database
) -> None:
    spool = spooling(Room(rows=20))
    told = refusals(spool, 50)
    assert {(type(each), each.retry_after) for each in told if isinstance(each, Unavailable)} == {
        (Unavailable, 3)
    }
    assert (len(told), len(rows(database, "inbox", "id"))) == (30, 20)
    with pytest.raises(Unavailable):
        spool.check_room()
    fold(database, 5)
    put_until_taken(spool)
    spool.check_room()
    assert len(refusals(spool, 10)) == 6
    assert len(rows(database, "inbox", "id")) == 20


def test_what_waited_before_the_start_counts_and_what_is_parked_does_not(
    spooling: Callable[[Room], Spool], database: Database
) -> None:
    assert refusals(spooling(Room(rows=5)), 5) == []
    again = spooling(Room(rows=5))
    assert len(refusals(again, 1)) == 1
    with database.arrivals.writing() as connection:
        for held in inbox.oldest(connection, 2):
            inbox.park(connection, held.id, "unreadable")
    with database.arrivals.reading() as connection:
        assert (backlog.most_waiting(connection), inbox.waiting(connection)) == (3, (3, 2))
    put_until_taken(again)
    put_until_taken(again)
    assert len(refusals(again, 1)) == 1
    fold(database, 5)
    with database.arrivals.reading() as connection:
        assert backlog.most_waiting(connection) == 0


# The disk


def test_the_disk_keeps_what_folding_needs(
    spooling: Callable[[Room], Spool], database: Database, tmp_path: Path
) -> None:
    free = [1000]
    spool = spooling(Room(free_bytes=1000, folder=tmp_path, free=lambda _: free[0]))
    asyncio.run(put(spool))
    free[0] = 999
    other = spooling(Room(free_bytes=1000, folder=tmp_path, free=lambda _: free[0]))
    with pytest.raises(Unavailable) as refusal:
        other.check_room()
    assert refusal.value.retry_after == 3
    assert len(refusals(other, 1)) == 1
    free[0] = 1000
    put_until_taken(other)
    assert len(rows(database, "inbox", "id")) == 2


def test_room_that_cannot_be_seen_is_what_it_was(
    spooling: Callable[[Room], Spool], tmp_path: Path
) -> None:
    def gone(_: Path) -> int:
        raise FileNotFoundError

    asyncio.run(put(spooling(Room(folder=tmp_path, free=gone))))


def test_a_full_database_refuses_what_it_cannot_hold_and_keeps_what_it_acknowledged(
    embedded: Database,
) -> None:
    # Room for a fifth of the bodies beside the empty tables.
    with embedded.arrivals.reading() as connection:
        pages = [connection.exec_driver_sql("PRAGMA page_count").scalar_one() + 120]

    def bound(raw: Any, *_: object) -> None:
        raw.execute(f"PRAGMA max_page_count = {pages[0]}")

    event.listen(embedded.arrivals.engine, "checkout", bound)
    spool = Spool(embedded, lambda: RECEIVED_AT)
    spool.start()
    bodies = [os.urandom(20_000) for _ in range(100)]
    refused = []
    for body in bodies:
        try:
            asyncio.run(put(spool, body))
        except Unavailable:
            refused.append(body)
    assert 50 < len(refused) < 100
    pages[0] = 2000
    for body in refused:
        asyncio.run(put(spool, body))
    spool.stop()
    with embedded.arrivals.reading() as connection:
        held = inbox.oldest(connection, 1000)
    assert sorted(unpack_otlp(row.incoming)[2] for row in held) == sorted(bodies)


# What both receivers tell


@pytest.fixture
def running(embedded: Database) -> Iterator[Running]:
    event.listen(embedded.arrivals.engine, "connect", hurried)
    with receiving(embedded, room=Room(rows=2)) as servers:
        yield servers


def over_http(running: Running) -> tuple[int, str | None]:
    """Status and Retry-After."""
    headers = {"content-type": "application/json"}
    answer = httpx.post(f"{running.http}/v1/logs", content=BODY, headers=headers)
    return answer.status_code, answer.headers.get("retry-after")


def over_grpc(running: Running) -> tuple[grpc.StatusCode, int | None]:
    """Status and the seconds of RetryInfo."""
    with grpc.insecure_channel(running.grpc) as channel:
        sending: Any = channel.unary_unary(LOGS_METHOD)
        try:
            sending(b"", timeout=20)
        except grpc.RpcError as error:
            refusal: Any = error
        else:
            return grpc.StatusCode.OK, None
    trailing = dict(refusal.trailing_metadata())
    status, retry = Status.FromString(trailing["grpc-status-details-bin"]), RetryInfo()
    assert status.details[0].Unpack(retry)
    delay: Duration = retry.retry_delay
    return refusal.code(), delay.seconds


def test_a_full_inbox_is_told_in_the_words_of_each_protocol(running: Running) -> None:
    assert over_http(running) == (200, None)
    assert over_grpc(running) == (grpc.StatusCode.OK, None)
    assert over_http(running) == (503, "3")
    assert over_grpc(running) == (grpc.StatusCode.UNAVAILABLE, 3)
    fold(running.database, 1)
    time.sleep(0.5)
    assert over_grpc(running) == (grpc.StatusCode.OK, None)
    assert over_http(running) == (503, "3")


def test_a_locked_database_is_told_in_the_words_of_each_protocol(running: Running) -> None:
    with locked(running.database):
        assert over_http(running) == (503, "1")
        assert over_grpc(running) == (grpc.StatusCode.UNAVAILABLE, 1)
    assert over_http(running) == (200, None)
    assert over_grpc(running) == (grpc.StatusCode.OK, None)


# Memory


@pytest.fixture
def small(database: Database) -> Iterator[Intake]:
    spool = Spool(database, lambda: RECEIVED_AT)
    spool.start()
    limits = Limits(body=1000, unpacked=4000)
    yield Intake(spool, Gate(database, open_without=True), limits)
    spool.stop()


def test_all_requests_together_hold_no_more_than_memory_allows(small: Intake) -> None:
    with small.memory.holding() as first, small.memory.holding() as second:
        first.grow(10_000)
        second.grow(6_000)
        with pytest.raises(Unavailable):
            second.grow(1)
        assert (small.memory.held, first.size, second.size) == (16_000, 10_000, 6_000)
    assert small.memory.held == 0


def test_large_bodies_are_read_one_at_a_time_and_small_ones_do_not_wait(
    small: Intake, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "_SMALL_BYTES", 100)
    reading, going_on = threading.Semaphore(0), threading.Event()
    inside: list[int] = []
    admit = admission.admit

    def watched(*told: Any) -> Any:
        if threading.current_thread().name.startswith("large"):
            inside.append(1)
            reading.release()
            assert len(inside) == 1
            going_on.wait(30)
            inside.pop()
        return admit(*told)

    monkeypatch.setattr(admission, "admit", watched)

    async def send_all() -> None:
        large = [take(small, BODY + b" " * 1000) for _ in range(3)]
        sending = [asyncio.ensure_future(each) for each in large]
        await asyncio.to_thread(reading.acquire)
        await take(small, BODY)
        assert len(rows(database, "inbox", "id")) == 1
        going_on.set()
        await asyncio.gather(*sending)

    asyncio.run(send_all())
    assert len(rows(database, "inbox", "id")) == 4


async def take(small: Intake, body: bytes) -> None:
    await small.take(Signal.LOGS, Encoding.JSON, "", body)


def test_limits_hold_for_large_bodies_too(
    small: Intake, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "_SMALL_BYTES", 100)
    asyncio.run(take(small, BODY + b" " * (4000 - len(BODY))))
    with pytest.raises(TooLarge):
        asyncio.run(take(small, BODY + b" " * (4001 - len(BODY))))
    assert len(rows(database, "inbox", "id")) == 1


def test_an_error_that_nobody_foresaw_keeps_the_senders_batch_and_the_secret(
    small: Intake, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError("a private prompt")

    monkeypatch.setattr(admission, "admit", fail)
    with pytest.raises(CollectorError) as refusal:
        asyncio.run(take(small, BODY))
    assert type(refusal.value) is Unavailable
    assert "MemoryError" in caplog.text
    assert "private" not in caplog.text
