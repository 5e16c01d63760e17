"""What of the cost is booked on nothing, and why."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Connection, String, bindparam, delete, func, select

from domain.labels import SessionTraces
from domain.unlinked import Unlinked
from store import tables as t
from store.given import given
from store.identities import identities_of
from store.neighbourhood import AFTER, BEFORE
from store.tables import Moment
from store.upsert import merge_into, replaced


@dataclass(frozen=True, slots=True, kw_only=True)
class UnlinkedSpend:
    """Sessions whose cost is booked on nothing for one reason; None where none of it is known."""

    reason: Unlinked
    sessions: int
    cost_nanousd: int | None


def spend_unlinked(
    connection: Connection, since: datetime | None = None, until: datetime | None = None
) -> list[UnlinkedSpend]:
    """What is booked on nothing, by reason: sessions that began from ``since`` to ``until``."""
    u, s = t.unlinked.c, t.sessions.c
    query = (
        select(u.reason, func.count(), func.sum(u.cost_nanousd))
        .join(t.sessions, s.pk == u.session_pk)
        .group_by(u.reason)
    )
    if since is not None:
        query = query.where(s.first_at >= since)
    if until is not None:
        query = query.where(s.first_at < until)
    told = {Unlinked(reason): (count, cost) for reason, count, cost in connection.execute(query)}
    return [
        UnlinkedSpend(
            reason=reason, sessions=count, cost_nanousd=None if cost is None else int(cost)
        )
        for reason in Unlinked
        if reason in told
        for count, cost in [told[reason]]
    ]


def keep_unlinked(
    connection: Connection,
    session_pks: Collection[int],
    unlinked: Mapping[int, tuple[Unlinked, int | None]],
) -> None:
    """Exchange what is kept of these sessions for this: the reason, and nano-dollars."""
    gone = [{"of": pk} for pk in sorted(set(session_pks) - unlinked.keys())]
    if gone:
        c = t.unlinked.c
        connection.execute(delete(t.unlinked).where(c.session_pk == bindparam("of")), gone)
    rows = [
        {"session_pk": pk, "reason": reason.value, "cost_nanousd": cost}
        for pk, (reason, cost) in sorted(unlinked.items())
    ]
    merge_into(connection, t.unlinked, rows, dict.fromkeys(("reason", "cost_nanousd"), replaced))


def with_commits(
    connection: Connection, sessions: Mapping[int, SessionTraces]
) -> tuple[set[int], set[int]]:
    """Sessions whose people have any commit at all, and those where one is near."""
    if not sessions:
        return set(), set()
    c = t.commit_people.c
    people = {person for traces in sessions.values() for person in traces.people}
    identities = identities_of(connection, people)
    rows = [
        (pk, each, traces.started_at - BEFORE, traces.ended_at + AFTER)
        for pk, traces in sessions.items()
        for person in traces.people
        for each in identities[person]
    ]
    columns = {"pk": BigInteger(), "identity": String(), "since": Moment(), "until": Moment()}
    asked = given(connection, columns, rows)
    any_commit = select(c.sha).where(c.identity == asked.c.identity)
    near = any_commit.where(c.authored_at >= asked.c.since, c.authored_at <= asked.c.until)
    query = select(asked.c.pk, near.exists()).where(any_commit.exists())
    known: set[int] = set()
    close: set[int] = set()
    for pk, is_near in connection.execute(query).all():
        known.add(pk)
        if is_near:
            close.add(pk)
    return known, close
