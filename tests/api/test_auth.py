"""Every route with everybody who may knock: what docs/access.md says is what happens."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.doors import Doors
from api.rates import Bucket
from store.engine import Database
from tests.api.answering import client, get
from tests.api.guarding import (
    ADA,
    ADAS,
    BOB,
    BOBS,
    LEAK,
    LEAK_OF_ALL,
    PAYER,
    PAYERS,
    Headers,
    alert_of,
    bearer,
    found_company,
    hand_out,
    link_of,
)
from tests.conftest import Fresh

PAGE = (Path(__file__).parents[2] / "docs" / "access.md").read_text()
# Who knocks, and in which column of the page they are. Everything named in ``PLACES`` is of the
# team checkout, or web where it needs a link.
COLUMNS = {
    "nobody": 0,
    "a stranger": 0,
    "expired": 0,
    "revoked": 0,
    "ingest": 1,
    "viewer": 2,
    "ada": 2,
    "lead of payments": 3,
    "lead of none": 3,
    "lead of all": 4,
    "admin": 5,
    "not yet expired": 5,
}
ADMITTED = {200, 303, 400, 404, 415}


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def tables() -> tuple[dict[str, list[str]], dict[str, str]]:
    """What each kind of route answers to whom, and of which kind each route is."""
    kinds, routes = {}, {}
    for line in PAGE.splitlines():
        if line.startswith(("| open |", "| reading |", "| own team |", "| an admin |")):
            name, *answers = cells(line)
            kinds[name] = answers
        elif found := re.match(r"\| `([A-Z]+ /[^`]*)` \| ([a-z ]+) \|", line):
            routes[found[1]] = found[2]
    return kinds, routes


KINDS, ROUTES = tables()


def routes_of(app: FastAPI) -> Iterator[str]:
    """Every route that the application has, as the page spells it."""
    for mounted in app.routes:
        inside = getattr(mounted, "effective_candidates", lambda mounted=mounted: [mounted])
        for route in inside():
            path = re.sub(r"\{(\w+):\w+\}", r"{\1}", route.path)
            for method in getattr(route, "methods", None) or {"GET"}:
                yield f"{method} {path}"


@pytest.fixture(scope="module")
def company(fresh: Fresh) -> Iterator[Database]:
    with fresh() as database:
        found_company(database)
        yield database


@pytest.fixture(scope="module")
def told(company: Database) -> dict[str, Headers]:
    return hand_out(company)


@pytest.fixture(scope="module")
def http(company: Database, told: dict[str, Headers]) -> TestClient:
    assert told
    return client(company, open_without=False, host="assay.example.com")


def place(route: str, database: Database) -> tuple[str, str]:
    """Method and address of a request for something of the team checkout, or web."""
    method, _, path = route.partition(" ")
    tool, _, session_id = ADAS.partition("/")
    values = {"tool": tool, "session_id": session_id, "leak_id": LEAK[:16]}
    if "{alert_id}" in path:
        values["alert_id"] = alert_of(database)
    if "{link_id}" in path:
        values["link_id"] = link_of(database, BOBS)
    path = re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], "7"), path)
    path = path.replace("/v1/changes/7/7", "/v1/changes/acme/payments/7")
    return method, path.replace("focus.csv", "focus.csv?billing_account=1")


def ask(http: TestClient, method: str, path: str, headers: Headers) -> Any:
    body: dict[str, Any] = {"json": {}} if method == "POST" else {}
    return http.request(method, path, headers=headers, follow_redirects=False, **body)


def test_the_page_has_a_row_for_every_route_and_no_other(http: TestClient) -> None:
    assert isinstance(http.app, FastAPI)
    assert sorted(routes_of(http.app)) == sorted(ROUTES)
    assert set(ROUTES.values()) == set(KINDS)
    assert {len(answers) for answers in KINDS.values()} == {6}


@pytest.mark.parametrize("who", COLUMNS)
@pytest.mark.parametrize("route", [route for route in ROUTES if route != "GET /static"])
def test_everybody_at_every_route(
    route: str, who: str, http: TestClient, company: Database, told: dict[str, Headers]
) -> None:
    answer = KINDS[ROUTES[route]][COLUMNS[who]]
    response = ask(http, *place(route, company), told[who])
    if answer == "yes":
        assert response.status_code in ADMITTED, response.text
    else:
        assert response.status_code == int(answer), response.text
        codes = {401: "unauthenticated", 403: "forbidden"}
        assert response.json()["code"] == codes[response.status_code]


def test_what_is_reviewed_must_be_of_an_own_team(
    http: TestClient, company: Database, told: dict[str, Headers]
) -> None:
    of_web = f"/v1/links/{link_of(company, BOBS)}/review"
    verdict = {"verdict": "accept"}
    for who, status in (
        ("lead of checkout", 403),
        ("carol", 403),
        ("lead of web", 200),
        ("lead of all", 200),
    ):
        response = http.post(of_web, json=verdict, headers=told[who])
        assert response.status_code == status, who
    for session, who, status in (
        (ADAS, "carol", 400),
        (ADAS, "lead of web", 403),
        (PAYERS, "lead of payments", 400),
        (PAYERS, "carol", 403),
    ):
        response = http.post(f"/v1/sessions/{session}/label", json={}, headers=told[who])
        assert response.status_code == status, (session, who)
    for leak, who, status in (
        (LEAK, "lead of web", 403),
        (LEAK, "carol", 404),
        (LEAK_OF_ALL, "lead of web", 404),
    ):
        response = http.post(f"/v1/leaks/{leak[:16]}/tried", json={}, headers=told[who])
        # Too few people for a leak to be told of: whoever is let in is told that there is none.
        assert response.status_code in {status, 400 if status == 404 else status}, (leak, who)


# Whom an answer names

READS = sorted(
    route
    for route, kind in ROUTES.items()
    if route.startswith("GET /") and kind == "reading" and route != "GET /static"
)
SEEN = {
    "viewer": set(),
    "ada": {ADA},
    "dan": set(),
    "lead of none": set(),
    "lead of checkout": {ADA},
    "carol": {ADA},
    "lead of web": {BOB},
    "lead of payments": {PAYER},
}
_PSEUDONYM = re.compile(r"[pi]_[0-9a-f]{20}")


def named(http: TestClient, path: str, headers: Headers, **asked: str) -> set[str]:
    response = http.get(path, headers=headers, params=asked or None)
    assert response.status_code in {200, 404}, response.text
    return set(_PSEUDONYM.findall(response.text))


@pytest.mark.parametrize("route", READS)
@pytest.mark.parametrize("who", SEEN)
def test_no_answer_names_whom_one_may_not_see(
    route: str, who: str, http: TestClient, company: Database, told: dict[str, Headers]
) -> None:
    _, path = place(route, company)
    # A lead who is a person sees themselves as well.
    own = {get_person(http, told[who])}
    assert named(http, path, told[who]) <= SEEN[who] | own


def get_person(http: TestClient, headers: Headers) -> str:
    return str(http.get("/v1/me", headers=headers).json()["person"])


def test_there_are_people_to_hide(http: TestClient, told: dict[str, Headers]) -> None:
    for who in ("admin", "lead of all"):
        assert named(http, "/v1/sessions", told[who]) == {ADA, BOB, PAYER}
        assert ADA in named(http, "/v1/changes", told[who])
        assert named(http, f"/sessions/{BOBS}", told[who]) == {BOB}
    assert named(http, "/v1/people", told["carol"]) >= {ADA}


@pytest.mark.parametrize("who", SEEN)
def test_the_list_of_sessions_names_those_whom_one_may_see(
    who: str, http: TestClient, told: dict[str, Headers]
) -> None:
    assert named(http, "/v1/sessions", told[who]) == SEEN[who]
    listed = http.get("/v1/sessions", headers=told[who]).json()["rows"]
    assert len(listed) == 3
    assert sum(row["user"] == "hidden" for row in listed) == 3 - len(SEEN[who])


@pytest.mark.parametrize(
    ("who", "asked", "status"),
    [
        ("viewer", {"group_by": "user"}, 403),
        ("viewer", {"group_by": "tool,user"}, 403),
        ("viewer", {"user": ADA}, 403),
        ("viewer", {"user": ""}, 403),
        ("viewer", {"group_by": "team"}, 200),
        ("viewer", {"group_by": "session"}, 403),
        ("ada", {"user": ADA, "group_by": "user"}, 200),
        ("ada", {"user": BOB}, 403),
        ("ada", {"group_by": "user"}, 403),
        ("ada", {"group_by": "user", "team": "checkout"}, 403),
        ("carol", {"group_by": "user"}, 403),
        ("carol", {"group_by": "user", "team": "checkout"}, 200),
        ("carol", {"group_by": "user", "team": "web"}, 403),
        ("carol", {"user": ADA}, 200),
        ("carol", {"user": BOB}, 403),
        ("lead of all", {"group_by": "user"}, 200),
        ("admin", {"group_by": "user"}, 200),
    ],
)
def test_sums_by_person_are_for_whoever_may_see_them(
    who: str, asked: dict[str, str], status: int, http: TestClient, told: dict[str, Headers]
) -> None:
    response = http.get("/v1/usage", params=asked, headers=told[who])
    assert response.status_code == status
    assert named_in(response.text) <= (SEEN.get(who) or {ADA, BOB, PAYER})


def named_in(text: str) -> set[str]:
    return set(_PSEUDONYM.findall(text))


def test_a_filter_by_one_hidden_among_others_is_refused(
    http: TestClient, told: dict[str, Headers]
) -> None:
    asked = {"user": [ADA, BOB]}
    assert http.get("/v1/sessions", params=asked, headers=told["ada"]).status_code == 403
    both = {"group_by": ["user"], "team": ["checkout", "web"]}
    assert http.get("/v1/usage", params=both, headers=told["carol"]).status_code == 403


# Who one is


def test_everybody_sees_themselves(http: TestClient, told: dict[str, Headers]) -> None:
    mine = http.get("/v1/me/sessions", headers=told["ada"]).json()["rows"]
    assert [f"{row['tool']}/{row['session_id']}" for row in mine] == [ADAS]
    assert mine[0]["user"] == ADA
    me = http.get("/v1/me", headers=told["ada"]).json()
    assert (me["role"], me["how"], me["person"], me["sees"]) == (
        "viewer",
        "token",
        ADA,
        "themselves",
    )
    assert me["own"]["usage"]["sessions"] == 1
    assert [label["sessions"] for label in me["own"]["labels"]] == [1]


def test_who_has_no_sessions_sees_none(http: TestClient, told: dict[str, Headers]) -> None:
    assert http.get("/v1/me/sessions", headers=told["dan"]).json()["rows"] == []
    own = http.get("/v1/me", headers=told["dan"]).json()["own"]
    assert (own["usage"]["sessions"], own["usage"]["requests"], own["labels"]) == (0, None, [])


def test_whom_nothing_names_has_no_sessions(http: TestClient, told: dict[str, Headers]) -> None:
    response = http.get("/v1/me/sessions", headers=told["viewer"])
    assert (response.status_code, response.json()["code"]) == (404, "no_person")
    me = http.get("/v1/me", headers=told["viewer"]).json()
    assert (me["person"], me["own"]) == (None, None)


def test_a_lead_by_the_teams_file(http: TestClient, told: dict[str, Headers]) -> None:
    me = http.get("/v1/me", headers=told["carol"]).json()
    assert (me["role"], me["teams"], me["sees"]) == ("lead", ["checkout"], "own_teams")
    everyone = http.get("/v1/me", headers=told["lead of all"]).json()
    assert (everyone["teams"], everyone["sees"]) == (["*"], "everybody")


def test_an_open_server_says_that_it_is(empty: TestClient) -> None:
    told = get(empty, "/v1/me")
    assert (told["how"], told["id"], told["role"]) == ("open", "local", "admin")


# How often


def test_too_many_answers_are_refused_with_the_time_to_wait(
    company: Database, told: dict[str, Headers]
) -> None:
    clock = [0.0]
    doors = Doors(reads=Bucket(6, monotonic=lambda: clock[0]))
    http = client(company, open_without=False, host="assay.example.com", doors=doors)
    answers = [http.get("/v1/status", headers=told["viewer"]) for _ in range(7)]
    assert [each.status_code for each in answers] == [200] * 6 + [429]
    assert answers[-1].json()["code"] == "too_many_requests"
    assert int(answers[-1].headers["retry-after"]) == 11
    # Each for themselves.
    assert http.get("/v1/status", headers=told["admin"]).status_code == 200
    clock[0] += 11
    assert http.get("/v1/status", headers=told["viewer"]).status_code == 200


def test_too_many_wrong_tokens_and_a_right_one_among_them(
    company: Database, told: dict[str, Headers]
) -> None:
    doors = Doors(failures=Bucket(3, monotonic=lambda: 0.0))
    http = client(company, open_without=False, host="assay.example.com", doors=doors)
    wrong = [http.get("/v1/status", headers=bearer(f"guess{n}")).status_code for n in range(5)]
    assert wrong == [401, 401, 401, 429, 429]
    assert http.get("/v1/status", headers=told["viewer"]).status_code == 200
    # Who shows nothing guesses nothing.
    assert http.get("/v1/status").status_code == 401
