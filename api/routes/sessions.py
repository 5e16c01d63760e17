"""Sessions: listed, one from all sides, and why it has its label."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from api.auth import may_read
from api.cursors import cut, read_cursor
from api.parameters import AsOf, OwnSessionParameters, SessionParameters, allowed
from api.problems import Refusal
from api.schemas.sessions import (
    Explanation,
    SessionDetail,
    SessionPage,
    explanation,
    session_detail,
    session_row,
)
from api.wiring import Wired, Wiring
from store import overrules, predictions, report_detail, report_links, report_sessions
from store.engine import Connection
from store.report_sessions import Position, SessionFilter, SessionSeen
from store.report_usage import Dimension

router = APIRouter(tags=["sessions"], dependencies=[Depends(may_read)])

Tool = Annotated[str, Path(description="The tool's short name, for example `claude-code`.")]
SessionId = Annotated[str, Path(description="The session's id, as the tool tells it.")]


@router.get("/v1/sessions")
def sessions(wired: Wired, asked: Annotated[SessionParameters, Query()]) -> SessionPage:
    """Sessions that were used, newest first. Telemetry that names no session is in usage only."""
    return listed(wired, asked, asked.user)


def listed(wired: Wiring, asked: OwnSessionParameters, users: Sequence[str]) -> SessionPage:
    """A page of the sessions that are asked for, of these users."""
    after = None
    if asked.cursor is not None:
        last_at, pk = read_cursor(asked.cursor, int)
        after = Position(last_at=last_at, pk=pk)
    wanted = SessionFilter(
        start=asked.start,
        end=asked.end,
        tools=frozenset(asked.tool),
        labels=frozenset(asked.label),
        usage=allowed(
            {
                Dimension.MODEL: asked.model,
                Dimension.USER: users,
                Dimension.TEAM: asked.team,
                Dimension.REPO: asked.repo,
            }
        ),
    )
    with wired.database.reading() as connection:
        found = report_sessions.page(connection, wanted, asked.limit + 1, after)
        names = wired.names(connection, (seen.user for seen in found))
    shown, cursor = cut(found, asked.limit, lambda seen: (seen.last_at, seen.pk))
    return SessionPage(rows=[session_row(seen, names) for seen in shown], next_cursor=cursor)


# Before the session itself: an id may hold slashes, so its route matches this address too.
@router.get("/v1/sessions/{tool}/{session_id:path}/explain")
def explain(
    wired: Wired, tool: Tool, session_id: SessionId, asked: Annotated[AsOf, Query()]
) -> Explanation:
    """Every fact, rule and piece of evidence behind a session's label, and its earlier labels."""
    as_of = asked.as_of or wired.clock()
    with wired.database.reading() as connection:
        seen = find(connection, tool, session_id)
        return explanation(
            seen,
            wired.labeller(connection, seen.pk, as_of),
            asked.as_of,
            report_links.of_session(connection, seen.pk),
            report_detail.history(connection, seen.pk),
            overrules.history(connection, seen.pk),
        )


@router.get("/v1/sessions/{tool}/{session_id:path}")
def session(
    wired: Wired, tool: Tool, session_id: SessionId, asked: Annotated[AsOf, Query()]
) -> SessionDetail:
    """One session: its usage and where that comes from, what it did, and what came of it."""
    as_of = asked.as_of or wired.clock()
    with wired.database.reading() as connection:
        seen = find(connection, tool, session_id)
        labelled = wired.labeller(connection, seen.pk, as_of)
        names = wired.names(connection, [seen.user])
        sides = report_detail.sides(connection, seen.pk)
        warned = predictions.of_session(connection, seen.pk) if asked.as_of is None else None
    return session_detail(seen, names, sides, labelled, warned, asked.as_of)


def find(connection: Connection, tool: str, session_id: str) -> SessionSeen:
    """The session, or a refusal."""
    seen = report_sessions.find(connection, tool, session_id)
    if seen is None:
        raise Refusal(
            HTTPStatus.NOT_FOUND,
            "session_not_found",
            "There is no such session of this tool, or it only started and did nothing.",
        )
    return seen
