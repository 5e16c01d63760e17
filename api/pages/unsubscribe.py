"""Ending one's digests by the link in each mail, without signing in: who has the link may do it.

Opening it changes nothing, since mail servers open links to look at them. A mail program may send
the POST itself (RFC 8058): it comes from wherever, with no cookie, and what guards it is the link.
"""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from api.pages.rendering import render
from api.problems import Refusal
from api.wiring import Wired, Wiring
from domain.unsubscribing import PATH, Unsubscribing
from store import digest_recipients, installation

open_router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

Token = Annotated[str, Query(max_length=256)]


@open_router.get(PATH)
def ask(wired: Wired, token: Token = "") -> HTMLResponse:
    """Ask whether they want no more."""
    _identity(wired, token)
    return _page(wired, token, ended=False)


@open_router.post(PATH)
def unsubscribe(wired: Wired, token: Token = "") -> HTMLResponse:
    """Send them no more; the same again changes nothing."""
    identity = _identity(wired, token)
    with wired.database.writing() as connection:
        digest_recipients.unsubscribe(connection, identity, wired.clock())
    return _page(wired, token, ended=True)


def _identity(wiring: Wiring, token: str) -> str:
    identity = Unsubscribing(installation.pseudonym_key(wiring.database)).identity(token)
    if identity is None:
        raise Refusal(
            HTTPStatus.BAD_REQUEST,
            "invalid_parameter",
            "This is not the whole link of a digest. Copy all of it out of the mail, or ask whoever"
            " runs Tokenassay.",
        )
    return identity


def _page(wiring: Wiring, token: str, *, ended: bool) -> HTMLResponse:
    told = {"address": f"{PATH}?token={token}", "ended": ended, "version": wiring.version}
    return HTMLResponse(render("unsubscribe.html", told))
