"""Evaluations as they were drawn, the changes they are drawn from, and the sessions tagged."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import BigInteger, Connection, String, Text, cast, func, insert, select

from domain.evaluations import Plan, Tag, tag_of
from domain.events import Trace
from domain.labels import TargetKind, Tier
from domain.spent import spent
from store import families
from store import tables as t
from store.given import given
from store.judged import of_evaluation
from store.membership import ChangeId
from store.sizes import LINES
from store.spent import COSTS

_DECIDING = (Tier.A.value, Tier.B.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedChange:
    """A merged change that sessions worked on, with what they spent; None: not known."""

    repo: str
    number: int
    title: str
    lines: int | None
    files: int | None
    merge_sha: str | None
    cost_nanousd: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaggedSession:
    """A session that says that it does a task again; with those that belong to it."""

    pk: int
    tag: Tag
    first_at: datetime
    last_at: datetime
    cost_nanousd: int | None
    label: str | None
    changes: tuple[ChangeId, ...]


def keep_plan(connection: Connection, plan: Plan) -> None:
    """Keep a plan that was drawn."""
    told = msgspec.json.encode(plan).decode()
    row = {"id": plan.id, "created_at": plan.created_at, "seed": plan.seed, "plan": told}
    connection.execute(insert(t.evaluations), [row])


def plan(connection: Connection, evaluation: str) -> Plan | None:
    """The plan of this id."""
    query = select(t.evaluations.c.plan).where(t.evaluations.c.id == evaluation)
    told = connection.execute(query).scalar()
    return None if told is None else msgspec.json.decode(told, type=Plan)


def plans(connection: Connection) -> list[Plan]:
    """All plans, the newest first."""
    c = t.evaluations.c
    query = select(c.plan).order_by(c.created_at.desc(), c.id)
    return [msgspec.json.decode(told, type=Plan) for told in connection.execute(query).scalars()]


def last_drawn(connection: Connection, as_of: datetime) -> datetime | None:
    """When the last one was drawn by then; None if none was."""
    c = t.evaluations.c
    query = select(func.max(c.created_at)).where(c.created_at <= as_of)
    at: datetime | None = connection.execute(query).scalar()
    return at


def merged_changes(connection: Connection, since: datetime, until: datetime) -> list[LinkedChange]:
    """Changes merged in [since, until) that sessions are linked to by tier A or B.

    Links of sessions that did a task again are not counted.
    """
    c, links = t.changes.c, t.links.c
    query = (
        select(
            c.repo,
            c.number,
            c.title,
            LINES.label("lines"),
            c.changed_files,
            c.merge_sha,
            func.sum(links.cost_nanousd).label("cost"),
        )
        .join(t.links, (links.repo == c.repo) & (links.target_id == cast(c.number, String)))
        .where(
            c.merged_at >= since,
            c.merged_at < until,
            links.kind == TargetKind.CHANGE.value,
            links.tier.in_(_DECIDING),
            ~of_evaluation(links.session_pk),
        )
        .group_by(*t.changes.primary_key.columns, *_COLUMNS)
        .order_by(c.repo, c.number)
    )
    return [
        LinkedChange(
            repo=row.repo,
            number=row.number,
            title=row.title,
            lines=row.lines,
            files=row.changed_files,
            merge_sha=row.merge_sha,
            cost_nanousd=None if row.cost is None else int(row.cost),
        )
        for row in connection.execute(query)
    ]


_COLUMNS = (
    t.changes.c.title,
    t.changes.c.additions,
    t.changes.c.deletions,
    t.changes.c.changed_files,
    t.changes.c.merge_sha,
)


def only_parents(
    connection: Connection, commits: Collection[tuple[str, str]]
) -> dict[tuple[str, str], str]:
    """The commit before each of these (repository, SHA), of those that one alone comes before."""
    if not commits:
        return {}
    wanted = given(connection, {"repo": Text(), "sha": String(64)}, sorted(commits))
    c = t.commit_parents.c
    query = select(c.repo, c.sha, func.min(c.parent)).join(
        wanted, (wanted.c.repo == c.repo) & (wanted.c.sha == c.sha)
    )
    rows = connection.execute(query.group_by(c.repo, c.sha).having(func.count() == 1))
    return {(repo, sha): parent for repo, sha, parent in rows}


def tagged(connection: Connection, evaluation: str) -> list[TaggedSession]:
    """The sessions that say that they take part in it, in the order they began."""
    c, s = t.session_traces.c, t.sessions.c
    query = (
        select(s.pk, c.value, s.first_at, s.last_at, t.labels.c.label)
        .join(t.session_traces, c.session_pk == s.pk)
        .outerjoin(t.labels, (t.labels.c.session_pk == s.pk) & t.labels.c.current)
        .where(
            c.trace == Trace.EVALUATION.value,
            func.substr(c.value, 1, len(evaluation) + 1) == f"{evaluation}/",
            s.active.is_(True),
            ~families.belongs(s.pk),
        )
        .order_by(s.first_at, s.pk, c.value)
    )
    # A session that was tagged twice takes part with the first tag alone.
    rows = {row.pk: row for row in reversed(connection.execute(query).all())}
    costs = _costs(connection, rows)
    changes = _changes(connection, rows)
    return [
        TaggedSession(
            pk=pk,
            tag=tag_of(row.value),
            first_at=row.first_at,
            last_at=row.last_at,
            cost_nanousd=costs.get(pk),
            label=row.label,
            changes=tuple(changes.get(pk, ())),
        )
        for pk, row in reversed(rows.items())
    ]


def _costs(connection: Connection, pks: Mapping[int, object]) -> dict[int, int]:
    members = families.members(connection, list(pks))
    of = [(pk, root) for root, all_of in members.items() for pk in all_of]
    asked = given(connection, {"pk": BigInteger(), "root": BigInteger()}, of)
    u = t.usage.c
    query = (
        select(asked.c.root, *COSTS)
        .select_from(asked)
        .join(t.sessions, t.sessions.c.pk == asked.c.pk)
        .join(t.usage, (u.session_pk == asked.c.pk) & (u.rank == t.sessions.c.usage_rank))
        .group_by(asked.c.root)
    )
    costs = {root: spent(*told) for root, *told in connection.execute(query)}
    return {root: cost for root, cost in costs.items() if cost is not None}


def _changes(connection: Connection, pks: Mapping[int, object]) -> dict[int, list[ChangeId]]:
    asked = given(connection, {"pk": BigInteger()}, [(pk,) for pk in pks])
    links = t.links.c
    query = (
        select(links.session_pk, links.repo, links.target_id)
        .join(asked, asked.c.pk == links.session_pk)
        .where(links.kind == TargetKind.CHANGE.value, links.tier.in_(_DECIDING))
        .order_by(links.repo, links.target_id)
    )
    found: dict[int, list[ChangeId]] = defaultdict(list)
    for pk, repo, number in connection.execute(query):
        found[pk].append((repo, int(number)))
    return found
