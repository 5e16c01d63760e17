"""Which version a database is of."""

import re
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from sqlalchemy import column, select, table

import migrations
from store.engine import Database

# Alembic's own; it holds one row once a database is migrated.
_VERSION = table("alembic_version", column("version_num"))
_REVISION = re.compile(r"""^revision(?::.*?)? = ['\"](\w+)""", re.MULTILINE)


class SchemaState(StrEnum):
    """How a database stands to this version of Tokenassay."""

    EMPTY = "empty"
    CURRENT = "current"
    OLDER = "older"
    NEWER = "newer"


def state(database: Database) -> SchemaState:
    """Compare the database's revision with ours."""
    with database.reading() as connection:
        if not connection.dialect.has_table(connection, _VERSION.name):
            return SchemaState.EMPTY
        revision = connection.execute(select(_VERSION.c.version_num)).scalar()
    return SchemaState.EMPTY if revision is None else state_of(revision)


def state_of(revision: str) -> SchemaState:
    """How a revision stands to ours."""
    known = revisions(migrations.__file__)
    if revision == known[-1]:
        return SchemaState.CURRENT
    return SchemaState.OLDER if revision in known else SchemaState.NEWER


@lru_cache(maxsize=1)
def revisions(place: str) -> tuple[str, ...]:
    """All revisions, oldest first, of the package of migrations whose ``__init__`` is there.

    Each is a file that says which it is; their names are in order. Alembic would say the same.
    """
    files = sorted((Path(place).parent / "versions").glob("[0-9]*.py"))
    return tuple(_REVISION.findall(file.read_text())[0] for file in files)
