"""What people do: one function for each act, whether a program or a form of a page asks for it.

Who may is found out before (``api.authority``). Each refuses what can't be done.
"""

from datetime import UTC, date, datetime
from http import HTTPStatus

from api.problems import Refusal
from api.routes.sessions import find
from api.schemas.leaks import Tried, TriedNoted
from api.schemas.links import Review, Reviewed
from api.schemas.rules import Said, SaidAnswer, said_answer
from api.wiring import Wiring
from domain.alerts import Alert, AlertState
from domain.labels import Label
from domain.leaks import Group, LeakReport
from store import alerts, overrules
from store.engine import Connection
from store.leaks import mark_tried, withdraw
from store.links import review_link

_NO_LABEL = (
    HTTPStatus.CONFLICT,
    "not_labelled",
    "This session belongs to another one, and is judged as a part of it: say it of that one.",
)
_NOTHING_SAID = (
    HTTPStatus.NOT_FOUND,
    "not_overruled",
    "No word of a person stands on this session.",
)


def say(wired: Wiring, tool: str, session_id: str, told: Said, by: str) -> SaidAnswer:
    """Say what a session bought, in place of the rules, or take that back."""
    now = wired.clock()
    with wired.database.writing() as connection:
        seen = find(connection, tool, session_id)
        labelled = wired.labeller(connection, seen.pk, now)
        if labelled is None:
            raise Refusal(*_NO_LABEL)
        rules_say = labelled.beside or labelled
        if told.label is not None:
            says, why = Label(told.label), told.reason.strip()
            overrules.overrule(connection, seen.pk, says, why, by=by, at=now, rules_say=rules_say)
        elif not overrules.withdraw(connection, seen.pk, by=by, at=now):
            raise Refusal(*_NOTHING_SAID)
    return said_answer(tool, session_id, told, by, now, rules_say)


def review(wired: Wiring, link_id: str, told: Review, by: str) -> Reviewed:
    """Accept or reject a link."""
    now = wired.clock()
    accepted = told.verdict == "accept"
    with wired.database.writing() as connection:
        known = review_link(connection, link_id, accepted=accepted, by=by, at=now, note=told.note)
    if not known:
        raise Refusal(HTTPStatus.NOT_FOUND, "link_not_found", "There is no such link (any more).")
    return Reviewed(id=link_id, verdict=told.verdict, reviewed_by=by, reviewed_at=now)


def try_fix(wired: Wiring, leak_id: str, told: Tried, by: str) -> TriedNoted:
    """Mark that a fix was tried against a leak, or take that back."""
    now = wired.clock()
    day = _day(told.at or now, now)
    with wired.database.writing() as connection:
        group = _group(wired.leaks(connection, wired.privacy_floor), leak_id)
        _note(connection, group, day, told, by=by, now=now)
    return TriedNoted(
        id=leak_id,
        tried_on=day,
        note="" if told.withdrawn else told.note,
        withdrawn=told.withdrawn,
        tried_by=by,
        recorded_at=now,
    )


def handle_alert(
    wired: Wiring,
    alert_id: str,
    state: AlertState,
    *,
    by: str,
    sees_people: bool,
    note: str | None,
    until: datetime | None = None,
) -> Alert:
    """Say what is done about an alert; ``until`` is for snoozing. Those of people are for some."""
    now = wired.clock()
    if until is not None and until <= now:
        detail = "'until' must be later than now: until when is nothing to be told?"
        raise Refusal(HTTPStatus.BAD_REQUEST, "invalid_parameter", detail)
    with wired.database.writing() as connection:
        found = alerts.get(connection, alert_id)
        if found is None or (found.private and not sees_people):
            raise Refusal(HTTPStatus.NOT_FOUND, "alert_not_found", "There is no such alert.")
        alerts.handle(connection, alert_id, state, by=by, at=now, note=note, until=until)
        changed = alerts.get(connection, alert_id)
    return changed or found


def _day(at: datetime, now: datetime) -> date:
    if at > now:
        raise Refusal(
            HTTPStatus.BAD_REQUEST, "invalid_parameter", "at: write a day that has begun, in UTC."
        )
    return at.astimezone(UTC).date()


def _group(report: LeakReport, leak_id: str) -> Group:
    """The group of a leak that may be told, or that something was tried on before."""
    groups = [*(each.group for each in report.found), *(each.group for each in report.actions)]
    told = next((group for group in groups if group.id == leak_id), None)
    if told is None:
        raise Refusal(
            HTTPStatus.NOT_FOUND, "leak_not_found", "There is no such leak; see /v1/leaks."
        )
    return told


def _note(
    connection: Connection, group: Group, day: date, told: Tried, *, by: str, now: datetime
) -> None:
    if not told.withdrawn:
        mark_tried(connection, group, day, by=by, at=now, note=told.note)
    elif not withdraw(connection, group.id, day):
        raise Refusal(
            HTTPStatus.NOT_FOUND,
            "leak_action_not_found",
            "Nothing was marked as tried on that day; see /v1/leaks/actions.",
        )
