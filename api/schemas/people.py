"""People: who is who, and in which team."""

from pydantic import Field

from api.schemas.shape import USER_NAME, Shape
from store.report_people import PersonSeen


class PersonRow(Shape):
    """One person of whom more than one identity is known, or who is in a team."""

    user: str = Field(description="Pseudonym, as `user` in other answers.")
    user_name: str | None = Field(description=USER_NAME)
    identities: int = Field(description="How many identities are known to be theirs.")
    team: str | None = Field(description="The team that they are a member of now; null: none.")
    leads: list[str] = Field(description="The teams that they lead now.")


class PeopleReport(Shape):
    """Who is who, without any numbers of what they did."""

    rows: list[PersonRow] = Field(description="One row for each person, by pseudonym.")


def person_row(seen: PersonSeen, name: str | None) -> PersonRow:
    """A person as they are answered."""
    return PersonRow(
        user=seen.person,
        user_name=name,
        identities=seen.identities,
        team=seen.team,
        leads=list(seen.leads),
    )
