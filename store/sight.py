"""Whom somebody may see: themselves, and the people of the teams that they lead."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, union

from domain.record import EPOCH
from store import people
from store import tables as t
from store.report_usage import BOOKED_BY_PERSON, PERSON, TEAM

_HOUR = timedelta(hours=1)


def teams_led(connection: Connection, person: str, now: datetime) -> frozenset[str]:
    """The teams that a person leads now, as the teams file says."""
    c = t.team_members.c
    return frozenset(
        connection.execute(select(c.team).where(c.person == person, c.lead, _now(now))).scalars()
    )


def people_of_teams(
    connection: Connection, teams: Collection[str], now: datetime
) -> frozenset[str]:
    """The persons who are members of these teams now, or whose telemetry names one of them."""
    if not teams:
        return frozenset()
    c, member = t.contexts.c, t.team_members.c
    person = func.coalesce(t.persons.c.person, c.user)
    told = (
        select(person)
        .select_from(t.contexts.outerjoin(t.persons, t.persons.c.identity == c.user))
        .where(c.team.in_(sorted(teams)), c.user.is_not(None))
    )
    members = select(member.person).where(
        member.team.in_(sorted(teams)), member.lead.is_(False), _now(now)
    )
    return frozenset(connection.execute(union(told, members)).scalars())


def whole_person(connection: Connection, identity: str) -> tuple[str, frozenset[str]]:
    """The person that an identity is of, and all names that stand for them."""
    person = people.persons_of(connection, [identity])[identity]
    return person, people.identities_of(connection, person) | {person, identity}


def is_of_teams(
    connection: Connection, session_pk: int, teams: Collection[str], persons: Collection[str]
) -> bool:
    """Whether any of a session's usage is booked under one of these teams or persons."""
    query = select(PERSON, TEAM).select_from(BOOKED_BY_PERSON).distinct()
    rows = connection.execute(query.where(t.usage.c.session_pk == session_pk)).all()
    return any(team in teams or person in persons for person, team in rows)


def session_of_link(connection: Connection, link_id: str) -> int | None:
    """The session that a link is of; None where there is no such link."""
    query = select(t.links.c.session_pk).where(t.links.c.id == link_id)
    return connection.execute(query).scalar_one_or_none()


def session_of(connection: Connection, tool: str, session_id: str) -> int | None:
    """A session's key; None where there is no such session."""
    s = t.sessions.c
    query = select(s.pk).where(s.tool == tool, s.session_id == session_id).limit(1)
    return connection.execute(query).scalar_one_or_none()


def team_of_leak(connection: Connection, leak_id: str) -> str | None:
    """The team that a leak is of; None where it is of none, or there is no such leak."""
    query = select(t.leaks.c.team).where(t.leaks.c.leak_id == leak_id)
    return connection.execute(query).scalar_one_or_none()


def _now(now: datetime) -> ColumnElement[bool]:
    c, hour = t.team_members.c, (now - EPOCH) // _HOUR
    return and_(c.from_hour <= hour, or_(c.to_hour.is_(None), c.to_hour > hour))
