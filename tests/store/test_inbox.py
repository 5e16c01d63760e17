"""Acknowledged bytes: taken once, never lost, and never in each other's way."""

import math
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from sqlalchemy import event, text

from collector.decode import Encoding
from collector.ingest import ingest
from collector.spool import OTLP, WEBHOOK, pack_otlp
from domain.record import Signal
from store import inbox
from store.engine import Database, StoreError
from store.inbox import DeliveryKey, Held, Incoming
from tests.capturing import CAPTURES, PSEUDONYMS, expected, same
from tests.filling import (
    RECEIVED_AT,
    Fresh,
    bodies,
    fill,
    fold_all,
    folded,
    one,
    put,
    rows,
    usage,
)
from tests.otlp import Body, parse, singles, write

SCENARIO = CAPTURES / "claude-code" / "01-simple-http-protobuf"
SENT = bodies(SCENARIO)


def row(name: str, kind: str = OTLP, body: bytes = b"{}") -> Incoming:
    return Incoming(received_at=RECEIVED_AT, kind=kind, name=name, body=body)


def add(database: Database, *incoming: Incoming) -> None:
    with database.arrivals.writing() as connection:
        inbox.put(connection, incoming)


def oldest(database: Database, limit: int = 100) -> list[Held]:
    with database.arrivals.reading() as connection:
        return inbox.oldest(connection, limit)


def take(database: Database, *ids: int) -> set[int]:
    with database.writing() as connection:
        taken = inbox.take(database, connection, ids)
    inbox.forget(database, ids)
    return taken


def waiting(database: Database) -> tuple[int, int]:
    with database.arrivals.reading() as connection:
        return inbox.waiting(connection)


def parked(database: Database) -> list[tuple[Any, ...]]:
    return rows(database, "(SELECT * FROM inbox WHERE parked IS NOT NULL)", "name, parked")


# Rows


def test_rows_come_out_in_the_order_they_went_in(database: Database) -> None:
    add(database)
    add(database, row("a"), row("b"))
    add(database, row("c"))
    assert [held.incoming.name for held in oldest(database)] == ["a", "b", "c"]
    assert [held.incoming.name for held in oldest(database, 2)] == ["a", "b"]
    assert oldest(database)[0].incoming == row("a")


def test_a_row_is_taken_once(database: Database) -> None:
    add(database, row("a"), row("b"))
    first, second = (held.id for held in oldest(database))
    assert take(database, first, 999) == {first}
    assert take(database, first, second) == {second}
    assert take(database, first, second) == set()
    assert take(database) == set()


def test_the_number_of_a_row_that_is_gone_is_never_given_again(database: Database) -> None:
    # A folder that read the old row would otherwise take the new one for it, and lose it.
    add(database, row("a"))
    [old] = oldest(database)
    take(database, old.id)
    add(database, row("b"))
    [new] = oldest(database)
    assert new.id > old.id


@pytest.mark.parametrize(
    ("sizes", "read"),
    [
        ([5] * 20, 12),
        ([10, 10, 70, 10, 10, 1, 10], 4),
        ([40, 40, 40, 40], 3),
        ([1000] * 5, 3),
        ([10, 10], 2),
    ],
    ids=["all-small", "until-full", "as-many-as-asked", "however-large", "all-there-is"],
)
def test_more_are_read_at_once_where_they_are_small(
    sizes: list[int], read: int, database: Database
) -> None:
    add(database, *(row(str(number), body=b"x" * size) for number, size in enumerate(sizes)))
    with database.arrivals.reading() as connection:
        held = inbox.oldest(connection, 3, unless=100)
    assert [each.incoming.name for each in held] == [str(number) for number in range(read)]


def test_parked_rows_wait_beside_the_others_until_they_are_released(database: Database) -> None:
    add(database, row("a"), row("b"))
    first = oldest(database)[0].id
    with database.arrivals.writing() as connection:
        inbox.park(connection, first, "why " * 100)
    assert [held.incoming.name for held in oldest(database)] == ["b"]
    assert waiting(database) == (1, 1)
    assert parked(database) == [("a", ("why " * 100)[:200])]
    with database.arrivals.writing() as connection:
        inbox.release(connection)
    assert [held.incoming.name for held in oldest(database)] == ["a", "b"]
    assert waiting(database) == (2, 0)


def test_a_delivery_is_new_once_by_forge(database: Database) -> None:
    def first(provider: str, delivery_id: str) -> bool:
        with database.arrivals.writing() as connection:
            key = DeliveryKey(provider, delivery_id)
            return inbox.first_deliveries(connection, {key: RECEIVED_AT}) == {key}

    assert [first("github", "1"), first("github", "1")] == [True, False]
    assert [first("github", "2"), first("gitlab", "1")] == [True, True]


# Rows that fail


def prompt_and_others() -> tuple[Body, list[Body]]:
    """The record of the user's prompt, and all others, each as a body of its own."""
    records = [write(s, Encoding.PROTOBUF) for body in SENT for s in singles(parse(body))]
    [prompt] = [body for body in records if b"claude_code.user_prompt" in body[2]]
    return prompt, [body for body in records if body is not prompt]


def test_a_row_that_always_fails_is_set_aside_and_its_neighbours_are_folded(
    embedded: Database,
) -> None:
    prompt, others = prompt_and_others()
    with embedded.writing() as connection:
        connection.execute(
            text(
                "CREATE TRIGGER refusing BEFORE INSERT ON session_counts"
                " WHEN NEW.quantity = 'prompts' AND NEW.amount > 0"
                " BEGIN SELECT RAISE(ABORT, 'not this one'); END"
            )
        )
    fill(embedded, [*others[:5], prompt, *others[5:]])
    assert parked(embedded) == [("logs:protobuf", "IntegrityError")]
    assert waiting(embedded) == (0, 1)
    assert same(expected(SCENARIO), usage(embedded))
    assert one(embedded, "SELECT SUM(records) FROM coverage") == len(others)


def test_a_row_that_was_set_aside_is_folded_once_it_can_be(
    database: Database, fresh: Fresh
) -> None:
    prompt, others = prompt_and_others()
    put(database, [prompt])
    with database.arrivals.writing() as connection:
        inbox.park(connection, oldest(database)[0].id, "some day")
    fill(database, others)
    assert waiting(database) == (0, 1)
    with database.arrivals.writing() as connection:
        inbox.release(connection)
    fold_all(database)
    assert waiting(database) == (0, 0)
    with fresh() as elsewhere:
        fill(elsewhere, SENT)
        assert folded(database) == folded(elsewhere)


@pytest.mark.parametrize(
    "strange",
    [
        row("logs:protobuf", body=b"not compressed"),
        row("logs:avro", body=pack_otlp(*SENT[0], RECEIVED_AT).body),
        row("profiles:json", body=pack_otlp(*SENT[0], RECEIVED_AT).body),
        row("sourcehut:push", WEBHOOK),
        row("anything", "postcard"),
    ],
    ids=["corrupt", "encoding", "signal", "forge", "kind"],
)
def test_a_row_that_this_version_cannot_read_is_set_aside_and_kept(
    database: Database, strange: Incoming
) -> None:
    add(database, strange)
    put(database, SENT)
    fold_all(database)
    assert [name for name, _ in parked(database)] == [strange.name]
    assert same(expected(SCENARIO), usage(database))


@pytest.mark.parametrize(
    "amount", ["9" * 30, "1" + "0" * 16, 2**63 - 1, 10**18, 1.7e308, "1e300", -1]
)
def test_an_absurd_amount_spoils_its_own_record_only(database: Database, amount: object) -> None:
    logs, metrics = SENT
    request = parse(logs)
    assert isinstance(request, ExportLogsServiceRequest)
    for record in request.resource_logs[0].scope_logs[0].log_records:
        for pair in record.attributes:
            if pair.key == "input_tokens":
                kind = {str: "string_value", int: "int_value", float: "double_value"}[type(amount)]
                setattr(pair.value, kind, amount)
    put(database, [write(request, Encoding.PROTOBUF), metrics])
    fold_all(database)
    assert waiting(database) == (0, 0)
    told = one(database, "SELECT SUM(input) FROM usage") or 0
    assert told == int(told) < 10**15


@pytest.mark.parametrize("amount", [1e16, 1e300, math.inf, math.nan, -1.0])
def test_an_absurd_reading_spoils_its_own_point_only(database: Database, amount: float) -> None:
    request = parse(SENT[1])
    assert isinstance(request, ExportMetricsServiceRequest)
    points = [
        point
        for metric in request.resource_metrics[0].scope_metrics[0].metrics
        for point in metric.sum.data_points
    ]
    points[0].as_double = amount
    fill(database, [write(request, Encoding.PROTOBUF)])
    assert waiting(database) == (0, 0)
    counted = "(SELECT outcome, SUM(records) FROM coverage GROUP BY outcome) AS counted"
    assert rows(database, counted) == [("malformed", 1), ("understood", len(points) - 1)]


def test_a_nul_in_a_name_spoils_nothing(database: Database) -> None:
    request = parse(SENT[0])
    assert isinstance(request, ExportLogsServiceRequest)
    for group in request.resource_logs[0].scope_logs:
        stranger = group.log_records.add(event_name="strange\0name")
        stranger.attributes.extend(group.log_records[0].attributes)
        for record in group.log_records:
            for pair in record.attributes:
                if pair.key in ("session.id", "model", "tool_name", "app.version"):
                    pair.value.string_value = f"{pair.value.string_value}\0"
    fill(database, [write(request, encoding) for encoding in Encoding])
    assert waiting(database) == (0, 0)
    [model] = {model.strip("\0\ufffd") for model in usage(database)}
    assert model in expected(SCENARIO)


def test_a_database_that_is_busy_parks_nothing(embedded: Database) -> None:
    event.listen(embedded.engine, "connect", lambda raw, _: raw.execute("PRAGMA busy_timeout = 30"))
    embedded.close()
    put(embedded, SENT)
    path = embedded.engine.url.database
    assert path is not None
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError) as failure:
            ingest(embedded, PSEUDONYMS)
        assert failure.value.passing
        other.execute("ROLLBACK")
    assert waiting(embedded) == (2, 0)
    fold_all(embedded)
    assert same(expected(SCENARIO), usage(embedded))


def test_a_database_that_fails_for_a_moment_parks_nothing(embedded: Database) -> None:
    failing = [True]

    def fail(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if failing and statement.startswith("DELETE FROM inbox"):
            raise sqlite3.OperationalError("disk I/O error")

    event.listen(embedded.arrivals.engine, "before_cursor_execute", fail)
    put(embedded, SENT)
    with pytest.raises(StoreError, match="disk I/O error"):
        ingest(embedded, PSEUDONYMS)
    assert waiting(embedded) == (2, 0)
    failing.clear()
    fold_all(embedded)
    assert same(expected(SCENARIO), usage(embedded))


# Two folders


def test_what_another_folder_took_meanwhile_contributes_nothing(embedded: Database) -> None:
    put(embedded, SENT)
    connecting, folded = count(1), list[int]()

    def other_folder(*_: Any) -> None:
        # Between reading the rows and taking them, another folder folds all of them.
        if next(connecting) == 2:
            folded.append(ingest(embedded, PSEUDONYMS))

    event.listen(embedded.engine, "checkout", other_folder)
    assert ingest(embedded, PSEUDONYMS) == 2
    assert folded == [2]
    assert same(expected(SCENARIO), usage(embedded))
    assert waiting(embedded) == (0, 0)
    assert one(embedded, "SELECT SUM(records) FROM coverage") == 15


def test_a_folder_that_dies_in_the_middle_leaves_everything_as_it_was(database: Database) -> None:
    put(database, SENT)
    dying = [True]

    def die(*_: object) -> None:
        if dying:
            raise KeyboardInterrupt

    event.listen(database.engine, "commit", die)
    with pytest.raises(KeyboardInterrupt):
        ingest(database, PSEUDONYMS)
    dying.clear()
    assert waiting(database) == (2, 0)
    assert rows(database, "usage") == rows(database, "sessions") == []
    fold_all(database)
    assert same(expected(SCENARIO), usage(database))


# A file of its own beside the embedded database


def test_a_folder_that_dies_before_it_deletes_counts_nothing_twice(embedded: Database) -> None:
    put(embedded, SENT)
    dying = [True]

    def die(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if dying and statement.startswith("DELETE FROM inbox"):
            raise KeyboardInterrupt

    event.listen(embedded.arrivals.engine, "before_cursor_execute", die)
    with pytest.raises(KeyboardInterrupt):
        ingest(embedded, PSEUDONYMS)
    assert waiting(embedded) == (2, 0)
    assert same(expected(SCENARIO), usage(embedded))
    before = folded(embedded), rows(embedded, "coverage")
    dying.clear()
    fold_all(embedded)
    assert waiting(embedded) == (0, 0)
    assert (folded(embedded), rows(embedded, "coverage")) == before


def test_marks_are_forgotten_once_their_rows_are_gone(embedded: Database) -> None:
    for _ in range(3):
        fill(embedded, SENT)
    assert len(rows(embedded, "folded_requests")) == len(SENT)


def test_rows_in_the_database_itself_are_moved_and_folded(embedded: Database) -> None:
    key = DeliveryKey("github", "1")
    add(embedded, row("first"))
    with embedded.writing() as connection:
        inbox.put(connection, [row(f"old {number}") for number in range(250)])
        assert inbox.first_deliveries(connection, {key: RECEIVED_AT}) == {key}
    inbox.adopt(embedded)
    inbox.adopt(embedded)
    names = [held.incoming.name for held in oldest(embedded, 1000)]
    assert names == ["first", *(f"old {number}" for number in range(250))]
    with embedded.arrivals.writing() as connection:
        assert inbox.first_deliveries(connection, {key: RECEIVED_AT}) == set()
    with embedded.reading() as connection:
        assert inbox.waiting(connection) == (0, 0)


def test_ids_of_a_file_that_was_lost_never_come_again(embedded: Database, tmp_path: Path) -> None:
    add(embedded, row("a"), row("b"))
    lost = {held.id for held in oldest(embedded)}
    assert take(embedded, *lost) == lost
    path = embedded.arrivals.engine.url.database
    assert path is not None
    embedded.arrivals.close()
    for file in tmp_path.glob(f"{Path(path).name}*"):
        file.unlink()
    with closing(Database(embedded.url)) as again:
        add(again, row("c"))
        [new] = oldest(again)
        assert new.id > max(lost)
        assert take(again, new.id) == {new.id}


def test_many_that_start_at_once_find_one_file(migrated: Path, tmp_path: Path) -> None:
    shutil.copy(migrated, tmp_path / "assay.db")
    program = (
        "import sys; from store.engine import Database; from tests.store.test_inbox import *;"
        "add(Database(sys.argv[1]), row(sys.argv[2]))"
    )
    url = f"sqlite:///{tmp_path / 'assay.db'}"
    started = [
        subprocess.Popen([sys.executable, "-c", program, url, str(each)]) for each in range(6)
    ]
    assert [each.wait(60) for each in started] == [0] * 6
    with closing(Database(url)) as database:
        assert {held.incoming.name for held in oldest(database)} == set("012345")
    assert not list(tmp_path.glob(".making-*"))


def test_the_disk_gets_back_what_a_backlog_took(embedded: Database) -> None:
    add(embedded, *(row(str(number), body=b"x" * 50_000) for number in range(100)))
    path = Path(str(embedded.arrivals.engine.url.database))
    assert embedded.empty_log()
    full = path.stat().st_size
    take(embedded, *(held.id for held in oldest(embedded)))
    assert embedded.empty_log()
    assert path.stat().st_size < full / 50


def test_an_empty_inbox_is_no_work(database: Database) -> None:
    assert ingest(database, PSEUDONYMS) == 0


def test_a_request_without_records_is_settled(database: Database) -> None:
    put(database, [(Signal.LOGS, Encoding.JSON, b"{}")])
    assert ingest(database, PSEUDONYMS) == 1
    assert waiting(database) == (0, 0)
    assert rows(database, "coverage") == []
