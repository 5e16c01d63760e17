"""Two thousand bodies as no exporter should send them; ``bench.fuzz`` sends a hundred thousand."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice

import pytest
from google.rpc.status_pb2 import Status

from bench.fuzz import rows_of
from bench.garbage import Garbage, Sending, captured
from classifier.judge import Judging, keep_verdicts
from classifier.leak_report import LeakKeeper
from classifier.run import classify
from classifier.watch import Watch
from collector.receive_http import HttpReceiver, Message
from collector.spool import Spool
from store import inbox
from store.access import Gate
from store.engine import Database
from tests.capturing import CAPTURES, expected
from tests.filling import RECEIVED_AT, Fresh, bodies, fold_all, put, rows, usage

GENUINE = CAPTURES / "claude-code" / "10-multi-turn-cumulative-long"
BROKEN = sorted({note.parent for note in CAPTURES.rglob("*.meta.json")} - {GENUINE})
REFUSED = {400, 404, 413, 415}


@pytest.fixture
def database(fresh: Fresh) -> Iterator[Database]:
    with fresh() as opened:
        yield opened


@pytest.fixture
def receiver(database: Database) -> Iterator[HttpReceiver]:
    spool = Spool(database, lambda: RECEIVED_AT)
    spool.start()
    yield HttpReceiver(spool, Gate(database, open_without=True))
    spool.stop()


async def send(receiver: HttpReceiver, made: Sending) -> int:
    """Send one body; the status of a proper answer."""
    answered: list[Message] = []
    told = {"content-type": made.content_type, "content-encoding": made.coding}

    async def receive() -> Message:
        return {"type": "http.request", "body": made.body, "more_body": False}

    async def answer(message: Message) -> None:
        answered.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": made.path,
        "headers": [(name.encode(), value.encode()) for name, value in told.items()],
    }
    await receiver(scope, receive, answer)
    start, body = answered
    status: int = start["status"]
    headers = dict(start["headers"])
    assert int(headers[b"content-length"]) == len(body["body"])
    if status != 200:
        assert status in REFUSED, (made, body)
        if headers[b"content-type"] == b"application/json":
            assert json.loads(body["body"])["message"]
        else:
            assert Status.FromString(body["body"]).message
    return status


def garbage(seed: int, count: int) -> list[Sending]:
    sources = [body for scenario in BROKEN for body in captured(scenario)]
    return list(islice(Garbage(seed, sources), count))


def send_all(receiver: HttpReceiver, sent: list[Sending]) -> list[Sending]:
    """Send one after another; what was acknowledged."""

    async def sending() -> list[Sending]:
        return [made for made in sent if await send(receiver, made) == 200]

    return asyncio.run(sending())


def test_garbage_is_refused_or_folded_and_no_error_is_ours(
    receiver: HttpReceiver, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    # Compressed bodies over gRPC are a matter of its own implementation.
    sent = [made for made in garbage(7, 2000) if not made.over_grpc]
    taken = send_all(receiver, sent)
    assert 0.3 < len(taken) / len(sent) < 0.8
    assert len(rows(database, "inbox", "id")) == len(taken)
    fold_all(database)
    with database.arrivals.reading() as connection:
        assert inbox.waiting(connection) == (0, 0)
    assert [each.message for each in caplog.records if each.levelname == "ERROR"] == []


@pytest.mark.parametrize("seed", range(4, 6))
def test_what_garbage_leaves_is_concluded_as_it_comes(
    receiver: HttpReceiver, database: Database, seed: int
) -> None:
    watch, leaks, judging = Watch(), LeakKeeper(database), Judging()
    for sent in batched([made for made in garbage(seed, 600) if not made.over_grpc], 60):
        send_all(receiver, sent)
        fold_all(database)
        now = datetime.now(UTC)
        watch.look(database, now)
        while classify(database, now):
            pass
        keep_verdicts(database, now, judging)
        while leaks.step(now):
            pass
    assert rows(database, "session_outcomes", "session_pk")


def batched(sent: list[Sending], many: int) -> Iterator[list[Sending]]:
    for start in range(0, len(sent), many):
        yield sent[start : start + many]


def test_of_what_no_tool_sent_nothing_is_counted(
    receiver: HttpReceiver, database: Database
) -> None:
    noise = [made for made in islice(Garbage(8, []), 1000) if not made.over_grpc]
    assert len(noise) > 500
    assert len(send_all(receiver, noise)) > 50
    put(database, bodies(GENUINE))
    fold_all(database)
    assert usage(database) == expected(GENUINE)
    tools = {row[0] for row in rows(database, "sessions", "tool")}
    assert tools == {"claude-code"}


def test_the_books_are_what_the_acknowledged_bodies_say_one_by_one(
    receiver: HttpReceiver, database: Database, fresh: Fresh
) -> None:
    taken = send_all(receiver, [made for made in garbage(9, 300) if not made.over_grpc])
    fold_all(database)
    with fresh() as other:
        for made in taken:
            with other.arrivals.writing() as connection:
                inbox.put(connection, [rows_of(made)])
            fold_all(other, 1)
        for table in ("usage", "session_counts", "session_traces", "series"):
            assert rows(other, table) == rows(database, table)


def test_the_same_seed_makes_the_same_bodies() -> None:
    assert garbage(3, 50) == garbage(3, 50)
    assert garbage(3, 50) != garbage(4, 50)
