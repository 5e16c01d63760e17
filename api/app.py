"""The application behind ``:8000``: JSON under ``/v1``, pages for people, and what is mounted."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Depends, FastAPI

from api import openapi
from api.auth import may_read
from api.headers import SECURITY, SecurityHeaders
from api.methods import HeadAsGet
from api.pages import form_routes, upkeep_routes, work_routes
from api.pages import routes as pages
from api.pages import sign_in as sign_in_pages
from api.pages import unsubscribe as unsubscribe_pages
from api.pages.rendering import problem_page
from api.problems import handle_problems
from api.routes import (
    alerts,
    audit,
    budgets,
    changes,
    chargeback,
    coverage,
    efficiency,
    evaluations,
    fixed_costs,
    forecast,
    leaks,
    links,
    me,
    people,
    predictions,
    routing,
    rules,
    sessions,
    status,
    tickets,
    usage,
    verdicts,
)
from api.screen import Screen
from api.wiring import Wiring

_ROUTERS = (
    status.open_router,
    status.router,
    usage.router,
    fixed_costs.router,
    budgets.router,
    forecast.router,
    chargeback.router,
    alerts.router,
    sessions.router,
    predictions.router,
    rules.router,
    verdicts.router,
    efficiency.router,
    leaks.router,
    routing.router,
    evaluations.router,
    links.router,
    changes.router,
    tickets.router,
    people.router,
    me.router,
    audit.router,
    coverage.router,
)
_PAGES = (
    sign_in_pages.open_router,
    unsubscribe_pages.open_router,
    pages.router,
    work_routes.router,
    upkeep_routes.router,
    form_routes.router,
)


def create_app(wiring: Wiring, extra_routers: Sequence[APIRouter] = ()) -> FastAPI:
    """Build the application.

    ``extra_routers`` (webhooks) authenticate their requests themselves.
    """
    # The interactive documentation pages would load their scripts from another host.
    app = FastAPI(
        title="Tokenassay", version=wiring.version, docs_url=None, redoc_url=None, openapi_url=None
    )
    app.state.wiring = wiring
    app.add_middleware(Screen, wiring=wiring)
    app.add_middleware(SecurityHeaders, tls=wiring.doors.tls)
    app.add_middleware(HeadAsGet)
    handle_problems(app, problem_page, SECURITY)
    # What machines send comes first: routes are tried one after the other.
    for router in (*extra_routers, *_ROUTERS, *_PAGES):
        app.include_router(router)

    @app.get("/openapi.json", include_in_schema=False, dependencies=[Depends(may_read)])
    def document() -> dict[str, Any]:
        """Describe this API."""
        return openapi.openapi(app)

    pages.mount_assets(app)
    return app
