"""Resolve who is who, for the identities about which something new is known.

The first of what the classifier does: sessions and commits are compared as persons.
"""

from classifier.people import resolve
from store import people
from store.engine import Database

_IDENTITIES = 2000


def identify(database: Database) -> bool:
    """Resolve some of the marked identities; whether there were any."""
    with database.reading() as connection:
        marks = people.marked(connection, _IDENTITIES)
        told = people.statements_about(connection, marks)
    if marks:
        persons = resolve(told)
        with database.writing() as connection:
            people.keep(connection, told.identities, persons)
            people.clear(connection, marks)
    return bool(marks)
