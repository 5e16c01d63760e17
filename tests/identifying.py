"""Who is who, resolved by itself: without concluding what follows from it."""

from classifier.identify import identify as identify_marked
from store import people
from store.engine import Database


def identify(database: Database) -> bool:
    """Resolve some of the marked identities; whether there were any."""
    with database.reading() as connection:
        marks = people.marked(connection, 2_000)
    if marks:
        identify_marked(database, marks)
    return bool(marks)
