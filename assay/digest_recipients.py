"""``assay digest recipients``: who gets the weekly digest, and of which teams."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from assay.console import Data, DatabaseUrl, end, opened
from assay.digest_plan import led_by, why_not
from assay.digest_recipients_file import read_recipients
from assay.opening import CannotStart
from assay.people_file import FileInvalid
from domain.digests import ALL_OF_IT, LED, Recipient
from domain.pseudonym import Pseudonyms
from store import digest_recipients as kept
from store import installation, people_file, teams
from store.engine import Connection, Database

app = typer.Typer(help="Who gets the weekly digest.", no_args_is_help=True)

Address = Annotated[str, typer.Argument(metavar="ADDRESS", show_default=False)]


@app.callback()
def main() -> None:
    """Who gets the weekly digest: docs/digest.md describes the file."""


@app.command("import")
def import_recipients(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", show_default=False)],
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Take over all recipients from a CSV file with the columns address,team,person.

    An empty team is the whole company, '*' the teams that this person leads. It replaces the
    recipients of an earlier import; who has unsubscribed stays so.
    """
    with opened(data, database_url, making=True) as database:
        with database.reading() as connection:
            filed = people_file.filed(connection)
        try:
            told = read_recipients(file, _pseudonyms(database), filed)
        except FileInvalid as error:
            problems = "\n".join(f"  {problem}" for problem in error.problems)
            end(f"Nothing of {file} was imported:\n{problems}")
        except CannotStart as error:
            end(str(error))
        now = datetime.now(UTC)
        with database.writing() as connection:
            kept.import_recipients(connection, told, now)
            held = kept.recipients(connection)
            problems_found = why_not(connection, held, now)
    gone = sum(each.unsubscribed_at is not None for each in held if each.address)
    typer.echo(f"Addresses: {len(told)}; of these unsubscribed: {gone}.")
    for problem in problems_found:
        typer.echo(problem, err=True)


@app.command("list")
def list_all(data: Data = None, database_url: DatabaseUrl = None) -> None:
    """Show all recipients, also those who have unsubscribed."""
    with opened(data, database_url) as database, database.reading() as connection:
        found = kept.recipients(connection)
    if not found:
        typer.echo("Nobody gets it yet: assay digest recipients import --help")
        return
    table = Table("address", "gets the digest of", "unsubscribed (UTC)")
    for each in found:
        gone = f"{each.unsubscribed_at:%Y-%m-%d %H:%M}" if each.unsubscribed_at else ""
        table.add_row(each.address or "(in no file any more)", _gets(each), gone)
    Console().print(table)


@app.command()
def check(data: Data = None, database_url: DatabaseUrl = None) -> None:
    """Say who gets nothing and why, and which teams have a lead but nobody who gets their digest.

    It ends with status 1 where somebody in the file gets nothing of what it says.
    """
    now = datetime.now(UTC)
    with opened(data, database_url) as database, database.reading() as connection:
        held = kept.recipients(connection)
        problems = why_not(connection, held, now)
        alone = _alone(connection, held, now)
    for each in held:
        if each.address and each.unsubscribed_at:
            typer.echo(f"{each.address} has unsubscribed.")
    for team in alone:
        typer.echo(f"{team} has a lead, but nobody gets its digest.")
    for problem in problems:
        typer.echo(problem)
    if problems:
        raise typer.Exit(1)
    if not alone:
        typer.echo("Every team with a lead has somebody who gets its digest.")


@app.command()
def unsubscribe(address: Address, data: Data = None, database_url: DatabaseUrl = None) -> None:
    """Send nothing more to an address, whatever the file says."""
    with opened(data, database_url) as database:
        identity = _pseudonyms(database)("email", address)
        with database.writing() as connection:
            kept.unsubscribe(connection, identity, datetime.now(UTC))
    typer.echo(f"{address} gets no digest any more.")


@app.command()
def resubscribe(address: Address, data: Data = None, database_url: DatabaseUrl = None) -> None:
    """Send to an address again that had unsubscribed. Ask its owner first."""
    with opened(data, database_url) as database:
        identity = _pseudonyms(database)("email", address)
        with database.writing() as connection:
            changed = kept.resubscribe(connection, identity)
    if not changed:
        end(f"{address} has not unsubscribed.")
    typer.echo(f"{address} gets again what the file says.")


def _pseudonyms(database: Database) -> Pseudonyms:
    return Pseudonyms(installation.pseudonym_key(database))


def _gets(recipient: Recipient) -> str:
    words = {ALL_OF_IT: "the company", LED: "the teams that they lead"}
    return ", ".join(words.get(each.team, each.team) for each in recipient.subscriptions)


def _alone(connection: Connection, held: Sequence[Recipient], now: datetime) -> list[str]:
    """Teams with a lead of whose digest nobody gets a copy."""
    served: set[str] = set()
    for each in held:
        if each.address and each.unsubscribed_at is None:
            told = {subscription.team for subscription in each.subscriptions}
            served |= told | (led_by(connection, each, now) if LED in told else frozenset())
    return sorted({each.team for each in teams.memberships(connection) if each.lead} - served)
