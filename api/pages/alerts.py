"""Alerts: what is wrong, what is done about it, and how it was told."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from api.alerts_told import Finds, alerts_told
from api.asker import Asker
from api.authority import handles_alert
from api.pages import formats
from api.pages import tables as cells
from api.pages.lists import Choice, ListParameters
from api.pages.tables import Cell, Column, Row, Table
from api.wiring import Wiring
from domain.alerts import Alert, AlertKind, AlertState, Telling, Told
from store.alerts import AlertFilter

_MOST = 200
_STATES = (AlertState.OPEN, AlertState.ACKNOWLEDGED, AlertState.SNOOZED)


class AlertListParameters(ListParameters):
    """Which alerts."""

    OWN: ClassVar[tuple[str, ...]] = ("kind", "state")

    kind: AlertKind | None = None
    state: AlertState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsView:
    """Alerts in hand, then those that are resolved. ``theirs`` are ids of those with a form."""

    now: datetime
    in_hand: Sequence[Alert]
    resolved: Sequence[Alert]
    told_to: Sequence[str]
    failed: int
    theirs: frozenset[str]
    choices: Sequence[Choice]
    tables: Sequence[Table]


def alerts_view(
    wiring: Wiring, parameters: AlertListParameters, asking: Asker, *, sees_people: bool
) -> AlertsView:
    """Gather the page."""
    now = wiring.clock()
    kinds = frozenset([parameters.kind] if parameters.kind else ())
    states = frozenset([parameters.state] if parameters.state else ())
    with wiring.database.reading() as connection:
        # Apart, so that many that are over never crowd out one that is not.
        finds = alerts_told(wiring, connection, asking)
        wanted = AlertFilter(kinds=kinds, private=sees_people)
        in_hand = _found(finds, wanted, states or frozenset(_STATES), _STATES)
        over = (AlertState.RESOLVED,)
        resolved = _found(finds, wanted, states or frozenset(over), over)
        theirs = {each.id for each in in_hand if handles_alert(connection, asking, each)}
    tellings = [telling for each in (*in_hand, *resolved) for telling in each.tellings]
    return AlertsView(
        now=now,
        in_hand=in_hand,
        resolved=resolved,
        told_to=sorted({each.channel for each in tellings}),
        failed=sum(each.state is Told.FAILED for each in tellings),
        theirs=frozenset(theirs),
        choices=[
            Choice(
                name="kind",
                title="Kind",
                options=tuple((each.value, formats.words(each.value)) for each in AlertKind),
            ),
            Choice(name="state", title="State", options=tuple((each, each) for each in AlertState)),
        ],
        tables=[
            _table("alerts", "Alerts, those that hold first", [*in_hand, *resolved]),
            _table("resolved", "Resolved alerts, the latest first", resolved),
        ],
    )


def _found(
    finds: Finds,
    wanted: AlertFilter,
    states: frozenset[AlertState],
    among: Sequence[AlertState],
) -> Sequence[Alert]:
    within = states.intersection(among)
    return finds(replace(wanted, states=within), _MOST) if within else ()


def _table(name: str, caption: str, alerts: Sequence[Alert]) -> Table:
    return Table(
        name=name,
        caption=caption,
        columns=(
            Column(title="What", names=("kind", "subject", "sentence")),
            Column(title="State", names=("state", "holds", "note")),
            Column(title="First seen", names=("opened_at",), wide=True),
            Column(title="Last seen", names=("last_at",)),
            Column(title="Told", names=("told",), wide=True),
        ),
        rows=[_row(each) for each in alerts],
    )


def _row(alert: Alert) -> Row:
    told = tellings(alert.tellings)
    note = alert.note or ("" if alert.changed_by else "by itself" * (not alert.holds))
    return (
        Cell(
            text=formats.capital(formats.words(alert.kind.value)),
            values=(alert.kind.value, alert.subject, alert.sentence),
            note=alert.sentence,
        ),
        Cell(
            text=alert.state.value,
            values=(alert.state.value, "yes" if alert.holds else "no", alert.note),
            note=note or None,
        ),
        cells.moment(alert.opened_at),
        cells.moment(alert.last_at),
        Cell(text=told, values=(told,), missing="to nobody"),
    )


def tellings(told: Sequence[Telling]) -> str | None:
    """Through what an alert was told, in words; None: through nothing."""
    parts = [f"{each.channel}: {each.event.value}, {each.state.value}" for each in told]
    return "; ".join(dict.fromkeys(parts)) or None
