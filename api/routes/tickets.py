"""Tickets: what each cost, what is tied to it, and how it moved."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from api.auth import may_read
from api.cursors import cut, read_cursor
from api.parameters import Text, TicketAsked, TicketParameters
from api.problems import Refusal
from api.schemas.work import TicketDetail, TicketPage, ticket_detail, ticket_row
from api.wiring import Wired
from domain.labels import TargetKind
from store import report_links, report_tickets
from store.report_links import LinkFilter
from store.report_tickets import TicketFilter, TicketPosition

router = APIRouter(tags=["tickets"], dependencies=[Depends(may_read)])

_MOST_LINKS = 500


@router.get("/v1/tickets")
def tickets(wired: Wired, asked: Annotated[TicketParameters, Query()]) -> TicketPage:
    """Tickets and issues, the last changed first, each with what its changes cost."""
    after = None
    if asked.cursor is not None:
        updated_at, tracker, key = read_cursor(asked.cursor, str, str)
        after = TicketPosition(updated_at=updated_at, tracker=tracker, key=key)
    wanted = TicketFilter(
        start=asked.start,
        end=asked.end,
        trackers=frozenset(asked.tracker),
        projects=frozenset(asked.project),
        states=frozenset(state.value for state in asked.state),
    )
    with wired.database.reading() as connection:
        found = report_tickets.page(connection, wanted, asked.limit + 1, after)
    shown, cursor = cut(found, asked.limit, lambda each: (each.updated_at, each.tracker, each.key))
    return TicketPage(rows=[ticket_row(each) for each in shown], next_cursor=cursor)


@router.get("/v1/tickets/{key:path}")
def ticket(
    wired: Wired,
    key: Annotated[
        Text,
        Path(description="The ticket's key; a `#` in it is written `%23`, as in `owner/name%237`."),
    ],
    asked: Annotated[TicketAsked, Query()],
) -> TicketDetail:
    """One ticket: its cost, the sessions and changes tied to it, and how it moved."""
    with wired.database.reading() as connection:
        found = [
            each
            for each in report_tickets.find(connection, key)
            if asked.tracker in (None, each.tracker)
        ]
        if not found:
            raise Refusal(
                HTTPStatus.NOT_FOUND, "ticket_not_found", "No tracker has told of such a ticket."
            )
        if len(found) > 1:
            trackers = ", ".join(each.tracker for each in found)
            raise Refusal(
                HTTPStatus.BAD_REQUEST,
                "ambiguous_ticket",
                f"Several trackers have a ticket of this key ({trackers}): name one as 'tracker'.",
            )
        of_it = LinkFilter(
            kinds=frozenset({TargetKind.TICKET.value}),
            repos=frozenset({""}),
            ids=frozenset({key}),
        )
        links = report_links.page(connection, of_it, _MOST_LINKS)
        timeline = report_tickets.timeline(connection, found[0])
    return ticket_detail(found[0], links, timeline)
