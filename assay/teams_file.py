"""Reading the operator's file of teams: team, person, and from when to when."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from assay.people_file import FileInvalid, Line, read_lines, shortened
from domain.pseudonym import Pseudonyms
from store.teams import Membership, overlapping

COLUMNS = ("team", "person")
OPTIONAL = ("from", "to", "role")
_ROLES = ("member", "lead")
_FIRST_DAY = date(1970, 1, 1)


def read_teams(
    path: Path, pseudonyms: Pseudonyms, filed: Mapping[str, str]
) -> tuple[Membership, ...]:
    """Read the file. Raises CannotStart and FileInvalid, which names every bad line.

    ``filed`` is whom the people file names, by identity: nobody else can be in a team. They are
    named as there, or by a mail address that it gives them.
    """
    found: dict[Membership, int] = {}
    problems: list[str] = []
    for line in read_lines(path, COLUMNS, OPTIONAL):
        try:
            found.setdefault(_membership(line, pseudonyms, filed), line.number)
        except ValueError as error:
            problems.append(f"line {line.number}: {error}")
    problems += [
        f"line {found[each]}: this person is a member of {before.team} at the same time"
        f" (line {found[before]}); usage would count twice"
        for before, each in overlapping(found)
    ]
    if problems:
        raise FileInvalid(shortened(problems))
    return tuple(found)


def _membership(line: Line, pseudonyms: Pseudonyms, filed: Mapping[str, str]) -> Membership:
    told = line.values
    role = told.get("role") or "member"
    if role not in _ROLES:
        raise ValueError(f"there is no role {role}; there are {', '.join(_ROLES)}")
    if not told["team"]:
        raise ValueError("team is empty")
    from_hour, to_hour = _hour(told.get("from", "")), _hour(told.get("to", ""))
    if to_hour is not None and to_hour <= (from_hour or 0):
        raise ValueError("'to' must be after 'from': it is the day after the last one")
    return Membership(
        team=told["team"],
        person=_person(told["person"], pseudonyms, filed),
        from_hour=from_hour or 0,
        to_hour=to_hour,
        lead=role == "lead",
    )


def _person(told: str, pseudonyms: Pseudonyms, filed: Mapping[str, str]) -> str:
    if not told:
        raise ValueError("person is empty")
    person = pseudonyms("person", told)
    if person in filed.values():
        return person
    if "@" in told and (owner := filed.get(pseudonyms("email", told))):
        return owner
    raise ValueError(
        "the people file names nobody like this; import people first: assay people import"
    )


def _hour(day: str) -> int | None:
    """The first hour of a UTC day, since the epoch; None where none is told."""
    if not day:
        return None
    try:
        return max(0, (date.fromisoformat(day) - _FIRST_DAY).days * 24)
    except ValueError:
        raise ValueError(f"{day} is no date; write 2026-11-22") from None
