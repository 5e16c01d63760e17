"""What was used, by any dimension."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api.auth import may_read
from api.parameters import UsageParameters
from api.schemas.usage import UsageReport, usage_row, usage_total
from api.wiring import Wired
from store import report_usage
from store.report_usage import Dimension

router = APIRouter(tags=["usage"], dependencies=[Depends(may_read)])


@router.get("/v1/usage", response_model_exclude_unset=True)
def usage(wired: Wired, asked: Annotated[UsageParameters, Query()]) -> UsageReport:
    """Requests, tokens and cost. Each session counts from its one best signal, never from two."""
    selection = asked.selection()
    with wired.database.reading() as connection:
        rows, total = report_usage.report(connection, asked.group_by, selection)
        names = wired.names(connection, (values.get(Dimension.USER) for values, _ in rows))
    return UsageReport(
        rows=[usage_row(values, each, names) for values, each in rows],
        total=usage_total(total),
        group_by=asked.group_by,
        start=report_usage.hour_floor(asked.start) if asked.start else None,
        end=report_usage.hour_floor(asked.end) if asked.end else None,
    )
