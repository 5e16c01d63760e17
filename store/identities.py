"""Persons back to the identities under which telemetry and forges name them, of many at once."""

from collections.abc import Collection

from sqlalchemy import Connection, String, select

from store import tables as t
from store.given import given


def identities_of(connection: Connection, persons: Collection[str]) -> dict[str, set[str]]:
    """All identities of each person. Who has no other is a person under their own."""
    if not persons:
        return {}
    wanted = given(connection, {"person": String()}, [(person,) for person in sorted(persons)])
    p = t.persons.c
    query = select(p.person, p.identity).join(wanted, wanted.c.person == p.person)
    found = {person: {person} for person in persons}
    for person, identity in connection.execute(query):
        found[person].add(identity)
    return found
