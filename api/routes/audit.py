"""Who saw or changed what."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api.auth import may_administer
from api.cursors import cut, read_cursor
from api.schemas.access import AuditPage, AuditParameters, audit_row
from api.wiring import Wired
from store import audit
from store.audit import AuditPosition

router = APIRouter(tags=["access"], dependencies=[Depends(may_administer)])


@router.get("/v1/audit")
def audit_log(wired: Wired, asked: Annotated[AuditParameters, Query()]) -> AuditPage:
    """Every change, and every answer that named people, newest first; it takes the role admin."""
    after = None
    if asked.cursor is not None:
        at, number = read_cursor(asked.cursor, int)
        after = AuditPosition(at=at, id=number)
    with wired.database.reading() as connection:
        found = audit.page(
            connection,
            asked.limit + 1,
            start=asked.start,
            end=asked.end,
            actors=asked.actor,
            after=after,
        )
    shown, cursor = cut(found, asked.limit, lambda each: (each.at, each.id))
    return AuditPage(rows=[audit_row(each) for each in shown], next_cursor=cursor)
