"""Who may read: a token with a reading role, as Bearer, or as the password of HTTP Basic.

Basic exists for browsers, which can open pages with it and nothing else; its user name is ignored.
While no such token exists on loopback, everybody on this machine may read.

Reviewing links takes a role that may do so as well.
"""

import base64
import binascii
from http import HTTPStatus

from fastapi import Request

from api.host import asked_host, is_local
from api.problems import Refusal, is_api
from api.wiring import Wired
from store.access import MAY_READ, MAY_REVIEW, Access


def may_read(request: Request, wired: Wired) -> None:
    """Refuse whoever may not read."""
    secret = token(request.headers.get("authorization"))
    access = wired.gate.check(secret, MAY_READ)
    if access is Access.UNAUTHENTICATED:
        raise Refusal(
            HTTPStatus.UNAUTHORIZED,
            "unauthenticated",
            "Send 'Authorization: Bearer <token>', or the token as the password of HTTP Basic."
            " 'assay tokens create' makes one.",
            {"WWW-Authenticate": challenge(request)},
        )
    if access is Access.FORBIDDEN:
        raise Refusal(
            HTTPStatus.FORBIDDEN,
            "forbidden",
            "This token may send telemetry but not read; use one with the role viewer, lead or"
            " admin.",
        )
    open_to_all = wired.gate.check(None, MAY_READ) is Access.GRANTED
    if open_to_all and not is_local(asked_host(request)):
        raise Refusal(
            HTTPStatus.FORBIDDEN,
            "host_not_allowed",
            "Without access tokens this server answers only under a local name or an IP address."
            " Make a token with 'assay tokens create', or ask for it as http://localhost.",
        )


def may_review(request: Request, wired: Wired) -> str:
    """Who says what stands of a link: the id of their token; or a refusal.

    A server without tokens takes it from everybody on this machine.
    """
    # Any page may make a browser post a form with the credentials that it has, but not JSON.
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refusal(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "Send the review as JSON, with 'Content-Type: application/json'.",
        )
    if wired.gate.check(None, MAY_READ) is Access.GRANTED:
        return "local"
    bearer = wired.gate.bearer(token(request.headers.get("authorization")))
    if bearer is None or bearer.role not in MAY_REVIEW:
        raise Refusal(
            HTTPStatus.FORBIDDEN,
            "forbidden",
            "This token may not review links; use one with the role lead or admin.",
        )
    return bearer.id


def token(header: str | None) -> str | None:
    """The token of an Authorization header: Bearer, or the password of Basic."""
    scheme, _, value = (header or "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip() or None
    if scheme.lower() != "basic":
        return None
    try:
        told = base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    return told.partition(":")[2] or None


def challenge(request: Request) -> str:
    """What to ask for: programs send Bearer; a browser asks its user only for Basic."""
    return "Bearer" if is_api(request) else 'Basic realm="Tokenassay", charset="UTF-8"'
