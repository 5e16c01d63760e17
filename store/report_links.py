"""Links as they are answered: what each session is tied to, how surely, and why."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, String, and_, cast, or_, select

from domain.labels import TargetKind
from domain.spent import spent
from domain.usage import add
from store import families
from store import tables as t
from store.membership import chunks
from store.spent import COSTS


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceSeen:
    """One reason for a link."""

    kind: str
    value: str
    observed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSeen:
    """A session's link to a commit, a change or a ticket.

    ``title`` and ``state`` are those of a change or ticket, if known. ``cost_nanousd`` is the part
    of the session's cost that is split to this target.
    """

    id: str
    kind: str
    repo: str
    target_id: str
    title: str | None
    state: str | None
    tier: str
    probability: float
    cost_nanousd: int | None
    evidence: tuple[EvidenceSeen, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkListed:
    """A link with its session.

    ``cost_share`` is the part of the session's cost that is split to the target, from 0 to 1; None
    where the session's cost is not known.
    """

    id: str
    tool: str
    session_id: str
    kind: str
    repo: str
    target_id: str
    tier: str
    probability: float
    cost_nanousd: int | None
    cost_share: float | None
    evidence: tuple[EvidenceSeen, ...]
    last_at: datetime
    session_pk: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkPosition:
    """Where a page ended: the last link's session (its last record and key), and its own id."""

    last_at: datetime
    pk: int
    link_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkFilter:
    """Which links: of sessions seen at some time in [``start``, ``end``), and allowed values."""

    start: datetime | None = None
    end: datetime | None = None
    tools: frozenset[str] = frozenset()
    session_ids: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    repos: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()
    tiers: frozenset[str] = frozenset()
    min_probability: float = 0.0


def page(
    connection: Connection, wanted: LinkFilter, limit: int, after: LinkPosition | None = None
) -> list[LinkListed]:
    """Links by their session's last record, newest first."""
    s, link = t.sessions.c, t.links.c
    query = (
        select(t.links, s.tool, s.session_id, s.last_at)
        .join(t.sessions, s.pk == link.session_pk)
        .where(s.session_id.is_not(None), *_where(wanted))
        .order_by(s.last_at.desc(), s.pk.desc(), link.id)
        .limit(limit)
    )
    if after is not None:
        same = and_(s.last_at == after.last_at, s.pk == after.pk, link.id > after.link_id)
        earlier = and_(s.last_at == after.last_at, s.pk < after.pk)
        query = query.where(or_(s.last_at < after.last_at, earlier, same))
    rows = connection.execute(query).all()
    evidence = evidence_of(connection, [row.id for row in rows])
    costs = session_costs(connection, {row.session_pk for row in rows})
    return [_listed(row, costs.get(row.session_pk), evidence.get(row.id, ())) for row in rows]


def _where(wanted: LinkFilter) -> list[ColumnElement[bool]]:
    s, link = t.sessions.c, t.links.c
    where: list[ColumnElement[bool]] = []
    if wanted.start is not None:
        where.append(s.last_at >= wanted.start)
    if wanted.end is not None:
        where.append(s.first_at < wanted.end)
    if wanted.min_probability:
        where.append(link.probability >= wanted.min_probability)
    among = (
        (s.tool, wanted.tools),
        (s.session_id, wanted.session_ids),
        (link.kind, wanted.kinds),
        (link.repo, wanted.repos),
        (link.target_id, wanted.ids),
        (link.tier, wanted.tiers),
    )
    return where + [column.in_(sorted(values)) for column, values in among if values]


def _listed(row: Any, session_cost: int | None, evidence: tuple[EvidenceSeen, ...]) -> LinkListed:
    return LinkListed(
        id=row.id,
        tool=row.tool,
        session_id=row.session_id,
        kind=row.kind,
        repo=row.repo,
        target_id=row.target_id,
        tier=row.tier,
        probability=row.probability,
        cost_nanousd=row.cost_nanousd,
        cost_share=_share(row.cost_nanousd, session_cost),
        evidence=evidence,
        last_at=row.last_at,
        session_pk=row.session_pk,
    )


def _share(part: int | None, whole: int | None) -> float | None:
    if part is None or whole is None:
        return None
    # What was booked since the session was concluded is not split yet.
    return min(part / whole, 1.0) if whole else 0.0


def session_costs(connection: Connection, pks: Collection[int]) -> dict[int, int]:
    """What each session cost with all that belong to it, without those where that is not known."""
    members = families.members(connection, pks)
    root = {each: pk for pk, family in members.items() for each in family}
    sums: dict[int, tuple[int | None, int | None, int]] = dict.fromkeys(pks, (None, None, 0))
    for some in chunks(sorted(root)):
        query = (
            select(t.usage.c.session_pk, *COSTS)
            .join(t.sessions, t.sessions.c.pk == t.usage.c.session_pk)
            .where(t.usage.c.session_pk.in_(some), t.usage.c.rank == t.sessions.c.usage_rank)
            .group_by(t.usage.c.session_pk)
        )
        for pk, reported, listed, unreported in connection.execute(query):
            held = sums[root[pk]]
            sums[root[pk]] = add(held[0], reported), add(held[1], listed), held[2] + unreported
    costs = {pk: spent(*told) for pk, told in sums.items()}
    return {pk: cost for pk, cost in costs.items() if cost is not None}


def session_of(connection: Connection, link_id: str) -> tuple[str, str] | None:
    """Tool and id of the session that a link is of; None where there is none that has an id."""
    s, link = t.sessions.c, t.links.c
    query = (
        select(s.tool, s.session_id)
        .join(t.links, link.session_pk == s.pk)
        .where(link.id == link_id, s.session_id.is_not(None))
    )
    row = connection.execute(query).first()
    return None if row is None else (row.tool, row.session_id)


def of_session(connection: Connection, session_pk: int) -> list[LinkSeen]:
    """All links of a session, the strongest first, each with its evidence."""
    link, change = t.links.c, t.changes.c
    of_change = and_(
        link.kind == TargetKind.CHANGE.value,
        change.repo == link.repo,
        cast(change.number, String) == link.target_id,
    )
    query = (
        select(t.links, change.title, change.state)
        .select_from(t.links.outerjoin(t.changes, of_change))
        .where(link.session_pk == session_pk)
        .order_by(link.tier, link.probability.desc(), link.kind, link.repo, link.target_id)
    )
    rows = connection.execute(query).all()
    evidence = evidence_of(connection, [row.id for row in rows])
    keys = {row.target_id for row in rows if row.kind == TargetKind.TICKET}
    tickets = _tickets(connection, keys)
    found = []
    for row in rows:
        title, state = tickets.get(row.target_id, (row.title, row.state))
        found.append(
            LinkSeen(
                id=row.id,
                kind=row.kind,
                repo=row.repo,
                target_id=row.target_id,
                title=title,
                state=state,
                tier=row.tier,
                probability=row.probability,
                cost_nanousd=row.cost_nanousd,
                evidence=evidence.get(row.id, ()),
            )
        )
    return found


def _tickets(connection: Connection, keys: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Title and state by key; of a key that two trackers use, those of the first by name."""
    c = t.tickets.c
    found: dict[str, tuple[str, str]] = {}
    for some in chunks(sorted(keys)):
        query = select(c.key, c.title, c.state).where(c.key.in_(some)).order_by(c.tracker)
        for row in connection.execute(query):
            found.setdefault(row.key, (row.title, row.state))
    return found


def evidence_of(
    connection: Connection, link_ids: Iterable[str]
) -> dict[str, tuple[EvidenceSeen, ...]]:
    """The evidence of each of these links, the first observed first."""
    c = t.link_evidence.c
    found: dict[str, tuple[EvidenceSeen, ...]] = {}
    for some in chunks(link_ids):
        query = select(t.link_evidence).where(c.link_id.in_(some))
        for row in connection.execute(query.order_by(c.observed_at, c.kind, c.value)):
            seen = EvidenceSeen(kind=row.kind, value=row.value, observed_at=row.observed_at)
            found[row.link_id] = (*found.get(row.link_id, ()), seen)
    return found
