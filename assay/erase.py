"""``assay erase``: take a person out of the books, so that nothing in them leads to who it was."""

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Annotated

import typer

from assay.console import Data, DatabaseUrl, end, opened
from assay.people_file import IDENTITY, KINDS, identity_of
from classifier.leak_report import MEASURING
from classifier.run import CLASSIFYING
from domain.pseudonym import Pseudonyms
from store import audit, erasing, installation
from store.audit import Noted
from store.engine import Database
from store.erasing import Erased

_WAIT_SECONDS = 120.0
_LOOK_SECONDS = 0.2
_PSEUDONYM = re.compile(r"[pi]_[0-9a-f]{20}")
# What reads who it was, and writes it later.
_CONCLUDING = (CLASSIFYING, MEASURING)


def erase(
    person: Annotated[
        str,
        typer.Argument(
            metavar="PERSON",
            show_default=False,
            help="A mail address, a pseudonym as shown (p_… or i_…), or anything with --kind.",
        ),
    ],
    *,
    kind: Annotated[
        str | None,
        typer.Option(help=f"What PERSON is: {', '.join((*KINDS, IDENTITY))}.", show_default="told"),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without it only say what.")] = False,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Replace all pseudonyms of a person by ones that nothing leads to, and delete their names.

    All sums stay what they were. Stop their telemetry first, and take them out of the files of
    people and teams: what comes later makes them known anew. This can't be undone.
    """
    with opened(data, database_url) as database:
        pseudonyms = Pseudonyms(installation.pseudonym_key(database))
        identity = identity_of(_kind(person, kind), person.strip(), pseudonyms)
        with database.reading() as connection:
            identities = erasing.of_person(connection, identity)
            if not erasing.stands(connection, identities):
                end(f"Nobody here is known by that. It would be {identity}.")
        if not yes:
            end(
                f"This would replace {len(identities)} pseudonyms of {identity} for good. To do it,"
                " say so with --yes."
            )
        with _nobody_concludes(database):
            told = erasing.erase(database, identities)
        _note(database, told)
        overwritten = _overwritten(database)
    typer.echo(_sentence(told))
    if told.waiting:
        typer.echo(
            f"{told.waiting} requests were not folded yet. Should any be this person's, run this"
            " again once 'pending' in /v1/status is 0."
        )
    if not overwritten:
        end("Old copies are still in SQLite's log: a reader was in the way. Run this again.")


def _kind(person: str, told: str | None) -> str:
    if told is None and _PSEUDONYM.fullmatch(person.strip()):
        return IDENTITY
    if told is None and "@" in person:
        return "email"
    if told is None:
        end(f"Say what {person} is with --kind: {', '.join(KINDS)}.")
    if told not in KINDS and told != IDENTITY:
        end(f"There is no kind {told}. There are {', '.join((*KINDS, IDENTITY))}.")
    return told


@contextmanager
def _nobody_concludes(database: Database) -> Iterator[None]:
    """Wait until no process has in mind what is to be forgotten, and keep it so."""
    deadline = time.monotonic() + _WAIT_SECONDS
    with ExitStack() as held:
        for task in _CONCLUDING:
            while not _won(held, database, task):
                if time.monotonic() > deadline:
                    end("Something is being concluded all the time. Try again later.")
                time.sleep(_LOOK_SECONDS)
        yield


def _won(held: ExitStack, database: Database, task: int) -> bool:
    with ExitStack() as trying:
        if not trying.enter_context(database.alone(task)):
            return False
        held.enter_context(trying.pop_all())
        return True


def _note(database: Database, told: Erased) -> None:
    """That somebody was erased, and not who."""
    noted = Noted(
        at=datetime.now(UTC),
        actor="command",
        person=None,
        action="assay erase",
        object=f"{told.sessions} sessions",
        status=0,
        people=None,
        address=None,
    )
    with database.writing() as connection:
        audit.note(connection, noted)


def _overwritten(database: Database) -> bool:
    deadline = time.monotonic() + _WAIT_SECONDS / 10
    while not erasing.overwrite(database):
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK_SECONDS)
    return True


def _sentence(told: Erased) -> str:
    shared = (
        f" {told.shared_names} display names stay, since others bear them too."
        if told.shared_names
        else ""
    )
    return (
        f"{told.identities} pseudonyms were replaced, in {told.sessions} sessions, {told.changes}"
        f" changes and {told.commits} commits; {told.names_deleted} names were deleted.{shared}"
    )
