"""``assay people``: who is who, as the operator knows it, and whom nothing ties to anything."""

import csv
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from assay.console import Data, DatabaseUrl, end, opened, settings_from
from assay.opening import CannotStart
from assay.people_file import COLUMNS, IDENTITY, KINDS, FileInvalid, identity_of, read_people
from domain.pseudonym import Pseudonyms
from domain.usage import usd
from store import installation, people, people_file, report_people
from store.report_people import Unresolved

app = typer.Typer(help="Who is who.", no_args_is_help=True)

_ADVICE = {
    "person": "the mail address or login of their commits: email, github_login, …",
    "machine": "whose machine it is: user_id; or set enduser.id where the tool runs",
    "nobody": "an ingest key for whoever sends it: assay keys create --user",
    "author": "what this author is called in telemetry: email, account_uuid, enduser, …",
}


@app.callback()
def main() -> None:
    """Who is who: docs/people.md describes the file and how people are told apart."""


@app.command("import")
def import_people(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", show_default=False)],
    *,
    replace: Annotated[
        bool, typer.Option("--replace", help="Forget rows of earlier imports that are not in it.")
    ] = False,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Take over who is who from a CSV file with the columns person,kind,value.

    It goes before all that providers say. Only keyed hashes of the values are kept. To import the
    same file twice changes nothing more.
    """
    settings = settings_from(data=data, database_url=database_url)
    with opened(data, database_url, making=True) as database:
        try:
            told = read_people(file, Pseudonyms(installation.pseudonym_key(database)))
        except FileInvalid as error:
            _refuse(file, error)
        except CannotStart as error:
            end(str(error))
        names = told.names if settings.show_names else {}
        with database.writing() as connection:
            done = people_file.import_file(connection, told.rows, names, replace=replace)
    same = len(told.rows) - done.added - done.changed
    typer.echo(
        f"{len(told.names)} people, {len(told.rows)} rows: {done.added} new,"
        f" {done.changed} changed, {same} as before, {done.removed} removed."
    )


def _refuse(file: Path, error: FileInvalid) -> None:
    told = "\n".join(f"  {problem}" for problem in error.problems)
    end(f"Nothing of {file} was imported:\n{told}")


@app.command()
def unresolved(
    *,
    limit: Annotated[int, typer.Option(min=1, help="Show so many at most.")] = 50,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Show identities with spend or commits that nothing ties to anything else, most spend first.

    What the sessions of one and the commits of another have in common can't be seen while nobody
    says that both are one person.
    """
    with opened(data, database_url) as database, database.reading() as connection:
        found = report_people.unresolved(connection, limit)
    if not found:
        typer.echo("Every identity with spend or commits is tied to others.")
        return
    names = ("identity", "seen in", "last", "sessions", "US dollars", "commits", "what would help")
    table = Table(*(Column(name, overflow="fold") for name in names))
    for each in found:
        cost = usd(each.cost_nanousd)
        table.add_row(
            each.identity or "(none told)",
            "\n".join(each.seen_in),
            f"{each.last_at:%Y-%m-%d}" if each.last_at else "",
            str(each.sessions or ""),
            "" if cost is None else f"{cost:.2f}",
            str(each.commits or ""),
            _ADVICE[_kind(each)],
        )
    Console().print(table)
    typer.echo("Write rows person,kind,value and import them: assay people import FILE.csv")


def _kind(each: Unresolved) -> str:
    if each.identity is None:
        return "nobody"
    if each.commits:
        return "author"
    return "machine" if each.identity.startswith("i_") else "person"


@app.command()
def find(
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join((*KINDS, IDENTITY))}.")],
    value: Annotated[str, typer.Argument(help="The mail address, login, account or identity.")],
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Show as whom somebody is known: the person, and how many identities are theirs."""
    if kind not in KINDS and kind != IDENTITY:
        end(f"There is no kind {kind}. There are {', '.join((*KINDS, IDENTITY))}.")
    with opened(data, database_url) as database:
        identity = identity_of(kind, value, Pseudonyms(installation.pseudonym_key(database)))
        with database.reading() as connection:
            person = people.persons_of(connection, [identity])[identity]
            identities = people.identities_of(connection, person)
    typer.echo(f"identity  {identity}\nperson    {person}")
    for other in sorted(identities - {identity}):
        typer.echo(f"also      {other}")


@app.command()
def export(data: Data = None, database_url: DatabaseUrl = None) -> None:
    """Print who is who by now as a file that can be imported: persons and identities are hashes.

    Names that the operator has turned on stand in the place of the persons.
    """
    shown = settings_from(data=data, database_url=database_url).show_names
    with opened(data, database_url) as database, database.reading() as connection:
        persons = report_people.persons(connection)
        names = people.known_names(connection, persons.values()) if shown else {}
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(COLUMNS)
    rows = ((names.get(person, person), IDENTITY, identity) for identity, person in persons.items())
    writer.writerows(sorted(rows))
