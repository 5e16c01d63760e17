"""How efficient spend was, and the indicators beside it; never about fewer than some people."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api.auth import may_read
from api.floor import WIDER, too_few
from api.outcome_parameters import EfficiencyParameters, KpiParameters
from api.schemas.efficiency import EfficiencyAnswer, KpiAnswer, efficiency_answer, kpi_answer
from api.wiring import Wired
from domain.efficiency import TooFewPeople

router = APIRouter(tags=["efficiency"], dependencies=[Depends(may_read)])


@router.get("/v1/efficiency")
def efficiency(
    wired: Wired, parameters: Annotated[EfficiencyParameters, Query()]
) -> EfficiencyAnswer:
    """The productive share of settled spend by group and time, against the company's."""
    asked, floor = parameters.asked(), wired.privacy_floor
    with wired.database.reading() as connection:
        try:
            report = wired.efficiency(connection, asked, wired.clock(), floor)
        except TooFewPeople:
            raise too_few(floor, WIDER) from None
    return efficiency_answer(report, asked, floor)


@router.get("/v1/kpis")
def kpis(wired: Wired, parameters: Annotated[KpiParameters, Query()]) -> KpiAnswer:
    """What tasks and changes cost and how sessions went, each with what is missing of it."""
    asked, floor = parameters.asked(), wired.privacy_floor
    with wired.database.reading() as connection:
        try:
            report = wired.kpis(connection, asked, wired.clock(), floor)
        except TooFewPeople:
            raise too_few(floor, WIDER) from None
    return kpi_answer(report, asked, floor)
