"""The application over a database, and reading its answers."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from starlette.testclient import TestClient

from api.app import create_app
from api.wiring import Judge, Labeller
from classifier.judge import judge_tools
from classifier.run import label_as_of, outcomes_as_of
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
) -> TestClient:
    """A client of the API as it is served under this host, at ``NOW``."""
    app = create_app(
        database,
        Gate(database, open_without=open_without, monotonic=lambda: 0.0),
        version="1.2.3",
        clock=lambda: NOW,
        labeller=labeller,
        judge=judge,
        outcomes=outcomes_as_of,
        extra_routers=extra_routers,
        company=company,
        show_names=show_names,
    )
    return TestClient(app, base_url=f"http://{host}", raise_server_exceptions=False)


def get(http: TestClient, path: str, **parameters: Any) -> Json:
    """The answer to a request that must succeed."""
    response = http.get(path, params=parameters)
    assert response.status_code == 200, response.text
    told: Json = response.json()
    return told


def refused(http: TestClient, path: str, **parameters: Any) -> tuple[int, str, str]:
    """Status, code and detail of a request that must be refused with a problem."""
    response = http.get(path, params=parameters)
    assert response.headers["content-type"] == "application/problem+json", response.text
    problem = response.json()
    assert set(problem) == {"type", "title", "status", "detail", "code"}
    assert problem["status"] == response.status_code
    return problem["status"], problem["code"], problem["detail"]
