"""``assay backup`` and ``assay restore``: a copy of the embedded database, and back."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from assay.console import Data, DatabaseUrl, end, opened, settings_from
from store import backup as copies
from store.backup import BadBackup, Copied
from store.engine import StoreError
from store.schema import SchemaState

File = Annotated[Path, typer.Argument(metavar="FILE", show_default=False)]


def backup(
    file: File,
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it is there.")] = False,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Copy the database into FILE, also while a server runs, and check the copy.

    It holds all that was acknowledged by then, and the key of the pseudonyms: keep it as safe as
    the data folder. Files that settings name (prices, thresholds) are not in it.
    """
    settings = settings_from(data=data, database_url=database_url)
    if not settings.url.startswith("sqlite"):
        end(_other_tools("pg_dump", file))
    if file.exists() and not force:
        end(f"{file} is there already. Name another file, or replace it with --force.")
    partly = file.with_name(f"{file.name}.partly")
    partly.unlink(missing_ok=True)
    with opened(data, database_url) as database:
        try:
            copied = copies.copy(database, partly)
            partly.replace(file)
        except (StoreError, BadBackup) as error:
            end(f"No backup was made: {error}")
        except OSError as error:
            end(f"Cannot write {file}: {error.strerror}.")
    typer.echo(f"{file}: {_holds(copied)}. The copy was read again and is sound.")


def restore(
    file: File,
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the database that is there, for good.")
    ] = False,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Make a data folder of FILE, a copy that 'assay backup' made.

    Never over a database that is there, unless with --force, and never under a running process.
    """
    settings = settings_from(data=data, database_url=database_url)
    if not settings.url.startswith("sqlite"):
        end(_other_tools("pg_restore", file))
    place = Path(settings.url.removeprefix("sqlite:///"))
    try:
        copied = copies.look(file) if file.is_file() else None
    except BadBackup as error:
        end(f"Nothing was restored: {file} can't be used, since {error}.")
    if copied is None:
        end(f"There is no file {file}.")
    if copied.state is SchemaState.NEWER:
        end(f"Nothing was restored: {file} was made by a newer version of Tokenassay.")
    _make_way(place, force=force)
    try:
        copies.put_in_place(file, place)
    except (StoreError, OSError) as error:
        end(f"Nothing was restored: {error}")
    typer.echo(f"{place}: {_holds(copied)}, as of {_made_at(file):%Y-%m-%d %H:%M} UTC.")
    if copied.state is SchemaState.OLDER:
        typer.echo("It is of an older version. Run: assay migrate")


def _make_way(place: Path, *, force: bool) -> None:
    if place.exists():
        if not force:
            end(
                f"There is a database at {place} already. Name another folder with --data, or"
                " replace it for good with --force."
            )
        if copies.in_use(place):
            end(f"A process works at {place}. Stop it first; nothing was restored.")
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        end(f"Cannot make the data folder {place.parent}: {error.strerror}.")


def _holds(copied: Copied) -> str:
    waiting = f", {copied.waiting} requests not folded yet" if copied.waiting else ""
    return f"{copied.sessions} sessions{waiting}, {copied.bytes / 1e6:.1f} MB"


def _made_at(file: Path) -> datetime:
    return datetime.fromtimestamp(file.stat().st_mtime, UTC)


def _other_tools(command: str, file: Path) -> str:
    """What to run for PostgreSQL, which has its own tools; the password stays where it is."""
    address = '"${ASSAY_DATABASE_URL/+psycopg/}"'
    order = f"--file {file} {address}" if command == "pg_dump" else f"--dbname {address} {file}"
    options = "--format=custom" if command == "pg_dump" else "--exit-on-error"
    return (
        "The database is PostgreSQL, which has a tool of its own for this. With the address in"
        " ASSAY_DATABASE_URL run in bash:\n\n"
        f"  {command} {options} --no-owner {order}"
    )
