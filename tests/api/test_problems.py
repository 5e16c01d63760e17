"""Refusals and failures: one form, a stable code, and nothing of the server's inside."""

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from fastapi import APIRouter, HTTPException
from starlette.testclient import TestClient

from api.headers import SECURITY
from domain.labels import Labelled
from store.engine import Connection, Database
from tests.api.answering import client, refused

ROOT = Path(__file__).parents[2]
SESSION = "/v1/sessions/claude-code/c00747f8-588c-4bd7-a6c0-ac31be606bd8"


def broken(_: Connection, __: int, ___: datetime) -> Labelled | None:
    raise RuntimeError("a prompt that must stay inside")


def test_no_such_route(http: TestClient) -> None:
    assert http.get("/v1/nothing").json() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "There is nothing here; /openapi.json lists what there is.",
        "code": "not_found",
    }
    assert refused(http, "/static/nothing.js")[:2] == (404, "not_found")


@pytest.mark.parametrize("path", ["/v1/usage", "/", "/healthz"])
def test_a_method_that_is_not_allowed(path: str, http: TestClient) -> None:
    response = http.post(path)
    assert response.headers["content-type"] == "application/problem+json"
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert response.headers["allow"] == "GET"


def test_a_defect_says_nothing_of_itself(books: Database) -> None:
    http = client(books, labeller=broken)
    status, code, detail = refused(http, SESSION)
    assert (status, code) == (500, "internal_error")
    assert "prompt" not in detail
    assert "prompt" not in http.get(SESSION.removeprefix("/v1")).text


def test_a_database_that_does_not_answer(tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path / 'empty.db'}")) as database:
        http = client(database)
        for path in ("/v1/status", "/v1/usage", "/v1/sessions", "/v1/coverage", "/"):
            response = http.get(path)
            assert (response.status_code, response.json()["code"]) == (503, "unavailable")
            assert response.headers["retry-after"] == "1"
            assert "table" not in response.text


def test_health_is_that_of_the_database(tmp_path: Path) -> None:
    path = tmp_path / "assay.db"
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("CREATE TABLE access_tokens (digest, role, revoked_at)")
    with closing(Database(f"sqlite:///{path}")) as database:
        assert client(database).get("/healthz").json() == {"status": "ok"}
    path.write_bytes(b"not a database" * 1000)
    with closing(Database(f"sqlite:///{path}")) as database:
        assert client(database).get("/healthz").status_code == 503


def test_a_refusal_of_a_mounted_route_has_the_same_form(database: Database) -> None:
    def refuse() -> None:
        raise HTTPException(413, "too much", {"X-Limit": "1"})

    router = APIRouter()
    router.add_api_route("/webhooks/example", refuse)
    response = client(database, extra_routers=[router]).get("/webhooks/example")
    assert response.headers["x-limit"] == "1"
    problem = response.json()
    assert (problem["status"], problem["detail"]) == (413, "too much")


@pytest.mark.parametrize("path", ["/nothing", "/sessions/claude-code/never-was"])
def test_people_get_problems_as_pages(path: str, http: TestClient) -> None:
    response = http.get(path, headers={"Accept": "text/html,*/*;q=0.8"})
    assert response.status_code == 404
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "<h1>Not Found</h1>" in response.text
    assert http.get(path).headers["content-type"] == "application/problem+json"


def test_data_is_refused_as_data_whoever_asks(http: TestClient) -> None:
    response = http.get("/v1/nothing", headers={"Accept": "text/html"})
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "path",
    ["/", "/healthz", "/v1/usage", "/v1/usage?x=1", "/nothing", "/static/style.css", SESSION],
)
def test_every_answer_is_secured(path: str, books: Database) -> None:
    headers = client(books, labeller=broken).get(path).headers
    wanted = dict(SECURITY)
    if path.startswith("/static/"):
        wanted["Cache-Control"] = "no-cache"
    assert {name: headers.get(name) for name in wanted} == wanted
    assert "unsafe" not in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_every_code_is_documented() -> None:
    page = (ROOT / "docs" / "api.md").read_text()
    opening = (ROOT / "api" / "problems.py").read_text().split('"""')[1]
    codes = [line.split()[0] for line in opening.splitlines() if line[25:26].isalnum()]
    codes = [code for code in codes if "_" in code or code in ("unauthenticated", "forbidden")]
    assert len(codes) >= 9
    assert [code for code in codes if f"`{code}`" not in page] == []
