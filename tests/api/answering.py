"""The application over a database, and reading its answers."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from starlette.testclient import TestClient

from api.app import create_app
from api.doors import Doors
from api.guide import GuideReader, no_guides
from api.wiring import Judge, Labeller, Wiring
from assay.planning import PLANNER
from classifier.efficiency import efficiency
from classifier.evaluate import report_evaluation
from classifier.judge import judge_tools, routing_policy
from classifier.kpis import kpis
from classifier.leak_report import leak_report
from classifier.rules import rule_book
from classifier.run import label_as_of, outcomes_as_of
from classifier.thresholds import Thresholds
from domain.company_prices import CompanyPrices
from store.access import Gate
from store.engine import Database

NOW = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
Json = dict[str, Any]


def client(
    database: Database,
    *,
    open_without: bool = True,
    labeller: Labeller = label_as_of,
    judge: Judge = judge_tools,
    extra_routers: Sequence[APIRouter] = (),
    host: str = "localhost:8000",
    company: CompanyPrices | None = None,
    show_names: bool = False,
    doors: Doors | None = None,
    privacy_floor: int = 5,
    guides: GuideReader = no_guides,
) -> TestClient:
    """A client of the API as it is served under this host, at ``NOW``."""
    wiring = Wiring(
        database=database,
        gate=Gate(database, open_without=open_without, monotonic=lambda: 0.0, clock=lambda: NOW),
        version="1.2.3",
        clock=lambda: NOW,
        labeller=labeller,
        rules=rule_book(Thresholds()),
        judge=judge,
        policy=routing_policy,
        evaluation=report_evaluation,
        outcomes=outcomes_as_of,
        efficiency=efficiency,
        kpis=kpis,
        leaks=leak_report,
        planner=PLANNER,
        company=company,
        show_names=show_names,
        doors=doors or Doors(),
        privacy_floor=privacy_floor,
        guides=guides,
    )
    app = create_app(wiring, extra_routers)
    return TestClient(app, base_url=f"http://{host}", raise_server_exceptions=False)


def get(http: TestClient, path: str, **parameters: Any) -> Json:
    """The answer to a request that must succeed."""
    response = http.get(path, params=parameters)
    assert response.status_code == 200, response.text
    told: Json = response.json()
    return told


def refused(http: TestClient, path: str, **parameters: Any) -> tuple[int, str, str]:
    """Status, code and detail of a request that must be refused with a problem."""
    # Nothing, not an empty mapping: that would take the place of what the path asks.
    response = http.get(path, params=parameters or None)
    assert response.headers["content-type"] == "application/problem+json", response.text
    problem = response.json()
    assert set(problem) == {"type", "title", "status", "detail", "code"}
    assert problem["status"] == response.status_code
    return problem["status"], problem["code"], problem["detail"]
