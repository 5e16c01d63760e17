"""Opening the database at start, with a plain sentence for everything that can be in the way."""

import os
from datetime import UTC, datetime
from importlib import import_module

from assay.settings import Settings
from store import access, schema
from store.engine import Database, StoreError
from store.schema import SchemaState


class CannotStart(Exception):
    """Why the process ends before it began, in words for whoever typed the command."""


def open_database(settings: Settings, *, upgrade: bool = False, making: bool = True) -> Database:
    """The database, of our version; upgraded only when asked, made where there is none if so."""
    if settings.database_url is None:
        if not making and not there(settings):
            raise CannotStart(_nothing_at(settings))
        _prepare_folder(settings)
    database = Database(settings.url)
    try:
        state = schema.state(database)
        if state is SchemaState.NEWER:
            raise CannotStart(
                f"The database at {_place(settings)} was made by a newer version of Tokenassay, or"
                " by one from before these tables. Install that version, or point --data to another"
                " folder."
            )
        if state is SchemaState.OLDER and not upgrade:
            raise CannotStart(
                f"The database at {_place(settings)} was made by an older version of Tokenassay."
                " Make a copy of it, then run: assay migrate"
            )
        if state is SchemaState.EMPTY and not making:
            raise CannotStart(_nothing_at(settings))
        if state is not SchemaState.CURRENT:
            # Alembic takes some 8 MB for as long as a process runs; few starts have need of it.
            import_module("store.migrating").migrate(database, datetime.now(UTC))
    except StoreError as error:
        raise CannotStart(f"Cannot use the database at {_place(settings)}: {error}") from error
    return database


def there(settings: Settings) -> bool:
    """Whether the file of an embedded database is there."""
    return (settings.data / "assay.db").exists()


def _nothing_at(settings: Settings) -> str:
    if settings.database_url is None:
        return (
            f"There is no database in {settings.data}. Point --data (or ASSAY_DATA) to the folder"
            " that the server has, or start one there: assay serve"
        )
    return (
        f"There are no tables of Tokenassay at {_place(settings)}. Point --database-url (or"
        " ASSAY_DATABASE_URL) to the server's database, or make them: assay migrate"
    )


def _prepare_folder(settings: Settings) -> None:
    folder = settings.data
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CannotStart(f"Cannot make the data folder {folder}: {error.strerror}.") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise CannotStart(
            f"The data folder {folder} is not writable for this user. Change its owner, or choose"
            " another with --data."
        )


def _place(settings: Settings) -> str:
    """Where the database is, without any password in its URL."""
    if settings.database_url is None:
        return str(settings.data / "assay.db")
    return settings.database_url.rpartition("@")[2]


def check_exposure(settings: Settings, database: Database, *, sends: bool, reads: bool) -> None:
    """Refuse to listen beyond this machine without the tokens that would guard it.

    ``sends`` and ``reads`` say whether this process receives telemetry and answers questions.
    """
    now = datetime.now(UTC)
    with database.reading() as connection:
        roles = {
            token.role
            for token in access.tokens(connection)
            if token.revoked_at is None and (token.expires_at is None or token.expires_at > now)
        }
    # Where people can sign in, the pages are guarded without any token.
    reads = reads and settings.oidc_issuer is None
    doors = (
        (sends, "--otlp-http", settings.otlp_http, access.MAY_SEND, "ingest"),
        (sends, "--otlp-grpc", settings.otlp_grpc, access.MAY_SEND, "ingest"),
        (reads, "--http", settings.http, access.MAY_READ, "viewer"),
    )
    for opens, option, address, allowed, role in doors:
        if opens and not address.loopback and not allowed.intersection(roles):
            raise CannotStart(
                f"{option} {address} can be reached from other machines, and there is no access"
                f" token for it yet. Run: assay tokens create --role {role}"
            )
