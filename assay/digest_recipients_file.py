"""Reading the operator's file of the digest's recipients: address, team, and whose it is."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from assay.people_file import FileInvalid, read_lines, shortened
from domain.pseudonym import Pseudonyms
from store.digest_recipients import FiledRecipient

COLUMNS = ("address", "team")
OPTIONAL = ("person",)
_LONGEST = 254
# The form that every mail server takes: no quotes, no comments, no letters beyond ASCII.
_WORD = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"{_WORD}(?:\.{_WORD})*@{_LABEL}(?:\.{_LABEL})*")


def read_recipients(
    path: Path, pseudonyms: Pseudonyms, filed: Mapping[str, str]
) -> dict[str, FiledRecipient]:
    """Read the file: recipients by the pseudonym of their address.

    ``filed`` is whom the people file names, by identity: an address can be nobody else's. Raises
    CannotStart and FileInvalid, which names every bad line.
    """
    found: dict[str, FiledRecipient] = {}
    lines: dict[str, int] = {}
    problems: list[str] = []
    for line in read_lines(path, COLUMNS, OPTIONAL):
        address, team = line.values["address"], line.values["team"]
        try:
            _check(address)
            if not team.isprintable():
                raise ValueError("a team's name is one line of text")
            person = _person(line.values.get("person", ""), pseudonyms, filed)
        except ValueError as error:
            problems.append(f"line {line.number}: {error}")
            continue
        identity = pseudonyms("email", address)
        before = found.get(identity)
        if before and person and before.person not in (None, person):
            problems.append(
                f"line {line.number}: this address is given to another person in line"
                f" {lines[identity]}"
            )
        lines.setdefault(identity, line.number)
        told = before or FiledRecipient(address=address, teams=frozenset())
        found[identity] = replace(told, teams=told.teams | {team}, person=told.person or person)
    if problems:
        raise FileInvalid(shortened(problems))
    return found


def _check(address: str) -> None:
    if len(address) > _LONGEST or _ADDRESS.fullmatch(address) is None:
        shown = address if address.isprintable() else ascii(address)
        raise ValueError(f"{shown or '(empty)'} is no mail address")


def _person(told: str, pseudonyms: Pseudonyms, filed: Mapping[str, str]) -> str | None:
    if not told:
        return None
    person = pseudonyms("person", told)
    if person not in filed.values():
        raise ValueError(
            "the people file names nobody like this; import people first: assay people import"
        )
    return person
