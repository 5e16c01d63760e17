"""Which copies of a week's digest go out, and whether they did: each once.

A row is claimed in a transaction of its own before anything is sent. Who dies while sending leaves
it claimed; whoever comes next can't know whether it arrived, says so, and does not send it again.
"""

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, delete, func, select, update

from domain.alerts import Told
from domain.digests import Copy, Scope, Sending, Through
from store import tables as t
from store.telling import LEFT_CLAIMED, settled
from store.upsert import merge_into

_KEPT = timedelta(weeks=53)


def enqueue(connection: Connection, week: date, copies: Iterable[Copy], now: datetime) -> None:
    """Put down these copies of a week's digest; those that are there already stay what they are."""
    rows = [
        {
            "week": week,
            "through": copy.through.value,
            "recipient": copy.recipient,
            "scope": copy.scope.value,
            "state": Told.PENDING.value,
            "attempts": 0,
            "due_at": now,
            "told_at": None,
            "error": None,
        }
        for copy in sorted(copies)
    ]
    merge_into(connection, t.digest_sendings, rows, {})


def withdraw(connection: Connection, week: date, wanted: Collection[Copy]) -> None:
    """Take back what waits and is not wanted any more, since nobody is to get it.

    Of ways through which nothing is wanted here, another process may be the one that sends.
    """
    ways = {copy.through for copy in wanted}
    for each in of_week(connection, week):
        waits = each.state is Told.PENDING and each.copy.through in ways
        if waits and each.copy not in wanted:
            connection.execute(delete(t.digest_sendings).where(_is(week, each.copy)))


def give_up_claimed(connection: Connection) -> None:
    """What somebody was sending who is gone: it may have arrived.

    To be called by the only one who sends, before it claims anything.
    """
    s = t.digest_sendings.c
    connection.execute(
        update(t.digest_sendings).where(s.state == Told.SENDING.value).values(**LEFT_CLAIMED)
    )


def give_up_before(connection: Connection, week: date) -> None:
    """Give up what still waits of the weeks before: it is no news. A year later it is forgotten."""
    s = t.digest_sendings.c
    connection.execute(
        update(t.digest_sendings)
        .where(s.week < week, s.state == Told.PENDING.value)
        .values(
            state=Told.FAILED.value,
            error=func.coalesce(s.error, "its week was over before it could be sent"),
        )
    )
    connection.execute(delete(t.digest_sendings).where(s.week < week - _KEPT))


def outstanding(
    connection: Connection, week: date, copies: Collection[Copy], now: datetime
) -> bool:
    """Whether any of these copies is not put down yet, or anything is to be sent or given up."""
    s = t.digest_sendings.c
    claimed = s.state == Told.SENDING.value
    waits = (s.state == Told.PENDING.value) & ((s.due_at <= now) | (s.week < week))
    query = select(s.week).where(claimed | waits).limit(1)
    if connection.execute(query).first() is not None:
        return True
    return not {each.copy for each in of_week(connection, week)}.issuperset(copies)


def due(connection: Connection, week: date, now: datetime) -> set[Copy]:
    """Which copies of a week's digest are to be sent now."""
    return {
        each.copy
        for each in of_week(connection, week)
        if each.state is Told.PENDING and each.due_at <= now
    }


def claim(connection: Connection, week: date, copy: Copy, now: datetime) -> int | None:
    """Take a copy as being sent now; how often it was tried, with this time.

    None where it is not due (any more), or whoever should get it has unsubscribed meanwhile.
    """
    r, s = t.digest_recipients.c, t.digest_sendings.c
    unwanted = select(r.identity).where(r.identity == s.recipient, r.unsubscribed_at.is_not(None))
    statement = (
        update(t.digest_sendings)
        .where(_is(week, copy), s.state == Told.PENDING.value, s.due_at <= now)
        .where(~unwanted.exists())
        .values(state=Told.SENDING.value, attempts=s.attempts + 1)
        .returning(s.attempts)
    )
    return connection.execute(statement).scalar_one_or_none()


def settle(
    connection: Connection,
    week: date,
    copy: Copy,
    state: Told,
    *,
    now: datetime,
    error: str | None = None,
    again_at: datetime | None = None,
) -> None:
    """Say what became of sending a copy; ``again_at`` where it is to be tried again."""
    values = settled(state, now=now, error=error, again_at=again_at)
    connection.execute(update(t.digest_sendings).where(_is(week, copy)).values(**values))


def again(connection: Connection, week: date, copies: Iterable[Copy], now: datetime) -> None:
    """Let these copies go out once more, because somebody asked for it."""
    for copy in copies:
        connection.execute(
            update(t.digest_sendings)
            .where(_is(week, copy))
            .values(state=Told.PENDING.value, due_at=now)
        )


def of_week(connection: Connection, week: date) -> list[Sending]:
    """What became of a week's digest so far."""
    s = t.digest_sendings.c
    return _sendings(connection, s.week == week)


def since(connection: Connection, week: date) -> list[Sending]:
    """What became of the digests of this week and those after it, the newest first."""
    return _sendings(connection, t.digest_sendings.c.week >= week)


def _sendings(connection: Connection, condition: ColumnElement[bool]) -> list[Sending]:
    s = t.digest_sendings.c
    query = select(t.digest_sendings).where(condition)
    query = query.order_by(s.week.desc(), s.through, s.recipient, s.scope)
    return [
        Sending(
            week=row.week,
            copy=Copy(
                through=Through(row.through), recipient=row.recipient, scope=Scope(row.scope)
            ),
            state=Told(row.state),
            attempts=row.attempts,
            due_at=row.due_at,
            told_at=row.told_at,
            error=row.error,
        )
        for row in connection.execute(query)
    ]


def _is(week: date, copy: Copy) -> ColumnElement[bool]:
    s = t.digest_sendings.c
    return and_(
        s.week == week,
        s.through == copy.through.value,
        s.recipient == copy.recipient,
        s.scope == copy.scope.value,
    )
