"""``assay sync``, and all other reading of forges and trackers: orders to a process of its own.

Calling providers takes libraries that nothing else needs, and may last for hours. So it is done by
``python -m assay.syncing``, which ends when whoever ordered it is gone. What was read by then is
written, and the next one goes on from there.
"""

import subprocess
import sys
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer

from assay.console import Data, DatabaseUrl, opened, settings_from


class Order(msgspec.Struct, kw_only=True, frozen=True):
    """What to read: into which database, which provider (none: all), what of it.

    ``check`` only looks what the credentials can see. ``quiet``: nobody watches.
    """

    database_url: str
    provider: str = ""
    names: tuple[str, ...] = ()
    since: datetime | None = None
    again: bool = False
    check: bool = False
    quiet: bool = False


def order(told: Order) -> "subprocess.Popen[bytes]":
    """Start a process that carries this out; it ends when our end of its standard input does."""
    process = subprocess.Popen(
        [sys.executable, "-m", "assay.syncing"], stdin=subprocess.PIPE, bufsize=0
    )
    if process.stdin is not None:
        process.stdin.write(msgspec.json.encode(told) + b"\n")
    return process


def sync(
    provider: Annotated[
        str, typer.Argument(help="Only this one, for example github.", show_default=False)
    ] = "",
    *,
    repository: Annotated[
        list[str] | None,
        typer.Option(help="Only this repository or project; repeatable.", show_default=False),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            metavar="DATE",
            help="Nothing that last changed before, where it is read for the first time.",
            show_default="ASSAY_SYNC_SINCE, or all of it",
        ),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Read all of it again, also what was read before.")
    ] = False,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Read forges and trackers for what webhooks missed, and what was before them."""
    settings = settings_from(data=data, database_url=database_url)
    # What was before is read at any time, also before the first server runs.
    with opened(data, database_url, making=True):
        told = Order(
            database_url=settings.url,
            provider=provider,
            names=tuple(repository or ()),
            since=since.replace(tzinfo=UTC) if since else None,
            again=again,
        )
    raise typer.Exit(order(told).wait())
