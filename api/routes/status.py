"""Whether it is alive, and how current it is."""

from fastapi import APIRouter, Depends

from api.auth import may_read
from api.schemas.status import Healthy, Status, provider_rows
from api.wiring import Wired
from store import report_status, sync

open_router = APIRouter(tags=["status"])
router = APIRouter(tags=["status"], dependencies=[Depends(may_read)])


@open_router.get("/healthz")
def healthz(wired: Wired) -> Healthy:
    """Whether the server answers and reaches its database. Open to everybody, says no more."""
    with wired.database.reading() as connection:
        report_status.probe(connection)
    return Healthy(status="ok")


@router.get("/v1/status")
def status(wired: Wired) -> Status:
    """How current all other answers are: what is acknowledged and not yet in them."""
    with wired.database.reading() as connection:
        arrival = report_status.arrival(connection)
        providers = provider_rows(sync.states(connection))
    return Status(
        status="ok",
        version=wired.version,
        pending=arrival.pending,
        parked=arrival.parked,
        last_record_at=arrival.last_record_at,
        database=arrival.database,
        providers=providers,
    )
