"""``assay tokens``: who may send telemetry and who may read."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console

from assay.console import Data, DatabaseUrl, end, opened
from assay.people_file import IDENTITY, KINDS, identity_of
from assay.tables import listing
from domain.pseudonym import Pseudonyms
from store import access, audit, installation
from store.access import ALL_TEAMS, Role
from store.audit import Noted
from store.digest_recipients import known_teams
from store.engine import Connection, Database

app = typer.Typer(
    help="Access tokens: who may send telemetry and who may read.", no_args_is_help=True
)

_LASTS = re.compile(r"(\d{1,5})([hdw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_PSEUDONYM = re.compile(r"[pi]_[0-9a-f]{20}")


@app.command()
def create(
    role: Annotated[Role, typer.Option(help="What its bearer may do.")],
    name: Annotated[str, typer.Option(help="For whom or what, in your words.")] = "",
    team: Annotated[
        list[str] | None,
        typer.Option(help="A team that a lead leads; repeat it for several, '*' is every team."),
    ] = None,
    person: Annotated[
        str | None,
        typer.Option(
            metavar="MAIL|KIND:VALUE",
            help="Whose token it is: a mail address, github_login:ada, or a pseudonym.",
        ),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(metavar="90d", help="It works so long: hours (h), days (d) or weeks (w)."),
    ] = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Make a token and print it. It is shown only now: only its hash is kept.

    A lead sees who it was of their own teams: those of --team, and those that --person leads as
    the teams file says. Whoever has a token with --person sees themselves.
    """
    teams = [each.strip() for each in team or () if each.strip()]
    _check(role, teams, person)
    now = datetime.now(UTC)
    lasts = None if expires is None else _lasts(expires)
    with opened(data, database_url, making=True) as database:
        who = None if person is None else _identity(person, database)
        with database.writing() as connection:
            token_id, secret = access.create(
                connection,
                name,
                role,
                now,
                teams=teams,
                person=who,
                expires_at=None if lasts is None else now + lasts,
            )
            _note(connection, "assay tokens create", f"{role.value} {token_id}", now)
            unknown = {ALL_TEAMS, *teams} - {ALL_TEAMS} - known_teams(connection)
    typer.echo(secret)
    for team_name in sorted(unknown):
        typer.echo(f"Note: nobody is in team {team_name} yet, and nothing names it.", err=True)
    typer.echo(f"Token {token_id} with role {role.value}. It can't be shown again.", err=True)


def _check(role: Role, teams: list[str], person: str | None) -> None:
    if teams and role is not Role.LEAD:
        end("--team is for the role lead: a viewer sees sums of every team and no person.")
    if role is Role.LEAD and not teams and person is None:
        end(
            f"Say which teams: --team NAME, --person of whoever leads one, or --team '{ALL_TEAMS}'."
        )
    if role is Role.INGEST and person is not None:
        end("Whom telemetry is from is said by an ingest key: assay keys create --user")


def _lasts(told: str) -> timedelta:
    found = _LASTS.fullmatch(told.strip())
    lasts = int(found[1]) * _UNITS[found[2]] if found else timedelta()
    if not lasts:
        end("--expires: write a number with h, d or w, for example 90d.")
    return lasts


def _identity(told: str, database: Database) -> str:
    """The pseudonym of whoever this names."""
    kind, colon, value = told.strip().partition(":")
    if _PSEUDONYM.fullmatch(told.strip()):
        kind, value = IDENTITY, told.strip()
    elif not colon and "@" in told:
        kind, value = "email", told
    elif kind not in KINDS or not value.strip():
        end(f"--person: write a mail address, KIND:VALUE ({', '.join(KINDS)}), or a pseudonym.")
    return identity_of(kind, value, Pseudonyms(installation.pseudonym_key(database)))


def _note(connection: Connection, action: str, of: str, now: datetime) -> None:
    noted = Noted(
        at=now,
        actor="command",
        person=None,
        action=action,
        object=of,
        status=0,
        people=None,
        address=None,
    )
    audit.note(connection, noted)


@app.command("list")
def list_tokens(data: Data = None, database_url: DatabaseUrl = None) -> None:
    """Show all tokens, never their secrets."""
    with opened(data, database_url) as database, database.reading() as connection:
        tokens = access.tokens(connection)
    if not tokens:
        typer.echo("There are no tokens yet: assay tokens create --help")
        return
    headings = ("id", "role", "teams", "person", "name", "created", "last used", "expires")
    table = listing(*headings, "revoked")
    for token in tokens:
        moments = (token.created_at, token.last_used_at, token.expires_at, token.revoked_at)
        shown = [f"{at:%Y-%m-%d %H:%M}" if at else "" for at in moments]
        teams = ", ".join(sorted(token.teams))
        table.add_row(token.id, token.role.value, teams, token.person or "", token.name, *shown)
    Console().print(table)


@app.command()
def revoke(
    token_id: Annotated[str, typer.Argument(help="The token's id, from: assay tokens list")],
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """End a token; a running server forgets it within seconds."""
    now = datetime.now(UTC)
    with opened(data, database_url) as database, database.writing() as connection:
        revoked = access.revoke(connection, token_id, now)
        if revoked:
            _note(connection, "assay tokens revoke", token_id, now)
    if not revoked:
        end(f"There is no valid token {token_id}. See: assay tokens list")
    typer.echo(f"Token {token_id} is revoked.")
