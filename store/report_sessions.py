"""Sessions as they are listed: the newest first, a page at a time, with usage and current label."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Subquery,
    and_,
    cast,
    exists,
    false,
    func,
    or_,
    select,
    union,
)

from domain.completeness import Completeness
from domain.spent import Standing, standing
from store import families
from store import tables as t
from store.given import asking
from store.report_completeness import completeness
from store.report_usage import (
    BOOKED_BY_PERSON,
    PERSON,
    TEAM,
    Dimension,
    Selection,
    Usage,
    combined,
    conditions,
    contexts_of,
    summed,
    with_people,
)
from store.spent import COSTS, UNPRICED_TOKENS

_BUCKETS = (t.usage.c.input, t.usage.c.cache_read, t.usage.c.cache_write, t.usage.c.output)
LABELLED: FromClause = t.sessions.outerjoin(
    t.labels,
    and_(
        t.labels.c.session_pk == t.sessions.c.pk,
        # In no form that an index has: SQLite, before it has statistics, would look through all
        # current labels for every session.
        func.coalesce(t.labels.c.current, false()),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a page ended: the last session's ``last_at`` and key."""

    last_at: datetime
    pk: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFilter:
    """Which sessions: seen at some time in [``start``, ``end``), and allowed values.

    None among the values stands for *not told*. ``labels`` are current labels.
    """

    start: datetime | None = None
    end: datetime | None = None
    tools: frozenset[str] = frozenset()
    labels: frozenset[str] = frozenset()
    usage: Mapping[Dimension, frozenset[str | None]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSeen:
    """One session. Times are those of its first and last record.

    ``user`` (a person's pseudonym), ``team`` and ``repo`` are those that most of its tokens are
    booked under; None where its usage names none. These, ``usage`` and ``completeness`` are of the
    session together with its ``children``: so many sessions belong to it. ``label`` is None until
    it was first classified. ``cost`` is the one of its costs that stands.
    """

    pk: int
    tool: str
    session_id: str
    first_at: datetime
    last_at: datetime
    user: str | None
    team: str | None
    repo: str | None
    models: tuple[str, ...]
    usage: Usage
    cost: Standing
    children: int
    completeness: Completeness
    label: str | None
    maturity: str | None


def page(
    connection: Connection, wanted: SessionFilter, limit: int, after: Position | None = None
) -> list[SessionSeen]:
    """Active sessions that have an id and belong to none, by their last record, newest first."""
    s = t.sessions.c
    alone = ~families.belongs(s.pk)
    where = (*_where(wanted), *_few(connection, wanted))
    query = _listed(alone, *where).order_by(s.last_at.desc(), s.pk.desc()).limit(limit)
    if after is not None:
        earlier = and_(s.last_at == after.last_at, s.pk < after.pk)
        query = query.where(or_(s.last_at < after.last_at, earlier))
    return _seen(connection, connection.execute(query).all())


def find(connection: Connection, tool: str, session_id: str) -> SessionSeen | None:
    """The active session of this tool and id."""
    query = _listed(t.sessions.c.tool == tool, t.sessions.c.session_id == session_id)
    return next(iter(_seen(connection, connection.execute(query).all())), None)


def _listed(*where: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    query = select(*t.sessions.c, t.labels.c.label, t.labels.c.maturity).select_from(LABELLED)
    return query.where(t.sessions.c.active, t.sessions.c.session_id.is_not(None), *where)


def _where(wanted: SessionFilter) -> list[ColumnElement[bool]]:
    s = t.sessions.c
    where: list[ColumnElement[bool]] = []
    if wanted.start is not None:
        where.append(s.last_at >= wanted.start)
    if wanted.end is not None:
        where.append(s.first_at < wanted.end)
    if wanted.tools:
        where.append(s.tool.in_(sorted(wanted.tools)))
    if wanted.labels:
        where.append(t.labels.c.label.in_(sorted(wanted.labels)))
    if wanted.usage:
        where.append(or_(_used(wanted, s.pk == _MEMBER.c.pk), _used(wanted, _IN_FAMILY)))
    return where


_MEMBER = t.sessions.alias("member")
_FAMILY = t.session_families.c
# Rows of usage that are looked up in some 100 ms: the newest of as many are found in as long.
_MANY = 50_000
_IN_FAMILY = and_(_FAMILY.root_pk == t.sessions.c.pk, _FAMILY.session_pk == _MEMBER.c.pk)


def _few(connection: Connection, wanted: SessionFilter) -> list[ColumnElement[bool]]:
    """Which sessions may have the usage asked for, where these are few; else nothing.

    Few are looked up. Of many the newest are found soon enough by looking at one after the other.
    """
    u, f = t.usage.c, t.session_families.c
    contexts = contexts_of(wanted.usage)
    ways: list[ColumnElement[bool]] = []
    if contexts is not None:
        ways.append(u.context_pk.in_(contexts))
    if Dimension.MODEL in wanted.usage:
        ways.append(u.model.in_(sorted(each or "" for each in wanted.usage[Dimension.MODEL])))
    found: list[ColumnElement[bool]] = []
    for way in ways:
        booked = select(u.session_pk).where(way)
        most = select(func.count()).select_from(booked.limit(_MANY).subquery())
        if connection.execute(most).scalar_one() < _MANY:
            roots = select(f.root_pk).where(f.session_pk.in_(booked))
            found.append(t.sessions.c.pk.in_(union(booked, roots)))
    return found


def _used(wanted: SessionFilter, which: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether one of these members of a listed session has such usage."""
    booked = with_people(t.usage.join(t.contexts, t.contexts.c.pk == t.usage.c.context_pk))
    return (
        exists()
        .select_from(booked)
        .where(
            which,
            t.usage.c.session_pk == _MEMBER.c.pk,
            t.usage.c.rank == _MEMBER.c.usage_rank,
            *conditions(Selection(values=wanted.usage)),
        )
        .correlate(t.sessions)
    )


def _seen(connection: Connection, rows: Sequence[Any]) -> list[SessionSeen]:
    members = families.members(connection, [row.pk for row in rows])
    mine = families.among(t.usage.c.session_pk, members)
    told = {pk: usage for (pk,), usage in summed(connection, (t.usage.c.session_pk,), mine)}
    booked = _booked_under(connection, members)
    complete = completeness(connection, members)
    costs = _costs(connection, members)
    found = {pk: [told[each] for each in family if each in told] for pk, family in members.items()}
    return [
        SessionSeen(
            pk=row.pk,
            tool=row.tool,
            session_id=row.session_id,
            first_at=row.first_at,
            last_at=row.last_at,
            user=_most(booked[row.pk]["user"]),
            team=_most(booked[row.pk]["team"]),
            repo=_most(booked[row.pk]["repo"]),
            models=tuple(sorted(booked[row.pk]["model"])),
            usage=combined(found[row.pk], 1),
            cost=costs[row.pk],
            children=len(members[row.pk]) - 1,
            completeness=complete[row.pk],
            label=row.label,
            maturity=row.maturity,
        )
        for row in rows
    ]


def _costs(connection: Connection, members: Mapping[int, Collection[int]]) -> dict[int, Standing]:
    of = [(pk, root) for root, family in members.items() for pk in family]
    told = {root: standing(*sums) for root, *sums in _spent(connection, of)}
    return {root: told.get(root, standing(None, None, 0, 0)) for root in members}


@asking({"pk": BigInteger(), "root": BigInteger()})
def _spent(asked: Subquery) -> Select[Any]:
    u, s = t.usage.c, t.sessions.c
    return (
        select(asked.c.root, *COSTS, UNPRICED_TOKENS)
        .select_from(asked)
        .join(t.sessions, s.pk == asked.c.pk)
        .join(t.usage, (u.session_pk == asked.c.pk) & (u.rank == s.usage_rank))
        .group_by(asked.c.root)
    )


def _booked_under(
    connection: Connection, members: Mapping[int, Collection[int]]
) -> dict[int, dict[str, dict[str, int]]]:
    """By session and attribute: the tokens booked under each value told."""
    listed = {each: pk for pk, family in members.items() for each in family}
    c = t.contexts.c
    tokens = sum(
        (func.coalesce(bucket, 0) for bucket in _BUCKETS[1:]), func.coalesce(_BUCKETS[0], 0)
    )
    keys = (t.usage.c.session_pk, t.usage.c.model, PERSON, TEAM, c.repo)
    query = (
        select(
            *keys[:2],
            PERSON.label("user"),
            TEAM.label("team"),
            c.repo,
            cast(func.sum(tokens), BigInteger).label("tokens"),
        )
        .select_from(BOOKED_BY_PERSON)
        .where(families.among(t.usage.c.session_pk, members))
        .group_by(*keys)
    )
    found: dict[int, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for row in connection.execute(query):
        for name in ("model", "user", "team", "repo"):
            value = row._mapping[name]
            if value:
                weights = found[listed[row.session_pk]][name]
                weights[value] = weights.get(value, 0) + row.tokens
    return found


def _most(weights: Mapping[str, int]) -> str | None:
    return min(weights, key=lambda value: (-weights[value], value), default=None)
