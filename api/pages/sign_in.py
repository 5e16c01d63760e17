"""Signing in with a browser, at the company's own provider, and signing out.

The provider says who somebody is and in which groups; the setting ``oidc_roles`` what these groups
may do. What is kept of it is a role, teams and a pseudonym: no name, no mail address, no token.
"""

import logging
import secrets
from http import HTTPStatus
from typing import Annotated, Any, NoReturn
from urllib.parse import urlsplit

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api.asker import How, asker
from api.auth import address, refuse_too_many
from api.cross_site import refuse_cross_site
from api.doors import SignInDoor
from api.identity import Claims, NotProven, ProviderAway
from api.pages.rendering import render
from api.problems import Refusal
from api.screen import write
from api.wiring import Wired, Wiring
from domain.admission import admitted
from store import sign_ins
from store.access import Role
from store.audit import Noted
from store.sign_ins import SIGN_IN_LASTS, Admitted, SignIn

open_router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

_log = logging.getLogger(__name__)
_LONGEST_RETURN = 512

Told = Annotated[str, Query(max_length=4096)]


@open_router.get("/signin")
def sign_in_page(request: Request, wired: Wired, next: Told = "/") -> HTMLResponse:  # noqa: A002  # its name in the address
    """Show who is signed in, or how to sign in."""
    told = {
        "asking": asker(request, wired),
        "can_sign_in": wired.doors.sign_in is not None,
        "return_to": own_path(next),
        "version": wired.version,
    }
    return HTMLResponse(render("signin.html", told))


@open_router.get("/signin/start")
def start(request: Request, wired: Wired, next: Told = "/") -> Response:  # noqa: A002
    """Send the browser to the provider."""
    door = _door(wired)
    if wired.doors.failures is not None:
        refuse_too_many(wired.doors.failures.take(address(request)))
    state, browser = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    begun = SignIn(
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(64),
        return_to=own_path(next),
    )
    try:
        place = door.provider.address(state=state, nonce=begun.nonce, verifier=begun.verifier)
    except ProviderAway as error:
        _away(error)
    with wired.database.writing() as connection:
        sign_ins.begin(connection, state, browser, begun, wired.clock())
    response = RedirectResponse(place, HTTPStatus.SEE_OTHER)
    _set(response, door, door.begun_cookie, browser, int(SIGN_IN_LASTS.total_seconds()))
    return response


@open_router.get("/signin/callback")
def callback(
    request: Request, wired: Wired, state: Told = "", code: Told = "", error: Told = ""
) -> Response:
    """Take whoever comes back from the provider."""
    door = _door(wired)
    browser = request.cookies.get(door.begun_cookie, "")
    begun = None
    if state and browser:
        with wired.database.writing() as connection:
            begun = sign_ins.take_up(connection, state, browser, wired.clock())
    if begun is None:
        _failed(request, wired, "no such sign-in was begun here, or it is over")
    if error or not code:
        _note(request, wired, HTTPStatus.FORBIDDEN)
        detail = "The provider did not let you sign in. Whoever runs it can say why."
        raise Refusal(HTTPStatus.FORBIDDEN, "sign_in_refused", detail)
    try:
        claims = door.provider.claims(code=code, verifier=begun.verifier, nonce=begun.nonce)
    except NotProven as reason:
        _failed(request, wired, str(reason))
    except ProviderAway as away:
        _away(away)
    return _let_in(request, wired, door, _admission(request, wired, door, claims), begun.return_to)


@open_router.post("/signout")
def sign_out(request: Request, wired: Wired) -> Response:
    """End the session of this browser."""
    asking = asker(request, wired)
    refuse_cross_site(request, asking)
    door = _door(wired)
    with wired.database.writing() as connection:
        sign_ins.sign_out(connection, request.cookies.get(door.cookie, ""))
    response = RedirectResponse("/signin", HTTPStatus.SEE_OTHER)
    _set(response, door, door.cookie, "", 0)
    return response


def own_path(told: str) -> str:
    """The path to return to: one of ours, or the first page."""
    parts = urlsplit(told)
    ours = told.startswith("/") and not told.startswith(("//", "/\\", "/signin", "/signout"))
    plain = told.isascii() and told.isprintable() and "\\" not in told
    if not ours or not plain or parts.scheme or parts.netloc or len(told) > _LONGEST_RETURN:
        return "/"
    return told


def _door(wiring: Wiring) -> SignInDoor:
    if wiring.doors.sign_in is None:
        detail = "Signing in is not set up here; see the setting oidc_issuer."
        raise Refusal(HTTPStatus.NOT_FOUND, "not_found", detail)
    return wiring.doors.sign_in


def _admission(request: Request, wiring: Wiring, door: SignInDoor, claims: Claims) -> Admitted:
    person = None
    if wiring.doors.pseudonyms is not None:
        named = ("email", claims.mail) if claims.mail else ("enduser", claims.subject)
        person = wiring.doors.pseudonyms(*named)
    told = admitted(claims.groups, door.roles)
    if told is None:
        _note(request, wiring, HTTPStatus.FORBIDDEN, person=person)
        raise Refusal(
            HTTPStatus.FORBIDDEN,
            "not_admitted",
            "You are signed in, but none of your groups may use Tokenassay. Whoever runs it can"
            " admit one with the setting oidc_roles.",
        )
    return Admitted(role=Role(told.role), teams=told.teams, person=person)


def _let_in(
    request: Request, wiring: Wiring, door: SignInDoor, who: Admitted, return_to: str
) -> Response:
    """Begin a session in the place of any that this browser had."""
    with wiring.database.writing() as connection:
        sign_ins.sign_out(connection, request.cookies.get(door.cookie, ""))
        session_id, secret = sign_ins.sign_in(connection, who, wiring.clock(), door.lasts)
    _note(request, wiring, HTTPStatus.SEE_OTHER, person=who.person, session_id=session_id)
    response = RedirectResponse(return_to, HTTPStatus.SEE_OTHER)
    _set(response, door, door.cookie, secret, int(door.lasts.total_seconds()))
    _set(response, door, door.begun_cookie, "", 0)
    return response


def _set(response: Response, door: SignInDoor, name: str, value: str, seconds: int) -> None:
    response.set_cookie(
        name, value, seconds, path="/", secure=door.secure, httponly=True, samesite="lax"
    )


def _failed(request: Request, wiring: Wiring, reason: str) -> NoReturn:
    _log.warning("a sign-in failed: %s", reason)
    if wiring.doors.failures is not None:
        refuse_too_many(wiring.doors.failures.take(address(request)))
    _note(request, wiring, HTTPStatus.BAD_REQUEST)
    raise Refusal(
        HTTPStatus.BAD_REQUEST,
        "sign_in_failed",
        f"Signing in did not work: {reason}. Begin again at /signin.",
    )


def _away(error: ProviderAway) -> NoReturn:
    _log.warning("nobody can sign in: %s", error)
    raise Refusal(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "sign_in_unavailable",
        "The provider that people sign in at does not answer now; try again in a moment.",
        {"Retry-After": "5"},
    ) from error


def _note(
    request: Request,
    wiring: Wiring,
    status: HTTPStatus,
    *,
    person: str | None = None,
    session_id: str = "",
) -> None:
    noted: dict[str, Any] = {
        "at": wiring.clock(),
        "actor": f"{How.SIGN_IN.value}:{session_id}",
        "person": person,
        "action": "sign in",
        "object": "",
        "status": status.value,
        "people": None,
        "address": wiring.doors.address(address(request)),
    }
    write(wiring, Noted(**noted))
