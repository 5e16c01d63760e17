"""What became of every record that arrived."""

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api.auth import may_read
from api.parameters import CoverageParameters
from api.schemas.status import CoverageReport, coverage_row
from api.wiring import Wired
from store import report_status

router = APIRouter(tags=["coverage"], dependencies=[Depends(may_read)])


@router.get("/v1/coverage")
def coverage(wired: Wired, asked: Annotated[CoverageParameters, Query()]) -> CoverageReport:
    """Records by tool, signal and name, counted by what became of them; nothing is left out."""
    with wired.database.reading() as connection:
        rows = report_status.coverage(connection, asked.tool, asked.outcome)
    totals: Counter[str] = Counter()
    for row in rows:
        totals[row.outcome] += row.records
    return CoverageReport(
        rows=[coverage_row(row) for row in rows], totals=dict(sorted(totals.items()))
    )
