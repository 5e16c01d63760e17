"""Sessions of a span of time as the leak detectors look at them, in few queries however many.

A session is of the time of its last record, with all that belongs to it. Telemetry that names no
session is left out: it can't be told apart.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    Subquery,
    Text,
    and_,
    case,
    cast,
    func,
    literal_column,
    select,
)

from domain.events import Purpose, Quantity
from domain.labels import Label, Maturity, TargetKind, Tier
from domain.leaks import ModelTokens, Prompts, Watched
from domain.spent import by_report
from domain.usage import add
from store import families
from store import tables as t
from store.given import given
from store.judged import of_evaluation
from store.report_usage import PERSON, TEAM, with_people
from store.sizes import LINES
from store.spent import COSTS

_COUNTED = (Quantity.TOOL_CALLS, Quantity.REPEATED_FAILURES, Quantity.COMPACTIONS)
_ENDED = (Label.PRODUCTIVE, Label.INEFFICIENT, Label.WASTEFUL)
_DECIDING = (Tier.A.value, Tier.B.value)
_PROMPT = ("input", "cache_read", "cache_write", "cache_write_1h")
_TOKENS = ("requests", *_PROMPT, "output", "reasoning")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    repo: str
    number: int
    lines: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Count:
    total: int
    most: int
    again: int


def watched(connection: Connection, since: datetime, until: datetime) -> Iterator[Watched]:
    """Active sessions that have an id, belong to none, and whose last record is in [since, until).

    Sessions that do a task again for an evaluation are left out, as in verdicts. ``work_type`` and
    label are those that were last concluded.
    """
    members = _members(since, until)
    used = _usage(connection, members)
    counts = _counts(connection, members)
    prompts = _prompts(connection, since, until)
    changes = _changes(connection, since, until)
    s = t.sessions.c
    kinds = _work_types(connection, since, until)
    given_label = _labels(connection, since, until)
    query = select(s.pk, s.tool, s.session_id, s.last_at).where(*_shown(since, until))
    for row in connection.execute(query.order_by(s.pk)):
        label = given_label.get(row.pk)
        told = counts.get(row.pk, {})
        repeats = told.get(Quantity.REPEATED_FAILURES.value)
        linked = changes.get(row.pk, [])
        cost, tokens, under = _read(used.get(row.pk, []))
        yield Watched(
            pk=row.pk,
            tool=row.tool,
            session_id=row.session_id,
            ended_at=row.last_at,
            person=_most(under["person"]),
            team=_most(under["team"]),
            repo=_repo(under, linked),
            cost_nanousd=cost,
            tokens=tokens,
            tool_calls=_total(told.get(Quantity.TOOL_CALLS.value)),
            repeats=repeats.most if repeats else 0,
            again=repeats.again if repeats else 0,
            compactions=_total(told.get(Quantity.COMPACTIONS.value)) or 0,
            prompts=prompts.get(row.pk),
            label=label.label if label else None,
            rule=label.rule if label else None,
            final=label is not None and label.maturity == Maturity.FINAL.value,
            changes=tuple((each.repo, each.number) for each in linked),
            lines=_lines(linked),
            work_type=kinds.get(row.pk),
        )


def settled(connection: Connection, since: datetime, until: datetime) -> Iterator[Watched]:
    """Of these sessions those whose label is final and says how they ended.

    What they were like (calls, prompts) is left out.
    """
    c, s = t.session_outcomes.c, t.sessions.c
    used = _usage(connection, _members(since, until))
    changes = _changes(connection, since, until)
    query = (
        select(s.pk, s.tool, s.session_id, s.last_at, c.label, c.rule, c.work_type)
        .join(t.session_outcomes, c.session_pk == s.pk)
        .where(
            *_shown(since, until),
            c.maturity == Maturity.FINAL.value,
            c.label.in_([each.value for each in _ENDED]),
        )
        .order_by(s.pk)
    )
    for row in connection.execute(query):
        linked = changes.get(row.pk, [])
        cost, tokens, under = _read(used.get(row.pk, []))
        yield Watched(
            pk=row.pk,
            tool=row.tool,
            session_id=row.session_id,
            ended_at=row.last_at,
            person=_most(under["person"]),
            team=_most(under["team"]),
            repo=_repo(under, linked),
            cost_nanousd=cost,
            tokens=tokens,
            tool_calls=None,
            repeats=0,
            again=0,
            compactions=0,
            prompts=None,
            label=row.label,
            rule=row.rule,
            final=True,
            changes=tuple((each.repo, each.number) for each in linked),
            lines=_lines(linked),
            work_type=row.work_type or None,
        )


def _repo(under: Mapping[str, Mapping[str, int]], linked: Sequence[_Change]) -> str | None:
    return _most(under["repo"]) or next((each.repo for each in linked), None)


def _lines(linked: Sequence[_Change]) -> int | None:
    lines = [each.lines for each in linked if each.lines is not None]
    return sum(lines) if lines else None


def first_seen(connection: Connection) -> datetime | None:
    """When the oldest session that is still known was last seen; None where there is none."""
    at: datetime | None = connection.execute(select(func.min(t.sessions.c.last_at))).scalar()
    return at


def _shown(since: datetime, until: datetime) -> tuple[Any, ...]:
    s = t.sessions.c
    in_time = and_(s.last_at >= since, s.last_at < until)
    alone = (~families.belongs(s.pk), ~of_evaluation(s.pk))
    return in_time, s.active, s.session_id.is_not(None), *alone


def _members(since: datetime, until: datetime) -> Subquery:
    """(pk, root, child): every session of that time, and whatever belongs to it."""
    s, f = t.sessions.c, t.session_families.c
    own = select(s.pk, s.pk.label("root"), literal_column("0", BigInteger).label("child"))
    own = own.where(*_shown(since, until))
    root = t.sessions.alias("shown")
    theirs = (
        select(f.session_pk, f.root_pk, literal_column("1", BigInteger))
        .join(root, root.c.pk == f.root_pk)
        .where(
            root.c.last_at >= since,
            root.c.last_at < until,
            root.c.active,
            root.c.session_id.is_not(None),
            ~of_evaluation(root.c.pk),
            f.session_pk != f.root_pk,
        )
    )
    return own.union_all(theirs).subquery("members")


def _usage(connection: Connection, members: Subquery) -> dict[int, list[Any]]:
    u = t.usage.c
    booked = (
        members.join(t.sessions, t.sessions.c.pk == members.c.pk)
        .join(t.usage, and_(u.session_pk == members.c.pk, u.rank == t.sessions.c.usage_rank))
        .join(t.contexts, t.contexts.c.pk == u.context_pk)
    )
    keys = (members.c.root, members.c.child, u.model, u.purpose)
    under = (PERSON.label("person"), TEAM.label("team"), t.contexts.c.repo.label("repo"))
    sums = [cast(func.sum(u[name]), BigInteger).label(name) for name in _TOKENS]
    query = select(*keys, *under, *sums, *COSTS).select_from(with_people(booked))
    found: dict[int, list[Any]] = defaultdict(list)
    for row in connection.execute(query.group_by(*keys, PERSON, TEAM, t.contexts.c.repo)):
        found[row.root].append(row)
    return found


def _read(
    rows: list[Any],
) -> tuple[int | None, tuple[ModelTokens, ...], dict[str, dict[str, int]]]:
    """A session's cost, its tokens by model and purpose, and what it cost under each name."""
    name = _told_by(rows)
    total: int | None = None
    tokens: dict[tuple[str, str], dict[str, int | None]] = {}
    named = {**{each: each for each in _TOKENS}, "cost_nanousd": name}
    under: dict[str, dict[str, int]] = {"person": {}, "team": {}, "repo": {}}
    for row in rows:
        told = row._mapping
        cost = told[name]
        total = add(total, cost)
        purpose = Purpose.SUBAGENT.value if row.child else row.purpose
        sums = tokens.setdefault((row.model, purpose), dict.fromkeys(named))
        for counter, column in named.items():
            sums[counter] = add(sums[counter], told[column])
        for kind, weights in under.items():
            if told[kind]:
                weights[told[kind]] = weights.get(told[kind], 0) + (cost or 0)
    return (
        total,
        tuple(
            ModelTokens(model=model or None, purpose=purpose or None, **sums)
            for (model, purpose), sums in sorted(tokens.items())
        ),
        under,
    )


def _told_by(rows: list[Any]) -> str:
    """The cost that a session and all of its parts are told by."""
    reported = reduce(add, (row.reported_nanousd for row in rows), None)
    listed = reduce(add, (row.list_nanousd for row in rows), None)
    unreported = sum(row.unreported_tokens for row in rows)
    return "reported_nanousd" if by_report(reported, listed, unreported) else "list_nanousd"


def _counts(connection: Connection, members: Subquery) -> dict[int, dict[str, _Count]]:
    """By session and quantity: the sum, the most of one item, what was more than one of each."""
    c = t.session_counts.c
    again = func.sum(case((c.amount > 1, c.amount - 1), else_=0))
    sums = (func.sum(c.amount).label("total"), func.max(c.amount).label("most"))
    keys = (members.c.root, c.session_pk, c.quantity, c.rank)
    query = (
        select(*keys, *sums, again.label("again"))
        .join(members, members.c.pk == c.session_pk)
        .where(c.quantity.in_([each.value for each in _COUNTED]))
        .group_by(*keys)
        .order_by(c.rank.desc())
    )
    # Of each session the lowest rank comes last and stands.
    best: dict[tuple[int, int, str], Any] = {
        (row.root, row.session_pk, row.quantity): row for row in connection.execute(query)
    }
    found: dict[int, dict[str, _Count]] = defaultdict(dict)
    for (root, _, quantity), row in best.items():
        before = found[root].get(quantity)
        found[root][quantity] = _Count(
            total=int(row.total) + (before.total if before else 0),
            most=max(int(row.most), before.most if before else 0),
            again=int(row.again) + (before.again if before else 0),
        )
    return found


def _total(count: _Count | None) -> int | None:
    return None if count is None else count.total


def _labels(connection: Connection, since: datetime, until: datetime) -> dict[int, Any]:
    c, s = t.labels.c, t.sessions.c
    query = (
        select(c.session_pk, c.current, c.label, c.rule, c.maturity)
        .join(t.sessions, s.pk == c.session_pk)
        .where(s.last_at >= since, s.last_at < until)
    )
    # Whether it is the current one is asked afterwards: a plan that begins with it reads all.
    return {row.session_pk: row for row in connection.execute(query) if row.current}


def _work_types(connection: Connection, since: datetime, until: datetime) -> dict[int, str]:
    c, s = t.session_outcomes.c, t.sessions.c
    query = (
        select(c.session_pk, c.work_type)
        .join(t.sessions, s.pk == c.session_pk)
        .where(s.last_at >= since, s.last_at < until, c.work_type != "")
    )
    return {row.session_pk: row.work_type for row in connection.execute(query)}


def _prompts(connection: Connection, since: datetime, until: datetime) -> dict[int, Prompts]:
    c, s = t.context_sizes.c, t.sessions.c
    query = (
        select(t.context_sizes)
        .join(t.sessions, and_(s.pk == c.session_pk, s.usage_rank == c.rank))
        .where(s.last_at >= since, s.last_at < until)
    )
    return {
        row.session_pk: Prompts(
            first=row.first_tokens,
            last=row.last_tokens,
            largest=row.largest_tokens,
            requests=row.requests,
            over_100k=row.over_100k,
            over_200k=row.over_200k,
        )
        for row in connection.execute(query)
    }


def _changes(connection: Connection, since: datetime, until: datetime) -> dict[int, list[_Change]]:
    """The changes that sessions are tied to by tier A or B, with their lines."""
    links, s = t.links.c, t.sessions.c
    query = (
        select(links.session_pk, links.repo, links.target_id)
        .join(t.sessions, s.pk == links.session_pk)
        .where(
            s.last_at >= since,
            s.last_at < until,
            links.kind == TargetKind.CHANGE.value,
            links.tier.in_(_DECIDING),
        )
    )
    tied = [
        (row.session_pk, row.repo, int(row.target_id)) for row in connection.execute(query).all()
    ]
    asked = given(connection, {"repo": Text(), "number": Integer()}, {each[1:] for each in tied})
    c = t.changes.c
    sized = select(c.repo, c.number, LINES.label("lines")).join(
        asked, and_(asked.c.repo == c.repo, asked.c.number == c.number)
    )
    known = {(row.repo, row.number): row.lines for row in connection.execute(sized)}
    found: dict[int, list[_Change]] = defaultdict(list)
    for pk, repo, number in sorted(tied):
        if (repo, number) in known:
            found[pk].append(_Change(repo=repo, number=number, lines=known[repo, number]))
    return found


def _most(weights: Mapping[str, int]) -> str | None:
    return min(weights, key=lambda value: (-weights[value], value), default=None)
