"""Deliveries that come together: each answered for itself, kept once, with few writes."""

import asyncio
from collections.abc import Iterator

import pytest
from sqlalchemy import event

from collector import deliveries
from collector.deliveries import Deliveries
from collector.errors import Unavailable
from collector.spool import WEBHOOK
from store import inbox
from store.engine import Database, StoreError
from store.inbox import DeliveryKey, Incoming
from tests.delivering import RECEIVED_AT
from tests.filling import rows


def row(name: str, body: bytes = b"{}") -> Incoming:
    return Incoming(received_at=RECEIVED_AT, kind=WEBHOOK, name=f"github:{name}", body=body)


def key(number: int) -> DeliveryKey:
    return DeliveryKey("github", str(number))


def kept(database: Database) -> list[str]:
    with database.arrivals.reading() as connection:
        return [held.incoming.name for held in inbox.oldest(connection, 10_000)]


@pytest.fixture
def commits(database: Database) -> Iterator[list[None]]:
    """One for each transaction that ended well."""
    counted: list[None] = []

    def count(_: object) -> None:
        counted.append(None)

    event.listen(database.arrivals.engine, "commit", count)
    yield counted
    event.remove(database.arrivals.engine, "commit", count)


def test_what_comes_together_is_written_together(database: Database, commits: list[None]) -> None:
    async def deliver() -> list[bool]:
        door = Deliveries(database)
        return await asyncio.gather(*(door.keep(row(str(n)), key(n)) for n in range(1000)))

    assert asyncio.run(deliver()) == [True] * 1000
    assert kept(database) == [f"github:{number}" for number in range(1000)]
    # The first comes alone, or some with it; the rest in as many as are written at once.
    assert len(commits) <= 4


def test_of_the_same_delivery_twice_one_is_new_however_they_come(database: Database) -> None:
    async def deliver() -> list[bool]:
        door = Deliveries(database)
        together = [door.keep(row(str(number % 3)), key(number % 3)) for number in range(9)]
        first = await asyncio.gather(*together)
        return [*first, await door.keep(row("1"), key(1)), await door.keep(row("9"), None)]

    assert asyncio.run(deliver()) == [True] * 3 + [False] * 7 + [True]
    assert kept(database) == ["github:0", "github:1", "github:2", "github:9"]
    assert rows(database, "deliveries", "delivery_id") == [("0",), ("1",), ("2",)]


def test_who_hangs_up_keeps_nobody_waiting(database: Database) -> None:
    async def deliver() -> list[bool]:
        door = Deliveries(database)
        sent = [asyncio.create_task(door.keep(row(str(n)), key(n))) for n in range(5)]
        await asyncio.sleep(0)
        sent[0].cancel()
        sent[3].cancel()
        return [await each for each in sent if not each.cancelling()]

    assert asyncio.run(deliver()) == [True] * 3
    assert len(kept(database)) == 5


def test_where_nothing_can_be_written_all_hear_of_it_and_later_ones_are_kept(
    embedded: Database,
) -> None:
    def refuse(*_: object) -> None:
        raise StoreError("disk I/O error", passing=True)

    async def deliver() -> list[object]:
        door = Deliveries(embedded)
        event.listen(embedded.arrivals.engine, "begin", refuse)
        sent = (door.keep(row(str(n)), key(n)) for n in range(3))
        told: list[object] = list(await asyncio.gather(*sent, return_exceptions=True))
        event.remove(embedded.arrivals.engine, "begin", refuse)
        return [*told, await door.keep(row("0"), key(0))]

    *refused, last = asyncio.run(deliver())
    assert [type(each) for each in refused] == [StoreError] * 3
    assert last is True
    assert kept(embedded) == ["github:0"]


def test_more_than_memory_allows_is_refused_and_the_rest_kept(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "_WAITING_BYTES", 250)
    monkeypatch.setattr(deliveries, "_MOST_BYTES", 120)

    async def deliver() -> list[object]:
        door = Deliveries(database)
        sent = (door.keep(row(str(n), b"x" * 100), key(n)) for n in range(4))
        told: list[object] = list(await asyncio.gather(*sent, return_exceptions=True))
        return [*told, await door.keep(row("4", b"x" * 100), key(4))]

    first, second, *refused, last = asyncio.run(deliver())
    assert (first, second, last) == (True, True, True)
    assert [type(each) for each in refused] == [Unavailable] * 2
    assert kept(database) == ["github:0", "github:1", "github:4"]
