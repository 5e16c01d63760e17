"""What is true of this installation alone.

Apart from the schema, whose tools only a start needs.
"""

from sqlalchemy import select

from store.engine import Database
from store.tables import installation


def pseudonym_key(database: Database) -> bytes:
    """The secret with which this installation makes pseudonyms."""
    with database.reading() as connection:
        return bytes(connection.execute(select(installation.c.pseudonym_key)).scalar_one())
