"""Forgetting what is old, so that no record is ever counted twice for it.

The horizon is a time before which nothing is booked any more: a record of before it is refused when
it is folded, and tallied as ``too_old``. Only therefore may be forgotten what would recognise such
a record: the keys of records seen, and the older readings of counters. And only therefore a session
whose last record is older can be deleted: nothing sent again brings any of it back.

A folder holds the horizon as long as its transaction lasts (``hold``), and each step of forgetting
waits for that. Every step is a small transaction; what is left undone is found again.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    func,
    or_,
    select,
    tuple_,
    update,
)

from store import aside, claims, outcomes, outdated_days
from store import tables as t
from store.engine import Database

HOUR = timedelta(hours=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# GitHub keeps a delivery for three days to be sent again, GitLab seven; work that is told again
# changes nothing, so this only spares reading it.
DELIVERIES_KEPT = timedelta(days=30)
# A tenth of a second: so long at most whoever receives or folds is kept waiting.
_CHUNK = 100

_OF_SESSIONS = tuple(each for each in t.metadata.sorted_tables if "session_pk" in each.c)
"""Every table with rows of one session. All of them go with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """How many rows: sessions with all that was theirs, hours of keys seen, readings, deliveries.

    ``waiting`` sessions are old enough and were not deleted: something about them is to be
    concluded first.
    """

    sessions: int = 0
    waiting: int = 0
    hours_seen: int = 0
    readings: int = 0
    deliveries: int = 0


def whole_hour(moment: datetime) -> datetime:
    """The hour that a moment is in: horizons stand between hours, as usage does."""
    return moment - (moment - _EPOCH) % HOUR


def horizon(connection: Connection) -> datetime | None:
    """The time before which nothing is booked; None where everything is."""
    return _told(connection, select(t.installation.c.horizon))


def hold(connection: Connection) -> datetime | None:
    """The same, and it stays so until this transaction ends."""
    return _told(connection, select(t.installation.c.horizon).with_for_update(read=True))


def raise_horizon(database: Database, to: datetime) -> datetime:
    """Book nothing from before this hour any more; the horizon, which never goes back."""
    with database.writing() as connection:
        known = hold_alone(connection)
        hour = whole_hour(to)
        if known is not None and known >= hour:
            return known
        connection.execute(update(t.installation).values(horizon=hour))
        return hour


def forget_sessions(database: Database, before: datetime) -> Iterator[int]:
    """Delete the sessions whose last record is from before this time, some at a time: how many.

    ``before`` is at most the horizon. A session goes with its whole family, once the last of it is
    old enough, and not while anything is to be concluded about it. What can't be concluded and was
    set aside keeps none.
    """
    s = t.sessions.c
    for page in _pages(database, _old(before), (s.last_at, s.pk)):
        with database.writing() as connection:
            known = hold_alone(connection)
            if known is None or before > known:
                raise ValueError("records from before this time are still booked")
            found = connection.execute(_old(before).where(s.pk.in_([row.pk for row in page])))
            pks = [row.pk for row in found if row.settled]
            _delete(connection, pks)
        yield len(pks)


def count_sessions(connection: Connection, before: datetime) -> tuple[int, int]:
    """(sessions that would be deleted, those that wait for a conclusion)."""
    old = _old(before).subquery()
    settled = func.count().filter(old.c.settled)
    told, all_of_them = connection.execute(select(settled, func.count()).select_from(old)).one()
    return told, all_of_them - told


def forget_keys(database: Database) -> Iterator[int]:
    """Forget the keys of records from before the horizon, some hours at a time: how many."""
    c = t.seen.c
    old = select(c.session_pk, c.hour).where(c.hour < _known_hour(database))
    for page in _pages(database, old, (c.session_pk, c.hour)):
        with database.writing() as connection:
            _delete_keys(connection, t.seen, page)
        yield len(page)


def forget_spans(database: Database) -> Iterator[int]:
    """Forget what spans of requests from before the horizon told, some at a time: of how many."""
    c = t.request_spans.c
    old = select(c.trace, c.span, c.hour).where(c.hour < _known_hour(database))
    for page in _pages(database, old, (c.hour, c.trace, c.span)):
        with database.writing() as connection:
            _delete_keys(connection, t.request_spans, [(row.trace, row.span) for row in page])
        yield len(page)


def forget_readings(database: Database) -> Iterator[int]:
    """Forget the readings of counters from before the horizon, some at a time: how many.

    Of a counter that was read since, the last one from before stays: growth is told from there. Of
    any other nothing does; should it come back, its start tells that it is too old.
    """
    c = t.series.c
    hour = _known_hour(database)
    old = select(c.key, c.hour).where(c.hour < hour, _superseded(hour))
    for page in _pages(database, old, (c.key, c.hour)):
        with database.writing() as connection:
            hold_alone(connection)
            # One by one, as they are deleted.
            still = old.where(c.key == bindparam("of_key"), c.hour == bindparam("of_hour"))
            told = ({"of_key": row.key, "of_hour": row.hour} for row in page)
            rows = [row for each in told for row in connection.execute(still, each)]
            _delete_keys(connection, t.series, rows)
        yield len(rows)


def forget_repeats(database: Database) -> Iterator[int]:
    """Forget what session-less telemetry of days before the horizon would repeat: of how many."""
    c = t.repeated.c
    old = select(c.pk, c.day).where(c.day < _known_hour(database) // 24)
    for page in _pages(database, old, (c.day, c.pk)):
        with database.writing() as connection:
            _delete_keys(connection, t.repeated, [(row.pk,) for row in page])
        yield len(page)


def forget_deliveries(database: Database, now: datetime) -> int:
    """Forget which webhooks were delivered long ago; how many."""
    with database.arrivals.writing() as connection:
        old = t.deliveries.c.received_at < now - DELIVERIES_KEPT
        return connection.execute(delete(t.deliveries).where(old)).rowcount


def hold_alone(connection: Connection) -> datetime | None:
    """The horizon, once nobody folds; nobody does until this transaction ends."""
    return _told(connection, select(t.installation.c.horizon).with_for_update())


def _told(connection: Connection, query: Select[datetime | None]) -> datetime | None:
    return connection.execute(query).scalar_one()


def _known_hour(database: Database) -> int:
    with database.reading() as connection:
        known = horizon(connection)
    return 0 if known is None else (known - _EPOCH) // HOUR


def _pages(
    database: Database, query: Select[Any], key: tuple[ColumnElement[Any], ...]
) -> Iterator[Sequence[Row[Any]]]:
    """What a query finds, in the order of its key, a page at a time.

    It is found without keeping any writer waiting; whoever writes looks again.
    """
    after: tuple[Any, ...] | None = None
    while True:
        following = query
        if after is not None:
            beyond = tuple_(*after, types=[column.type for column in key])
            following = query.where(tuple_(*key) > beyond)
        with database.reading() as connection:
            page = connection.execute(following.order_by(*key).limit(_CHUNK)).all()
        if not page:
            return
        after = tuple(getattr(page[-1], str(column.key)) for column in key)
        yield page


def _old(before: datetime) -> Select[Any]:
    """Sessions of families that ended before this time, and whether all about each is settled."""
    s = t.sessions.c
    settled = ~or_(
        exists().where(t.dirty_sessions.c.session_pk == s.pk),
        exists().where(t.dirty_labels.c.session_pk == s.pk),
    )
    return select(s.pk, s.last_at, settled.label("settled")).where(
        s.last_at < before, ~_young_kin(before)
    )


def _young_kin(before: datetime) -> ColumnElement[bool]:
    """Whether anyone of a session's family was there since: its root, or another of the root's."""
    s, kin, young = t.sessions.c, t.session_families.alias("kin"), t.sessions.alias("young")
    mine = t.session_families.alias("mine")
    own = select(mine.c.root_pk).where(mine.c.session_pk == s.pk).correlate(t.sessions)
    # Two questions, since for one with an OR every session would be looked at for each.
    root = func.coalesce(own.scalar_subquery(), s.pk)
    since = select(young.c.pk).where(young.c.last_at >= before).correlate(t.sessions)
    members = since.join(kin, kin.c.session_pk == young.c.pk).where(kin.c.root_pk == root)
    return or_(since.where(young.c.pk == root).exists(), members.exists())


def _superseded(hour: int) -> ColumnElement[bool]:
    """Whether no growth will ever be told from a reading of before this hour."""
    other = t.series.alias("other")
    same = other.c.key == t.series.c.key
    since = exists().where(same, other.c.hour >= hour)
    later = exists().where(same, other.c.hour > t.series.c.hour, other.c.hour < hour)
    return or_(~since, and_(later, t.series.c.hour > 0))


def _delete(connection: Connection, pks: Sequence[int]) -> None:
    if not pks:
        return
    outcomes.keep(connection, pks, {})
    claims.settle(connection, pks, {})
    links = select(t.links.c.id).where(t.links.c.session_pk.in_(pks))
    connection.execute(delete(t.link_evidence).where(t.link_evidence.c.link_id.in_(links)))
    alerts = select(t.alerts.c.id).where(t.alerts.c.session_pk.in_(pks))
    for told in (t.notifications, t.alert_events):
        connection.execute(delete(told).where(told.c.alert_id.in_(alerts)))
    aside.forget_sessions(connection, pks)
    outdated_days.outdate_sessions(connection, pks)
    for table in _OF_SESSIONS:
        connection.execute(delete(table).where(table.c.session_pk.in_(pks)))
    connection.execute(delete(t.sessions).where(t.sessions.c.pk.in_(pks)))


def _delete_keys(connection: Connection, table: Any, keys: Iterable[Sequence[Any]]) -> None:
    columns = list(table.primary_key)
    told = [{f"of_{c.name}": value for c, value in zip(columns, key, strict=True)} for key in keys]
    if told:
        # One by one: for an IN over pairs SQLite would read the whole table, page after page.
        this = and_(*(column == bindparam(f"of_{column.name}") for column in columns))
        connection.execute(delete(table).where(this), told)
