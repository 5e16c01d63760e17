"""The rules of labels, and a person's word on a session in their place."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api.auth import may_read, may_review
from api.parameters import NoParameters
from api.problems import Refusal
from api.routes.sessions import SessionId, Tool, find
from api.schemas.rules import RuleReport, Said, SaidAnswer, rule_report, said_answer
from api.wiring import Wired
from domain.labels import Label
from store import overrules

router = APIRouter(tags=["rules"], dependencies=[Depends(may_read)])

_NO_LABEL = (
    HTTPStatus.CONFLICT,
    "not_labelled",
    "This session belongs to another one, and is judged as a part of it: say it of that one.",
)
_NOTHING_SAID = (
    HTTPStatus.NOT_FOUND,
    "not_overruled",
    "No word of a person stands on this session.",
)


@router.get("/v1/rules")
def rules(wired: Wired, _: Annotated[NoParameters, Query()]) -> RuleReport:
    """The rules with their thresholds, how many sessions each labels, and what people say of it."""
    with wired.database.reading() as connection:
        return rule_report(wired.rules, overrules.measured(connection))


@router.post("/v1/sessions/{tool}/{session_id:path}/label")
def label(
    wired: Wired,
    tool: Tool,
    session_id: SessionId,
    told: Said,
    by: Annotated[str, Depends(may_review)],
) -> SaidAnswer:
    """Say what a session bought: from then on that is its label, and the rules' stands beside it.

    It takes a token with the role lead or admin. A later word replaces an earlier one, null takes
    it back. Sums and verdicts follow within seconds.
    """
    now = wired.clock()
    with wired.database.writing() as connection:
        seen = find(connection, tool, session_id)
        labelled = wired.labeller(connection, seen.pk, now)
        if labelled is None:
            raise Refusal(*_NO_LABEL)
        rules_say = labelled.beside or labelled
        if told.label is not None:
            says, why = Label(told.label), told.reason.strip()
            overrules.overrule(connection, seen.pk, says, why, by=by, at=now, rules_say=rules_say)
        elif not overrules.withdraw(connection, seen.pk, by=by, at=now):
            raise Refusal(*_NOTHING_SAID)
    return said_answer(tool, session_id, told, by, now, rules_say)
