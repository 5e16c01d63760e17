"""Alerts: what is wrong, and what is done about it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from api import acts
from api.alerts_told import alerts_told
from api.auth import Asking, may_read
from api.authority import By, SeesPeople, told_as_json
from api.parameters import Text
from api.schemas.alerts import (
    AlertParameters,
    AlertReport,
    AlertRow,
    Handling,
    Snoozing,
    alert_row,
)
from api.wiring import Wired
from domain.alerts import AlertState
from store.alerts import AlertFilter

router = APIRouter(tags=["alerts"], dependencies=[Depends(may_read)])
_AlertId = Annotated[Text, Path(description="The alert's id, from `/v1/alerts`.")]
_JSON = [Depends(told_as_json)]


@router.get("/v1/alerts")
def alerts(
    wired: Wired,
    asking: Asking,
    asked: Annotated[AlertParameters, Query()],
    sees_people: SeesPeople,
) -> AlertReport:
    """What is wrong, and how it was told.

    Whoever may not see everybody is told of spend where people enough are behind it, and beside.
    """
    wanted = AlertFilter(
        states=frozenset(asked.state), kinds=frozenset(asked.kind), private=sees_people
    )
    with wired.database.reading() as connection:
        found = alerts_told(wired, connection, asking)(wanted, asked.limit)
    return AlertReport(rows=[alert_row(each) for each in found])


@router.post("/v1/alerts/{alert_id}/acknowledge", dependencies=_JSON)
def acknowledge(
    wired: Wired, alert_id: _AlertId, told: Handling, by: By, sees_people: SeesPeople
) -> AlertRow:
    """Somebody knows: it is not told again unless it gets worse. Takes the role lead or admin."""
    handled = acts.handle_alert(
        wired, alert_id, AlertState.ACKNOWLEDGED, by=by, sees_people=sees_people, note=told.note
    )
    return alert_row(handled)


@router.post("/v1/alerts/{alert_id}/snooze", dependencies=_JSON)
def snooze(
    wired: Wired, alert_id: _AlertId, told: Snoozing, by: By, sees_people: SeesPeople
) -> AlertRow:
    """Tell nothing until a time, and then only if it still holds. Takes the role lead or admin."""
    handled = acts.handle_alert(
        wired,
        alert_id,
        AlertState.SNOOZED,
        by=by,
        sees_people=sees_people,
        note=told.note,
        until=told.until,
    )
    return alert_row(handled)


@router.post("/v1/alerts/{alert_id}/resolve", dependencies=_JSON)
def resolve(
    wired: Wired, alert_id: _AlertId, told: Handling, by: By, sees_people: SeesPeople
) -> AlertRow:
    """It is dealt with: while it lasts it opens only if it gets worse. Takes lead or admin."""
    handled = acts.handle_alert(
        wired, alert_id, AlertState.RESOLVED, by=by, sees_people=sees_people, note=told.note
    )
    return alert_row(handled)
