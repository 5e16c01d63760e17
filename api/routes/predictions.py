"""Early warnings: how open sessions are likely to end, and the model that says so."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api.auth import may_read
from api.cursors import cut, read_cursor
from api.parameters import NoParameters, PredictionParameters
from api.schemas.predictions import (
    ModelReport,
    PredictionPage,
    model_report,
    prediction_row,
    refusal,
)
from api.wiring import Wired
from store import prediction_record, predictions
from store.predictions import WarningFilter

router = APIRouter(tags=["predictions"], dependencies=[Depends(may_read)])


@router.get("/v1/predictions")
def warnings(wired: Wired, asked: Annotated[PredictionParameters, Query()]) -> PredictionPage:
    """Open sessions with how likely they are to end well or badly, the newest first."""
    after = None if asked.cursor is None else read_cursor(asked.cursor, int)
    wanted = WarningFilter(
        start=asked.start,
        end=asked.end,
        tools=frozenset(asked.tool),
        answers=frozenset(each or None for each in asked.answer),
    )
    with wired.database.reading() as connection:
        refused = refusal(predictions.last_card(connection))
        found = predictions.page(connection, wanted, asked.limit + 1, after)
    shown, cursor = cut(found, asked.limit, lambda warned: (warned.ended_at, warned.pk))
    rows = [prediction_row(warned) for warned in shown]
    return PredictionPage(rows=rows, refused=refused, next_cursor=cursor)


@router.get("/v1/predictions/model")
def model(wired: Wired, _: Annotated[NoParameters, Query()]) -> ModelReport:
    """What the last training learned from, how it did on later sessions, or why it is refused."""
    with wired.database.reading() as connection:
        return model_report(predictions.last_card(connection), prediction_record.record(connection))
