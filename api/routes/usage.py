"""What was used, by any dimension."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api.auth import Asking, may_read
from api.authority import sees_whole
from api.floor import WIDER, too_few, untold
from api.parameters import UsageParameters
from api.schemas.usage import UsageFloor, UsageReport, usage_row, usage_total
from api.wiring import Wired, Wiring
from store import report_floored, report_usage
from store.report_usage import Dimension

router = APIRouter(tags=["usage"], dependencies=[Depends(may_read)])

_OF_ONE = frozenset({Dimension.USER, Dimension.SESSION})


@router.get("/v1/usage", response_model_exclude_unset=True)
def usage(wired: Wired, asking: Asking, asked: Annotated[UsageParameters, Query()]) -> UsageReport:
    """Requests, tokens and cost. Each session counts from its one best signal, never from two.

    Whoever may not see everybody gets sums about no fewer people than the privacy floor says, by
    two dimensions at most and never by day, of whole blocks of four weeks (of twelve by two
    dimensions); those of people whom they may see, and of teams that they lead, whole.
    """
    if not sees_whole(asking, asked.user, asked.team):
        return _floored(wired, asked)
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


def _floored(wired: Wiring, asked: UsageParameters) -> UsageReport:
    """The same as far as it is about people enough."""
    selection = asked.selection()
    dimensions = {*asked.group_by, *selection.values}
    if dimensions & _OF_ONE:
        raise untold("By session, or by user, all usage is of single people.")
    floor = wired.privacy_floor
    if Dimension.DAY in dimensions and floor > 1:
        raise untold(
            "By day, what a budget has spent since a month began could be worked back to few"
            " people; /v1/efficiency tells single weeks where people enough are behind them."
        )
    if len(dimensions) > report_floored.MOST_DIMENSIONS:
        raise untold(
            "Group and filter by two dimensions at most: more tell few people apart. Here they are"
            f" {', '.join(each.value for each in Dimension if each in dimensions)};"
            " 'group_by' is tool,model where it is not told."
        )
    with wired.database.reading() as connection:
        told = report_floored.report(connection, asked.group_by, selection, floor, wired.clock())
    if selection.values and not told.rows and told.others is None:
        raise too_few(floor, WIDER)
    return UsageReport(
        rows=[usage_row(values, each, {}) for values, each in told.rows],
        total=usage_total(told.total),
        group_by=asked.group_by,
        floor=UsageFloor(
            people=floor,
            others=usage_total(told.others) if told.others else None,
            weeks_withheld=told.weeks_withheld,
        ),
        start=told.start,
        end=told.end,
    )
