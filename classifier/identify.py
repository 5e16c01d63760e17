"""Resolve who is who, for the identities about which something new is known.

The first of what the classifier does: sessions and commits are compared as persons.
"""

from collections.abc import Mapping

from classifier.people import resolve
from store import aside, people
from store.dirty import Marks
from store.engine import Database


def identify(database: Database, marks: Mapping[str, int]) -> None:
    """Resolve these marked identities."""
    with database.reading() as connection:
        told = people.statements_about(connection, marks)
    persons = resolve(told)
    with database.writing() as connection:
        people.keep(connection, told.identities, persons)
        aside.concluded(connection, Marks.PEOPLE, marks)
