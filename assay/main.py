"""The command line."""

import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from assay import __version__
from assay.opening import CannotStart, open_database
from assay.serve import serve as run_server
from assay.settings import Settings
from store import access

app = typer.Typer(
    help="What did the tokens buy? Accounts AI coding sessions and what came of them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
tokens_app = typer.Typer(help="Access tokens: who may send telemetry and who may read.")
app.add_typer(tokens_app, name="tokens", no_args_is_help=True)

Data = Annotated[
    Path | None,
    typer.Option(envvar="ASSAY_DATA", help="Folder for data.", show_default="./var"),
]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(envvar="ASSAY_DATABASE_URL", help="Another database than the embedded one."),
]


def _listen_option(variable: str, text: str, default: str) -> typer.models.OptionInfo:
    option = typer.Option(envvar=variable, help=text, metavar="HOST:PORT", show_default=default)
    if not isinstance(option, typer.models.OptionInfo):
        raise TypeError("typer.Option gives an OptionInfo")
    return option


@app.callback()
def main(
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    """Set up logging for all commands."""
    if version:
        print(f"tokenassay {__version__}")
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")


@app.command()
def serve(
    data: Data = None,
    database_url: DatabaseUrl = None,
    otlp_http: Annotated[
        str | None,
        _listen_option("ASSAY_OTLP_HTTP", "OTLP over HTTP.", "127.0.0.1:4318"),
    ] = None,
    otlp_grpc: Annotated[
        str | None,
        _listen_option("ASSAY_OTLP_GRPC", "OTLP over gRPC.", "127.0.0.1:4317"),
    ] = None,
    http: Annotated[
        str | None,
        _listen_option("ASSAY_HTTP", "Pages and REST API.", "127.0.0.1:8000"),
    ] = None,
) -> None:
    """Receive telemetry and webhooks, and serve pages and API, on one machine."""
    settings = _settings(
        data=data,
        database_url=database_url,
        otlp_http=otlp_http,
        otlp_grpc=otlp_grpc,
        http=http,
    )
    try:
        run_server(settings)
    except CannotStart as error:
        _end(str(error))


@app.command()
def migrate(data: Data = None, database_url: DatabaseUrl = None) -> None:
    """Bring a database of an older version to this one. Make a copy of it first."""
    try:
        open_database(_settings(data=data, database_url=database_url), upgrade=True).close()
    except CannotStart as error:
        _end(str(error))
    print("The database is of this version.")


@tokens_app.command("create")
def create_token(
    role: Annotated[access.Role, typer.Option(help="What its bearer may do.")],
    name: Annotated[str, typer.Option(help="For whom or what, in your words.")] = "",
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Make a token and print it. It is shown only now: only its hash is kept."""
    try:
        database = open_database(_settings(data=data, database_url=database_url))
    except CannotStart as error:
        _end(str(error))
    with database.writing() as connection:
        token_id, secret = access.create(connection, name, role, datetime.now(UTC))
    database.close()
    print(secret)
    print(f"Token {token_id} with role {role.value}. It can't be shown again.", file=sys.stderr)


@tokens_app.command("list")
def list_tokens(data: Data = None, database_url: DatabaseUrl = None) -> None:
    """Show all tokens, never their secrets."""
    try:
        database = open_database(_settings(data=data, database_url=database_url))
    except CannotStart as error:
        _end(str(error))
    with database.reading() as connection:
        rows = access.tokens(connection)
    database.close()
    table = Table("id", "role", "name", "created", "last used", "revoked")
    for token in rows:
        moments = (token.created_at, token.last_used_at, token.revoked_at)
        shown = [f"{at:%Y-%m-%d %H:%M}" if at else "" for at in moments]
        table.add_row(token.id, token.role.value, token.name, *shown)
    Console().print(table if rows else "There are no tokens yet: assay tokens create --help")


@tokens_app.command("revoke")
def revoke_token(
    token_id: Annotated[str, typer.Argument(help="The token's id, from: assay tokens list")],
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """End a token; a running server forgets it within two seconds."""
    try:
        database = open_database(_settings(data=data, database_url=database_url))
    except CannotStart as error:
        _end(str(error))
    with database.writing() as connection:
        revoked = access.revoke(connection, token_id, datetime.now(UTC))
    database.close()
    if not revoked:
        _end(f"There is no valid token {token_id}. See: assay tokens list")
    print(f"Token {token_id} is revoked.")


def _settings(**options: object) -> Settings:
    try:
        return Settings.model_validate(
            Settings(**{k: v for k, v in options.items() if v is not None})  # type: ignore[arg-type]
        )
    except ValidationError as error:
        first = error.errors()[0]
        name = "--" + str(first["loc"][0]).replace("_", "-")
        _end(f"{name}: {first['msg'].removeprefix('Value error, ')}")


def _end(message: str) -> NoReturn:
    print(message, file=sys.stderr)
    raise typer.Exit(1)
