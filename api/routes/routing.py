"""Which tool and model to use for which work."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api.auth import may_read
from api.parameters import AsOf
from api.schemas.routing import RoutingPolicy, routing_policy
from api.wiring import Wired

router = APIRouter(tags=["routing"], dependencies=[Depends(may_read)])


@router.get("/v1/routing")
def routing(wired: Wired, asked: Annotated[AsOf, Query()]) -> RoutingPolicy:
    """The routing policy that is, or was, in force; its rules in order."""
    with wired.database.reading() as connection:
        return routing_policy(wired.policy(connection, asked.as_of or wired.clock()))
