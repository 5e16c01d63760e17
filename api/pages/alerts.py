"""Alerts: what is wrong, what is done about it, and how it was told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import ClassVar
from urllib.parse import parse_qs

from fastapi import Request

from api.pages import formats
from api.pages import tables as cells
from api.pages.lists import Choice, ListParameters
from api.pages.tables import Cell, Column, Row, Table
from api.problems import Refusal
from api.wiring import Wiring
from domain.alerts import Alert, AlertKind, AlertState, Telling, Told
from store import alerts as kept
from store.alerts import AlertFilter
from store.engine import Connection

_MOST = 200
_MOST_FORM_BYTES = 20_000
_MOST_NOTE = 2000
_STATES = (AlertState.OPEN, AlertState.ACKNOWLEDGED, AlertState.SNOOZED)
SNOOZES = {1: "1 day", 7: "7 days", 30: "30 days"}


class Act(StrEnum):
    """What is done about an alert."""

    ACKNOWLEDGE = "acknowledge"
    SNOOZE = "snooze"
    RESOLVE = "resolve"


_LEADS_TO = {
    Act.ACKNOWLEDGE: AlertState.ACKNOWLEDGED,
    Act.SNOOZE: AlertState.SNOOZED,
    Act.RESOLVE: AlertState.RESOLVED,
}


class AlertListParameters(ListParameters):
    """Which alerts."""

    OWN: ClassVar[tuple[str, ...]] = ("kind", "state")

    kind: AlertKind | None = None
    state: AlertState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Acted:
    """What a form says. ``until`` is for snoozing."""

    act: Act
    note: str | None
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsView:
    """Alerts in hand, then those that are resolved. ``may_handle``: whether forms are shown."""

    now: datetime
    in_hand: Sequence[Alert]
    resolved: Sequence[Alert]
    told_to: Sequence[str]
    failed: int
    may_handle: bool
    choices: Sequence[Choice]
    tables: Sequence[Table]


def alerts_view(
    wiring: Wiring, parameters: AlertListParameters, *, sees_people: bool, may_handle: bool
) -> AlertsView:
    """Gather the page."""
    now = wiring.clock()
    kinds = frozenset([parameters.kind] if parameters.kind else ())
    states = frozenset([parameters.state] if parameters.state else ())
    with wiring.database.reading() as connection:
        # Apart, so that many that are over never crowd out one that is not.
        in_hand = _found(connection, states or frozenset(_STATES), kinds, sees_people, _STATES)
        over = (AlertState.RESOLVED,)
        resolved = _found(connection, states or frozenset(over), kinds, sees_people, over)
    tellings = [telling for each in (*in_hand, *resolved) for telling in each.tellings]
    return AlertsView(
        now=now,
        in_hand=in_hand,
        resolved=resolved,
        told_to=sorted({each.channel for each in tellings}),
        failed=sum(each.state is Told.FAILED for each in tellings),
        may_handle=may_handle,
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
    connection: Connection,
    states: frozenset[AlertState],
    kinds: frozenset[AlertKind],
    private: bool,
    among: Sequence[AlertState],
) -> list[Alert]:
    wanted = states.intersection(among)
    if not wanted:
        return []
    return kept.find(connection, AlertFilter(states=wanted, kinds=kinds, private=private), _MOST)


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


async def told_by_form(request: Request) -> dict[str, str]:
    """The fields of a form; a form that is too long is refused."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST_FORM_BYTES:
            raise _refused("That is too long.")
    try:
        fields = parse_qs(body.decode(), errors="strict", max_num_fields=20)
    except ValueError:
        raise _refused("Send a form of this page.") from None
    return {name: values[-1] for name, values in fields.items()}


def acted(fields: dict[str, str], now: datetime) -> Acted:
    """What a form says, or a refusal."""
    try:
        act = Act(fields.get("act", ""))
        days = int(fields.get("days", "0"))
    except ValueError:
        raise _refused("act: acknowledge, snooze or resolve") from None
    if act is Act.SNOOZE and days not in SNOOZES:
        raise _refused("days: one of " + ", ".join(map(str, SNOOZES)))
    note = fields.get("note", "").strip()
    if len(note) > _MOST_NOTE or "\0" in note:
        raise _refused(f"note: at most {_MOST_NOTE} characters of text")
    return Acted(
        act=act,
        note=note or None,
        until=now + timedelta(days=days) if act is Act.SNOOZE else None,
    )


def handle(wiring: Wiring, alert_id: str, told: Acted, *, by: str, sees_people: bool) -> None:
    """Do what a form says about an alert, or refuse with ``alert_not_found``."""
    now = wiring.clock()
    with wiring.database.writing() as connection:
        found = kept.get(connection, alert_id)
        if found is None or (found.private and not sees_people):
            raise Refusal(HTTPStatus.NOT_FOUND, "alert_not_found", "There is no such alert.")
        state = _LEADS_TO[told.act]
        kept.handle(connection, alert_id, state, by=by, at=now, note=told.note, until=told.until)


def _refused(detail: str) -> Refusal:
    return Refusal(HTTPStatus.BAD_REQUEST, "invalid_parameter", detail)
