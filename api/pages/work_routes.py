"""The addresses of pages about work: sessions, changes, tickets, and one's own."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import HTMLResponse, Response

from api.auth import Asking, may_read
from api.pages.arrived import MEANINGS, buckets
from api.pages.changes import ChangeListParameters, change_view, changes_view
from api.pages.filters import PERIODS, PageParameters
from api.pages.frame import page
from api.pages.me import me_view
from api.pages.session import session_view
from api.pages.sessions import SessionListParameters, sessions_view
from api.pages.tickets import TicketListParameters, TicketPageParameters, ticket_view, tickets_view
from api.pages.timelines import target_path
from api.parameters import Text
from api.wiring import Wired

router = APIRouter(
    dependencies=[Depends(may_read)], include_in_schema=False, default_response_class=HTMLResponse
)
_LARGEST_NUMBER = 2**31 - 1


@router.get("/sessions")
def sessions_page(wired: Wired, parameters: Annotated[SessionListParameters, Query()]) -> Response:
    """List sessions."""
    shown = sessions_view(wired, parameters)
    told = {"shown": shown, "periods": PERIODS}
    return page(wired, "sessions.html", "/sessions", parameters, told, shown.tables)


@router.get("/sessions/{tool}/{session_id:path}")
def session_page(
    wired: Wired,
    asking: Asking,
    tool: str,
    session_id: str,
    parameters: Annotated[PageParameters, Query()],
) -> Response:
    """Show one session."""
    shown = session_view(wired, asking, tool, session_id)
    told = {"shown": shown, "meanings": MEANINGS, "buckets": buckets, "target_path": target_path}
    return page(wired, "session.html", "/sessions", parameters, told, shown.tables)


@router.get("/changes")
def changes_page(wired: Wired, parameters: Annotated[ChangeListParameters, Query()]) -> Response:
    """List changes."""
    shown = changes_view(wired, parameters)
    told = {"shown": shown, "periods": PERIODS}
    return page(wired, "changes.html", "/changes", parameters, told, shown.tables)


@router.get("/changes/{repo:path}/{number}")
def change_page(
    wired: Wired,
    repo: Text,
    number: Annotated[int, Path(ge=1, le=_LARGEST_NUMBER)],
    parameters: Annotated[PageParameters, Query()],
) -> Response:
    """Show one change."""
    shown = change_view(wired, repo.lower(), number)
    return page(wired, "change.html", "/changes", parameters, {"shown": shown}, shown.tables)


@router.get("/tickets")
def tickets_page(wired: Wired, parameters: Annotated[TicketListParameters, Query()]) -> Response:
    """List tickets."""
    shown = tickets_view(wired, parameters)
    told = {"shown": shown, "periods": PERIODS}
    return page(wired, "tickets.html", "/tickets", parameters, told, shown.tables)


@router.get("/tickets/{key:path}")
def ticket_page(
    wired: Wired, key: Text, parameters: Annotated[TicketPageParameters, Query()]
) -> Response:
    """Show one ticket."""
    shown = ticket_view(wired, key, parameters)
    return page(wired, "ticket.html", "/tickets", parameters, {"shown": shown}, shown.tables)


@router.get("/me")
def me_page(
    wired: Wired, asking: Asking, parameters: Annotated[SessionListParameters, Query()]
) -> Response:
    """Show whoever asks their own sessions."""
    shown = me_view(wired, asking, parameters)
    told = {"shown": shown, "periods": PERIODS, "buckets": buckets}
    return page(wired, "me.html", "/me", parameters, told, shown.tables)
