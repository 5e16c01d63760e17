"""Whether it is alive, and how current it is."""

from http import HTTPStatus

from fastapi import APIRouter, Depends, Response

from api.auth import may_read
from api.schemas.status import Healthy, Readiness, Status, provider_rows, readiness
from api.wiring import Wired
from store import readiness as store
from store import report_status, sync

open_router = APIRouter(tags=["status"])
router = APIRouter(tags=["status"], dependencies=[Depends(may_read)])


@open_router.get("/healthz")
def healthz(wired: Wired) -> Healthy:
    """Whether the server answers and reaches its database. Open to everybody, says no more."""
    with wired.database.reading() as connection:
        report_status.probe(connection)
    return Healthy(status="ok")


@open_router.get("/readyz", responses={HTTPStatus.SERVICE_UNAVAILABLE: {"model": Readiness}})
def readyz(wired: Wired, response: Response) -> Readiness:
    """Whether requests should be sent here: each check, and 503 where one fails. Open to all."""
    told = readiness(store.checks(wired.database, wired.clock(), wired.ready_backlog))
    if told.status != "ready":
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return told


@router.get("/v1/status")
def status(wired: Wired) -> Status:
    """How current all other answers are: what is acknowledged and not yet in them."""
    arrival = report_status.arrival(wired.database)
    with wired.database.reading() as connection:
        providers = provider_rows(sync.states(connection))
    return Status(
        status="ok",
        version=wired.version,
        pending=arrival.pending,
        parked=arrival.parked,
        set_aside=arrival.set_aside,
        last_record_at=arrival.last_record_at,
        database=arrival.database,
        providers=providers,
    )
