"""What of the cost is booked on nothing, and why."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    String,
    Subquery,
    bindparam,
    delete,
    func,
    select,
    union_all,
)

from domain.labels import SessionTraces
from domain.unlinked import Unlinked
from store import tables as t
from store.given import asking, given
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
    found = select(u.reason, u.cost_nanousd)
    untold = found.join(t.sessions, s.pk == u.session_pk).where(u.first_at.is_(None))
    if since is not None or until is not None:
        parts = union_all(
            found.where(*_between(u.first_at, since, until)),
            untold.where(*_between(s.first_at, since, until)),
        ).subquery()
    else:
        parts = found.subquery()
    of = parts.c
    query = select(of.reason, func.count(), func.sum(of.cost_nanousd)).group_by(of.reason)
    told = {Unlinked(reason): (count, cost) for reason, count, cost in connection.execute(query)}
    return [
        UnlinkedSpend(
            reason=reason, sessions=count, cost_nanousd=None if cost is None else int(cost)
        )
        for reason in Unlinked
        if reason in told
        for count, cost in [told[reason]]
    ]


def _between(
    at: ColumnElement[datetime], since: datetime | None, until: datetime | None
) -> list[ColumnElement[bool]]:
    bounds = [] if since is None else [at >= since]
    return bounds + ([] if until is None else [at < until])


@asking({"pk": BigInteger()})
def _begun(wanted: Subquery) -> Select[Any]:
    s = t.sessions.c
    return select(s.pk, s.first_at).join(wanted, wanted.c.pk == s.pk)


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
    begun = {row.pk: row.first_at for row in _begun(connection, [(pk,) for pk in unlinked])}
    rows = [
        {
            "session_pk": pk,
            "reason": reason.value,
            "cost_nanousd": cost,
            "first_at": begun.get(pk),
        }
        for pk, (reason, cost) in sorted(unlinked.items())
    ]
    merges = dict.fromkeys(("reason", "cost_nanousd", "first_at"), replaced)
    merge_into(connection, t.unlinked, rows, merges)


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
