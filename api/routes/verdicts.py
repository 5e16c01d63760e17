"""Keep, scope, cut, or not enough evidence to say."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from api.auth import may_read
from api.parameters import AsOf
from api.problems import Refusal
from api.schemas.verdicts import VerdictReport, VerdictRow, verdict_row
from api.wiring import Wired, Wiring
from domain.labels import Verdict

router = APIRouter(tags=["verdicts"], dependencies=[Depends(may_read)])


@router.get("/v1/verdicts")
def verdicts(wired: Wired, asked: Annotated[AsOf, Query()]) -> VerdictReport:
    """The verdict of every tool, and what is missing where none can be given."""
    return VerdictReport(rows=[verdict_row(each) for each in _judged(wired, asked)])


@router.get("/v1/verdicts/{tool}")
def verdict(
    wired: Wired,
    tool: Annotated[str, Path(description="The tool's short name, for example `claude-code`.")],
    asked: Annotated[AsOf, Query()],
) -> VerdictRow:
    """The verdict of one tool."""
    for each in _judged(wired, asked):
        if each.tool == tool:
            return verdict_row(each)
    raise Refusal(HTTPStatus.NOT_FOUND, "tool_not_found", "No session of such a tool was seen.")


def _judged(wired: Wiring, asked: AsOf) -> Sequence[Verdict]:
    as_of = asked.as_of or wired.clock()
    with wired.database.reading() as connection:
        return sorted(wired.judge(connection, as_of), key=lambda verdict: verdict.tool)
