"""What is to be expected, and what would be if."""

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api.auth import may_read
from api.authority import SeesPeople, told_as_json
from api.problems import Refusal
from api.schemas.budgets import ForecastParameters, ForecastReport, forecast_report
from api.schemas.scenarios import ScenarioReport, ScenariosAsked, scenario_row
from api.wiring import Wired
from domain.budgets import Part, ScopeKind, basis_of

router = APIRouter(tags=["budgets"], dependencies=[Depends(may_read)])
_SCENARIO_DAYS = timedelta(days=28)


@router.get("/v1/forecast")
def forecast(
    wired: Wired, asked: Annotated[ForecastParameters, Query()], sees_people: SeesPeople
) -> ForecastReport:
    """The days to come with an 80 % interval, and how wrong the same forecast was before."""
    part = _part(asked.scope, asked.value, sees_people=sees_people)
    now = wired.clock()
    with wired.database.reading() as connection:
        told = wired.planner.forecaster(
            connection, part, asked.unit, asked.horizon, now, wired.company
        )
    days = [now.date() + timedelta(days=number) for number in range(asked.horizon)]
    return forecast_report(part, asked.unit, basis_of(wired.company), told, days)


@router.post("/v1/forecast/scenarios", dependencies=[Depends(told_as_json)])
def scenarios(wired: Wired, asked: ScenariosAsked, sees_people: SeesPeople) -> ScenarioReport:
    """What a month would cost with each change, from the last 28 days. Nothing is kept."""
    part = _part(asked.scope, asked.value, sees_people=sees_people)
    now = wired.clock()
    changes = [each.change() for each in asked.scenarios]
    with wired.database.reading() as connection:
        told = wired.planner.considering(connection, part, changes, now, wired.company)
    pairs = zip(asked.scenarios, told, strict=True)
    return ScenarioReport(
        start=now.date() - _SCENARIO_DAYS,
        end=now.date(),
        rows=[scenario_row(each.kind, result) for each, result in pairs],
    )


def _part(scope: ScopeKind, value: str, *, sees_people: bool) -> Part:
    if scope is ScopeKind.PERSON and not sees_people:
        raise Refusal(HTTPStatus.FORBIDDEN, "forbidden", "What is about one person: admins only.")
    return Part(kind=scope, value=value)
