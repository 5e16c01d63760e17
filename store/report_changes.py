"""Changes as they are answered: what each cost in sessions, and what happened to it when."""

from collections.abc import Collection, Iterable, Iterator, Sequence
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
    and_,
    case,
    cast,
    func,
    or_,
    select,
    tuple_,
)

from domain.labels import TargetKind, Tier
from store import people
from store import tables as t
from store.given import asking
from store.membership import ChangeId, chunks

_SURE = (Tier.A.value, Tier.B.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What sessions spent on a target.

    ``sessions`` are linked by tier A or B and carry its cost, ``probable_sessions`` by C or D and
    carry none. ``cost_nanousd`` is None where no session with a known cost is linked;
    ``sessions_without_cost`` says how many lack one.
    """

    cost_nanousd: int | None = None
    sessions: int = 0
    probable_sessions: int = 0
    sessions_without_cost: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeListed:
    """One change as its forge last told it. ``author`` is a person's pseudonym.

    ``tickets`` are the keys that it names, known to a tracker or not.
    """

    repo: str
    number: int
    forge: str | None
    title: str
    state: str
    draft: bool
    author: str | None
    author_is_bot: bool
    base_ref: str
    head_ref: str
    opened_at: datetime
    updated_at: datetime
    merged_at: datetime | None
    closed_at: datetime | None
    additions: int | None
    deletions: int | None
    changed_files: int | None
    labels: tuple[str, ...] | None
    tools: tuple[str, ...]
    tickets: tuple[str, ...]
    spent: Spent


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """One thing that happened to a change or ticket.

    ``kind`` says what, ``id`` of what (a SHA, a review, a check, a session), ``state`` how it stood
    from then on, ``by`` who did it (a person's pseudonym), each None where it does not apply.
    """

    at: datetime
    kind: str
    id: str | None = None
    state: str | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePosition:
    """Where a page ended: the last change."""

    opened_at: datetime
    repo: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeFilter:
    """Which changes: open at some time in [``start``, ``end``), and allowed values.

    ``linked`` asks for those with, or without, a session linked by tier A or B.
    """

    start: datetime | None = None
    end: datetime | None = None
    repos: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset()
    tickets: frozenset[str] = frozenset()
    linked: bool | None = None


def page(
    connection: Connection, wanted: ChangeFilter, limit: int, after: ChangePosition | None = None
) -> list[ChangeListed]:
    """Changes by when they were opened, newest first."""
    c = t.changes.c
    query = _listed(*_where(wanted))
    query = query.order_by(c.created_at.desc(), c.repo, c.number.desc()).limit(limit)
    if after is not None:
        same = c.created_at == after.opened_at
        later = or_(
            and_(same, c.repo > after.repo),
            and_(same, c.repo == after.repo, c.number < after.number),
        )
        query = query.where(or_(c.created_at < after.opened_at, later))
    return _seen(connection, connection.execute(query).all())


def find(connection: Connection, change: ChangeId) -> ChangeListed | None:
    """The change of this repository and number."""
    repo, number = change
    query = _listed(t.changes.c.repo == repo, t.changes.c.number == number)
    return next(iter(_seen(connection, connection.execute(query).all())), None)


def found(connection: Connection, changes: Collection[ChangeId]) -> list[ChangeListed]:
    """Those of these changes that are known, newest first."""
    key = tuple_(t.changes.c.repo, t.changes.c.number)
    rows = [
        row
        for some in chunks(sorted(changes))
        for row in connection.execute(_listed(key.in_(some)))
    ]
    return sorted(_seen(connection, rows), key=lambda each: each.opened_at, reverse=True)


def _listed(*where: ColumnElement[bool]) -> Any:
    forge = t.repositories.c.forge
    joined = t.changes.outerjoin(t.repositories, t.repositories.c.repo == t.changes.c.repo)
    return select(t.changes, forge).select_from(joined).where(*where)


def _where(wanted: ChangeFilter) -> Iterator[ColumnElement[bool]]:
    c = t.changes.c
    if wanted.start is not None:
        yield or_(c.merged_at.is_(None), c.merged_at >= wanted.start)
        yield or_(c.closed_at.is_(None), c.closed_at >= wanted.start)
    if wanted.end is not None:
        yield c.created_at < wanted.end
    if wanted.repos:
        yield c.repo.in_(sorted(wanted.repos))
    if wanted.states:
        yield c.state.in_(sorted(wanted.states))
    if wanted.tickets:
        tasks = t.change_tasks.c
        yield (
            select(tasks.key)
            .where(
                tasks.repo == c.repo,
                tasks.number == c.number,
                tasks.key.in_(sorted(wanted.tickets)),
            )
            .exists()
        )
    if wanted.linked is not None:
        link = t.links.c
        linked = (
            select(link.id)
            .where(
                link.kind == TargetKind.CHANGE.value,
                link.repo == c.repo,
                link.target_id == cast(c.number, String),
                link.tier.in_(_SURE),
            )
            .exists()
        )
        yield linked if wanted.linked else ~linked


def _seen(connection: Connection, rows: Sequence[Any]) -> list[ChangeListed]:
    spent = spent_on(connection, {(row.repo, row.number) for row in rows})
    authors = people.persons_of(connection, {row.author for row in rows if row.author})
    return [
        ChangeListed(
            repo=row.repo,
            number=row.number,
            forge=row.forge,
            title=row.title,
            state=row.state,
            draft=row.draft,
            author=authors.get(row.author),
            author_is_bot=row.author_is_bot,
            base_ref=row.base_ref,
            head_ref=row.head_ref,
            opened_at=row.created_at,
            updated_at=row.updated_at,
            merged_at=row.merged_at,
            closed_at=row.closed_at,
            additions=row.additions,
            deletions=row.deletions,
            changed_files=row.changed_files,
            labels=None if row.labels is None else _lines(row.labels),
            tools=_lines(row.tools),
            tickets=_lines(row.tasks),
            spent=spent.get((row.repo, row.number), Spent()),
        )
        for row in rows
    ]


def _lines(told: str) -> tuple[str, ...]:
    return tuple(told.splitlines())


def spent_on(connection: Connection, changes: Collection[ChangeId]) -> dict[ChangeId, Spent]:
    """What sessions spent on each of these changes; those that none is linked to are left out."""
    wanted = sorted((repo, TargetKind.CHANGE.value, str(number)) for repo, number in changes)
    return {
        (row.repo, int(row.id)): Spent(
            cost_nanousd=None if row.cost is None else int(row.cost),
            sessions=row.sessions,
            probable_sessions=row.probable,
            sessions_without_cost=row.costless,
        )
        for row in _spent(connection, wanted)
    }


@asking({"repo": String(), "kind": String(), "id": String()})
def _spent(wanted: Subquery) -> Select[Any]:
    link, of = t.links.c, wanted.c
    sure = link.tier.in_(_SURE)
    same = (link.repo == of.repo) & (link.kind == of.kind) & (link.target_id == of.id)
    return (
        select(
            of.repo,
            of.id,
            cast(func.sum(link.cost_nanousd), BigInteger).label("cost"),
            func.count(case((sure, link.id))).label("sessions"),
            func.count(case((~sure, link.id))).label("probable"),
            func.count(case((and_(sure, link.cost_nanousd.is_(None)), link.id))).label("costless"),
        )
        .select_from(wanted.join(t.links, same))
        .group_by(of.repo, of.id)
    )


def timeline(connection: Connection, change: ChangeListed) -> list[Happened]:
    """What happened to a change, the first thing first.

    Commits at the time that their author wrote them; deployments of its own commits only.
    """
    told = [Happened(at=change.opened_at, kind="opened", by=change.author)]
    shas = _shas(connection, change)
    told += _commits(connection, change, shas)
    told += _reviews(connection, change)
    told += _checks(connection, change, shas)
    told += _deployments(connection, change, shas)
    if change.merged_at is not None:
        told.append(Happened(at=change.merged_at, kind="merged"))
    elif change.closed_at is not None:
        told.append(Happened(at=change.closed_at, kind="closed"))
    return sorted(told, key=lambda each: (each.at, each.kind, each.id or ""))


def _shas(connection: Connection, change: ChangeListed) -> list[str]:
    held, c = t.change_commits.c, t.changes.c
    mine = select(held.sha).where(held.repo == change.repo, held.number == change.number)
    merge = select(c.merge_sha).where(c.repo == change.repo, c.number == change.number)
    merged = connection.execute(merge).scalar()
    return sorted({*connection.execute(mine).scalars(), *([merged] if merged else [])})


def _commits(
    connection: Connection, change: ChangeListed, shas: Iterable[str]
) -> Iterator[Happened]:
    c, p = t.commits.c, t.commit_people.c
    author = select(func.min(p.identity)).where(p.repo == c.repo, p.sha == c.sha).scalar_subquery()
    rows = [
        row
        for some in chunks(shas)
        for row in connection.execute(
            select(c.sha, c.authored_at, author.label("author")).where(
                c.repo == change.repo, c.sha.in_(some)
            )
        )
    ]
    persons = people.persons_of(connection, {row.author for row in rows if row.author})
    for row in rows:
        by = persons.get(row.author)
        yield Happened(at=row.authored_at, kind="committed", id=row.sha, by=by)


def _reviews(connection: Connection, change: ChangeListed) -> Iterator[Happened]:
    c = t.reviews.c
    query = select(t.reviews).where(c.repo == change.repo, c.number == change.number)
    rows = connection.execute(query).all()
    persons = people.persons_of(connection, {row.reviewer for row in rows if row.reviewer})
    for row in rows:
        by = persons.get(row.reviewer)
        yield Happened(
            at=row.submitted_at, kind="reviewed", id=row.review_id, state=row.state, by=by
        )


def _checks(
    connection: Connection, change: ChangeListed, shas: Iterable[str]
) -> Iterator[Happened]:
    c = t.checks.c
    for some in chunks(shas):
        query = select(t.checks).where(c.repo == change.repo, c.sha.in_(some))
        for row in connection.execute(query):
            yield Happened(at=row.at, kind="checked", id=row.name, state=row.state)


def _deployments(
    connection: Connection, change: ChangeListed, shas: Iterable[str]
) -> Iterator[Happened]:
    c = t.deployments.c
    for some in chunks(shas):
        query = select(t.deployments).where(c.repo == change.repo, c.sha.in_(some))
        for row in connection.execute(query):
            yield Happened(at=row.at, kind="deployed", id=row.environment, state=row.state)
