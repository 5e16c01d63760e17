"""Who may review and handle what, and see what is about one person; and that changes come as JSON.

A lead says what stands of their own teams, whether by a program or by a form of a page.
"""

from collections.abc import Collection
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Request

from api.asker import Asker
from api.auth import Asking
from api.problems import Refusal
from api.wiring import Wired
from domain.alerts import Alert, AlertKind
from domain.budgets import ScopeKind
from store import alerts, sight
from store.access import ALL_TEAMS, MAY_REVIEW, Role
from store.engine import Connection


def _sees_people(asking: Asking) -> bool:
    return asking.role is Role.ADMIN


SeesPeople = Annotated[bool, Depends(_sees_people)]
"""Whether whoever asks may see what is about one person: an admin."""


def may_review(request: Request, wired: Wired, asking: Asking) -> str:
    """Who says what stands of a link or label, was tried against a leak, or is done about an alert.

    Their id, or a refusal: it takes a lead of the team that the address names something of, or an
    admin; a server that is open to its machine takes it from everybody there.
    """
    if asking.role not in MAY_REVIEW:
        raise _forbidden("This takes the role lead or admin.")
    with wired.database.reading() as connection:
        if not _of_own_teams(request, connection, asking):
            raise _forbidden("This is not about a team that you lead.")
    return asking.id


By = Annotated[str, Depends(may_review)]
"""The id of whoever reviews or handles something."""


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


def reviews_session(connection: Connection, asking: Asker, session_pk: int | None) -> bool:
    """Whether they may say what stands of a session; of one that is not there everybody may."""
    if _of_all_teams(asking) or session_pk is None:
        return asking.role in MAY_REVIEW
    return asking.role in MAY_REVIEW and sight.is_of_teams(
        connection, session_pk, asking.teams, asking.others or ()
    )


def marks_leak(asking: Asker, team: str | None) -> bool:
    """Whether they may mark what was tried against a leak of this team; None: of no one team."""
    of_theirs = _of_all_teams(asking) or team is None or team in asking.teams
    return asking.role in MAY_REVIEW and of_theirs


def handles_alert(connection: Connection, asking: Asker, alert: Alert) -> bool:
    """Whether they may say what is done about an alert.

    What is of the whole company, or of a tool or model of several teams, takes somebody who answers
    for all of them.
    """
    if _of_all_teams(asking) or asking.role not in MAY_REVIEW:
        return asking.role in MAY_REVIEW
    facts = alert.facts
    if alert.kind is AlertKind.RUNAWAY_SESSION:
        pk = sight.session_of(connection, str(facts.get("tool")), str(facts.get("session_id")))
        return pk is not None and reviews_session(connection, asking, pk)
    return facts.get("scope") == ScopeKind.TEAM.value and facts.get("value") in asking.teams


def sees_whole(asking: Asker, users: Collection[str], teams: Collection[str]) -> bool:
    """Whether sums may be told to them whole, however few people are behind them.

    They see everybody; or it is asked for people whom they see, or for teams that they lead.
    """
    if asking.others is None:
        return True
    if users and all(each and asking.sees(each) for each in users):
        return True
    return asking.role is Role.LEAD and bool(teams) and asking.teams.issuperset(teams)


def _of_own_teams(request: Request, connection: Connection, asking: Asker) -> bool:
    """Whether what the address names is of a team that they lead; what is not there is nobody's."""
    named = request.path_params
    if "leak_id" in named:
        return marks_leak(asking, sight.team_of_leak(connection, named["leak_id"]))
    if "alert_id" in named:
        alert = alerts.get(connection, named["alert_id"])
        if alert is None or (alert.private and not _sees_people(asking)):
            return True
        return handles_alert(connection, asking, alert)
    if "link_id" in named:
        pk = sight.session_of_link(connection, named["link_id"])
    else:
        pk = sight.session_of(connection, named["tool"], named["session_id"])
    return reviews_session(connection, asking, pk)


def _of_all_teams(asking: Asker) -> bool:
    return asking.role is Role.ADMIN or ALL_TEAMS in asking.teams


def _forbidden(detail: str) -> Refusal:
    return Refusal(HTTPStatus.FORBIDDEN, "forbidden", detail)
