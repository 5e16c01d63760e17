"""Acknowledged bytes that are not folded yet, and the deliveries already taken.

A row is deleted in the transaction that folds it, so that what an acknowledgement promised is in
exactly one of both places whatever happens in between.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, select, update

from domain.stamp import Stamp
from store import keys
from store.tables import deliveries, inbox
from store.tables.base import Moment
from store.upsert import insert_into

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


def oldest(connection: Connection, limit: int, *, claim: bool = False) -> list[Held]:
    """The oldest rows that may be folded.

    With ``claim`` (PostgreSQL) they are locked until the transaction ends, and rows that others
    have locked are passed over.
    """
    query = select(inbox).where(inbox.c.parked.is_(None)).order_by(inbox.c.id).limit(limit)
    if claim:
        query = query.with_for_update(skip_locked=True)
    rows = connection.execute(query).all()
    stamps = keys.stamps(connection, (row.key_id for row in rows if row.key_id))
    return [
        Held(
            row.id,
            Incoming(
                received_at=row.received_at,
                kind=row.kind,
                name=row.name,
                body=row.body,
                key_id=row.key_id,
            ),
            stamps.get(row.key_id),
        )
        for row in rows
    ]


def take(connection: Connection, ids: Iterable[int]) -> set[int]:
    """Delete these rows; the ids that were still there. Another folder has taken the others."""
    taken = connection.execute(delete(inbox).where(inbox.c.id.in_(list(ids))).returning(inbox.c.id))
    return {row.id for row in taken}


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


def first_delivery(
    connection: Connection, provider: str, delivery_id: str, received_at: datetime
) -> bool:
    """Remember a webhook delivery; False where it was taken before."""
    insertion = insert_into(connection, deliveries).on_conflict_do_nothing()
    values = {"provider": provider, "delivery_id": delivery_id, "received_at": received_at}
    returned = connection.execute(insertion.returning(deliveries.c.provider), values)
    return returned.first() is not None
