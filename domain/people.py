"""Which identities are one person: what providers, files and names say about it."""

from dataclasses import dataclass
from enum import StrEnum


class Strength(StrEnum):
    """How far a statement that two identities are one person can be relied on."""

    ADMIN = "admin"  # a file of the operator's: wins over everything else
    STRONG = "strong"  # a provider or mailmap says so
    MEDIUM = "medium"  # the same display name; alone it never joins two that others keep apart


@dataclass(frozen=True, slots=True, kw_only=True)
class SamePerson:
    """Two identities (pseudonyms) that a source says are one person.

    ``source`` names who says so: ``github``, ``mailmap``, ``people file``, ``display name``.
    """

    one: str
    other: str
    strength: Strength
    source: str
