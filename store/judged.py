"""All labelled sessions as verdicts look at them."""

from collections import defaultdict

from sqlalchemy import Connection, String, cast, func, select

from domain.labels import JudgedChange, JudgedSession, Label, Maturity, TargetKind, Tier
from store import families
from store import tables as t
from store.people import persons_of

_DECIDING = (Tier.A.value, Tier.B.value)


def sessions(connection: Connection) -> list[JudgedSession]:
    """Every active session with its current label, cost, person and changes.

    What belongs to another session is judged as a part of that.
    """
    changes = _changes(connection)
    costs = _costs(connection)
    people = _people(connection)
    query = (
        select(t.sessions, t.labels.c.label, t.labels.c.maturity)
        .join(t.labels, t.labels.c.session_pk == t.sessions.c.pk)
        .where(
            t.sessions.c.active.is_(True),
            t.labels.c.current.is_(True),
            ~families.belongs(t.sessions.c.pk),
        )
    )
    return [
        JudgedSession(
            tool=row.tool,
            session_id=row.session_id,
            person=people.get(row.pk),
            started_at=row.first_at,
            ended_at=row.last_at,
            cost_nanousd=costs.get(row.pk),
            label=Label(row.label),
            maturity=Maturity(row.maturity),
            changes=tuple(changes.get(row.pk, ())),
        )
        for row in connection.execute(query)
    ]


def _changes(connection: Connection) -> dict[int, list[JudgedChange]]:
    query = (
        select(
            t.links.c.session_pk,
            t.links.c.tier,
            t.changes.c.repo,
            t.changes.c.number,
            t.changes.c.title,
            # NULL where either was not told.
            (t.changes.c.additions + t.changes.c.deletions).label("lines"),
        )
        .join(
            t.changes,
            (t.changes.c.repo == t.links.c.repo)
            & (t.links.c.target_id == cast(t.changes.c.number, String)),
        )
        .where(t.links.c.kind == TargetKind.CHANGE.value, t.links.c.tier.in_(_DECIDING))
    )
    found: dict[int, list[JudgedChange]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.session_pk].append(
            JudgedChange(
                repo=row.repo,
                number=row.number,
                title=row.title,
                tier=Tier(row.tier),
                lines=row.lines,
            )
        )
    return found


def _costs(connection: Connection) -> dict[int, int]:
    reported, listed = t.usage.c.reported_nanousd, t.usage.c.list_nanousd
    cost = func.coalesce(func.sum(reported), func.sum(listed))
    shown = func.coalesce(families.ROOT.c.pk, t.sessions.c.pk)
    booked = t.usage.join(t.sessions, t.sessions.c.pk == t.usage.c.session_pk)
    query = (
        select(shown, cost)
        .select_from(families.with_roots(booked, t.usage.c.session_pk))
        .where(t.usage.c.rank == t.sessions.c.usage_rank)
        .group_by(shown)
    )
    return {pk: int(total) for pk, total in connection.execute(query) if total is not None}


def _people(connection: Connection) -> dict[int, str]:
    query = (
        select(t.usage.c.session_pk, func.min(t.contexts.c.user))
        .join(t.contexts, t.contexts.c.pk == t.usage.c.context_pk)
        .where(t.contexts.c.user.is_not(None))
        .group_by(t.usage.c.session_pk)
    )
    users = {row[0]: row[1] for row in connection.execute(query)}
    persons = persons_of(connection, users.values())
    return {pk: persons[user] for pk, user in users.items()}
