"""What is to be told, where, and whether it was: each event once through each channel.

A row is claimed in a transaction of its own before anything is sent. Who dies while sending leaves
it claimed; whoever comes next can't know whether it arrived, says so, and does not send it again.
"""

import json
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, select, tuple_, update

from domain.alerts import AlertKind, EventKind, Notice, Told
from store import tables as t
from store.telling import LEFT_CLAIMED, settled
from store.upsert import Row, merge_into

_TELL_WITHIN = timedelta(days=1)


def enqueue(connection: Connection, channels: Collection[str], now: datetime) -> int:
    """Put down every event of the last day for each of these channels; how many are new.

    What is older is no news, for example to a channel that was only now set up.
    """
    e, n = t.alert_events.c, t.notifications.c
    rows: list[Row] = []
    for channel in sorted(channels):
        same = and_(n.alert_id == e.alert_id, n.number == e.number, n.channel == channel)
        query = (
            select(e.alert_id, e.number)
            .outerjoin(t.notifications, same)
            .where(e.at >= now - _TELL_WITHIN, n.alert_id.is_(None))
            .order_by(e.alert_id, e.number)
        )
        rows += [
            {
                "alert_id": alert_id,
                "number": number,
                "channel": channel,
                "state": Told.PENDING.value,
                "attempts": 0,
                "due_at": now,
                "told_at": None,
                "error": None,
            }
            for alert_id, number in connection.execute(query)
        ]
    merge_into(connection, t.notifications, rows, {})
    return len(rows)


def waiting(connection: Connection, channels: Collection[str], now: datetime) -> bool:
    """Whether anything is to be put down, found uncertain, or sent through these channels."""
    e, n = t.alert_events.c, t.notifications.c
    for channel in channels:
        same = and_(n.alert_id == e.alert_id, n.number == e.number, n.channel == channel)
        query = select(e.alert_id).outerjoin(t.notifications, same)
        query = query.where(e.at >= now - _TELL_WITHIN, n.alert_id.is_(None))
        if connection.execute(query.limit(1)).first() is not None:
            return True
    due = (n.state == Told.PENDING.value) & (n.due_at <= now)
    query = select(n.alert_id).where(due | (n.state == Told.SENDING.value)).limit(1)
    return connection.execute(query).first() is not None


def give_up_claimed(connection: Connection) -> None:
    """What somebody was sending who is gone: it may have arrived.

    To be called by the only one who sends, before it claims anything.
    """
    n = t.notifications.c
    connection.execute(
        update(t.notifications).where(n.state == Told.SENDING.value).values(**LEFT_CLAIMED)
    )


def claim(connection: Connection, channel: str, now: datetime, limit: int) -> list[Notice]:
    """Take what is due for a channel, the oldest first, as being sent now."""
    a, e, n = t.alerts.c, t.alert_events.c, t.notifications.c
    query = (
        select(
            e.alert_id, e.number, e.kind, e.at, e.sentence,
            a.kind.label("about"), a.facts, a.private,
        )
        .join(t.notifications, and_(n.alert_id == e.alert_id, n.number == e.number))
        .join(t.alerts, a.id == e.alert_id)
        .where(n.channel == channel, n.state == Told.PENDING.value, n.due_at <= now)
        .order_by(e.at, e.alert_id, e.number)
        .limit(limit)
    )  # fmt: skip
    rows = connection.execute(query).all()
    notices = [_notice(row) for row in rows]
    _mark(connection, channel, notices, state=Told.SENDING.value, attempts=n.attempts + 1)
    return notices


def attempts(connection: Connection, channel: str, notices: Sequence[Notice]) -> int:
    """How often the one of these was tried that was tried most."""
    n = t.notifications.c
    query = select(n.attempts).where(n.channel == channel, _among(notices))
    return max(connection.execute(query).scalars(), default=0)


def settle(
    connection: Connection,
    channel: str,
    notices: Sequence[Notice],
    state: Told,
    *,
    now: datetime,
    error: str | None = None,
    again_at: datetime | None = None,
) -> None:
    """Say what became of sending these; ``again_at`` where they are to be tried again."""
    values = settled(state, now=now, error=error, again_at=again_at)
    _mark(connection, channel, notices, **values)


def _mark(connection: Connection, channel: str, notices: Sequence[Notice], **values: Any) -> None:
    if notices:
        statement = update(t.notifications).where(
            t.notifications.c.channel == channel, _among(notices)
        )
        connection.execute(statement.values(**values))


def _among(notices: Sequence[Notice]) -> Any:
    n = t.notifications.c
    return tuple_(n.alert_id, n.number).in_([(each.alert_id, each.number) for each in notices])


def _notice(row: Any) -> Notice:
    return Notice(
        alert_id=row.alert_id,
        number=row.number,
        event=EventKind(row.kind),
        at=row.at,
        kind=AlertKind(row.about),
        sentence=row.sentence,
        facts=json.loads(row.facts),
        private=row.private,
    )
