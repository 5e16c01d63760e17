"""``assay chargeback``: charges for accounting, as a file."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from assay.company import read_prices
from assay.console import Data, DatabaseUrl, end, opened, settings_from
from assay.opening import CannotStart
from domain.focus import VERSION
from store.focus import focus_table

app = typer.Typer(help="Charges for accounting.", no_args_is_help=True)


@app.callback()
def main() -> None:
    """Charges for accounting: docs/chargeback.md describes them."""


@app.command()
def export(
    out: Annotated[Path, typer.Argument(help="The CSV file to write.")],
    billing_account: Annotated[
        str, typer.Option(help="BillingAccountId: what your accounting calls whoever pays.")
    ],
    first: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="First UTC day; default: of this month."),
    ] = None,
    after: Annotated[
        datetime | None,
        typer.Option(
            "--to", formats=["%Y-%m-%d"], help="The day after the last; default: tomorrow."
        ),
    ] = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Write every charge by day, tool, model, team and repository, with the columns of FOCUS."""
    today = datetime.now(UTC).date()
    begin = first.date() if first else today.replace(day=1)
    until = after.date() if after else max(today, begin) + timedelta(days=1)
    if begin >= until:
        end("--from must be before --to.")
    if not billing_account.strip():
        end("--billing-account must not be empty.")
    try:
        settings = settings_from(data=data, database_url=database_url)
        company = read_prices(settings.prices).company
    except CannotStart as error:
        end(str(error))
    with opened(data, database_url) as database, database.reading() as connection:
        told = focus_table(connection, company, billing_account, begin, until)
    try:
        out.write_text(told, encoding="utf-8", newline="")
    except OSError as error:
        end(f"Cannot write {out}: {error.strerror}.")
    rows = told.count("\r\n") - 1
    typer.echo(f"{rows} charges (FOCUS {VERSION}) are written to {out}.")
