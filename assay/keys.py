"""``assay keys``: who sends telemetry, and for whom and what it counts."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from assay.console import Data, DatabaseUrl, end, opened
from assay.tables import listing
from collector import stamping
from domain.events import Trace
from domain.pseudonym import Pseudonyms
from domain.stamp import Stamp
from store import installation, keys

app = typer.Typer(
    help="Ingest keys: who sends telemetry, and for whom and what it counts.", no_args_is_help=True
)

_EXAMPLE = "repo=acme/payments"


@app.command()
def create(
    *,
    team: Annotated[str, typer.Option(help="Team that the telemetry counts for.")] = "",
    user: Annotated[
        str,
        typer.Option(
            help="Person that it counts for, whatever it says itself: best the mail address of"
            " their commits. Only a keyed hash is kept."
        ),
    ] = "",
    attribute: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help=f"What else to assume where the telemetry does not say: {_EXAMPLE}, cost_center,"
            " branch, ticket. Repeatable.",
        ),
    ] = None,
    name: Annotated[str, typer.Option(help="For whom or what, in your words.")] = "",
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Make a key and print it. It is shown only now: only its hash is kept."""
    given = [f"team={team}"] * bool(team) + (attribute or [])
    with opened(data, database_url, making=True) as database:
        pseudonyms = Pseudonyms(installation.pseudonym_key(database))
        stamp = Stamp(
            user=stamping.person(user.strip(), pseudonyms) if user.strip() else None,
            attributes=_attributes(given, pseudonyms),
        )
        with database.writing() as connection:
            key_id, secret = keys.create(connection, name, stamp, datetime.now(UTC))
    typer.echo(secret)
    typer.echo(
        f"Key {key_id}. It can't be shown again. How a tool is told it: assay connect --list",
        err=True,
    )


@app.command("list")
def list_keys(data: Data = None, database_url: DatabaseUrl = None) -> None:
    """Show all keys and tokens for sending, never their secrets; users are keyed hashes."""
    with opened(data, database_url) as database, database.reading() as connection:
        made = keys.keys(connection)
    if not made:
        typer.echo("There are no keys yet: assay keys create --help")
        return
    names = ("id", "name", "user", "attributes", "created", "last used", "revoked")
    table = listing(*names)
    for key in made:
        moments = (key.created_at, key.last_used_at, key.revoked_at)
        shown = [f"{at:%Y-%m-%d %H:%M}" if at else "" for at in moments]
        attributes = "\n".join(f"{name}={value}" for name, value in key.stamp.attributes)
        table.add_row(key.id, key.name, key.stamp.user or "", attributes, *shown)
    Console().print(table)


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="The key's id, from: assay keys list")],
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """End a key; a running server forgets it within seconds. What it sent stays."""
    with opened(data, database_url) as database, database.writing() as connection:
        revoked = keys.revoke(connection, key_id, datetime.now(UTC))
    if not revoked:
        end(f"There is no valid key {key_id}. See: assay keys list")
    typer.echo(f"Key {key_id} is revoked.")


def _attributes(given: list[str], pseudonyms: Pseudonyms) -> tuple[tuple[str, str], ...]:
    """The attributes, each of which must say something; ends the command where one does not."""
    told: dict[str, str] = {}
    for each in given:
        name, _, value = (part.strip() for part in each.partition("="))
        if not name or not value:
            end(f"--attribute {each}: write NAME=VALUE, for example {_EXAMPLE}")
        if told.setdefault(name, value) != value:
            end(f"{name} is given twice: {told[name]} and {value}")
        said = stamping.said([(name, value)], pseudonyms)
        ties = {tie.trace for tie in said.traces}
        if Trace.IDENTITY in ties:
            end(f"--attribute {name}: a person is named by --user, of which only a hash is kept")
        if not ties and said.context.team is None and said.context.repo is None:
            end(
                f"--attribute {each}: nothing is read from it. Attributes of a key are team,"
                " cost_center, department, repo (owner/name), branch, ticket."
            )
    return tuple(told.items())
