"""``.mailmap``: which addresses a repository says are one person's.

Each line is ``Name <address>``, ``<right> <as committed>`` or ``Name <right> Name <as committed>``;
only a line with two addresses says anything here. https://git-scm.com/docs/gitmailmap
"""

import re

from domain.people import SamePerson, Strength
from domain.pseudonym import Pseudonyms

_SOURCE = "mailmap"
_ADDRESS = re.compile(r"<([^<>\s]{1,254})>")


def same_people(text: str, pseudonyms: Pseudonyms) -> tuple[SamePerson, ...]:
    """Give the pairs of addresses that are one person's; strong, since the repository says so."""
    pairs = []
    for line in text.splitlines():
        found = _ADDRESS.findall(line.partition("#")[0])
        if len(found) == 2 and all("@" in each for each in found):  # noqa: PLR2004
            one, other = (pseudonyms("email", each) for each in found)
            if one != other:
                pairs.append((one, other))
    return tuple(
        SamePerson(one=one, other=other, strength=Strength.STRONG, source=_SOURCE)
        for one, other in dict.fromkeys(pairs)
    )
