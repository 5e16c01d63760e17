"""Landed changes as others are compared with: kept, and the peers of one found by index."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Row,
    Select,
    String,
    Subquery,
    case,
    delete,
    func,
    or_,
    select,
)

from domain.labels import TargetKind, Tier
from domain.landed import LandedChange
from domain.norms import CostNorm, Norms, Scope
from domain.outcomes import SizeBucket, WorkType
from store import tables as t
from store.given import asking
from store.membership import ChangeId
from store.upsert import merge_into, replaced

_CHANGE = {"repo": String(), "number": Integer()}
_KEY = ("repo", "number")


@dataclass(frozen=True, slots=True)
class Span:
    """Landed since one moment and before another; at most ``most`` of them, the latest."""

    since: datetime
    before: datetime
    most: int


class Cost(NamedTuple):
    """What a change of so many lines cost (nano-dollars), and with which tool mostly."""

    lines: int
    nanousd: int
    tool: str


def landed_changes(
    connection: Connection, ids: Collection[ChangeId]
) -> dict[ChangeId, LandedChange]:
    """These changes as far as they are known to have landed."""
    rows = _landed_of(connection, sorted(ids))
    return {(row.repo, row.number): _landed(row) for row in rows}


@asking(_CHANGE)
def _landed_of(wanted: Subquery) -> Select[Any]:
    c = t.landed_changes.c
    same = (wanted.c.repo == c.repo) & (wanted.c.number == c.number)
    return select(t.landed_changes).join(wanted, same)


def landed_between(connection: Connection, since: datetime, before: datetime) -> list[LandedChange]:
    """All that landed in this time."""
    c = t.landed_changes.c
    query = select(t.landed_changes).where(c.landed_at >= since, c.landed_at < before)
    return [_landed(row) for row in connection.execute(query.order_by(c.repo, c.number))]


def count_between(connection: Connection, since: datetime, before: datetime) -> int:
    """How many landed in this time."""
    c = t.landed_changes.c
    query = select(func.count()).where(c.landed_at >= since, c.landed_at < before)
    return connection.execute(query).scalar_one()


def without_peers(
    connection: Connection, since: datetime, known_until: datetime
) -> list[LandedChange]:
    """Those that landed since then and whose cost had no peers before their week.

    Left out are those whose peers were known by ``known_until``.
    """
    c = t.landed_changes.c
    query = select(t.landed_changes).where(
        c.landed_at >= since,
        c.cost_nanousd > 0,
        c.lines > 0,
        or_(c.scope.is_(None), c.cost_known_at > known_until),
    )
    return [_landed(row) for row in connection.execute(query.order_by(c.repo, c.number))]


def last_landed_at(connection: Connection) -> datetime | None:
    """When the latest of all landed."""
    at: datetime | None = connection.execute(
        select(func.max(t.landed_changes.c.landed_at))
    ).scalar()
    return at


def keep_landed(connection: Connection, changes: Iterable[LandedChange]) -> None:
    """Keep these as they are now."""
    rows = [_row(change) for change in changes]
    columns = [column.name for column in t.landed_changes.c if column.name not in _KEY]
    merge_into(connection, t.landed_changes, rows, dict.fromkeys(columns, replaced))


def drop_landed(connection: Connection, ids: Iterable[ChangeId]) -> None:
    """Forget changes that have not landed after all."""
    c = t.landed_changes.c
    for repo, number in sorted(ids):
        this = (c.repo == repo) & (c.number == number)
        connection.execute(delete(t.landed_changes).where(this))


def costs_of(connection: Connection, ids: Collection[ChangeId]) -> dict[ChangeId, dict[str, int]]:
    """What sessions linked by tier A or B have booked on these changes, by tool, where known."""
    rows = [(repo, str(number), number) for repo, number in sorted(ids)]
    found: dict[ChangeId, dict[str, int]] = defaultdict(dict)
    for row in _costs(connection, rows):
        found[row.repo, row.number][row.tool] = int(row.cost)
    return found


@asking({"repo": String(), "target_id": String(), "number": Integer()})
def _costs(wanted: Subquery) -> Select[Any]:
    c, s = t.links.c, t.sessions.c
    return (
        select(wanted.c.repo, wanted.c.number, s.tool, func.sum(c.cost_nanousd).label("cost"))
        .join(t.links, (c.repo == wanted.c.repo) & (c.target_id == wanted.c.target_id))
        .join(t.sessions, s.pk == c.session_pk)
        .where(
            c.kind == TargetKind.CHANGE.value,
            c.tier.in_([Tier.A.value, Tier.B.value]),
            c.cost_nanousd.is_not(None),
        )
        .group_by(wanted.c.repo, wanted.c.number, s.tool)
    )


def costs_of_peers(
    connection: Connection,
    span: Span,
    *,
    repo: str | None = None,
    work_type: WorkType | None = None,
    tool: str | None = None,
) -> list[Cost]:
    """What those cost that have a size and a cost and were not reverted by the end of the span.

    Of one repository, one kind of work or one tool, where they are given.
    """
    c = t.landed_changes.c
    where = [
        *_within(span),
        c.cost_nanousd > 0,
        c.lines > 0,
        c.size.is_not(None),
        or_(c.first_reverted_at.is_(None), c.first_reverted_at >= span.before),
    ]
    if repo is not None:
        where.append(c.repo == repo)
    if work_type is not None:
        where.append(c.work_type == work_type.value)
    if tool is not None:
        where.append(c.tool == tool)
    found = _latest(connection, span, where, c.lines, c.cost_nanousd, c.tool)
    return [Cost(row.lines, row.cost_nanousd, row.tool) for row in found]


def rounds_of_peers(connection: Connection, span: Span, size: SizeBucket) -> list[int]:
    """Review rounds of the changes of this size, fewest first."""
    c = t.landed_changes.c
    found = _latest(connection, span, [*_within(span), c.size == size.value], c.rounds)
    return sorted(row[0] for row in found)


def tied_peers(connection: Connection, span: Span, repo: str) -> tuple[int, int]:
    """Of the changes by people in this repository: how many are tied to a task, and how many are.

    All within the span are counted.
    """
    c = t.landed_changes.c
    tied = func.coalesce(func.sum(case((c.tied, 1), else_=0)), 0)
    query = select(tied, func.count()).where(*_within(span), c.repo == repo, c.by_bot.is_(False))
    told, of = connection.execute(query).one()
    return int(told), int(of)


def _within(span: Span) -> list[ColumnElement[bool]]:
    at = t.landed_changes.c.landed_at
    return [at >= span.since, at < span.before]


def _latest(
    connection: Connection,
    span: Span,
    where: Sequence[ColumnElement[bool]],
    *columns: ColumnElement[Any],
) -> Sequence[Row[Any]]:
    c = t.landed_changes.c
    query = select(*columns).where(*where)
    order = (c.landed_at.desc(), c.repo, c.number)
    return connection.execute(query.order_by(*order).limit(span.most)).all()


def _row(change: LandedChange) -> Mapping[str, Any]:
    norms = change.norms
    cost = norms.cost if norms else None
    return {
        "repo": change.repo,
        "number": change.number,
        "landed_at": change.landed_at,
        "first_reverted_at": change.first_reverted_at,
        "lines": change.lines,
        "size": change.size.value if change.size else None,
        "rounds": change.rounds,
        "work_type": change.work_type.value if change.work_type else None,
        "by_bot": change.by_bot,
        "tied": change.tied,
        "cost_nanousd": change.cost_nanousd,
        "tool": change.tool,
        "scope": cost.scope.value if cost else None,
        "peers": cost.peers if cost else None,
        "expected_nanousd": cost.expected_nanousd if cost else None,
        "percentile": cost.percentile if cost else None,
        "tool_factor": cost.tool_factor if cost else None,
        "cost_known_at": cost.known_at if cost else None,
        "slope": cost.slope if cost else None,
        "most_lines": cost.most_lines if cost else None,
        "upper_times": cost.upper_times if cost else None,
        "usual_rounds": norms.usual_rounds if norms else None,
        "rounds_peers": norms.rounds_peers if norms else None,
        "tied_share": norms.tied_share if norms else None,
        "tied_peers": norms.tied_peers if norms else None,
    }


def _landed(row: Row[Any]) -> LandedChange:
    return LandedChange(
        repo=row.repo,
        number=row.number,
        landed_at=row.landed_at,
        first_reverted_at=row.first_reverted_at,
        lines=row.lines,
        size=SizeBucket(row.size) if row.size else None,
        rounds=row.rounds,
        work_type=WorkType(row.work_type) if row.work_type else None,
        by_bot=row.by_bot,
        tied=row.tied,
        cost_nanousd=row.cost_nanousd,
        tool=row.tool,
        norms=None if row.rounds_peers is None else _norms(row),
    )


def _norms(row: Row[Any]) -> Norms:
    cost = None
    # Of what an older version has compared, nothing is said until it is compared anew.
    if row.scope is not None and row.slope is not None:
        cost = CostNorm(
            scope=Scope(row.scope),
            peers=row.peers,
            expected_nanousd=row.expected_nanousd,
            percentile=row.percentile,
            tool_factor=row.tool_factor,
            slope=row.slope,
            most_lines=row.most_lines,
            upper_times=row.upper_times,
            known_at=row.cost_known_at,
        )
    return Norms(
        cost=cost,
        usual_rounds=row.usual_rounds,
        rounds_peers=row.rounds_peers,
        tied_share=row.tied_share,
        tied_peers=row.tied_peers,
    )
