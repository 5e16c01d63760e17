"""Who may read and administer. What a route needs it declares as a dependency.

A token with a reading role comes as Bearer, or as the password of HTTP Basic, which exists for
browsers (its user name is ignored). Where signing in is set up, browsers come with its cookie.
While no reading token exists on loopback and nobody can sign in, everybody on this machine may
read and change. ``docs/access.md`` has the table of all routes, which a test holds.

Every refusal of whom may not read stands here, and that of requests which another site made a
browser send; who may review and handle what says ``authority``. Whom an answer may name is held by
``screen``, whichever route gives it.
"""

from http import HTTPStatus
from typing import Annotated, NoReturn
from urllib.parse import quote

from fastapi import Depends, Request

from api.asker import Asker, How, asker, token
from api.cross_site import refuse_cross_site
from api.host import asked_host, is_local
from api.problems import Refusal, is_api
from api.repeated import refuse_repeated
from api.wiring import Wired, Wiring
from store.access import MAY_ADMINISTER, MAY_READ, Role

__all__ = ["Asking", "challenge", "may_administer", "may_read", "token"]

# Parameters by which an answer is about single people.
_OF_PEOPLE = ("user", "person")


def may_read(request: Request, wired: Wired) -> Asker:
    """Who reads; or a refusal of whoever may not, or asks about people that they may not see."""
    asking = asker(request, wired)
    refuse_cross_site(request, asking)
    if asking is None:
        _refuse_unknown(request, wired)
    if asking.role not in MAY_READ:
        raise _forbidden(
            "This token may send telemetry but not read; use one with the role viewer, lead or"
            " admin."
        )
    if asking.how is How.OPEN and not is_local(asked_host(request)):
        raise Refusal(
            HTTPStatus.FORBIDDEN,
            "host_not_allowed",
            "Without access tokens this server answers only under a local name or an IP address."
            " Make a token with 'assay tokens create', or ask for it as http://localhost.",
        )
    refuse_repeated(request)
    _count(request, wired, asking)
    _refuse_hidden_people(request, asking)
    return asking


Asking = Annotated[Asker, Depends(may_read)]
"""Who reads."""


def may_administer(asking: Asking) -> str:
    """Who changes what concerns everybody, or looks at who did: the id of an admin."""
    if asking.role not in MAY_ADMINISTER:
        raise _forbidden("This takes the role admin.")
    return asking.id


def challenge(request: Request) -> str:
    """What to ask for: programs send Bearer; a browser asks its user only for Basic."""
    return "Bearer" if is_api(request) else 'Basic realm="Tokenassay", charset="UTF-8"'


def address(request: Request) -> str:
    """Where a request comes from, as the network tells it."""
    return request.client.host if request.client else ""


def _forbidden(detail: str) -> Refusal:
    return Refusal(HTTPStatus.FORBIDDEN, "forbidden", detail)


def _refuse_unknown(request: Request, wiring: Wiring) -> NoReturn:
    tried = token(request.headers.get("authorization")) is not None
    # A right token passes whatever came before: who shares an address with a guesser is let in.
    if tried and wiring.doors.failures is not None:
        refuse_too_many(wiring.doors.failures.take(address(request)))
    if wiring.doors.sign_in is not None and not tried and not is_api(request):
        place = quote(str(request.scope["path"]), safe="/")
        raise Refusal(
            HTTPStatus.SEE_OTHER,
            "unauthenticated",
            "Sign in first.",
            {"Location": f"/signin?next={place}"},
        )
    raise Refusal(
        HTTPStatus.UNAUTHORIZED,
        "unauthenticated",
        "Send 'Authorization: Bearer <token>', or the token as the password of HTTP Basic."
        " 'assay tokens create' makes one.",
        {"WWW-Authenticate": challenge(request)},
    )


def refuse_too_many(wait_seconds: float | None) -> None:
    """Refuse where there is something to wait for."""
    if wait_seconds is None:
        return
    seconds = int(wait_seconds) + 1
    raise Refusal(
        HTTPStatus.TOO_MANY_REQUESTS,
        "too_many_requests",
        f"That was too often; try again in {seconds} s.",
        {"Retry-After": str(seconds)},
    )


def _count(request: Request, wiring: Wiring, asking: Asker) -> None:
    """Count one answer of this asker; once a request, however many dependencies ask."""
    state = request.scope["state"]
    if asking.how is How.OPEN or wiring.doors.reads is None or state.get("counted"):
        return
    state["counted"] = True
    refuse_too_many(wiring.doors.reads.take(asking.actor))


def _refuse_hidden_people(request: Request, asking: Asker) -> None:
    """Refuse what would sum or list by people, or one of them, whom they may not see.

    Hiding their names in the answer would not do: a filter names them already, and rows by person
    are a list of people with or without names.
    """
    if asking.others is None:
        return
    told = request.query_params
    wanted = [each for name in _OF_PEOPLE for each in told.getlist(name) if each]
    if not all(asking.sees(each) for each in wanted):
        raise _forbidden("You may ask about yourself and the people of the teams that you lead.")
    by = {part.strip() for each in told.getlist("group_by") for part in each.split(",")}
    teams = told.getlist("team")
    own = bool(teams) and asking.role is Role.LEAD and asking.teams.issuperset(teams)
    if by.intersection(_OF_PEOPLE) and not wanted and not own:
        raise _forbidden(
            "By person you may ask for yourself ('user') and for teams that you lead ('team')."
        )
