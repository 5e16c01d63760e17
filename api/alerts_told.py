"""Alerts as they are told to whoever asks: what few people spent is in none of them.

An alert about spend says that a part of the company spent so much. Whoever may not see that part
whole is told of it where its budget, or its forecast, may be told to them (``api.floor``). What was
spent in 24 hours is in no piece of time that is told: of that it is only said that it was unusual.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from typing import TypeAlias

from api.asker import Asker
from api.floor import reader, sees_part
from api.wiring import Wiring
from domain.alerts import Alert, AlertKind
from domain.budgets import Part, ScopeKind
from store import alerts, budgets
from store.alerts import AlertFilter
from store.engine import Connection

_UNUSUAL = (ScopeKind.TEAM, ScopeKind.TOOL, ScopeKind.MODEL)


Finds: TypeAlias = Callable[[AlertFilter, int], Sequence[Alert]]
"""So many alerts at most that may be told, in the order of ``store.alerts.find``."""


def alerts_told(wiring: Wiring, connection: Connection, asking: Asker) -> Finds:
    """The alerts that whoever asks may be told."""
    if asking.others is None:
        return partial(alerts.find, connection)
    any_of_spend = alerts.any_of_spend(connection)
    money = _money(wiring, connection, asking) if any_of_spend else frozenset()

    def told(wanted: AlertFilter, limit: int) -> list[Alert]:
        found = alerts.find(connection, replace(wanted, money=money), limit)
        return [_without_amounts(each, asking) for each in found]

    return told


def _money(wiring: Wiring, connection: Connection, asking: Asker) -> frozenset[str]:
    """The subjects of alerts about spend that may be told; of budgets, in their present periods."""
    present = [
        (each, span)
        for each in budgets.standing(connection)
        if (span := each.span(wiring.clock().date())) is not None
    ]
    wanted: dict[Part, set[date]] = {Part(kind=kind): set() for kind in _UNUSUAL}
    for each, span in present:
        wanted.setdefault(each.part, set()).add(span.first)
    of = reader(wiring, connection, asking, wanted)
    subjects = {alerts.of_part(ScopeKind.TEAM, team) for team in asking.teams}
    for kind in _UNUSUAL:
        shown = of.told.shown(kind) if of.told else ()
        subjects.update(alerts.of_part(kind, value) for value in shown)
    for each, span in present:
        if of.tells(each.part, span.first):
            subjects.add(alerts.of_budget(each.id, span.first))
    return frozenset(subjects)


def _without_amounts(alert: Alert, asking: Asker) -> Alert:
    if alert.kind is not AlertKind.SPEND_ANOMALY:
        return alert
    part = Part(
        kind=ScopeKind(str(alert.facts["scope"])), value=str(alert.facts.get("value") or "")
    )
    if sees_part(asking, part):
        return alert
    return replace(
        alert,
        sentence=f"The {part.kind} {part.value} spent far more in 24 hours than is usual.",
        facts={"scope": part.kind.value, "value": part.value},
    )
