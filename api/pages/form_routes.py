"""The addresses that forms of pages are sent to; each leads back to the page that it stood on."""

from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api import acts
from api.auth import may_read
from api.authority import By, SeesPeople
from api.pages.formats import session_path
from api.pages.forms import Done, on_alert, read, sent
from api.parameters import Text
from api.schemas.leaks import Tried
from api.schemas.links import Review
from api.schemas.rules import Said
from api.wiring import Wired
from store import report_links

router = APIRouter(
    dependencies=[Depends(may_read)], include_in_schema=False, default_response_class=HTMLResponse
)
_Fields = Annotated[dict[str, str], Depends(sent)]
_TAKEN_BACK = "withdraw"


# Whatever else is said under a session's address, its id may hold slashes.
@router.post("/sessions/{tool}/{session_id:path}/label")
def say(wired: Wired, tool: Text, session_id: Text, by: By, fields: _Fields) -> Response:
    """Take a person's word on what a session bought."""
    if fields.get("act") == _TAKEN_BACK:
        told, done = Said(label=None), Done.WITHDRAWN
    else:
        label, reason = fields.get("label"), fields.get("reason", "")
        told, done = read(Said, {"label": label or "", "reason": reason}), Done.LABELLED
    acts.say(wired, tool, session_id, told, by)
    return _back(session_path(tool, session_id), done, "label")


@router.post("/links/{link_id}/review")
def review(wired: Wired, link_id: Text, by: By, fields: _Fields) -> Response:
    """Take a person's word on a link."""
    told = read(Review, {"verdict": fields.get("verdict", ""), "note": fields.get("note", "")})
    with wired.database.reading() as connection:
        session = report_links.session_of(connection, link_id)
    acts.review(wired, link_id, told, by)
    done = Done.ACCEPTED if told.verdict == "accept" else Done.REJECTED
    return _back(session_path(*session) if session else "/sessions", done, "links")


@router.post("/leaks/{leak_id}/tried")
def tried(wired: Wired, leak_id: Text, by: By, fields: _Fields) -> Response:
    """Note what was tried against a leak."""
    withdrawn = fields.get("act") == _TAKEN_BACK
    day = fields.get("at") or None
    told = read(Tried, {"note": fields.get("note", ""), "at": day, "withdrawn": withdrawn})
    acts.try_fix(wired, leak_id, told, by)
    return _back("/leaks", Done.NOT_TRIED if withdrawn else Done.TRIED, "tried")


@router.post("/alerts/{alert_id}")
def handle_alert(
    wired: Wired, alert_id: Text, by: By, sees_people: SeesPeople, fields: _Fields
) -> Response:
    """Take what is done about an alert."""
    state, note, until, done = on_alert(fields, wired.clock())
    acts.handle_alert(
        wired, alert_id, state, by=by, sees_people=sees_people, note=note, until=until
    )
    return _back("/alerts", done)


def _back(path: str, done: Done, place: str = "") -> Response:
    """To a page, which says what was done; where on it, where that is not its beginning."""
    to = f"{path}?{urlencode({'done': done.value})}" + (f"#{place}" if place else "")
    return RedirectResponse(to, HTTPStatus.SEE_OTHER)
