"""Which version a database is of, and bringing it to ours."""

import secrets
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import func, insert, select

import migrations
from store.engine import Database
from store.tables import installation

_MIGRATING = 7_275_331


class SchemaState(StrEnum):
    """How a database stands to this version of Tokenassay."""

    EMPTY = "empty"
    CURRENT = "current"
    OLDER = "older"
    NEWER = "newer"


def state(database: Database) -> SchemaState:
    """Compare the database's revision with ours."""
    with database.reading() as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
    return SchemaState.EMPTY if revision is None else state_of(revision)


def state_of(revision: str) -> SchemaState:
    """How a revision stands to ours."""
    head, known = _revisions(migrations.__file__)
    if revision == head:
        return SchemaState.CURRENT
    return SchemaState.OLDER if revision in known else SchemaState.NEWER


def migrate(database: Database, now: datetime) -> None:
    """Bring the database to our version; make the installation's key where there is none."""
    config = _config()
    with database.writing() as connection:
        if not database.embedded:
            # Several processes may start at once; the others wait here and find it done.
            connection.execute(select(func.pg_advisory_xact_lock(_MIGRATING)))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        if connection.execute(select(installation.c.id)).first() is None:
            row = {"id": 1, "created_at": now, "pseudonym_key": secrets.token_bytes(32)}
            connection.execute(insert(installation), row)


@lru_cache(maxsize=1)
def _revisions(_place: str) -> tuple[str | None, frozenset[str]]:
    """Our newest revision, and all: read once, since every step is a file."""
    script = ScriptDirectory.from_config(_config())
    known = frozenset(each.revision for each in script.walk_revisions())
    return script.get_current_head(), known


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    return config
