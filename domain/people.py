"""Which identities are one person: what providers, names and the operator say about it.

An identity is a pseudonym of a mail address, a login, an account or an installation. A person is
named by one of their identities, or by the pseudonym of what the operator's file calls them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

MACHINE = "i_"
"""What the pseudonym of an installation begins with (``domain.pseudonym``)."""


def somebody(person: str | None) -> str | None:
    """Who it is; None where nobody is told, or only an installation that nobody is known for.

    One developer has as many installations as containers: to count these as people would make
    groups of one large enough to be told.
    """
    return None if person is None or person.startswith(MACHINE) else person


class Strength(StrEnum):
    """How far a statement that two identities are one person can be relied on.

    The operator's file is no such statement: it goes before all of them.
    """

    STRONG = "strong"  # a provider or mailmap says so
    MEDIUM = "medium"  # probably; alone it never joins two that others keep apart


@dataclass(frozen=True, slots=True, kw_only=True)
class SamePerson:
    """Two identities (pseudonyms) that a source says are one person.

    ``source`` names who says so: ``github``, ``mailmap``, ``jira``.
    """

    one: str
    other: str
    strength: Strength
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """An identity that works in a repository under a display name (a pseudonym as well)."""

    repo: str
    name: str
    identity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """All that is said about some identities.

    ``filed`` maps identities and display names to the person that the operator's file gives them
    to. Every statement about an identity without such a row is among them.
    """

    identities: frozenset[str]
    same: tuple[SamePerson, ...] = ()
    named: tuple[Named, ...] = ()
    filed: Mapping[str, str] = field(default_factory=dict)
