"""What people said that sessions bought: kept with its history, and counted by rule."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, Row, func, or_, select, update

from domain.labels import Label, Labelled
from domain.overrules import Overrule, RuleMeasured
from domain.weeks import HALF
from store import tables as t
from store.dirty import mark_labels
from store.given import given
from store.outcomes import EVERYTHING
from store.upsert import merge_into, replaced


def overrule(
    connection: Connection,
    session_pk: int,
    label: Label,
    reason: str,
    *,
    by: str,
    at: datetime,
    rules_say: Labelled,
) -> None:
    """Keep what a person says; what was said before it is taken back.

    ``rules_say`` is what the rules say of the session at that time.
    """
    withdraw(connection, session_pk, by=by, at=at)
    row = {
        "session_pk": session_pk,
        "said_at": at,
        "label": label.value,
        "reason": reason,
        "said_by": by,
        "rule": rules_say.rule,
        "rule_label": rules_say.label.value,
        "rule_set": rules_say.rule_set,
        "withdrawn_at": None,
        "withdrawn_by": None,
    }
    # Of two words at one moment the second stands.
    merge_into(connection, t.label_overrules, [row], dict.fromkeys(row, replaced))
    mark_labels(connection, [session_pk])


def withdraw(connection: Connection, session_pk: int, *, by: str, at: datetime) -> bool:
    """Take back what stands of this session; whether anything did. It stays as history."""
    c = t.label_overrules.c
    standing_now = (c.session_pk == session_pk) & c.withdrawn_at.is_(None)
    taken = update(t.label_overrules).where(standing_now).values(withdrawn_at=at, withdrawn_by=by)
    if not connection.execute(taken).rowcount:
        return False
    mark_labels(connection, [session_pk])
    return True


def standing(
    connection: Connection, session_pks: Collection[int], as_of: datetime
) -> dict[int, Overrule]:
    """What stood of these sessions at a moment."""
    wanted = given(connection, {"pk": BigInteger()}, [(pk,) for pk in session_pks])
    c = t.label_overrules.c
    query = (
        select(t.label_overrules)
        .join(wanted, wanted.c.pk == c.session_pk)
        .where(c.said_at <= as_of, or_(c.withdrawn_at.is_(None), c.withdrawn_at > as_of))
    )
    return {row.session_pk: _overrule(row) for row in connection.execute(query)}


def history(connection: Connection, session_pk: int) -> list[Overrule]:
    """All that people ever said of a session, the newest first."""
    c = t.label_overrules.c
    query = select(t.label_overrules).where(c.session_pk == session_pk)
    return [_overrule(row) for row in connection.execute(query.order_by(c.said_at.desc()))]


def measured(connection: Connection) -> dict[str, RuleMeasured]:
    """By rule: how many sessions have its label now, and what people say of those it gave."""
    sessions = _labelled(connection)
    c = t.label_overrules.c
    query = (
        select(c.rule, c.label, func.count())
        .where(c.withdrawn_at.is_(None))
        .group_by(c.rule, c.label)
    )
    said: dict[str, dict[Label, int]] = defaultdict(dict)
    for rule, label, count in connection.execute(query):
        said[rule][Label(label)] = int(count)
    return {
        rule: RuleMeasured(sessions=sessions.get(rule, 0), said=said.get(rule, {}))
        for rule in sessions.keys() | said.keys()
    }


def _labelled(connection: Connection) -> dict[str, int]:
    """By rule: sessions with its label, from the sums of half-years that follow each conclusion."""
    c = t.outcome_rollups.c
    query = (
        select(c.rule, func.sum(c.sessions))
        .where(c.dimension == EVERYTHING, c.weeks == HALF)
        .group_by(c.rule)
    )
    return {rule: int(count) for rule, count in connection.execute(query) if count}


def _overrule(row: Row[Any]) -> Overrule:
    return Overrule(
        label=Label(row.label),
        reason=row.reason,
        said_by=row.said_by,
        said_at=row.said_at,
        withdrawn_at=row.withdrawn_at,
        withdrawn_by=row.withdrawn_by,
        rule=row.rule,
        rule_label=Label(row.rule_label),
        rule_set=row.rule_set,
    )
