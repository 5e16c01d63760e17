"""Keep, scope, cut, or not enough evidence to say."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from api.auth import may_read
from api.parameters import AsOf, VerdictParameters
from api.problems import Refusal
from api.schemas.verdicts import VerdictDetail, VerdictReport, verdict_detail, verdict_report
from api.wiring import Wired
from domain.judgement import By
from store import verdicts as kept

router = APIRouter(tags=["verdicts"], dependencies=[Depends(may_read)])


@router.get("/v1/verdicts")
def verdicts(wired: Wired, asked: Annotated[VerdictParameters, Query()]) -> VerdictReport:
    """The verdicts that were given last, and what is missing where none can be given."""
    with wired.database.reading() as connection:
        as_of = asked.as_of or wired.clock()
        return verdict_report(wired.judge(connection, as_of, asked.by))


@router.get("/v1/verdicts/{tool}")
def verdict(
    wired: Wired,
    tool: Annotated[str, Path(description="The tool's short name, for example `claude-code`.")],
    asked: Annotated[AsOf, Query()],
) -> VerdictDetail:
    """The verdict of one tool with those on its models, and every change of them."""
    as_of = asked.as_of or wired.clock()
    with wired.database.reading() as connection:
        given = wired.judge(connection, as_of, By.TOOL).verdicts
        found = next((each for each in given if each.tool == tool), None)
        if found is None:
            detail = "No session of such a tool was seen when verdicts were given."
            raise Refusal(HTTPStatus.NOT_FOUND, "tool_not_found", detail)
        models = wired.judge(connection, as_of, By.TOOL_MODEL)
        return verdict_detail(found, models, kept.history(connection, tool, as_of))
