"""Alerts as they are kept: one for each kind and subject, whatever restarts happen.

What holds is told again and again; only what changes by it is written. Every change worth telling
is an event with a number of its own, so that it can be told once (``store.notices``).
"""

import json
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, insert, or_, select, update

from domain.alerts import Alert, AlertKind, AlertState, EventKind, Finding, Telling, Told
from domain.budgets import ScopeKind
from store import tables as t

REGROUP = timedelta(hours=6)
"""A condition that comes again so soon is the same alert again, and is not told again."""
_NOTED_EVERY = timedelta(minutes=5)
# Of these it is worth telling that they are over; the others end by themselves with their period.
_TOLD_RESOLVED = frozenset({AlertKind.SPEND_ANOMALY, AlertKind.TOOL_SILENT, AlertKind.SYNC_FAILING})
OF_SPEND = frozenset({AlertKind.BUDGET, AlertKind.SPEND_ANOMALY})
"""Alerts about what a part of the company spent."""
_OF_SPEND = tuple(sorted(OF_SPEND))
_LIVE = (AlertState.OPEN, AlertState.ACKNOWLEDGED, AlertState.SNOOZED)

Found = Mapping[AlertKind, Sequence[Finding]]
"""What holds now, of every kind that was looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFilter:
    """Which alerts; empty sets allow all. ``private`` ones only where that is asked for.

    ``money`` are the subjects of those that are about spend (``OF_SPEND``); None: all of them.
    """

    states: frozenset[AlertState] = frozenset()
    kinds: frozenset[AlertKind] = frozenset()
    private: bool = False
    money: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Write:
    """A row to write: ``values`` of the alert, new where it has no ``alert_id``; and its event."""

    alert_id: str | None
    values: Mapping[str, Any]
    event: EventKind | None = None
    sentence: str = ""


def outstanding(connection: Connection, found: Found, now: datetime) -> bool:
    """Whether anything would be written."""
    return bool(_plan(connection, found, now))


def reconcile(connection: Connection, found: Found, now: datetime) -> None:
    """Open, raise and resolve alerts so that they say what was found."""
    for write in _plan(connection, found, now):
        if write.alert_id is None:
            alert_id = secrets.token_hex(6)
            connection.execute(insert(t.alerts).values(id=alert_id, **write.values))
        else:
            alert_id = write.alert_id
            connection.execute(
                update(t.alerts).where(t.alerts.c.id == alert_id).values(**write.values)
            )
        if write.event is not None:
            _note(connection, alert_id, write.event, now, write.sentence)


def find(connection: Connection, wanted: AlertFilter, limit: int) -> list[Alert]:
    """Alerts, those that hold first, then the latest, with how each was told."""
    a = t.alerts.c
    query = select(t.alerts).order_by(a.holds.desc(), a.last_at.desc(), a.id).limit(limit)
    if wanted.states:
        query = query.where(a.state.in_(sorted(wanted.states)))
    if wanted.kinds:
        query = query.where(a.kind.in_(sorted(wanted.kinds)))
    if not wanted.private:
        query = query.where(a.private.is_(False))
    if wanted.money is not None:
        query = query.where(or_(a.kind.not_in(_OF_SPEND), a.subject.in_(sorted(wanted.money))))
    rows = connection.execute(query).all()
    told = _tellings(connection, [row.id for row in rows])
    return [_alert(row, told.get(row.id, ())) for row in rows]


def of_budget(budget_id: str, first: date) -> str:
    """The subject of an alert about a budget in the period that begins on this day."""
    return f"{budget_id} {first.isoformat()}"


def of_part(kind: ScopeKind, value: str) -> str:
    """The subject of an alert about the spend of a part of the company."""
    return f"{kind.value} {value}"


def any_of_spend(connection: Connection) -> bool:
    """Whether there is any alert about what a part of the company spent."""
    query = select(t.alerts.c.id).where(t.alerts.c.kind.in_(_OF_SPEND)).limit(1)
    return connection.execute(query).first() is not None


def get(connection: Connection, alert_id: str) -> Alert | None:
    """The alert of this id."""
    row = connection.execute(select(t.alerts).where(t.alerts.c.id == alert_id)).first()
    return None if row is None else _alert(row, _tellings(connection, [row.id]).get(row.id, ()))


def handle(
    connection: Connection,
    alert_id: str,
    state: AlertState,
    *,
    by: str,
    at: datetime,
    note: str | None = None,
    until: datetime | None = None,
) -> None:
    """Say what is done about an alert; ``until`` is for snoozing.

    A resolved one stays so as long as its condition lasts, unless it gets worse.
    """
    connection.execute(
        update(t.alerts)
        .where(t.alerts.c.id == alert_id)
        .values(
            state=state.value,
            changed_by=by,
            changed_at=at,
            note=note,
            snoozed_until=until,
            resolved_at=at if state is AlertState.RESOLVED else None,
        )
    )


def _plan(connection: Connection, found: Found, now: datetime) -> list[_Write]:
    known = _known(connection, found, now)
    writes: list[_Write] = []
    held: set[tuple[str, str]] = set()
    for findings in found.values():
        for finding in findings:
            key = (finding.kind.value, finding.subject)
            held.add(key)
            row = known.get(key)
            writes.append(_opened(finding, now) if row is None else _again(row, finding, now))
    writes += [_gone(row, now) for key, row in known.items() if key not in held and row.holds]
    return [each for each in writes if each.values]


def _known(connection: Connection, kinds: Collection[AlertKind], now: datetime) -> dict[Any, Any]:
    """The alert of each kind and subject that a finding may belong to."""
    a = t.alerts.c
    query = (
        select(t.alerts)
        .where(
            a.kind.in_(sorted(kinds)),
            or_(a.holds, a.state.in_(_LIVE), a.last_at >= now - REGROUP),
        )
        .order_by(a.last_at, a.opened_at)
    )
    return {(row.kind, row.subject): row for row in connection.execute(query)}


def _opened(finding: Finding, now: datetime) -> _Write:
    values = {
        "kind": finding.kind.value,
        "subject": finding.subject,
        "state": AlertState.OPEN.value,
        "private": finding.private,
        "session_pk": finding.session_pk,
        "opened_at": now,
        "count": 1,
        **_seen(finding, now),
    }
    return _Write(alert_id=None, values=values, event=EventKind.OPENED, sentence=finding.sentence)


def _again(row: Any, finding: Finding, now: datetime) -> _Write:
    """The same condition, still or again."""
    worse = finding.level > row.level
    values: dict[str, Any] = {}
    if worse or now - row.last_at >= _NOTED_EVERY or not row.holds:
        values = _seen(finding, now)
    if not row.holds:
        values["count"] = row.count + 1
    event = EventKind.RAISED if worse else None
    state = AlertState(row.state)
    snoozed = state is AlertState.SNOOZED and now < row.snoozed_until
    if snoozed:
        event = None
        # What got worse meanwhile is told once it wakes.
        values.pop("level", None)
    elif state is AlertState.SNOOZED:
        event = event or EventKind.OPENED
        values |= {**_seen(finding, now), "state": AlertState.OPEN.value, "snoozed_until": None}
    elif worse or (state is AlertState.RESOLVED and not row.holds):
        values |= {"state": AlertState.OPEN.value, "resolved_at": None}
    return _Write(alert_id=row.id, values=values, event=event, sentence=finding.sentence)


def _gone(row: Any, now: datetime) -> _Write:
    values: dict[str, Any] = {"holds": False}
    state = AlertState(row.state)
    if state is AlertState.RESOLVED:
        return _Write(alert_id=row.id, values=values)
    values |= {
        "state": AlertState.RESOLVED.value,
        "resolved_at": now,
        "last_at": now,
        "snoozed_until": None,
    }
    told = AlertKind(row.kind) in _TOLD_RESOLVED and state is not AlertState.SNOOZED
    return _Write(
        alert_id=row.id,
        values=values,
        event=EventKind.RESOLVED if told else None,
        sentence=f"No longer: {row.sentence}",
    )


def _seen(finding: Finding, now: datetime) -> dict[str, Any]:
    return {
        "level": finding.level,
        "sentence": finding.sentence,
        "facts": json.dumps(dict(finding.facts), sort_keys=True),
        "holds": True,
        "last_at": now,
    }


def _note(
    connection: Connection, alert_id: str, event: EventKind, now: datetime, sentence: str
) -> None:
    e = t.alert_events.c
    last = connection.execute(select(func.max(e.number)).where(e.alert_id == alert_id)).scalar()
    connection.execute(
        insert(t.alert_events).values(
            alert_id=alert_id,
            number=(last or 0) + 1,
            kind=event.value,
            at=now,
            sentence=sentence,
        )
    )


def _tellings(connection: Connection, ids: Iterable[str]) -> dict[str, tuple[Telling, ...]]:
    e, n = t.alert_events.c, t.notifications.c
    query = (
        select(e.alert_id, e.kind, e.at, n.channel, n.state, n.attempts, n.told_at, n.error)
        .join(t.notifications, (n.alert_id == e.alert_id) & (n.number == e.number))
        .where(e.alert_id.in_(list(ids)))
        .order_by(e.alert_id, e.number, n.channel)
    )
    found: dict[str, tuple[Telling, ...]] = {}
    for row in connection.execute(query):
        told = Telling(
            event=EventKind(row.kind),
            at=row.at,
            channel=row.channel,
            state=Told(row.state),
            attempts=row.attempts,
            told_at=row.told_at,
            error=row.error,
        )
        found[row.alert_id] = (*found.get(row.alert_id, ()), told)
    return found


def _alert(row: Any, told: tuple[Telling, ...]) -> Alert:
    return Alert(
        id=row.id,
        kind=AlertKind(row.kind),
        subject=row.subject,
        state=AlertState(row.state),
        level=row.level,
        sentence=row.sentence,
        facts=json.loads(row.facts),
        private=row.private,
        holds=row.holds,
        opened_at=row.opened_at,
        last_at=row.last_at,
        count=row.count,
        resolved_at=row.resolved_at,
        snoozed_until=row.snoozed_until,
        changed_by=row.changed_by,
        changed_at=row.changed_at,
        note=row.note,
        tellings=told,
    )
