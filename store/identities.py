"""Persons back to the identities under which telemetry and forges name them, of many at once."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Select, String, Subquery, select

from store import tables as t
from store.given import asking


def identities_of(connection: Connection, persons: Collection[str]) -> dict[str, set[str]]:
    """All identities of each person. Who has no other is a person under their own."""
    found = {person: {person} for person in persons}
    for person, identity in _identities(connection, [(person,) for person in sorted(persons)]):
        found[person].add(identity)
    return found


@asking({"person": String()})
def _identities(wanted: Subquery) -> Select[Any]:
    p = t.persons.c
    return select(p.person, p.identity).join(wanted, wanted.c.person == p.person)
