"""What has arrived and what is still on its way: for the status answer and the first page."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Connection, case, cast, func, select

from store import aside, families, inbox
from store import tables as t
from store.engine import Database
from store.report_sessions import LABELLED
from store.report_usage import BOOKED, Usage, combined, summed


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """``pending``: acknowledged, but not yet in every answer. ``parked``: can't be folded.

    ``set_aside``: sessions, commits, changes and the like that can't be concluded.
    ``last_record_at`` is when the newest record reached us, not the time it carries.
    """

    pending: int
    parked: int
    set_aside: int
    last_record_at: datetime | None
    database: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSeen:
    """One tool whose sessions were seen."""

    tool: str
    sessions: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSum:
    """Sessions of one current label (None: not classified yet) and their usage.

    ``sessions`` also counts those without any usage. ``usage`` is None where none has any.
    """

    label: str | None
    sessions: int
    usage: Usage | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """How many records of one kind arrived and what became of them; resends count again."""

    tool: str
    signal: str
    name: str
    outcome: str
    records: int
    first_at: datetime
    last_at: datetime


def probe(connection: Connection) -> None:
    """Ask the database anything, to see whether it answers."""
    connection.execute(select(1))


def arrival(database: Database) -> Arrival:
    """What waits, and when the last record came.

    Asks by itself: what waits to be folded is looked at first, so that whatever is folded
    meanwhile is found among what waits to be concluded.
    """
    with database.arrivals.reading() as connection:
        to_fold, parked = inbox.waiting(connection)
    with database.reading() as connection:
        return _arrival(connection, to_fold, parked)


def _arrival(connection: Connection, to_fold: int, parked: int) -> Arrival:
    to_classify = sum(
        connection.execute(select(func.count()).select_from(dirty)).scalar_one()
        for dirty in (
            t.dirty_people,
            t.dirty_sessions,
            t.dirty_work,
            t.dirty_commits,
            t.dirty_labels,
            t.dirty_changes,
            t.dirty_weeks,
        )
    )
    return Arrival(
        pending=to_fold + to_classify,
        parked=parked,
        set_aside=aside.count(connection),
        last_record_at=connection.execute(select(func.max(t.coverage.c.last_at))).scalar(),
        database=connection.dialect.name,
    )


def tools(connection: Connection) -> list[ToolSeen]:
    """Tools with any active session or session-less usage, by name; a family is one session."""
    s = t.sessions.c
    query = (
        select(
            s.tool,
            func.count(case((~families.belongs(s.pk), s.session_id))).label("sessions"),
            func.min(s.first_at).label("first_at"),
            func.max(s.last_at).label("last_at"),
        )
        .where(s.active)
        .group_by(s.tool)
        .order_by(s.tool)
    )
    return [
        ToolSeen(tool=r.tool, sessions=r.sessions, first_at=r.first_at, last_at=r.last_at)
        for r in connection.execute(query)
    ]


def labels(connection: Connection) -> tuple[list[LabelSum], Usage | None]:
    """Active sessions that have an id, by current label; and usage that names no session.

    What belongs to another session is counted with that.
    """
    label, s = t.labels.c.label, t.sessions.c
    query = (
        select(label, func.count().label("sessions"))
        .select_from(LABELLED)
        .where(s.active, s.session_id.is_not(None), ~families.belongs(s.pk))
        .group_by(label)
    )
    shown = func.coalesce(families.ROOT.c.pk, s.pk)
    booked = BOOKED.outerjoin(t.labels, (t.labels.c.session_pk == shown) & t.labels.c.current)
    usage: dict[str | None, Usage] = {}
    nobodys: list[Usage] = []
    for (of, nameless), told in summed(connection, (label, s.session_id.is_(None)), source=booked):
        if nameless:
            nobodys.append(told)
        else:
            usage[of] = told
    sums = [
        LabelSum(label=row.label, sessions=row.sessions, usage=usage.get(row.label))
        for row in connection.execute(query)
    ]
    return sums, combined(nobodys, 0) if nobodys else None


def coverage(
    connection: Connection, tools: Collection[str] = (), outcomes: Collection[str] = ()
) -> list[Covered]:
    """Records by tool, signal, name and outcome, most first."""
    c = t.coverage.c
    query = select(t.coverage)
    if tools:
        query = query.where(c.tool.in_(sorted(tools)))
    if outcomes:
        query = query.where(c.outcome.in_(sorted(outcomes)))
    query = query.order_by(c.records.desc(), c.tool, c.signal, c.name, c.outcome)
    return [Covered(**row._mapping) for row in connection.execute(query)]


def not_understood(connection: Connection, settled: Collection[str]) -> int:
    """How many records ended otherwise than in these outcomes."""
    c = t.coverage.c
    other = case((c.outcome.not_in(sorted(settled)), c.records), else_=0)
    return connection.execute(select(cast(func.sum(other), BigInteger))).scalar() or 0


def forges(connection: Connection) -> dict[str, int]:
    """Connected forges: how many repositories each has told of."""
    c = t.repositories.c
    query = select(c.forge, func.count().label("repositories")).group_by(c.forge).order_by(c.forge)
    return {row.forge: row.repositories for row in connection.execute(query)}
