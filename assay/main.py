"""The command line: which commands there are. What each does is told by its own module."""

import logging
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from assay import __version__
from assay.later import Later, Place

_COMMANDS = {
    "serve": Place(
        "assay.serve:serve",
        "Receive telemetry and webhooks, and serve pages and API, on one machine.",
    ),
    "demo": Place(
        "assay.demo:demo",
        "Serve a simulated company: sessions, changes and tickets of nine months, with the truth.",
    ),
    "connect": Place(
        "assay.connect:connect",
        "Print what to set so that a tool sends its telemetry here; or verify that it arrives.",
    ),
    "keys": Place(
        "assay.keys:app",
        "Ingest keys: who sends telemetry, and for whom and what it counts.",
    ),
    "tokens": Place("assay.tokens:app", "Access tokens: who may send telemetry and who may read."),
    "sync": Place(
        "assay.sync:sync",
        "Read forges and trackers for what webhooks missed, and what was before them.",
    ),
    "people": Place("assay.people:app", "Who is who."),
    "teams": Place("assay.teams:app", "Teams, and who belongs to them."),
    "links": Place("assay.links:app", "How far links can be trusted."),
    "rules": Place("assay.rules:app", "The rules of labels."),
    "routing": Place("assay.routing:app", "Which tool and model to use for which work."),
    "evaluation": Place("assay.evaluation:app", "Compare routes by doing past tasks again."),
    "learn": Place(
        "assay.learn:learn",
        "Learn from the company's own work: kinds of work from titles, and how sessions may end.",
    ),
    "prices": Place("assay.prices:app", "The company's own prices."),
    "reprice": Place(
        "assay.prices:reprice",
        "Book stored usage at the present price list and price file, and show what that changes.",
    ),
    "budgets": Place("assay.budgets:app", "Budgets, and how they stand."),
    "alerts": Place("assay.alerts:app", "Alerts, and where they go."),
    "digest": Place("assay.digest:app", "The weekly digest."),
    "chargeback": Place("assay.chargeback:app", "Charges for accounting."),
    "backup": Place(
        "assay.backup:backup",
        "Copy the database into FILE, also while a server runs, and check the copy.",
    ),
    "restore": Place(
        "assay.backup:restore",
        "Make a data folder of FILE, a copy that 'assay backup' made.",
    ),
    "migrate": Place(
        "assay.migrate:migrate",
        "Bring a database of an older version to this one. Make a copy of it first.",
    ),
    "retention": Place(
        "assay.retention:retain",
        "Delete old sessions with everything that is known of them, for good.",
    ),
    "erase": Place(
        "assay.erase:erase",
        "Replace all pseudonyms of a person by ones that nothing leads to, and delete their names.",
    ),
    "collect": Place(
        "assay.running:collect",
        "Only receive telemetry; another process folds it (assay work).",
    ),
    "api": Place("assay.running:api", "Only serve pages and API, and receive webhooks."),
    "work": Place(
        "assay.running:work",
        "Only fold telemetry and classify sessions. Any number may run against one PostgreSQL.",
    ),
}
"""In the order of the help."""


class _Commands(TyperGroup):
    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, place in _COMMANDS.items():
            self.add_command(Later(name, place))


app = typer.Typer(
    cls=_Commands,
    help="What did the tokens buy? Accounts AI coding sessions and what came of them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


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
