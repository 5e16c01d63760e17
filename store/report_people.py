"""Whom nothing ties to anything else: where the join loses most, and what would help."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, case, func, or_, select

from domain.events import Trace
from domain.people import somebody
from domain.record import EPOCH
from domain.spent import spent
from store import tables as t
from store.spent import COSTS
from store.teams import memberships


@dataclass(frozen=True, slots=True, kw_only=True)
class Unresolved:
    """An identity that no statement ties to another, and that is told on one side only.

    ``identity`` is None for sessions that tell none. ``seen_in`` are tools, or repositories of
    commits. ``cost_nanousd`` is what its sessions cost (``domain.spent``); None: not known.
    """

    identity: str | None
    seen_in: tuple[str, ...]
    last_at: datetime | None
    sessions: int = 0
    cost_nanousd: int | None = None
    commits: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonSeen:
    """A person with how many identities are known, and the teams of the moment."""

    person: str
    identities: int
    team: str | None
    leads: tuple[str, ...]


def seen(connection: Connection, now: datetime, teams: Collection[str] = ()) -> list[PersonSeen]:
    """People of whom more than one identity is known or who are in a team, by pseudonym.

    Machines that nobody is known for are none, however many are taken for one.
    """
    counts = Counter(filter(somebody, persons(connection).values()))
    hour = (now - EPOCH) // timedelta(hours=1)
    current = [
        each
        for each in memberships(connection)
        if each.from_hour <= hour and (each.to_hour is None or hour < each.to_hour)
    ]
    member = {each.person: each.team for each in current if not each.lead}
    leads: dict[str, list[str]] = defaultdict(list)
    for each in current:
        if each.lead:
            leads[each.person].append(each.team)
    found = [
        PersonSeen(
            person=person,
            identities=max(counts[person], 1),
            team=member.get(person),
            leads=tuple(leads[person]),
        )
        for person in sorted({*counts, *member, *leads})
    ]
    return [each for each in found if not teams or {each.team, *each.leads} & set(teams)]


def persons(connection: Connection) -> dict[str, str]:
    """The person of every identity that is not alone."""
    return {row.identity: row.person for row in connection.execute(select(t.persons))}


def unresolved(connection: Connection, limit: int) -> list[Unresolved]:
    """Identities with spend, most first, then authors of commits, most commits first."""
    found = [*_spenders(connection), *_authors(connection)]
    found.sort(key=lambda u: (-(u.cost_nanousd or 0), -u.sessions, -u.commits, u.identity or ""))
    return found[:limit]


def _spenders(connection: Connection) -> Iterable[Unresolved]:
    """Users, or installations, of sessions of which no identity is known from anywhere else."""
    s, u = t.sessions.c, t.usage.c
    trace = t.session_traces.c
    tied = select(trace.session_pk).where(
        trace.trace == Trace.IDENTITY.value,
        or_(
            trace.value.in_(select(t.persons.c.identity)),
            trace.value.in_(select(t.commit_people.c.identity)),
        ),
    )
    mine = and_(trace.session_pk == s.pk, trace.trace == Trace.IDENTITY.value)
    machine = trace.value.startswith("i\\_", escape="\\")
    # A mail address or account says more than a machine.
    named = func.coalesce(func.min(case((~machine, trace.value))), func.min(trace.value))
    identity = select(named).where(mine).scalar_subquery()
    booked = and_(u.session_pk == s.pk, u.rank == s.usage_rank)
    query = (
        select(identity.label("identity"), s.tool, s.last_at, *COSTS)
        .select_from(t.sessions.outerjoin(t.usage, booked))
        .where(s.active, s.session_id.is_not(None), s.pk.not_in(tied))
        .group_by(s.pk, s.tool, s.last_at)
    )
    sums: dict[str | None, list[tuple[str, datetime, int | None]]] = defaultdict(list)
    for told, tool, last_at, *costs in connection.execute(query):
        sums[told].append((tool, last_at, spent(*costs)))
    for told, rows in sums.items():
        known = [cost for _, _, cost in rows if cost is not None]
        yield Unresolved(
            identity=told,
            seen_in=tuple(sorted({tool for tool, _, _ in rows})),
            last_at=max(last_at for _, last_at, _ in rows),
            sessions=len(rows),
            cost_nanousd=sum(known) if known else None,
        )


def _authors(connection: Connection) -> Iterable[Unresolved]:
    """Authors of commits of whom no telemetry is known."""
    c, p = t.commits.c, t.commit_people.c
    trace = t.session_traces.c
    told = select(trace.value).where(trace.trace == Trace.IDENTITY.value)
    query = (
        select(p.identity, p.repo, func.max(c.authored_at).label("last_at"), func.count())
        .join(t.commits, and_(c.repo == p.repo, c.sha == p.sha))
        .where(
            c.author_is_bot.is_(False),
            p.identity.not_in(select(t.persons.c.identity)),
            p.identity.not_in(told),
        )
        .group_by(p.identity, p.repo)
    )
    sums: dict[str, list[tuple[str, datetime, int]]] = defaultdict(list)
    for identity, repo, last_at, commits in connection.execute(query):
        sums[identity].append((repo, last_at, commits))
    for identity, rows in sums.items():
        yield Unresolved(
            identity=identity,
            seen_in=tuple(sorted(repo for repo, _, _ in rows)),
            last_at=max(last_at for _, last_at, _ in rows),
            commits=sum(commits for _, _, commits in rows),
        )
