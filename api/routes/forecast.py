"""What is to be expected, and what would be if."""

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api.asker import Asker
from api.auth import Asking, may_read
from api.authority import SeesPeople, told_as_json
from api.floor import Reader, reader, sees_part, too_few
from api.problems import Refusal
from api.schemas.budgets import ForecastParameters, ForecastReport, forecast_report
from api.schemas.scenarios import ScenarioReport, ScenariosAsked, scenario_row
from api.wiring import Wired, Wiring
from domain.budgets import COMPANY, Outlook, Part, ScopeKind, Unsaid, basis_of
from domain.scenarios import CacheShare, Change, HeadCount, Routing, ScenarioResult, SmallModelTrial
from store.engine import Connection

router = APIRouter(tags=["budgets"], dependencies=[Depends(may_read)])
_SCENARIO_DAYS = timedelta(days=28)
_TOO_FEW = "too few people are behind it"
_OF_ALL_MODELS = (HeadCount, CacheShare)
_BY_WORK = (Routing, SmallModelTrial)


@router.get("/v1/forecast")
def forecast(
    wired: Wired,
    asking: Asking,
    asked: Annotated[ForecastParameters, Query()],
    sees_people: SeesPeople,
) -> ForecastReport:
    """The days to come with an 80 % interval, and how wrong the same forecast was before.

    Whoever may not see everybody gets it of what people enough are behind, and beside, in each
    block of four weeks that it follows from; of teams that they lead in any case.
    """
    part = _part(asked.scope, asked.value, sees_people=sees_people)
    now = wired.clock()
    with wired.database.reading() as connection:
        of = _told(wired, connection, asking, part)
        told: Outlook | Unsaid = Unsaid(reason=_TOO_FEW)
        if of.tells(part):
            told = wired.planner.forecaster(
                connection, part, asked.unit, asked.horizon, now, wired.company
            )
    days = [now.date() + timedelta(days=number) for number in range(asked.horizon)]
    return forecast_report(part, asked.unit, basis_of(wired.company), told, days)


@router.post("/v1/forecast/scenarios", dependencies=[Depends(told_as_json)])
def scenarios(
    wired: Wired, asking: Asking, asked: ScenariosAsked, sees_people: SeesPeople
) -> ScenarioReport:
    """What a month would cost with each change, from the last 28 days. Nothing is kept.

    Of whom it may be told is as for a forecast; what one model costs is one dimension more.
    """
    part = _part(asked.scope, asked.value, sees_people=sees_people)
    now = wired.clock()
    changes = [each.change() for each in asked.scenarios]
    with wired.database.reading() as connection:
        of = _told(wired, connection, asking, part)
        unsaid = {place: why for place, each in enumerate(changes) if (why := _few(of, part, each))}
        tried = [each for place, each in enumerate(changes) if place not in unsaid]
        told = iter(wired.planner.considering(connection, part, tried, now, wired.company))
    results = [
        ScenarioResult(unsaid=unsaid[place]) if place in unsaid else next(told)
        for place in range(len(changes))
    ]
    pairs = zip(asked.scenarios, results, strict=True)
    return ScenarioReport(
        start=now.date() - _SCENARIO_DAYS,
        end=now.date(),
        rows=[scenario_row(each.kind, result) for each, result in pairs],
    )


def _told(wired: Wiring, connection: Connection, asking: Asker, part: Part) -> Reader:
    """What they may be told of a part and its models; a refusal of a part that few are behind."""
    whole = sees_part(asking, part) or part.kind is ScopeKind.PERSON
    wanted = {} if whole else {part: (), Part(kind=ScopeKind.MODEL): ()}
    of = reader(wired, connection, asking, wanted)
    if part != COMPANY and not of.tells(part):
        raise too_few(wired.privacy_floor)
    return of


def _few(of: Reader, part: Part, change: Change) -> str | None:
    """Why a change can't be told the cost of, as few people may be behind it; None: it can."""
    if not of.tells(part):
        return _TOO_FEW
    if of.told is None or isinstance(change, _OF_ALL_MODELS):
        return None
    if isinstance(change, _BY_WORK):
        return "by kinds of work too few people are told apart"
    if part != COMPANY:
        return "what one model costs of a part of the company may be about too few people"
    if not of.told.every_one(ScopeKind.MODEL):
        return "some models are used by too few people"
    return None


def _part(scope: ScopeKind, value: str, *, sees_people: bool) -> Part:
    if scope is ScopeKind.PERSON and not sees_people:
        raise Refusal(HTTPStatus.FORBIDDEN, "forbidden", "What is about one person: admins only.")
    return Part(kind=scope, value=value)
