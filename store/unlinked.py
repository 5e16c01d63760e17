"""What of the cost is booked on nothing, and why."""

from collections.abc import Collection, Iterator, Mapping
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
    literal,
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
    # Each reason by itself: grouped, SQLite would sort all of these rows first.
    parts = [part for reason in Unlinked for part in _of_reason(reason, since, until)]
    told: dict[Unlinked, tuple[int, int | None]] = {}
    for reason, count, cost in connection.execute(union_all(*parts)):
        before, known = told.get(Unlinked(reason), (0, None))
        costs = [int(each) for each in (known, cost) if each is not None]
        told[Unlinked(reason)] = (before + count, sum(costs) if costs else None)
    return [
        UnlinkedSpend(reason=reason, sessions=count, cost_nanousd=cost)
        for reason in Unlinked
        for count, cost in [told[reason]]
        if count
    ]


def _of_reason(
    reason: Unlinked, since: datetime | None, until: datetime | None
) -> Iterator[Select[*tuple[Any, ...]]]:
    """Reason, sessions and cost: of those whose beginning is kept beside it, and of the others."""
    u, s = t.unlinked.c, t.sessions.c
    found = select(literal(reason.value), func.count(), func.sum(u.cost_nanousd))
    found = found.where(u.reason == reason.value)
    if since is None and until is None:
        yield found.select_from(t.unlinked)
        return
    yield found.where(*_between(u.first_at, since, until))
    untold = found.join_from(t.unlinked, t.sessions, s.pk == u.session_pk)
    yield untold.where(u.first_at.is_(None), *_between(s.first_at, since, until))


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
