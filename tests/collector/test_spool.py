"""The writer of the inbox: many requests a commit, and nothing lost, forgotten or left waiting."""

import asyncio
import sqlite3
import threading
from collections.abc import Coroutine, Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from collector import spool as spool_module
from collector.decode import Encoding
from collector.errors import Unavailable
from collector.spool import OTLP, Spool, pack_otlp, unpack_otlp
from domain.record import Signal
from store import inbox
from store.engine import Database
from tests.filling import RECEIVED_AT, rows
from tests.receiving import hurried

BODY = b'{"resourceLogs": []}'


@pytest.fixture
def database(embedded: Database) -> Database:
    """One that another program can lock."""
    return embedded


@pytest.fixture
def spool(database: Database) -> Iterator[Spool]:
    event.listen(database.arrivals.engine, "connect", hurried)
    writing = Spool(database, lambda: RECEIVED_AT)
    writing.start()
    yield writing
    writing.stop()


@pytest.fixture
def commits(database: Database) -> list[None]:
    """Grows by one with every transaction that is committed."""
    counted: list[None] = []
    event.listen(database.arrivals.engine, "commit", lambda _: counted.append(None))
    return counted


def put(spool: Spool, body: bytes = BODY) -> Coroutine[Any, Any, None]:
    return spool.put(spool.pack(Signal.LOGS, Encoding.JSON, body))


async def put_many(spool: Spool, count: int) -> list[BaseException | None]:
    return await asyncio.gather(*(put(spool) for _ in range(count)), return_exceptions=True)


def locked(database: Database) -> "closing[sqlite3.Connection]":
    """Another program that is writing into the inbox, until it is closed."""
    return written(database.arrivals)


def written(file: Database) -> "closing[sqlite3.Connection]":
    """Another program that is writing into this file."""
    path = file.engine.url.database
    assert path is not None
    with file.reading():
        pass
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return closing(other)


@given(st.sampled_from(Signal), st.sampled_from(Encoding), st.binary(max_size=2000))
def test_what_is_packed_unpacks_to_the_same(
    signal: Signal, encoding: Encoding, body: bytes
) -> None:
    row = pack_otlp(signal, encoding, body, RECEIVED_AT)
    assert (row.kind, row.received_at) == (OTLP, RECEIVED_AT)
    assert unpack_otlp(row) == (signal, encoding, body)


def test_nobody_waits_for_what_is_written_into_the_database(embedded: Database) -> None:
    spool = Spool(embedded, lambda: RECEIVED_AT)
    spool.start()
    with written(embedded):
        asyncio.run(put(spool))
    spool.stop()
    assert len(rows(embedded, "inbox", "id")) == 1


def test_a_request_that_was_put_is_in_the_inbox(spool: Spool, database: Database) -> None:
    asyncio.run(put(spool))
    with database.arrivals.reading() as connection:
        [row] = inbox.oldest(connection, 10)
    assert row.incoming == pack_otlp(Signal.LOGS, Encoding.JSON, BODY, RECEIVED_AT)


def test_a_small_body_is_packed_by_the_writer_and_kept_the_same(
    spool: Spool, database: Database
) -> None:
    asyncio.run(spool.put_small(Signal.LOGS, Encoding.JSON, BODY, "the key"))
    with database.arrivals.reading() as connection:
        [row] = inbox.oldest(connection, 10)
    assert row.incoming == pack_otlp(Signal.LOGS, Encoding.JSON, BODY, RECEIVED_AT, "the key")


def test_bodies_wait_packed_once_many_wait(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "_UNPACKED_BYTES", 15_000)
    body = bytes(10_000)
    spool = Spool(database, lambda: RECEIVED_AT, queue_bytes=21_000)

    async def put_four() -> None:
        small = (spool.put_small(Signal.LOGS, Encoding.JSON, body) for _ in range(4))
        waiting = [asyncio.ensure_future(each) for each in small]
        await asyncio.sleep(0)
        spool.start()
        # As they are, the third would be more than may wait.
        await asyncio.gather(*waiting)

    asyncio.run(put_four())
    spool.stop()
    with database.arrivals.reading() as connection:
        held = inbox.oldest(connection, 10)
    assert [unpack_otlp(row.incoming)[2] for row in held] == [body] * 4


def test_many_requests_share_a_commit(
    spool: Spool, database: Database, commits: list[None]
) -> None:
    assert asyncio.run(put_many(spool, 1000)) == [None] * 1000
    assert len(rows(database, "inbox", "id")) == 1000
    assert len(commits) < 100


def test_rows_are_kept_in_the_order_they_came(spool: Spool, database: Database) -> None:
    async def numbered() -> None:
        await asyncio.gather(*(put(spool, b"%d" % number) for number in range(100)))

    asyncio.run(numbered())
    with database.arrivals.reading() as connection:
        held = inbox.oldest(connection, 100)
    assert [unpack_otlp(row.incoming)[2] for row in held] == [b"%d" % n for n in range(100)]


def test_a_database_that_fails_refuses_and_later_works_again(
    spool: Spool, database: Database
) -> None:
    with locked(database):
        refusals = asyncio.run(put_many(spool, 20))
        assert {type(each) for each in refusals} == {Unavailable}
    assert rows(database, "inbox", "id") == []
    assert asyncio.run(put_many(spool, 20)) == [None] * 20
    assert len(rows(database, "inbox", "id")) == 20


def test_an_error_that_nobody_foresaw_refuses_and_the_writer_lives_on(
    spool: Spool, database: Database
) -> None:
    failing = [True]

    def fail(*_: object) -> None:
        if failing:
            raise RuntimeError("unforeseen")

    event.listen(database.arrivals.engine, "before_cursor_execute", fail)
    with pytest.raises(Unavailable):
        asyncio.run(put(spool))
    failing.clear()
    asyncio.run(put(spool))
    assert len(rows(database, "inbox", "id")) == 1


def test_stopping_writes_what_is_queued_and_refuses_what_comes_after(database: Database) -> None:
    spool = Spool(database, lambda: RECEIVED_AT)

    async def stop_in_the_middle() -> list[BaseException | None]:
        waiting = asyncio.gather(*(put(spool) for _ in range(50)), return_exceptions=True)
        await asyncio.sleep(0)  # all fifty are queued, and nobody writes yet
        spool.start()
        await asyncio.to_thread(spool.stop)
        with pytest.raises(Unavailable):
            await put(spool)
        return await waiting

    assert asyncio.run(stop_in_the_middle()) == [None] * 50
    assert len(rows(database, "inbox", "id")) == 50


def test_no_request_is_left_waiting_when_it_races_with_the_end(database: Database) -> None:
    for _ in range(20):
        spool = Spool(database, lambda: RECEIVED_AT)
        spool.start()
        stopping = threading.Thread(target=spool.stop)

        async def race(spool: Spool = spool, stopping: threading.Thread = stopping) -> int:
            stopping.start()
            async with asyncio.timeout(30):
                answers = await put_many(spool, 20)
            return answers.count(None)

        before = len(rows(database, "inbox", "id"))
        accepted = asyncio.run(race())
        stopping.join()
        assert len(rows(database, "inbox", "id")) - before == accepted


def test_a_full_queue_refuses_at_once(database: Database) -> None:
    row = pack_otlp(Signal.LOGS, Encoding.JSON, BODY, RECEIVED_AT)
    spool = Spool(database, lambda: RECEIVED_AT, queue_bytes=3 * len(row.body))

    async def overfill() -> list[BaseException | None]:
        waiting = asyncio.gather(*(put(spool) for _ in range(5)), return_exceptions=True)
        await asyncio.sleep(0)
        spool.start()  # only now is anything taken off the queue
        return await waiting

    answers = asyncio.run(overfill())
    assert [type(each) for each in answers] == [type(None)] * 3 + [Unavailable] * 2
    asyncio.run(put(spool))  # and there is room again
    spool.stop()
    assert len(rows(database, "inbox", "id")) == 4


def test_a_sender_that_hung_up_costs_the_others_nothing(spool: Spool, database: Database) -> None:
    async def hang_up() -> None:
        leaving = asyncio.ensure_future(put(spool))
        await asyncio.sleep(0)
        leaving.cancel()
        await put(spool)

    asyncio.run(hang_up())
    asyncio.run(put(spool))
    assert len(rows(database, "inbox", "id")) == 3


def test_a_loop_that_ended_meanwhile_does_not_end_the_writer(database: Database) -> None:
    spool = Spool(database, lambda: RECEIVED_AT)

    async def leave() -> None:
        asyncio.ensure_future(put(spool))  # noqa: RUF006  # nobody is going to wait for it
        await asyncio.sleep(0)

    asyncio.run(leave())
    spool.start()
    asyncio.run(put(spool))
    spool.stop()
    assert len(rows(database, "inbox", "id")) == 2
