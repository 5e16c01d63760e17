"""``assay tokens``: who may send telemetry and who may read."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from assay.console import Data, DatabaseUrl, end, opened
from store import access

app = typer.Typer(
    help="Access tokens: who may send telemetry and who may read.", no_args_is_help=True
)


@app.command()
def create(
    role: Annotated[access.Role, typer.Option(help="What its bearer may do.")],
    name: Annotated[str, typer.Option(help="For whom or what, in your words.")] = "",
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Make a token and print it. It is shown only now: only its hash is kept."""
    with opened(data, database_url) as database, database.writing() as connection:
        token_id, secret = access.create(connection, name, role, datetime.now(UTC))
    typer.echo(secret)
    typer.echo(f"Token {token_id} with role {role.value}. It can't be shown again.", err=True)


@app.command("list")
def list_tokens(data: Data = None, database_url: DatabaseUrl = None) -> None:
    """Show all tokens, never their secrets."""
    with opened(data, database_url) as database, database.reading() as connection:
        tokens = access.tokens(connection)
    if not tokens:
        typer.echo("There are no tokens yet: assay tokens create --help")
        return
    table = Table("id", "role", "name", "created", "last used", "revoked")
    for token in tokens:
        moments = (token.created_at, token.last_used_at, token.revoked_at)
        shown = [f"{at:%Y-%m-%d %H:%M}" if at else "" for at in moments]
        table.add_row(token.id, token.role.value, token.name, *shown)
    Console().print(table)


@app.command()
def revoke(
    token_id: Annotated[str, typer.Argument(help="The token's id, from: assay tokens list")],
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """End a token; a running server forgets it within seconds."""
    with opened(data, database_url) as database, database.writing() as connection:
        revoked = access.revoke(connection, token_id, datetime.now(UTC))
    if not revoked:
        end(f"There is no valid token {token_id}. See: assay tokens list")
    typer.echo(f"Token {token_id} is revoked.")
