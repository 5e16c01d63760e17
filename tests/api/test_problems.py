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
    assert response.headers["allow"] == "GET, HEAD"


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


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/budgets", "GET, HEAD, POST"),
        ("DELETE", "/v1/budgets", "GET, HEAD, POST"),
        ("PUT", "/v1/budgets/1a2b", "DELETE"),
        ("HEAD", "/v1/alerts/1a2b/snooze", "POST"),
        ("POST", "/static/style.css", "GET, HEAD"),
    ],
)
def test_every_method_of_an_address_is_named(
    method: str, path: str, allowed: str, http: TestClient
) -> None:
    response = http.request(method, path)
    assert (response.status_code, response.headers["allow"]) == (405, allowed)


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/v1/usage", "/openapi.json"])
def test_head_is_get_without_the_body(path: str, http: TestClient) -> None:
    whole, head = http.get(path), http.head(path)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-type", "content-length", "cache-control"):
        assert head.headers.get(name) == whole.headers.get(name)
    assert http.head("/v1/nothing").status_code == 404


@pytest.mark.parametrize(
    "address",
    [
        "/v1/efficiency?team=a&team=b",
        "/v1/usage?from=2026-11-01&from=2026-11-02",
        "/v1/kpis?limit=1&limit=2",
        "/v1/tickets/PAY-1?tracker=a&tracker=a",
        "/v1/forecast?horizon=7&horizon=8",
        "/?team=a&team=b",
        "/sessions?weeks=4&weeks=13",
    ],
)
def test_of_two_values_none_is_dropped_silently(address: str, http: TestClient) -> None:
    status, code, detail = refused(http, address)
    assert (status, code) == (400, "invalid_parameter")
    assert "told more than once" in detail


def test_lists_are_told_by_repeating_them(http: TestClient) -> None:
    for address in (
        "/v1/usage?team=a&team=b&group_by=tool&group_by=day",
        "/v1/alerts?state=open&state=resolved",
        "/v1/sessions?tool=codex&tool=cursor",
    ):
        assert http.get(address).status_code == 200


@pytest.mark.parametrize("at", ["0001-01-01", "1969-12-31", "3000-01-01", "9999-12-31T23:00:00Z"])
@pytest.mark.parametrize(
    "address",
    [
        "/v1/fixed-costs?to=",
        "/v1/verdicts?as_of=",
        "/v1/verdicts/codex?as_of=",
        "/v1/routing?as_of=",
        "/v1/usage?from=",
        "/v1/usage?day=",
        "/v1/chargeback?to=",
        "/v1/chargeback/focus.csv?billing_account=1&to=",
        "/v1/efficiency?to=",
        "/v1/sessions?from=",
    ],
)
def test_times_at_which_nothing_happens_are_refused(
    address: str, at: str, empty: TestClient
) -> None:
    at = at[:10] if "focus" in address or "day=" in address else at
    assert refused(empty, address + at)[:2] == (400, "invalid_parameter")


@pytest.mark.parametrize(
    "address",
    [
        "/v1/chargeback?from=2027-01-01",
        "/v1/chargeback?from=2026-11-20T10:05:00Z&to=2026-11-20T10:55:00Z",
        "/v1/chargeback/focus.csv?billing_account=1&from=2026-11-02&to=2026-11-02",
        "/v1/fixed-costs?from=2027-01-01",
        "/v1/fixed-costs?from=2026-11-20T01:00:00Z&to=2026-11-20T23:00:00Z",
        "/v1/usage?from=2026-11-20T10:05:00Z&to=2026-11-20T10:55:00Z",
    ],
)
def test_a_period_without_any_time_is_refused(address: str, empty: TestClient) -> None:
    assert refused(empty, address)[:2] == (400, "invalid_parameter")


@pytest.mark.parametrize(
    ("to", "since"),
    [("2026-10-15", "2026-10-01"), ("2026-10-01", "2026-09-01"), (None, "2026-11-01")],
)
@pytest.mark.parametrize("path", ["/v1/chargeback", "/v1/fixed-costs"])
def test_a_period_begins_with_the_month_of_its_last_day(
    path: str, to: str | None, since: str, empty: TestClient
) -> None:
    told = empty.get(path, params={"to": to} if to else {}).json()
    assert told["from"][:10] == since
