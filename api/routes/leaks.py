"""What spend leaks through, in money, and whether what was tried against it has helped."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from api import acts
from api.auth import may_read
from api.authority import By, told_as_json
from api.parameters import LeakParameters, NoParameters, Text
from api.schemas.leaks import (
    ActionReport,
    LeakReportShape,
    Tried,
    TriedNoted,
    action_report,
    leak_report,
)
from api.wiring import Wired, Wiring
from domain.leaks import LeakReport

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


@router.post("/v1/leaks/{leak_id}/tried", dependencies=[Depends(told_as_json)])
def tried(
    wired: Wired,
    leak_id: Annotated[Text, Path(description="The leak's id, from `/v1/leaks`.")],
    told: Tried,
    by: By,
) -> TriedNoted:
    """Mark that a fix was tried; from then on its effect is measured.

    It takes a token with the role lead or admin. Of one day the last word stands: telling it again
    replaces the note, `withdrawn` takes it back. Another day is another try.
    """
    return acts.try_fix(wired, leak_id, told, by)


def _read(wired: Wiring) -> LeakReport:
    with wired.database.reading() as connection:
        return wired.leaks(connection, wired.privacy_floor)
