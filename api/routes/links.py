"""Links: what each session is tied to and why, their reviews, and spend that is tied to nothing."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from api import acts
from api.auth import may_read
from api.authority import By, told_as_json
from api.cursors import cut, read_cursor
from api.parameters import LinkParameters, Period, Text
from api.schemas.links import (
    LinkPage,
    Review,
    Reviewed,
    UnlinkedReport,
    link_list_row,
    unlinked_row,
)
from api.wiring import Wired
from domain.usage import add, usd
from store import report_links
from store.report_links import LinkFilter, LinkPosition
from store.unlinked import spend_unlinked

router = APIRouter(tags=["links"], dependencies=[Depends(may_read)])


@router.get("/v1/links")
def links(wired: Wired, asked: Annotated[LinkParameters, Query()]) -> LinkPage:
    """Sessions tied to commits, changes and tickets, each tie with everything that speaks for it.

    Tier C and D are proposals: they carry no cost and label nothing.
    """
    after = None
    if asked.cursor is not None:
        last_at, pk, link_id = read_cursor(asked.cursor, int, str)
        after = LinkPosition(last_at=last_at, pk=pk, link_id=link_id)
    wanted = LinkFilter(
        start=asked.start,
        end=asked.end,
        tools=frozenset(asked.tool),
        session_ids=frozenset(asked.session_id),
        kinds=frozenset(kind.value for kind in asked.kind),
        repos=frozenset(asked.repo),
        ids=frozenset(asked.id),
        tiers=frozenset(tier.value for tier in asked.tier),
        min_probability=asked.min_probability,
    )
    with wired.database.reading() as connection:
        found = report_links.page(connection, wanted, asked.limit + 1, after)
    shown, cursor = cut(found, asked.limit, lambda link: (link.last_at, link.session_pk, link.id))
    return LinkPage(rows=[link_list_row(each) for each in shown], next_cursor=cursor)


@router.post("/v1/links/{link_id}/review", dependencies=[Depends(told_as_json)])
def review(
    wired: Wired,
    link_id: Annotated[Text, Path(description="The link's id, from `/v1/links`.")],
    told: Review,
    by: By,
) -> Reviewed:
    """Accept or reject a link: from then on that is evidence, and goes before all other.

    It takes a token with the role lead or admin. What follows from it (links, cost, label) is
    concluded anew within seconds. A rejected link is gone then; as long as one is there, a later
    review replaces an earlier one.
    """
    return acts.review(wired, link_id, told, by)


@router.get("/v1/unlinked")
def unlinked(wired: Wired, asked: Annotated[Period, Query()]) -> UnlinkedReport:
    """Spend that is booked on no change or commit, by the reason why; none is hidden.

    ``from`` and ``to`` take sessions that began between them.
    """
    with wired.database.reading() as connection:
        found = spend_unlinked(connection, asked.start, asked.end)
    total = None
    for each in found:
        total = add(total, each.cost_nanousd)
    return UnlinkedReport(rows=[unlinked_row(each) for each in found], total_usd=usd(total))
