"""``assay migrate``: bring a database to this version, or say how it stands to it."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from assay.console import Data, DatabaseUrl, end, settings_from
from assay.opening import CannotStart, open_database
from assay.settings import Settings
from store import schema
from store.engine import Database, StoreError
from store.schema import SchemaState

_SAID = {
    SchemaState.EMPTY: "There is no database yet. Run: assay migrate",
    SchemaState.OLDER: "The database is of an older version. Make a copy of it (assay backup),"
    " then run: assay migrate",
    SchemaState.NEWER: "The database is of a newer version. Processes of this one that run go on;"
    " new ones have to be of that version.",
}


def migrate(
    *,
    check: Annotated[
        bool,
        typer.Option("--check", help="Change nothing; status 1 unless it is of this version."),
    ] = False,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Bring a database of an older version to this one. Make a copy of it first.

    Processes of the version before may run meanwhile, and go on: docs/running.md, Upgrades.
    """
    settings = settings_from(data=data, database_url=database_url)
    if check:
        state = _state(settings)
        if state is not SchemaState.CURRENT:
            end(_SAID[state])
    else:
        try:
            open_database(settings, upgrade=True).close()
        except CannotStart as error:
            end(str(error))
    typer.echo("The database is of this version.")


def _state(settings: Settings) -> SchemaState:
    place = settings.url.removeprefix("sqlite:///")
    if place != settings.url and not Path(place).exists():
        # To ask SQLite would make the file.
        return SchemaState.EMPTY
    with closing(Database(settings.url)) as database:
        try:
            return schema.state(database)
        except StoreError as error:
            end(f"The database does not answer: {error}")
