"""People: who is who, and in which team."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api.auth import may_read
from api.parameters import PeopleParameters
from api.schemas.people import PeopleReport, person_row
from api.wiring import Wired
from store import report_people

router = APIRouter(tags=["people"], dependencies=[Depends(may_read)])


@router.get("/v1/people")
def people(wired: Wired, asked: Annotated[PeopleParameters, Query()]) -> PeopleReport:
    """Who is who as pseudonyms, and their teams; names only where the operator turned them on.

    Only those whom whoever asks may see: an admin everybody, a lead the people of their teams.
    """
    with wired.database.reading() as connection:
        found = report_people.seen(connection, wired.clock(), frozenset(asked.team))
        found = [each for each in found if wired.shows(each.person)]
        names = wired.names(connection, (each.person for each in found))
    return PeopleReport(rows=[person_row(each, names.get(each.person)) for each in found])
