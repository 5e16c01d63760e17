"""Past tasks done again with several routes."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from api.auth import may_read
from api.parameters import NoParameters
from api.problems import Refusal
from api.schemas.evaluations import (
    EvaluationList,
    EvaluationReport,
    evaluation_report,
    evaluation_row,
)
from api.wiring import Wired
from store.evaluations import plans

router = APIRouter(tags=["routing"], dependencies=[Depends(may_read)])


@router.get("/v1/evaluations")
def evaluations(wired: Wired, _: Annotated[NoParameters, Query()]) -> EvaluationList:
    """Every evaluation that was drawn."""
    with wired.database.reading() as connection:
        return EvaluationList(rows=[evaluation_row(each) for each in plans(connection)])


@router.get("/v1/evaluations/{evaluation}")
def evaluation(
    wired: Wired,
    evaluation: Annotated[str, Path(description="The evaluation's id.")],
    _: Annotated[NoParameters, Query()],
) -> EvaluationReport:
    """One evaluation: its tasks, and what came of each route so far."""
    with wired.database.reading() as connection:
        report = wired.evaluation(connection, evaluation, wired.clock())
    if report is None:
        detail = "There is no evaluation of this id; /v1/evaluations lists them."
        raise Refusal(HTTPStatus.NOT_FOUND, "evaluation_not_found", detail)
    return evaluation_report(report)
