"""Who may handle alerts, and see what is about one person; and that what changes comes as JSON."""

from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Request

from api.auth import Asking
from api.problems import Refusal
from store.access import MAY_REVIEW, Role


def may_handle(asking: Asking) -> str:
    """Who handles an alert: the id of a lead or admin; or a refusal."""
    if asking.role not in MAY_REVIEW:
        raise Refusal(HTTPStatus.FORBIDDEN, "forbidden", "This takes the role lead or admin.")
    return asking.id


def told_as_json(request: Request) -> None:
    """Refuse a body that is no JSON.

    Any page may make a browser post a form with the credentials that it has, but not JSON.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refusal(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "Send it as JSON, with 'Content-Type: application/json'.",
        )


def _sees_people(asking: Asking) -> bool:
    return asking.role is Role.ADMIN


SeesPeople = Annotated[bool, Depends(_sees_people)]
"""Whether whoever asks may see what is about one person: an admin."""
