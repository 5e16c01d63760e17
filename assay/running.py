"""The parts of ``assay serve`` as commands of their own."""

import typer

from assay import __version__, metric_sources, worker
from assay.console import Data, DatabaseUrl, Http, OtlpGrpc, OtlpHttp, end, opened, settings_from
from assay.digest_sending import delivering
from assay.digest_settings import set_up as set_up_digest
from assay.jobs import Jobs
from assay.learn import learning_daily
from assay.notifying import notifying, set_up
from assay.opening import CannotStart
from assay.own_endpoint import wanted
from assay.parts import Part
from assay.parts import run as run_parts
from assay.retention import forgetting
from assay.schedule import reading_on_schedule
from assay.settings import Settings
from assay.telemetry import telling_if
from assay.wiring import read_files, wired
from assay.work_process import WorkProcess
from domain.price_book import PriceBook


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
    run(settings, frozenset({Part.COLLECT}))


def api(data: Data = None, database_url: DatabaseUrl = None, http: Http = None) -> None:
    """Only serve pages and API, and receive webhooks."""
    settings = settings_from(data=data, database_url=database_url, http=http)
    run(settings, frozenset({Part.API}))


def run(
    settings: Settings,
    parts: frozenset[Part] = frozenset(Part),
    process: WorkProcess | None = None,
) -> None:
    """Run these parts, with a process to work in or without, until told to stop."""
    try:
        run_parts(settings, parts, process)
    except CannotStart as error:
        end(str(error))


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
        opened(data, database_url, making=True) as database,
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
