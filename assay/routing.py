"""``assay routing``: which tool and model to use for which work, as a document and as rules."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from api.schemas.routing import routing_policy as answer
from assay.company import read_prices
from assay.console import Data, DatabaseUrl, end, opened, settings_from
from assay.opening import CannotStart
from assay.routing_document import document
from assay.threshold_file import read_thresholds
from classifier.judge import Judging, routing_policy
from domain.price_book import PriceBook

app = typer.Typer(help="Which tool and model to use for which work.", no_args_is_help=True)


class Format(StrEnum):
    """How a policy is written."""

    MARKDOWN = "markdown"
    JSON = "json"


@app.callback()
def main() -> None:
    """Which tool and model to use for which work: docs/routing.md says how it is decided."""


@app.command("export")
def export(
    format_: Annotated[
        Format, typer.Option("--format", help="A document for people, or rules for machines.")
    ] = Format.MARKDOWN,
    as_of: Annotated[
        datetime | None,
        typer.Option(help="The policy in force then (UTC).", show_default="now"),
    ] = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Print the routing policy in force, as GET /v1/routing answers it or as Markdown."""
    settings = settings_from(data=data, database_url=database_url)
    try:
        thresholds = read_thresholds(settings.thresholds).told
        prices = PriceBook(read_prices(settings.prices).company)
    except CannotStart as error:
        end(str(error))
    at = as_of.replace(tzinfo=UTC) if as_of else datetime.now(UTC)
    with opened(data, database_url) as database, database.reading() as connection:
        policy = routing_policy(connection, at, Judging(thresholds=thresholds, prices=prices))
    if policy is None:
        end("No policy had been made by then.")
    told = answer(policy).model_dump_json(indent=2) if format_ is Format.JSON else document(policy)
    typer.echo(told.rstrip("\n"))
