"""``assay links``: how far the links between sessions and commits can be trusted here."""

import typer
from rich.console import Console
from rich.table import Table

from assay.console import Data, DatabaseUrl, opened
from classifier.measure import Quality
from classifier.measure_links import measure

app = typer.Typer(help="How far links can be trusted.", no_args_is_help=True)

# Fewer proven links say little about all the others.
_ENOUGH = 30


@app.callback()
def main() -> None:
    """How far links can be trusted: docs/join.md describes how they are made."""


@app.command("measure")
def measure_links(data: Data = None, database_url: DatabaseUrl = None) -> None:
    """Hide what is proven, find it again without, and say how well that went.

    Proof is a commit's SHA in telemetry, a trailer, or a person who accepted a link. Sessions that
    leave proof are easier than others: read the numbers as the better half of the truth.
    """
    with opened(data, database_url) as database:
        found = measure(database)
    if not found.overall.known:
        typer.echo(
            "No link is proven yet. Let a tool name its commits (for Claude Code"
            " OTEL_LOG_TOOL_DETAILS=1), or accept and reject links: POST /v1/links/{id}/review."
        )
        return
    table = Table("", "proven", "said", "precision", "recall", "calibration error")
    _row(table, "all", found.overall)
    for tool, of_tool in found.by_tool.items():
        _row(table, tool, of_tool)
    for tier, of_tier in found.by_tier.items():
        _row(table, f"tier {tier}", of_tier)
    if found.reviewed.said:
        _row(table, "reviewed by people", found.reviewed)
    Console().print(table)
    if found.overall.known < _ENOUGH:
        typer.echo(f"These are {found.overall.known} links only: too few to rely on.")


def _row(table: Table, name: str, of: Quality) -> None:
    shares = (of.precision, of.recall, of.calibration_error)
    told = ("" if share is None else f"{share:.3f}" for share in shares)
    table.add_row(name, str(of.known), str(of.said), *told)
