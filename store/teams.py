"""Who is a member of which team, and when. Usage keeps the team of its own hour."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select

from store import outdated_days, people
from store import tables as t
from store.upsert import merge_into, replaced


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Membership:
    """A person's time in a team: hours since the epoch in [``from_hour``, ``to_hour``).

    ``to_hour`` is None while it has no end. Who only leads a team (``lead``) is no member of it:
    their usage counts for the team that they are a member of.
    """

    team: str
    person: str
    from_hour: int = 0
    to_hour: int | None = None
    lead: bool = False


def replace_teams(connection: Connection, told: Iterable[Membership]) -> None:
    """Take over these memberships in the place of all before.

    Of one person none but those as lead may overlap: usage would count twice. Sessions of everybody
    whose memberships change are marked.
    """
    new = set(told)
    moved = new.symmetric_difference(memberships(connection))
    if not moved:
        return
    people.mark_labels_of(connection, {each.person for each in moved})
    # Whose usage the telemetry names no team of is of another one now, on whatever day.
    outdated_days.outdate_all(connection)
    connection.execute(delete(t.team_members))
    rows = [
        {
            "team": each.team,
            "person": each.person,
            "from_hour": each.from_hour,
            "to_hour": each.to_hour,
            "lead": each.lead,
        }
        for each in sorted(new, key=lambda m: (m.team, m.person, m.from_hour, m.lead))
    ]
    merge_into(connection, t.team_members, rows, {"to_hour": replaced})


def memberships(connection: Connection) -> list[Membership]:
    """All memberships, by team and person."""
    c = t.team_members.c
    query = select(t.team_members).order_by(c.team, c.person, c.from_hour, c.lead)
    return [
        Membership(
            team=row.team,
            person=row.person,
            from_hour=row.from_hour,
            to_hour=row.to_hour,
            lead=row.lead,
        )
        for row in connection.execute(query)
    ]


def overlapping(memberships: Iterable[Membership]) -> list[tuple[Membership, Membership]]:
    """Pairs of memberships of one person that share an hour, each with the one before it."""
    ordered = sorted(
        (each for each in memberships if not each.lead), key=lambda m: (m.person, m.from_hour)
    )
    found = []
    for index, each in enumerate(ordered[1:], start=1):
        before = ordered[index - 1]
        if before.person == each.person and (
            before.to_hour is None or each.from_hour < before.to_hour
        ):
            found.append((before, each))
    return found
