"""``assay teams``: who is a member of which team, and from when to when."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from assay.console import Data, DatabaseUrl, end, opened, settings_from
from assay.opening import CannotStart
from assay.people_file import FileInvalid
from assay.teams_file import read_teams
from domain.pseudonym import Pseudonyms
from domain.record import EPOCH
from store import installation, people, people_file, teams

app = typer.Typer(help="Teams, and who belongs to them.", no_args_is_help=True)


@app.callback()
def main() -> None:
    """Teams, and who belongs to them: docs/people.md describes the file."""


@app.command("import")
def import_teams(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", show_default=False)],
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Take over all teams from a CSV file with the columns team,person,from,to,role.

    It replaces the teams of an earlier import. Usage that names a team itself keeps that one.
    """
    with opened(data, database_url, making=True) as database:
        with database.reading() as connection:
            filed = people_file.filed(connection)
        try:
            told = read_teams(file, Pseudonyms(installation.pseudonym_key(database)), filed)
        except FileInvalid as error:
            problems = "\n".join(f"  {problem}" for problem in error.problems)
            end(f"Nothing of {file} was imported:\n{problems}")
        except CannotStart as error:
            end(str(error))
        with database.writing() as connection:
            teams.replace_teams(connection, told)
    members, named = {each.person for each in told}, {each.team for each in told}
    typer.echo(f"{len(named)} teams, {len(members)} people, {len(told)} rows.")


@app.command("list")
def list_teams(data: Data = None, database_url: DatabaseUrl = None) -> None:
    """Show teams with their members and leads; people are pseudonyms unless names are turned on."""
    shown = settings_from(data=data, database_url=database_url).show_names
    with opened(data, database_url) as database, database.reading() as connection:
        held = teams.memberships(connection)
        names = people.known_names(connection, {each.person for each in held}) if shown else {}
    if not held:
        typer.echo("There are no teams yet: assay teams import --help")
        return
    table = Table("team", "person", "role", "from", "to")
    for each in held:
        table.add_row(
            each.team,
            names.get(each.person, each.person),
            "lead" if each.lead else "member",
            _day(each.from_hour) if each.from_hour else "",
            _day(each.to_hour) if each.to_hour is not None else "",
        )
    Console().print(table)


def _day(hour: int) -> str:
    return f"{EPOCH + timedelta(hours=hour):%Y-%m-%d}"
