"""What is paid whatever is used."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api.auth import may_read
from api.parameters import FixedCostParameters
from api.problems import no_time
from api.schemas.fixed_costs import FixedCosts
from api.schemas.fixed_costs import fixed_costs as answer
from api.wiring import Wired
from store.report_prices import balances

router = APIRouter(tags=["usage"], dependencies=[Depends(may_read)])


@router.get("/v1/fixed-costs")
def fixed_costs(wired: Wired, asked: Annotated[FixedCostParameters, Query()]) -> FixedCosts:
    """Seats and prepaid credit, in a line each: they are not spread over anybody's usage."""
    tomorrow = wired.clock().date() + timedelta(days=1)
    end = asked.end.date() if asked.end else tomorrow
    start = asked.start.date() if asked.start else (end - timedelta(days=1)).replace(day=1)
    if start >= end:
        raise no_time("a day")
    drawn = []
    if wired.company is not None:
        with wired.database.reading() as connection:
            drawn = balances(connection, wired.company)
    return answer(wired.company, drawn, start, end)
