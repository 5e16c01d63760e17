"""Who asks, and their own sessions: everybody may see themselves."""

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query

from api.auth import Asking
from api.parameters import NoParameters, OwnSessionParameters
from api.problems import Refusal
from api.routes.sessions import listed
from api.schemas.access import Me, me
from api.schemas.sessions import SessionPage
from api.wiring import Wired
from store.report_me import own_usage

router = APIRouter(tags=["access"])

_SUMMED = timedelta(days=30)


@router.get("/v1/me")
def who_am_i(wired: Wired, asking: Asking, _: Annotated[NoParameters, Query()]) -> Me:
    """Who asks, what they may see, and what they used themselves over the last 30 days."""
    if asking.person is None:
        return me(asking, None, None)
    since = wired.clock() - _SUMMED
    with wired.database.reading() as connection:
        usage, labels = own_usage(connection, asking.person, since)
        names = wired.names(connection, [asking.person])
    return me(asking, names.get(asking.person), (since, usage, labels))


@router.get("/v1/me/sessions")
def my_sessions(
    wired: Wired, asking: Asking, asked: Annotated[OwnSessionParameters, Query()]
) -> SessionPage:
    """The sessions of whoever asks, newest first."""
    if asking.person is None:
        raise Refusal(
            HTTPStatus.NOT_FOUND,
            "no_person",
            "Nothing says who you are: sign in, or use a token that was made with --person.",
        )
    return listed(wired, asked, [asking.person])
