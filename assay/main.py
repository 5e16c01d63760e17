"""The command line: ``serve`` and ``migrate``; tokens have their own module."""

import logging
from typing import Annotated

import typer

from assay import __version__, tokens
from assay.console import Data, DatabaseUrl, end, settings_from
from assay.opening import CannotStart, open_database
from assay.serve import serve as run_server

app = typer.Typer(
    help="What did the tokens buy? Accounts AI coding sessions and what came of them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(tokens.app, name="tokens")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tokenassay {__version__}")
        raise typer.Exit


@app.callback()
def main(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Log warnings of every command to standard error."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")


@app.command()
def serve(
    data: Data = None,
    database_url: DatabaseUrl = None,
    otlp_http: Annotated[
        str | None,
        typer.Option(
            envvar="ASSAY_OTLP_HTTP",
            metavar="HOST:PORT",
            help="Where to receive OTLP over HTTP.",
            show_default="127.0.0.1:4318",
        ),
    ] = None,
    otlp_grpc: Annotated[
        str | None,
        typer.Option(
            envvar="ASSAY_OTLP_GRPC",
            metavar="HOST:PORT",
            help="Where to receive OTLP over gRPC.",
            show_default="127.0.0.1:4317",
        ),
    ] = None,
    http: Annotated[
        str | None,
        typer.Option(
            envvar="ASSAY_HTTP",
            metavar="HOST:PORT",
            help="Where to serve pages, REST API and webhooks.",
            show_default="127.0.0.1:8000",
        ),
    ] = None,
) -> None:
    """Receive telemetry and webhooks, and serve pages and API, on one machine."""
    settings = settings_from(
        data=data,
        database_url=database_url,
        otlp_http=otlp_http,
        otlp_grpc=otlp_grpc,
        http=http,
    )
    try:
        run_server(settings)
    except CannotStart as error:
        end(str(error))


@app.command()
def migrate(data: Data = None, database_url: DatabaseUrl = None) -> None:
    """Bring a database of an older version to this one. Make a copy of it first."""
    settings = settings_from(data=data, database_url=database_url)
    try:
        open_database(settings, upgrade=True).close()
    except CannotStart as error:
        end(str(error))
    typer.echo("The database is of this version.")
