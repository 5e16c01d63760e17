"""Bringing a database to our version: the one room that Alembic is read for.

Whoever opens a database that is of our version already has no need of it.
"""

import secrets
from datetime import datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import func, insert, select

import migrations
from store.engine import Database
from store.tables import installation

_MIGRATING = 7_275_331


def migrate(database: Database, now: datetime) -> None:
    """Bring the database to our version; make the installation's key where there is none."""
    config = alembic_config()
    with database.writing() as connection:
        if not database.embedded:
            # Several processes may start at once; the others wait here and find it done.
            connection.execute(select(func.pg_advisory_xact_lock(_MIGRATING)))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        if connection.execute(select(installation.c.id)).first() is None:
            row = {"id": 1, "created_at": now, "pseudonym_key": secrets.token_bytes(32)}
            connection.execute(insert(installation), row)


def alembic_config() -> Config:
    """What Alembic needs to find our migrations."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    return config
