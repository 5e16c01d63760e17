"""The addresses of pages. Errors on them are pages as well (see ``api.problems``)."""

from pathlib import Path

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from api.auth import may_read
from api.host import asked_origin
from api.pages.overview import DECISIONS, MEANINGS, buckets, overview
from api.pages.rendering import render
from api.pages.session import session_view
from api.schemas.links import REASONS
from api.wiring import Wired

router = APIRouter(
    dependencies=[Depends(may_read)], include_in_schema=False, default_response_class=HTMLResponse
)


@router.get("/")
def first_page(request: Request, wired: Wired) -> HTMLResponse:
    """Show what has arrived."""
    told = {
        "shown": overview(wired),
        "version": wired.version,
        "decisions": DECISIONS,
        "buckets": buckets,
        "reasons": REASONS,
        "otlp_address": asked_origin(request, wired.otlp_http_port),
        "webhook_address": f"{asked_origin(request)}/webhooks/github",
    }
    return HTMLResponse(render("overview.html", told))


@router.get("/sessions/{tool}/{session_id:path}")
def session_page(wired: Wired, tool: str, session_id: str) -> HTMLResponse:
    """Show one session."""
    told = {
        "shown": session_view(wired, tool, session_id),
        "version": wired.version,
        "meanings": MEANINGS,
        "buckets": buckets,
    }
    return HTMLResponse(render("session.html", told))


class _Assets(StaticFiles):
    """Files of the pages. A browser keeps them and asks whether they changed."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Serve one file."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


def mount_assets(app: FastAPI) -> None:
    """Serve style sheet and icon; they are no secret and need no token."""
    app.mount("/static", _Assets(directory=Path(__file__).parent / "static"), name="static")
