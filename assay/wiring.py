"""What the API's answers are made with, for the process that serves them and for the digest."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from api.doors import Doors
from api.wiring import Wiring
from assay import __version__
from assay.company import PriceFile, read_prices
from assay.guides import guides
from assay.planning import PLANNER
from assay.settings import Settings
from assay.threshold_file import ThresholdFile, read_thresholds
from classifier.efficiency import efficiency
from classifier.evaluate import report_evaluation
from classifier.judge import Judging, judge_tools, routing_policy
from classifier.kpis import kpis
from classifier.leak_report import leak_report
from classifier.rules import rule_book
from classifier.run import label_as_of, outcomes_as_of
from domain.price_book import PriceBook
from store.access import Gate
from store.engine import Database


@dataclass(frozen=True, slots=True)
class Files:
    """What the company has written for us."""

    prices: PriceFile
    thresholds: ThresholdFile


def read_files(settings: Settings) -> Files:
    """Read the files that the settings name. Raises CannotStart."""
    return Files(read_prices(settings.prices), read_thresholds(settings.thresholds))


def clock() -> datetime:
    """Now."""
    return datetime.now(UTC)


def wired(
    settings: Settings, database: Database, files: Files, doors: Doors | None = None
) -> Wiring:
    """The parts of one API; without ``doors`` nobody signs in there."""
    told = files.thresholds.told
    judging = Judging(thresholds=told, prices=PriceBook(files.prices.company))
    backlog = settings.ready_backlog_seconds
    return Wiring(
        database=database,
        gate=Gate(database, open_without=settings.http.loopback and settings.oidc_issuer is None),
        version=__version__,
        clock=clock,
        labeller=partial(label_as_of, thresholds=told.rules),
        rules=rule_book(told.rules),
        judge=partial(judge_tools, judging=judging),
        policy=partial(routing_policy, judging=judging),
        evaluation=partial(report_evaluation, thresholds=told.rules),
        outcomes=partial(outcomes_as_of, thresholds=told.rules),
        efficiency=partial(efficiency, thresholds=told.efficiency),
        kpis=kpis,
        leaks=partial(leak_report, thresholds=told.leaks),
        planner=PLANNER,
        otlp_http_port=settings.otlp_http.port,
        company=files.prices.company,
        show_names=settings.show_names,
        ready_backlog=timedelta(seconds=backlog) if backlog else None,
        privacy_floor=settings.privacy_floor,
        doors=doors or Doors(),
        guides=partial(guides, endpoint=settings.endpoint, url=settings.public_url),
    )
