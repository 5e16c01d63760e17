"""What people do on pages: forms that work without a script, for the acts of the API.

Each does what its route under ``/v1`` does (``api.acts``), is refused as that is, and leads back to
the page that it stood on, which says what was done (``DONE``). Another site's form is refused
before (``api.cross_site``).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import parse_qs

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from api.problems import Refusal
from api.schemas.alerts import Handling, Snoozing
from domain.alerts import AlertState

_MOST_FORM_BYTES = 20_000
_Model = TypeVar("_Model", bound=BaseModel)

SNOOZES = {1: "1 day", 7: "7 days", 30: "30 days"}


class Done(StrEnum):
    """What a form has done, as the address of the page that follows says it."""

    LABELLED = "labelled"
    WITHDRAWN = "withdrawn"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    TRIED = "tried"
    NOT_TRIED = "not_tried"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"


DONE: Mapping[Done, str] = {
    Done.LABELLED: "Your word is kept: it is the session's label from now on. Sums follow within"
    " seconds.",
    Done.WITHDRAWN: "That word is taken back: the rules' own label holds again.",
    Done.ACCEPTED: "The link is accepted. Cost and label follow within seconds.",
    Done.REJECTED: "The link is rejected, and gone within seconds. Cost and label follow.",
    Done.TRIED: "Noted: from now on its effect is measured.",
    Done.NOT_TRIED: "Taken back: nothing is noted as tried on that day.",
    Done.ACKNOWLEDGED: "Acknowledged: it is told again only if it gets worse.",
    Done.SNOOZED: "Snoozed: nothing is told until then.",
    Done.RESOLVED: "Resolved: while it lasts it opens again only if it gets worse.",
}
_ACTS = {
    "acknowledge": (AlertState.ACKNOWLEDGED, Done.ACKNOWLEDGED),
    "snooze": (AlertState.SNOOZED, Done.SNOOZED),
    "resolve": (AlertState.RESOLVED, Done.RESOLVED),
}


async def sent(request: Request) -> dict[str, str]:
    """The fields of a form that are filled in; a form that is too long is refused."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST_FORM_BYTES:
            raise _refused("That is too long.")
    try:
        fields = parse_qs(body.decode(), errors="strict", max_num_fields=20)
    except ValueError:
        raise _refused("Send a form of this page.") from None
    return {name: values[-1].strip() for name, values in fields.items()}


def read(model: type[_Model], fields: Mapping[str, object]) -> _Model:
    """What a form says, held against what the API takes."""
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        told = [{**each, "loc": ("body", *each["loc"])} for each in error.errors()]
        raise RequestValidationError(told) from None


def on_alert(
    fields: Mapping[str, str], now: datetime
) -> tuple[AlertState, str | None, datetime | None, Done]:
    """What is to become of an alert: its state, a note, until when, and what to say of it."""
    if fields.get("act") not in _ACTS:
        raise _refused("act: acknowledge, snooze or resolve")
    state, done = _ACTS[fields["act"]]
    note = fields.get("note") or None
    if state is not AlertState.SNOOZED:
        return state, read(Handling, {"note": note}).note, None, done
    days = {str(number): timedelta(days=number) for number in SNOOZES}.get(fields.get("days", ""))
    if days is None:
        raise _refused("days: one of " + ", ".join(map(str, SNOOZES)))
    told = read(Snoozing, {"note": note, "until": now + days})
    return state, told.note, told.until, done


def _refused(detail: str) -> Refusal:
    return Refusal(HTTPStatus.BAD_REQUEST, "invalid_parameter", detail)
