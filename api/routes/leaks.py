"""What spend leaks through, in money, and whether what was tried against it has helped."""

from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from api.auth import may_read, may_review
from api.parameters import LeakParameters, NoParameters, Text
from api.problems import Refusal
from api.schemas.leaks import (
    ActionReport,
    LeakReportShape,
    Tried,
    TriedNoted,
    action_report,
    leak_report,
)
from api.wiring import Wired, Wiring
from domain.leaks import Group, LeakReport
from store.engine import Connection
from store.leaks import mark_tried, withdraw

router = APIRouter(tags=["leaks"], dependencies=[Depends(may_read)])


@router.get("/v1/leaks")
def leaks(wired: Wired, asked: Annotated[LeakParameters, Query()]) -> LeakReportShape:
    """Spend that need not have been, by pattern and group, over the last 13 whole weeks.

    Each row is an estimate between two bounds, with how it was worked out, the sessions behind it
    and a fix to try. Filters choose rows; `total`, `others` and `detectors` are of everything.
    """
    return leak_report(_read(wired), asked.wanted())


@router.get("/v1/leaks/actions")
def actions(wired: Wired, _: Annotated[NoParameters, Query()]) -> ActionReport:
    """Every fix that was marked as tried, with its measured effect."""
    return action_report(_read(wired))


@router.post("/v1/leaks/{leak_id}/tried")
def tried(
    wired: Wired,
    leak_id: Annotated[Text, Path(description="The leak's id, from `/v1/leaks`.")],
    told: Tried,
    by: Annotated[str, Depends(may_review)],
) -> TriedNoted:
    """Mark that a fix was tried; from then on its effect is measured.

    It takes a token with the role lead or admin. Of one day the last word stands: telling it again
    replaces the note, `withdrawn` takes it back. Another day is another try.
    """
    now = wired.clock()
    day = _day(told.at or now, now)
    with wired.database.writing() as connection:
        group = _group(wired.leaks(connection, wired.privacy_floor), leak_id)
        _note(connection, group, day, told, by=by, now=now)
    return TriedNoted(
        id=leak_id,
        tried_on=day,
        note="" if told.withdrawn else told.note,
        withdrawn=told.withdrawn,
        tried_by=by,
        recorded_at=now,
    )


def _read(wired: Wiring) -> LeakReport:
    with wired.database.reading() as connection:
        return wired.leaks(connection, wired.privacy_floor)


def _day(at: datetime, now: datetime) -> date:
    if at > now:
        raise Refusal(
            HTTPStatus.BAD_REQUEST, "invalid_parameter", "at: write a day that has begun, in UTC."
        )
    return at.astimezone(UTC).date()


def _group(report: LeakReport, leak_id: str) -> Group:
    """The group of a leak that may be told, or that something was tried on before."""
    groups = [*(each.group for each in report.found), *(each.group for each in report.actions)]
    told = next((group for group in groups if group.id == leak_id), None)
    if told is None:
        raise Refusal(
            HTTPStatus.NOT_FOUND, "leak_not_found", "There is no such leak; see /v1/leaks."
        )
    return told


def _note(
    connection: Connection, group: Group, day: date, told: Tried, *, by: str, now: datetime
) -> None:
    if not told.withdrawn:
        mark_tried(connection, group, day, by=by, at=now, note=told.note)
    elif not withdraw(connection, group.id, day):
        raise Refusal(
            HTTPStatus.NOT_FOUND,
            "leak_action_not_found",
            "Nothing was marked as tried on that day; see /v1/leaks/actions.",
        )
