"""The rules of labels, and a person's word on a session in their place."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api import acts
from api.auth import may_read
from api.authority import By, told_as_json
from api.parameters import NoParameters
from api.routes.sessions import SessionId, Tool
from api.schemas.rules import RuleReport, Said, SaidAnswer, rule_report
from api.wiring import Wired
from store import overrules

router = APIRouter(tags=["rules"], dependencies=[Depends(may_read)])


@router.get("/v1/rules")
def rules(wired: Wired, _: Annotated[NoParameters, Query()]) -> RuleReport:
    """The rules with their thresholds, how many sessions each labels, and what people say of it."""
    with wired.database.reading() as connection:
        return rule_report(wired.rules, overrules.measured(connection))


@router.post("/v1/sessions/{tool}/{session_id:path}/label", dependencies=[Depends(told_as_json)])
def label(
    wired: Wired,
    tool: Tool,
    session_id: SessionId,
    told: Said,
    by: By,
) -> SaidAnswer:
    """Say what a session bought: from then on that is its label, and the rules' stands beside it.

    It takes a token with the role lead or admin. A later word replaces an earlier one, null takes
    it back. Sums and verdicts follow within seconds.
    """
    return acts.say(wired, tool, session_id, told, by)
