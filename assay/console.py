"""What all commands share: their options, and ending with a sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from pydantic import ValidationError

from assay.opening import CannotStart, open_database
from assay.provider_settings import BadProviderSetting
from assay.settings import Settings
from store.engine import Database

Data = Annotated[
    Path | None,
    typer.Option(
        envvar="ASSAY_DATA", help="Folder of the embedded database.", show_default="./var"
    ),
]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(envvar="ASSAY_DATABASE_URL", help="Another database, for example PostgreSQL."),
]
OtlpHttp = Annotated[
    str | None,
    typer.Option(
        envvar="ASSAY_OTLP_HTTP",
        metavar="HOST:PORT",
        help="Where to receive OTLP over HTTP.",
        show_default="127.0.0.1:4318",
    ),
]
OtlpGrpc = Annotated[
    str | None,
    typer.Option(
        envvar="ASSAY_OTLP_GRPC",
        metavar="HOST:PORT",
        help="Where to receive OTLP over gRPC.",
        show_default="127.0.0.1:4317",
    ),
]
Http = Annotated[
    str | None,
    typer.Option(
        envvar="ASSAY_HTTP",
        metavar="HOST:PORT",
        help="Where to serve pages, REST API and webhooks.",
        show_default="127.0.0.1:8000",
    ),
]


def settings_from(**options: object) -> Settings:
    """Settings from the environment and these options; options that are None were not given."""
    given: dict[str, Any] = {name: told for name, told in options.items() if told is not None}
    try:
        settings = Settings(**given)
        _ = settings.providers
    except BadProviderSetting as error:
        end(str(error))
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "settings"
        end(f"--{name.replace('_', '-')}: {first['msg'].removeprefix('Value error, ')}")
    return settings


@contextmanager
def opened(
    data: Path | None, database_url: str | None, *, making: bool = False
) -> Iterator[Database]:
    """The database for one command; ends the process with a sentence where it can't be had.

    It is made where there is none only for a command that may come before the first start: all
    others would speak of an empty one as if it were the company's.
    """
    settings = settings_from(data=data, database_url=database_url)
    try:
        database = open_database(settings, making=making)
    except CannotStart as error:
        end(str(error))
    try:
        yield database
    finally:
        database.close()


def end(message: str) -> NoReturn:
    """Say why, on standard error, and end with status 1."""
    typer.echo(message, err=True)
    raise typer.Exit(1)
