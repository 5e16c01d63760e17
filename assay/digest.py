"""``assay digest``: what the weekly digest says, when it goes out, to whom, and whether it did."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer

from api.digest.edition import Audience, Edition
from api.wiring import Wiring
from assay import digest_recipients
from assay.console import Data, DatabaseUrl, end, opened, settings_from
from assay.digest_mail import addressed
from assay.digest_plan import plan
from assay.digest_sending import SENDING, Sender, send, sender
from assay.digest_settings import Post, set_up
from assay.opening import CannotStart
from assay.wiring import clock, read_files, wired
from domain.alerts import Told
from domain.digests import Recipient, Sending
from domain.pseudonym import Pseudonyms
from domain.unsubscribing import PATH
from domain.weeks import WEEK, monday_of
from store import digest_recipients as kept
from store import digest_sendings, installation

app = typer.Typer(help="The weekly digest.", no_args_is_help=True)
app.add_typer(digest_recipients.app, name="recipients")

_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_FILES = {"text": "digest.txt", "html": "digest.html", "slack": "slack.json", "teams": "teams.json"}


class Form(StrEnum):
    """In which form a digest is shown."""

    TEXT = "text"
    HTML = "html"
    SLACK = "slack"
    TEAMS = "teams"


Week = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d"],
        help="The Monday after the seven days that it tells.",
        show_default="the last one",
    ),
]


@app.callback()
def main() -> None:
    """The weekly digest: docs/digest.md describes how to set it up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ready:
    """What commands need."""

    wiring: Wiring
    post: Post

    @property
    def sender(self) -> Sender:
        """What sends."""
        return sender(self.wiring, self.post)


@contextmanager
def _ready(data: Path | None, database_url: str | None) -> Iterator[_Ready]:
    settings = settings_from(data=data, database_url=database_url)
    try:
        post, files = set_up(settings), read_files(settings)
    except CannotStart as error:
        end(str(error))
    with opened(data, database_url) as database:
        yield _Ready(wiring=wired(settings, database, files), post=post)


@app.command()
def preview(
    team: Annotated[
        list[str] | None, typer.Option(help="Of this team; several times for several.")
    ] = None,
    week: Week = None,
    form: Annotated[Form, typer.Option(help="In which form it is shown.")] = Form.TEXT,
    out: Annotated[
        Path | None, typer.Option(help="Write every form into this folder instead.")
    ] = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Show a digest without sending it: the company's, or that of teams."""
    with _ready(data, database_url) as ready:
        day = _monday(week.date() if week else monday_of(clock().date()))
        audience = Audience(teams=tuple(sorted(set(team or ()))))
        with ready.wiring.database.reading() as connection:
            known = kept.known_teams(connection)
        for unknown in sorted(set(audience.teams) - known):
            end(f"There is no team {unknown}. Known: {', '.join(sorted(known)) or 'none yet'}.")
        # Each mail has a token of its own.
        url = f"{ready.post.public_url}{PATH}?token=..." if ready.post.public_url else None
        edition = addressed(ready.sender.write(day)(audience), url)
    forms = _forms(edition)
    if out is None:
        typer.echo(forms[form])
        return
    out.mkdir(parents=True, exist_ok=True)
    for each, told in forms.items():
        (out / _FILES[each]).write_text(told, encoding="utf-8")
    for name, picture in edition.pictures.items():
        (out / f"{name}.png").write_bytes(picture)
    typer.echo(f"{edition.subject}\n{out / _FILES[Form.HTML]} is how the mail looks.")


def _forms(edition: Edition) -> dict[Form, str]:
    """Every form as text; the page of the mail finds its pictures beside it."""
    names = "|".join(re.escape(each) for each in sorted(edition.pictures, reverse=True))
    page = re.sub(rf"cid:({names})(?=\")", r"\1.png", edition.html) if names else edition.html
    return {
        Form.TEXT: edition.text,
        Form.HTML: page,
        Form.SLACK: json.dumps(edition.slack, indent=2, ensure_ascii=False),
        Form.TEAMS: json.dumps(edition.teams, indent=2, ensure_ascii=False),
    }


@app.command("send")
def send_now(
    week: Week = None,
    to: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Only to this recipient.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="With --to: also what was sent before.")
    ] = False,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Send the last digest now to everybody who has not got it, and say what became of each copy.

    It ends with status 1 where a copy was not sent.
    """
    if again and to is None:
        end("--again is for one recipient: name them with --to.")
    with _ready(data, database_url) as ready:
        day = _monday(week.date() if week else ready.post.weekly.last(clock()))
        database = ready.wiring.database
        with database.reading() as connection:
            told = plan(connection, ready.post, clock())
            held = kept.recipients(connection)
        wanted = list(told.copies)
        if to is not None:
            identity = Pseudonyms(installation.pseudonym_key(database))("email", to)
            wanted = [each for each in wanted if each.copy.recipient == identity]
            if not wanted:
                end(_why_nothing(held, identity, to))
        for line in (*missing(ready.post, held), *told.problems):
            typer.echo(line, err=True)
        copies = {each.copy for each in wanted}
        with database.alone(SENDING) as mine:
            if not mine:
                end("Another process is sending it right now.")
            outcomes = send(ready.sender, day, told.copies, copies, only=copies, again=again)
        with database.reading() as connection:
            stand = {each.copy: each for each in digest_sendings.of_week(connection, day)}
    if not outcomes:
        typer.echo(f"Nothing to send of the digest of the week before {day}.")
    for planned in wanted:
        if planned.copy in stand:
            typer.echo(f"{planned.name}: {_state(stand[planned.copy])}")
    if any(each.state is not Told.SENT for each in outcomes):
        raise typer.Exit(1)


@app.command()
def schedule(data: Data = None, database_url: DatabaseUrl = None) -> None:
    """Say when the digest goes out next, to whom, through what, and what is missing for it."""
    now = clock()
    with _ready(data, database_url) as ready, ready.wiring.database.reading() as connection:
        post = ready.post
        told = plan(connection, post, now)
        held = kept.recipients(connection)
        last = post.weekly.last(now)
        states = Counter(each.state for each in digest_sendings.of_week(connection, last))
    typer.echo(f"Next: {_moment(post, last + WEEK)}, about the week before {last + WEEK}.")
    typer.echo(f"Last: {_moment(post, last)}: {_counted(states)}.")
    if told.copies:
        typer.echo("While 'assay serve' or 'assay work' runs it goes to:")
    for planned in told.copies:
        typer.echo(f"  {planned.name}, by {planned.copy.through.value}")
    for line in (*missing(post, held), *told.problems):
        typer.echo(line)


@app.command()
def log(
    weeks: Annotated[int, typer.Option(min=1, max=53, help="Of how many weeks.")] = 4,
    every: Annotated[bool, typer.Option("--all", help="Also what was sent.")] = False,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Show what became of the last digests: how many were sent, and each that was not, with why."""
    since = monday_of(clock().date()) - (weeks - 1) * WEEK
    with opened(data, database_url) as database, database.reading() as connection:
        found = digest_sendings.since(connection, since)
        addresses = {each.identity: each.address for each in kept.recipients(connection)}
    if not found:
        typer.echo("None was sent in these weeks.")
    for week, told in groupby(found, key=lambda each: each.week):
        copies = list(told)
        states = Counter(each.state for each in copies)
        typer.echo(f"The week before {week}: {_counted(states)}.")
        for each in copies:
            if every or each.state is not Told.SENT:
                to = addresses.get(each.copy.recipient) or each.copy.recipient
                about = f"{each.copy.through.value} {to}".strip()
                typer.echo(f"  {about} ({each.copy.scope.value}): {_state(each)}")


def missing(post: Post, held: Sequence[Recipient]) -> list[str]:
    """A sentence for everything that is not set up."""
    wanting = any(each.address and each.unsubscribed_at is None for each in held)
    told = []
    if not wanting and not post.urls:
        told.append("Nobody gets it: assay digest recipients import FILE.csv says who.")
    if wanting and not post.mails:
        told.append("Nothing is mailed without a mail server: set ASSAY_SMTP_HOST.")
    if post.public_url is None:
        told.append(
            f"Links lead to {post.link}, and mails have none to unsubscribe: set ASSAY_PUBLIC_URL"
            " to the address of the pages as readers reach them."
        )
    return told


def _counted(states: Mapping[Told, int]) -> str:
    told = ", ".join(f"{count} {state.value}" for state, count in sorted(states.items()))
    return told or "nothing was sent"


def _state(told: Sending) -> str:
    at = told.told_at or told.due_at
    words = {
        Told.SENT: f"sent on {at:%Y-%m-%d %H:%M} UTC",
        Told.PENDING: f"to be sent from {at:%Y-%m-%d %H:%M} UTC on",
        Told.SENDING: "being sent",
        Told.FAILED: "failed",
        Told.UNCERTAIN: "uncertain whether it arrived; not sent again",
    }
    return words[told.state] + (f": {told.error}" if told.error else "")


def _moment(post: Post, week: date) -> str:
    moment = post.weekly.of(week)
    local = post.weekly.local(moment)
    utc = "" if post.zone == "UTC" else f", {moment:%Y-%m-%d %H:%M} UTC"
    return f"{_DAYS[local.weekday()]} {local:%Y-%m-%d %H:%M} {post.zone}{utc}"


def _monday(day: date) -> date:
    """A Monday that has come by now, by UTC."""
    if day.weekday() != 0:
        end(f"{day} is no Monday. The one before it is {monday_of(day)}.")
    if day > clock().date():
        end(f"The week before {day} is not over.")
    return day


def _why_nothing(held: Sequence[Recipient], identity: str, address: str) -> str:
    """Why this address gets none."""
    found = next((each for each in held if each.identity == identity), None)
    if found is None:
        return f"{address} is no recipient: assay digest recipients list"
    if found.unsubscribed_at is not None:
        return f"{address} has unsubscribed."
    return f"{address} gets none: assay digest schedule says what is missing."
