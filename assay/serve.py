"""``assay serve``: everything, on one machine."""

import sys
from contextlib import closing
from functools import partial
from importlib import import_module

import typer

from assay import forking, work_process
from assay.console import Data, DatabaseUrl, Http, OtlpGrpc, OtlpHttp, settings_from
from assay.opening import CannotStart, open_database, there
from assay.settings import Settings


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
    # A server keeps all that it has ever read. So it reads nothing of what only making the database
    # takes, and reads the rest only once the worker is forked, which has no need of it.
    if forking.POSSIBLE and settings.database_url is None and not there(settings):
        code = forking.ended(forking.fork(partial(_make, settings)))
        if code:
            raise typer.Exit(code)
    with closing(work_process.first()) as process:
        import_module("assay.running").run(settings, process=process)


def _make(settings: Settings) -> None:
    """Make the database, unless something is in the way of serving it at all."""
    try:
        import_module("assay.parts").read(settings, whole=True)
        open_database(settings).close()
    except CannotStart as error:
        sys.exit(str(error))
