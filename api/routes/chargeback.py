"""Who is charged what, and the same for the tools that pay for everything else."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from api.auth import may_administer
from api.problems import Refusal, no_time
from api.schemas.chargeback import (
    MOST_DAYS,
    Chargeback,
    ChargebackParameters,
    FocusParameters,
    chargeback_answer,
)
from api.wiring import Wired
from store import chargeback as kept
from store.focus import focus_table

router = APIRouter(tags=["budgets"], dependencies=[Depends(may_administer)])


class Csv(Response):
    """Comma-separated values."""

    media_type = "text/csv"


@router.get("/v1/chargeback")
def chargeback(wired: Wired, asked: Annotated[ChargebackParameters, Query()]) -> Chargeback:
    """Usage by whoever is to pay, every nano-dollar in one row; what belongs to none says why."""
    span = asked.span(wired.clock().date())
    if span is None:
        raise no_time("an hour")
    start, end = span
    with wired.database.reading() as connection:
        rows = kept.charged(connection, asked.group_by, start, end)
        in_doubt = kept.in_doubt(connection, start, end)
    total = kept.total(rows)
    return chargeback_answer(asked.group_by, rows, total, in_doubt, wired.company, (start, end))


@router.get("/v1/chargeback/focus.csv", response_class=Csv)
def focus(wired: Wired, asked: Annotated[FocusParameters, Query()]) -> Csv:
    """Charges by day, tool, model, team and repository as CSV with the columns of FOCUS 1.2."""
    days = asked.span(wired.clock().date())
    if days is None:
        detail = f"'from' must be before 'to', by at most {MOST_DAYS} days."
        raise Refusal(HTTPStatus.BAD_REQUEST, "invalid_parameter", detail)
    with wired.database.reading() as connection:
        told = focus_table(connection, wired.company, asked.billing_account, *days)
    return Csv(told, headers={"Content-Disposition": 'attachment; filename="focus.csv"'})
