"""All labelled sessions as verdicts look at them."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, String, cast, exists, func, select

from domain.events import Trace
from domain.labels import JudgedChange, JudgedSession, Label, Maturity, TargetKind, Tier
from domain.spent import by_report
from domain.usage import add
from store import families
from store import tables as t
from store.report_usage import SOMEBODY
from store.sizes import LINES
from store.spent import COSTS

_DECIDING = (Tier.A.value, Tier.B.value)


@dataclass(frozen=True, slots=True)
class _Cost:
    """What a session cost, and the model that most of it went to."""

    nanousd: int | None
    model: str | None


_UNKNOWN = _Cost(None, None)


class _Told(NamedTuple):
    """Both costs of a part of a session, and its tokens of which none was reported."""

    reported: int | None
    listed: int | None
    unreported_tokens: int


def sessions(connection: Connection, since: datetime | None = None) -> list[JudgedSession]:
    """Every active session with its current label, cost, model, person and changes.

    What belongs to another session is judged as a part of that. Sessions that do a task again for
    an evaluation are left out: they are no work that anybody waited for. ``since`` leaves out those
    whose last record is older.
    """
    changes = _changes(connection)
    costs = _costs(connection, since)
    people = _people(connection)
    query = (
        select(t.sessions, t.labels.c.label, t.labels.c.maturity)
        .join(t.labels, t.labels.c.session_pk == t.sessions.c.pk)
        .where(
            t.sessions.c.active.is_(True),
            t.labels.c.current.is_(True),
            ~families.belongs(t.sessions.c.pk),
            ~of_evaluation(t.sessions.c.pk),
        )
    )
    if since is not None:
        query = query.where(t.sessions.c.last_at >= since)
    return [
        JudgedSession(
            tool=row.tool,
            session_id=row.session_id,
            person=people.get(row.pk),
            started_at=row.first_at,
            ended_at=row.last_at,
            cost_nanousd=costs.get(row.pk, _UNKNOWN).nanousd,
            label=Label(row.label),
            maturity=Maturity(row.maturity),
            changes=tuple(changes.get(row.pk, ())),
            model=costs.get(row.pk, _UNKNOWN).model,
        )
        for row in connection.execute(query)
    ]


def of_evaluation(session_pk: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether a session was told to do a task again for an evaluation."""
    c = t.session_traces.c
    return exists().where(c.session_pk == session_pk, c.trace == Trace.EVALUATION.value)


def _changes(connection: Connection) -> dict[int, list[JudgedChange]]:
    query = (
        select(
            t.links.c.session_pk,
            t.links.c.tier,
            t.changes.c.repo,
            t.changes.c.number,
            t.changes.c.title,
            LINES.label("lines"),
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


def _costs(connection: Connection, since: datetime | None) -> dict[int, _Cost]:
    """What sessions cost; all models of a session are told by the same cost."""
    shown = func.coalesce(families.ROOT.c.pk, t.sessions.c.pk)
    booked = t.usage.join(t.sessions, t.sessions.c.pk == t.usage.c.session_pk)
    query = (
        select(shown, t.usage.c.model, *COSTS)
        .select_from(families.with_roots(booked, t.usage.c.session_pk))
        .where(t.usage.c.rank == t.sessions.c.usage_rank)
        .group_by(shown, t.usage.c.model)
    )
    if since is not None:
        last_at = func.coalesce(families.ROOT.c.last_at, t.sessions.c.last_at)
        query = query.where(last_at >= since)
    told: dict[int, dict[str, _Told]] = defaultdict(dict)
    for pk, model, *sums in connection.execute(query):
        told[pk][model] = _Told(*sums)
    return {pk: _cost(of) for pk, of in told.items()}


def _cost(told: Mapping[str, _Told]) -> _Cost:
    reported = reduce(add, (of.reported for of in told.values()), None)
    listed = reduce(add, (of.listed for of in told.values()), None)
    reports = by_report(reported, listed, sum(of.unreported_tokens for of in told.values()))
    by_model = {model: of.reported if reports else of.listed for model, of in told.items()}
    known = {model: cost for model, cost in by_model.items() if cost is not None}
    if known:
        most = max(sorted(known), key=known.__getitem__)
        return _Cost(sum(known.values()), most or None)
    # Nothing is priced: the model is only known where there is one.
    return _Cost(None, next(iter(told)) or None if len(told) == 1 else None)


def _people(connection: Connection) -> dict[int, str]:
    query = (
        select(t.usage.c.session_pk, func.min(SOMEBODY))
        .join(t.contexts, t.contexts.c.pk == t.usage.c.context_pk)
        .outerjoin(t.persons, t.persons.c.identity == t.contexts.c.user)
        .where(SOMEBODY.is_not(None))
        .group_by(t.usage.c.session_pk)
    )
    return {row[0]: row[1] for row in connection.execute(query)}
