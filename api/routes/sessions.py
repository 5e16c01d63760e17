"""Sessions: listed, one from all sides, and why it has its label."""

import base64
import binascii
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from api.auth import may_read
from api.parameters import AsOf, SessionParameters, allowed
from api.problems import Refusal
from api.schemas.sessions import (
    Explanation,
    SessionDetail,
    SessionPage,
    explanation,
    session_detail,
    session_row,
)
from api.wiring import Wired
from domain.record import EPOCH
from store import report_detail, report_sessions
from store.engine import Connection
from store.report_sessions import Position, SessionFilter, SessionSeen
from store.report_usage import Dimension

router = APIRouter(tags=["sessions"], dependencies=[Depends(may_read)])

_MICROSECOND = timedelta(microseconds=1)

Tool = Annotated[str, Path(description="The tool's short name, for example `claude-code`.")]
SessionId = Annotated[str, Path(description="The session's id, as the tool tells it.")]


@router.get("/v1/sessions")
def sessions(wired: Wired, asked: Annotated[SessionParameters, Query()]) -> SessionPage:
    """Sessions that were used, newest first. Telemetry that names no session is in usage only."""
    after = None if asked.cursor is None else read_cursor(asked.cursor)
    wanted = SessionFilter(
        start=asked.start,
        end=asked.end,
        tools=frozenset(asked.tool),
        labels=frozenset(asked.label),
        usage=allowed(
            {
                Dimension.MODEL: asked.model,
                Dimension.USER: asked.user,
                Dimension.TEAM: asked.team,
                Dimension.REPO: asked.repo,
            }
        ),
    )
    with wired.database.reading() as connection:
        found = report_sessions.page(connection, wanted, asked.limit + 1, after)
    shown = found[: asked.limit]
    return SessionPage(
        rows=[session_row(seen) for seen in shown],
        next_cursor=write_cursor(shown[-1]) if len(found) > len(shown) else None,
    )


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
            report_detail.links(connection, seen.pk),
            report_detail.history(connection, seen.pk),
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
        return session_detail(seen, report_detail.sides(connection, seen.pk), labelled, asked.as_of)


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


def write_cursor(seen: SessionSeen) -> str:
    """Where a page ended, as opaque text."""
    told = f"{(seen.last_at - EPOCH) // _MICROSECOND}/{seen.pk}"
    return base64.urlsafe_b64encode(told.encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> Position:
    """What ``write_cursor`` wrote, or a refusal."""
    try:
        told = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        microseconds, pk = map(int, told.decode().split("/"))
        return Position(last_at=EPOCH + microseconds * _MICROSECOND, pk=pk)
    except (binascii.Error, ValueError, OverflowError):
        raise Refusal(
            HTTPStatus.BAD_REQUEST,
            "invalid_parameter",
            "cursor: send 'next_cursor' of an earlier answer, unchanged",
        ) from None
