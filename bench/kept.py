"""How fast kept verdicts and policies are answered: ``python -m bench.kept --days 365``.

A year of judgements of five tools with four models each, all with enough evidence (which makes them
longest), through the application as it is served but for the socket. No answer reads a session, so
their number does not matter: the database holds none.
"""

import argparse
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table
from starlette.testclient import TestClient

from classifier.routing import Bars, policy
from classifier.scopes import named, scoped
from classifier.thresholds import RoutingThresholds, VerdictThresholds
from classifier.verdicts import judge_tools
from domain.judgement import By, Judgement
from simulation.company import USUAL_TOOLS
from store import judgements, migrating, verdicts
from store.engine import Database
from tests.api.answering import client
from tests.classifier.judging import judged, using

_UNTIL = datetime(2026, 11, 20, 12, tzinfo=UTC)
_MODELS = 4
_PATHS = ("/v1/verdicts", "/v1/verdicts?by=tool_model", "/v1/verdicts/codex", "/v1/routing")


def main() -> None:
    """Fill, ask, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--requests", type=int, default=300)
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/kept.db")
        migrating.migrate(database, _UNTIL)
        fill(database, told.days)
        size = Path(f"{folder}/kept.db").stat().st_size
        http = client(database)
        table = Table("", "p50 ms", "p99 ms", "kB", title=f"{told.days} days kept, {size >> 20} MB")
        for path in _PATHS:
            table.add_row(path, *asked(http, path, told.requests))
        Console().print(table)
        database.close()


def fill(database: Database, days: int) -> None:
    """Keep a judgement of every day, the same each time; verdicts given once."""
    sessions = judged(using(0, USUAL_TOOLS))
    sessions = [
        replace(each, model=f"{each.model}-{number % _MODELS}")
        for number, each in enumerate(sessions)
    ]
    bars = VerdictThresholds()
    given = {
        by: tuple(named(verdict, by) for verdict in judge_tools(scoped(sessions, by), bars, _UNTIL))
        for by in By
    }
    made = policy(sessions, Bars(verdicts=bars, routing=RoutingThresholds()), _UNTIL)
    for day in range(days):
        at = _UNTIL - timedelta(days=day)
        with database.writing() as connection:
            for by in By:
                told = Judgement(by=by, judged_at=at, verdicts=given[by])
                judgements.keep_judgement(connection, told, timedelta())
                if day == 0:
                    verdicts.keep(connection, given[by], at, {}, by)
            judgements.keep_policy(connection, replace(made, as_of=at), timedelta())


def asked(http: TestClient, path: str, requests: int) -> tuple[str, str, str]:
    """Median and 99th percentile of the answers' times, and how long an answer is."""
    waits, length = [], 0
    for _ in range(requests):
        begun = time.perf_counter()
        length = len(http.get(path).content)
        waits.append((time.perf_counter() - begun) * 1000)
    waits.sort()
    return (
        f"{waits[len(waits) // 2]:.1f}",
        f"{waits[min(len(waits) - 1, round(len(waits) * 0.99))]:.1f}",
        f"{length / 1000:.0f}",
    )


if __name__ == "__main__":
    main()
