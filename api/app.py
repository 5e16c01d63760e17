"""The application behind ``:8000``: JSON under ``/v1``, pages for people, and what is mounted."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Depends, FastAPI

from api import openapi
from api.auth import may_read
from api.headers import SECURITY, SecurityHeaders
from api.pages import routes as pages
from api.pages.rendering import problem_page
from api.problems import handle_problems
from api.routes import (
    changes,
    coverage,
    fixed_costs,
    links,
    people,
    sessions,
    status,
    tickets,
    usage,
    verdicts,
)
from api.wiring import Judge, Labeller, OutcomeReader, Wiring
from domain.company_prices import CompanyPrices
from store.access import Gate
from store.engine import Database


def create_app(
    database: Database,
    gate: Gate,
    *,
    version: str,
    clock: Callable[[], datetime],
    labeller: Labeller,
    judge: Judge,
    outcomes: OutcomeReader,
    extra_routers: Sequence[APIRouter] = (),
    otlp_http_port: int = 4318,
    company: CompanyPrices | None = None,
    show_names: bool = False,
) -> FastAPI:
    """Build the application.

    ``extra_routers`` (webhooks) authenticate their requests themselves. ``otlp_http_port`` is the
    port on this host that the first page tells new users to send to. ``company`` is what the
    company pays, where it has said. ``show_names`` shows people by the names that the people file
    gives them.
    """
    # The interactive documentation pages would load their scripts from another host.
    app = FastAPI(
        title="Tokenassay", version=version, docs_url=None, redoc_url=None, openapi_url=None
    )
    app.state.wiring = Wiring(
        database=database,
        gate=gate,
        version=version,
        clock=clock,
        labeller=labeller,
        judge=judge,
        outcomes=outcomes,
        otlp_http_port=otlp_http_port,
        company=company,
        show_names=show_names,
    )
    app.add_middleware(SecurityHeaders)
    handle_problems(app, problem_page, SECURITY)
    for router in (
        status.open_router,
        status.router,
        usage.router,
        fixed_costs.router,
        sessions.router,
        verdicts.router,
        links.router,
        changes.router,
        tickets.router,
        people.router,
        coverage.router,
        *extra_routers,
        pages.router,
    ):
        app.include_router(router)

    @app.get("/openapi.json", include_in_schema=False, dependencies=[Depends(may_read)])
    def document() -> dict[str, Any]:
        """Describe this API."""
        return openapi.openapi(app)

    pages.mount_assets(app)
    return app
