"""``assay alerts``: what holds, and whether alerts arrive where they should."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from assay.alert_messages import trial
from assay.channels import NotToldError
from assay.console import Data, DatabaseUrl, end, opened
from assay.notifying import set_up
from assay.opening import CannotStart
from assay.tables import listing
from domain.alerts import AlertState
from store import alerts as kept
from store.alerts import AlertFilter

app = typer.Typer(help="Alerts, and where they go.", no_args_is_help=True)
_MOST = 200


@app.callback()
def main() -> None:
    """Alerts: docs/alerts.md describes what raises them, and how they are told."""


@app.command("list")
def list_all(
    resolved: Annotated[bool, typer.Option(help="Also those that are resolved.")] = False,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Show alerts, and how each was told."""
    states = frozenset(AlertState) if resolved else frozenset(AlertState) - {AlertState.RESOLVED}
    with opened(data, database_url) as database, database.reading() as connection:
        found = kept.find(connection, AlertFilter(states=states, private=True), _MOST)
    if not found:
        typer.echo("There are none.")
        return
    table = listing("id", "kind", "state", "since (UTC)", "what", "told")
    for each in found:
        told = ", ".join(f"{one.channel} {one.state.value}" for one in each.tellings)
        since = f"{each.opened_at:%Y-%m-%d %H:%M}"
        table.add_row(each.id, each.kind.value, each.state.value, since, each.sentence, told)
    Console().print(table)


@app.command()
def test() -> None:
    """Send a test through every channel that is set up, and say how it went."""
    try:
        through = set_up()
    except CannotStart as error:
        end(str(error))
    if not through:
        end("No channel is set up: docs/alerts.md says how.")
    failed = False
    for channel in through:
        try:
            remark = channel.tell([trial(datetime.now(UTC))])
        except NotToldError as error:
            failed = True
            typer.echo(f"{channel.name}: not sent: {error}")
        else:
            typer.echo(f"{channel.name}: sent{f', but {remark}' if remark else ''}")
    if failed:
        raise typer.Exit(1)
