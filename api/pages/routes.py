"""The addresses of pages. Errors on them are pages as well (see ``api.problems``)."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from api.auth import Asking, may_read
from api.headers import WITH_SCRIPTS
from api.host import asked_origin
from api.pages.arrived import DECISIONS, arrived, buckets
from api.pages.filters import PERIODS, PageParameters
from api.pages.frame import page
from api.pages.leaks import about, leaks_view
from api.pages.overview import overview
from api.pages.routing import routing_view
from api.pages.teams import teams_view
from api.pages.tools import tool_view, tools_view
from api.schemas.links import REASONS
from api.wiring import Wired

router = APIRouter(
    dependencies=[Depends(may_read)], include_in_schema=False, default_response_class=HTMLResponse
)


Parameters = Annotated[PageParameters, Query()]


@router.get("/")
def first_page(request: Request, wired: Wired, parameters: Parameters) -> Response:
    """Show where the spend goes; while that can't be told, what has arrived."""
    shown = overview(wired, parameters)
    if shown is not None:
        told = {"shown": shown, "periods": PERIODS, "reasons": REASONS}
        return page(wired, "overview.html", "/", parameters, told, shown.tables)
    seen = arrived(wired)
    told = {
        "shown": seen,
        "decisions": DECISIONS,
        "buckets": buckets,
        "reasons": REASONS,
        "floor": wired.privacy_floor,
        "otlp_address": asked_origin(request, wired.otlp_http_port),
        "webhook_address": f"{asked_origin(request)}/webhooks/github",
    }
    response = page(wired, "arrived.html", "/", parameters, told)
    if not seen.tools:
        response.headers.update(WITH_SCRIPTS)
    return response


@router.get("/tools")
def tools_page(wired: Wired, parameters: Parameters) -> Response:
    """Show the verdicts on all tools."""
    shown = tools_view(wired)
    return page(wired, "tools.html", "/tools", parameters, {"shown": shown}, shown.tables)


@router.get("/tools/{tool}")
def tool_page(wired: Wired, tool: str, parameters: Parameters) -> Response:
    """Show one tool."""
    shown = tool_view(wired, tool, parameters)
    told = {"shown": shown, "decisions": DECISIONS}
    return page(wired, "tool.html", "/tools", parameters, told, shown.tables)


@router.get("/teams")
def teams_page(wired: Wired, parameters: Parameters) -> Response:
    """Show how teams fare."""
    shown = teams_view(wired, parameters)
    told = {"shown": shown, "periods": PERIODS}
    return page(wired, "teams.html", "/teams", parameters, told, shown.tables)


@router.get("/routing")
def routing_page(wired: Wired, parameters: Parameters) -> Response:
    """Show which model to use for which work."""
    shown = routing_view(wired)
    return page(wired, "routing.html", "/routing", parameters, {"shown": shown}, shown.tables)


@router.get("/leaks")
def leaks_page(wired: Wired, asking: Asking, parameters: Parameters) -> Response:
    """Show what spend leaks through."""
    shown = leaks_view(wired, asking, parameters)
    told = {"shown": shown, "about": about, "today": wired.clock().date()}
    return page(wired, "leaks.html", "/leaks", parameters, told, shown.tables)


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
