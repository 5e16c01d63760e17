"""Acknowledged bytes that are not folded yet, and the deliveries already taken.

What an acknowledgement promised counts once, whatever happens in between. PostgreSQL deletes a row
in the transaction that folds it. Beside SQLite rows are in a file of their own, so there that
transaction marks them as folded, and they are deleted once it is durable.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    Connection,
    Table,
    delete,
    func,
    insert,
    select,
    tuple_,
    update,
)

from domain.stamp import Stamp
from store import keys
from store.engine import Database
from store.tables import deliveries, folded_requests, inbox
from store.tables.base import Moment
from store.upsert import insert_into

# Of rows that are moved; a body may have megabytes.
_AT_ONCE = 100
_TIMES_AS_MANY = 4
_APPEND = "INSERT INTO inbox (received_at, kind, name, body, key_id) VALUES (?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """Bytes to keep. ``kind`` says who reads them (otlp, webhook), ``name`` what they are.

    ``key_id`` is the ingest key that they came with, where it stamps what it sends.
    """

    received_at: datetime
    kind: str
    name: str
    body: bytes
    key_id: str | None = None


class DeliveryKey(NamedTuple):
    """What a delivery is known by: its provider, and the id that this one gave it."""

    provider: str
    delivery_id: str


@dataclass(frozen=True, slots=True)
class Held:
    """A row of the inbox, and what its key says of the sender."""

    id: int
    incoming: Incoming
    stamp: Stamp | None = None


def put(connection: Connection, rows: Sequence[Incoming]) -> None:
    """Append rows in their order.

    This is the way of each request, often with one or two rows a transaction: straight to the
    driver, since building the statement would cost more than running it.
    """
    moment = Moment().process_bind_param
    values = [
        (moment(r.received_at, connection.dialect), r.kind, r.name, r.body, r.key_id) for r in rows
    ]
    if values:
        question_marks = connection.dialect.paramstyle == "qmark"
        statement = _APPEND if question_marks else _APPEND.replace("?", "%s")
        connection.exec_driver_sql(statement, values)


def oldest(
    connection: Connection, limit: int, *, claim: bool = False, unless: int = 0
) -> list[Held]:
    """The oldest rows that may be folded; four times as many unless they hold so many bytes.

    With ``claim`` (PostgreSQL) they are locked until the transaction ends, and rows that others
    have locked are passed over.
    """
    most = _TIMES_AS_MANY * limit if unless else limit
    query = select(inbox).where(inbox.c.parked.is_(None)).order_by(inbox.c.id).limit(most)
    if claim:
        query = query.with_for_update(skip_locked=True)
    found: list[Held] = []
    size = 0
    with connection.execute(query) as rows:
        for row in rows:
            size += len(row.body)
            if len(found) >= limit and size > unless:
                break
            incoming = Incoming(
                received_at=row.received_at,
                kind=row.kind,
                name=row.name,
                body=row.body,
                key_id=row.key_id,
            )
            found.append(Held(row.id, incoming))
    return found


def stamped(connection: Connection, rows: Sequence[Held]) -> list[Held]:
    """The same rows, each with what its key says."""
    named = [row.incoming.key_id for row in rows if row.incoming.key_id]
    stamps = keys.stamps(connection, named)
    return [replace(row, stamp=stamps.get(row.incoming.key_id or "")) for row in rows]


def take(database: Database, connection: Connection, ids: Collection[int]) -> set[int]:
    """Take these rows to be folded in the transaction of ``connection``; which of them may be.

    Another folder has folded the others. ``forget`` must follow once the transaction is durable.
    """
    if not database.embedded:
        return _deleted(connection, ids)
    f = folded_requests.c.id
    # The write lock is held: nobody else marks, and who deletes has marked before.
    marked = {row.id for row in connection.execute(select(f))}
    with database.arrivals.reading() as arrivals:
        there = _among(arrivals, {*ids, *marked})
    new = there.intersection(ids) - marked
    _mark(connection, new, marked - there)
    return new


def _among(connection: Connection, ids: Collection[int]) -> set[int]:
    found = connection.execute(select(inbox.c.id).where(inbox.c.id.in_(sorted(ids))))
    return {row.id for row in found}


def _mark(connection: Connection, new: Collection[int], gone: Collection[int]) -> None:
    """Mark rows as folded; forget the marks of those that are deleted."""
    if new:
        connection.execute(insert(folded_requests), [{"id": each} for each in sorted(new)])
    if gone:
        old = folded_requests.c.id.in_(sorted(gone))
        connection.execute(delete(folded_requests).where(old))


def forget(database: Database, ids: Collection[int]) -> None:
    """Delete rows that are folded."""
    if database.embedded and ids:
        with database.arrivals.writing() as connection:
            _deleted(connection, ids)
        database.arrivals.move_log()


def _deleted(connection: Connection, ids: Collection[int]) -> set[int]:
    gone = delete(inbox).where(inbox.c.id.in_(sorted(ids))).returning(inbox.c.id)
    return {row.id for row in connection.execute(gone)}


def adopt(database: Database) -> None:
    """Move rows that stand in the embedded database itself to where rows are kept.

    A version from before left them, or a backup that was put in its place. A crash in the middle
    leaves them in both: their records count once all the same, as those of a resend.
    """
    if not database.embedded:
        return
    with database.writing() as connection:
        while _moved(database, connection, inbox, (inbox.c.id,)):
            pass
        while _moved(database, connection, deliveries, tuple(deliveries.primary_key)):
            pass


def _moved(
    database: Database, connection: Connection, table: Table, key: tuple[Column[Any], ...]
) -> bool:
    """Move some rows; whether there were any."""
    left = connection.execute(select(table).order_by(*key).limit(_AT_ONCE)).mappings().all()
    if not left:
        return False
    # Where they go they get ids of their own.
    rows = [{name: value for name, value in row.items() if name != "id"} for row in left]
    with database.arrivals.writing() as arrivals:
        arrivals.execute(insert_into(arrivals, table).on_conflict_do_nothing(), rows)
    last = [left[-1][column.name] for column in key]
    connection.execute(delete(table).where(tuple_(*key) <= tuple_(*last)))
    return True


def park(connection: Connection, row_id: int, reason: str) -> None:
    """Set a row aside that can't be folded, so that it neither blocks others nor is lost."""
    connection.execute(update(inbox).where(inbox.c.id == row_id).values(parked=reason[:200]))


def release(connection: Connection) -> None:
    """Give parked rows another chance (a new version may read them)."""
    connection.execute(update(inbox).values(parked=None).where(inbox.c.parked.is_not(None)))


def waiting(connection: Connection) -> tuple[int, int]:
    """(rows to fold, rows parked)."""
    parked = func.count(inbox.c.parked)
    total, aside = connection.execute(select(func.count(), parked).select_from(inbox)).one()
    return total - aside, aside


def first_deliveries(
    connection: Connection, received: Mapping[DeliveryKey, datetime]
) -> set[DeliveryKey]:
    """Remember deliveries of webhooks, and when they came; those that were not taken before."""
    if not received:
        return set()
    insertion = insert_into(connection, deliveries).on_conflict_do_nothing()
    returned = insertion.returning(deliveries.c.provider, deliveries.c.delivery_id)
    rows = [{**key._asdict(), "received_at": at} for key, at in sorted(received.items())]
    return {DeliveryKey(*row) for row in connection.execute(returned, rows)}
