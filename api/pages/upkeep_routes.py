"""The addresses of pages about keeping it going: budgets, alerts, data quality, connecting."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response

from api.auth import Asking, may_read
from api.authority import SeesPeople
from api.host import asked_origin
from api.pages.alerts import AlertListParameters, alerts_view
from api.pages.budgets import budgets_view
from api.pages.connect import connect_view
from api.pages.filters import PERIODS, PageParameters
from api.pages.forms import SNOOZES
from api.pages.frame import page
from api.pages.quality import SILENT_AFTER, quality_view
from api.wiring import Wired

router = APIRouter(
    dependencies=[Depends(may_read)], include_in_schema=False, default_response_class=HTMLResponse
)
Parameters = Annotated[PageParameters, Query()]


@router.get("/budgets")
def budgets_page(
    wired: Wired, asking: Asking, parameters: Parameters, sees_people: SeesPeople
) -> Response:
    """Show how budgets stand."""
    shown = budgets_view(wired, asking, sees_people=sees_people)
    return page(wired, "budgets.html", "/budgets", parameters, {"shown": shown}, shown.tables)


@router.get("/alerts")
def alerts_page(
    wired: Wired,
    asking: Asking,
    parameters: Annotated[AlertListParameters, Query()],
    sees_people: SeesPeople,
) -> Response:
    """Show alerts."""
    shown = alerts_view(wired, parameters, asking, sees_people=sees_people)
    told = {"shown": shown, "snoozes": SNOOZES}
    return page(wired, "alerts.html", "/alerts", parameters, told, shown.tables)


@router.get("/quality")
def quality_page(wired: Wired, parameters: Parameters) -> Response:
    """Show what keeps the numbers from being complete."""
    shown = quality_view(wired, parameters)
    told = {"shown": shown, "periods": PERIODS, "silent_days": SILENT_AFTER.days}
    return page(wired, "quality.html", "/quality", parameters, told, shown.tables)


@router.get("/connect")
def connect_page(request: Request, wired: Wired, parameters: Parameters) -> Response:
    """Show how to connect tools, forges and trackers, and what arrives."""
    receives = asked_origin(request, wired.otlp_http_port)
    shown = connect_view(wired, receives, asked_origin(request))
    return page(wired, "connect.html", "/connect", parameters, {"shown": shown}, shown.tables)
