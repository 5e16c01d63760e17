"""The command line. Commands about one thing have their own module."""

import logging
from typing import Annotated

import typer

from assay import (
    __version__,
    alerts,
    budgets,
    chargeback,
    digest,
    evaluation,
    keys,
    links,
    metric_sources,
    people,
    prices,
    routing,
    rules,
    teams,
    tokens,
    worker,
)
from assay.backup import backup, restore
from assay.connect import connect
from assay.console import (
    Data,
    DatabaseUrl,
    Http,
    OtlpGrpc,
    OtlpHttp,
    end,
    opened,
    settings_from,
)
from assay.demo import demo
from assay.digest_sending import delivering
from assay.digest_settings import set_up as set_up_digest
from assay.erase import erase
from assay.jobs import Jobs
from assay.learn import learn, learning_daily
from assay.migrate import migrate
from assay.notifying import notifying, set_up
from assay.opening import CannotStart
from assay.own_endpoint import wanted
from assay.retention import forgetting, retain
from assay.schedule import reading_on_schedule
from assay.serve import Part
from assay.serve import serve as run_parts
from assay.settings import Settings
from assay.sync import sync
from assay.telemetry import telling_if
from assay.wiring import read_files, wired
from domain.price_book import PriceBook

app = typer.Typer(
    help="What did the tokens buy? Accounts AI coding sessions and what came of them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(tokens.app, name="tokens")
app.add_typer(keys.app, name="keys")
app.add_typer(prices.app, name="prices")
app.add_typer(people.app, name="people")
app.add_typer(links.app, name="links")
app.add_typer(rules.app, name="rules")
app.add_typer(routing.app, name="routing")
app.add_typer(evaluation.app, name="evaluation")
app.add_typer(teams.app, name="teams")
app.add_typer(budgets.app, name="budgets")
app.add_typer(alerts.app, name="alerts")
app.add_typer(chargeback.app, name="chargeback")
app.add_typer(digest.app, name="digest")
app.command()(prices.reprice)
app.command()(connect)
app.command()(sync)
app.command()(learn)
app.command()(demo)
app.command("retention")(retain)
app.command()(migrate)
app.command()(backup)
app.command()(restore)
app.command()(erase)


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


@app.command()
def serve(
    data: Data = None,
    database_url: DatabaseUrl = None,
    otlp_http: OtlpHttp = None,
    otlp_grpc: OtlpGrpc = None,
    http: Http = None,
) -> None:
    """Receive telemetry and webhooks, and serve pages and API, on one machine."""
    settings = settings_from(
        data=data,
        database_url=database_url,
        otlp_http=otlp_http,
        otlp_grpc=otlp_grpc,
        http=http,
    )
    _run(settings, frozenset(Part))


@app.command()
def collect(
    data: Data = None,
    database_url: DatabaseUrl = None,
    otlp_http: OtlpHttp = None,
    otlp_grpc: OtlpGrpc = None,
) -> None:
    """Only receive telemetry; another process folds it (assay work)."""
    settings = settings_from(
        data=data, database_url=database_url, otlp_http=otlp_http, otlp_grpc=otlp_grpc
    )
    _run(settings, frozenset({Part.COLLECT}))


@app.command()
def api(data: Data = None, database_url: DatabaseUrl = None, http: Http = None) -> None:
    """Only serve pages and API, and receive webhooks."""
    settings = settings_from(data=data, database_url=database_url, http=http)
    _run(settings, frozenset({Part.API}))


def _run(settings: Settings, parts: frozenset[Part]) -> None:
    try:
        run_parts(settings, parts)
    except CannotStart as error:
        end(str(error))


@app.command()
def work(data: Data = None, database_url: DatabaseUrl = None) -> None:
    """Only fold telemetry and classify sessions. Any number may run against one PostgreSQL."""
    settings = settings_from(data=data, database_url=database_url)
    try:
        files = read_files(settings)
        through = set_up()
        post = set_up_digest(settings)
    except CannotStart as error:
        end(str(error))
    jobs = Jobs()
    with (
        opened(data, database_url) as database,
        reading_on_schedule(settings),
        forgetting(settings, database),
        learning_daily(settings, database),
        notifying(database, through, settings.privacy_floor),
        delivering(wired(settings, database, files), post),
        telling_if(wanted(settings, ()), "work", metric_sources.worker(database, jobs), jobs),
    ):
        typer.echo(f"Tokenassay {__version__} is working. Ctrl-C stops it.")
        prices = PriceBook(files.prices.company)
        worker.work(database, worker.Signalled(), prices, files.thresholds.told, jobs)
