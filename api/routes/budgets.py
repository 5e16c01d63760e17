"""Budgets: what is set, how each stands, setting and removing them."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from api.auth import Asking, may_administer, may_read
from api.authority import SeesPeople, told_as_json
from api.floor import reader_of_budgets
from api.parameters import NoParameters, Text
from api.problems import Refusal
from api.schemas.budgets import (
    BudgetAsked,
    BudgetFloor,
    BudgetReport,
    BudgetRow,
    budget_row,
    budget_standing,
)
from api.wiring import Wired
from domain.budgets import ScopeKind
from store import budgets as kept

router = APIRouter(tags=["budgets"], dependencies=[Depends(may_read)])


@router.get("/v1/budgets", response_model_exclude_unset=True)
def budgets(
    wired: Wired, asking: Asking, _: Annotated[NoParameters, Query()], sees_people: SeesPeople
) -> BudgetReport:
    """Every budget: spent, committed, to be expected. Those of people only admins see.

    Whoever may not see everybody is told how those stand that people enough are behind, and beside,
    in each piece of time; of teams that they lead all.
    """
    now = wired.clock()
    with wired.database.reading() as connection:
        shown = [
            each
            for each in kept.standing(connection)
            if sees_people or each.part.kind is not ScopeKind.PERSON
        ]
        of = reader_of_budgets(wired, connection, asking, shown)
        told = wired.planner.standings(
            connection, [each for each in shown if of.tells_budget(each)], now, wired.company
        )
    standings = {each.budget.id: each for each in told}
    withheld = {each.id for each in shown if not of.tells_budget(each)}
    rows = [
        budget_standing(each, standings.get(each.id), withheld=each.id in withheld)
        for each in shown
    ]
    if asking.others is None:
        return BudgetReport(rows=rows)
    floor = BudgetFloor(people=wired.privacy_floor, budgets_withheld=len(withheld))
    return BudgetReport(rows=rows, floor=floor)


@router.post("/v1/budgets", dependencies=[Depends(told_as_json)])
def add_budget(
    wired: Wired, asked: BudgetAsked, by: Annotated[str, Depends(may_administer)]
) -> BudgetRow:
    """Set a budget; it takes the role admin. Its present period counts from its first day on."""
    budget = asked.budget(kept.new_id(), by, wired.clock())
    with wired.database.writing() as connection:
        kept.add(connection, budget)
    return budget_row(budget)


@router.delete("/v1/budgets/{budget_id}")
def remove_budget(
    wired: Wired,
    budget_id: Annotated[Text, Path(description="The budget's id, from `/v1/budgets`.")],
    _: Annotated[str, Depends(may_administer)],
) -> BudgetRow:
    """Remove a budget; it takes the role admin. Alerts about it resolve themselves."""
    with wired.database.writing() as connection:
        found = kept.find(connection, budget_id)
        if found is None or not kept.archive(connection, budget_id, wired.clock()):
            raise Refusal(HTTPStatus.NOT_FOUND, "budget_not_found", "There is no such budget.")
    return budget_row(found)
