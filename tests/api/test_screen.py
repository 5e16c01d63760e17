"""What leaves the server: pseudonyms that may be seen, and a note of who saw or changed what."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from starlette.testclient import TestClient

from api.doors import Doors
from api.screen import HIDDEN, screened
from store.engine import Database
from tests.api.answering import NOW, client
from tests.api.guarding import (
    ADA,
    ADAS_ACCOUNT,
    BOB,
    BOBS,
    PAYER,
    Headers,
    found_company,
    hand_out,
    link_of,
)
from tests.capturing import CAPTURES, PSEUDONYMS
from tests.conftest import Fresh
from tests.filling import bodies, fill

PSEUDONYM = st.builds(
    "{}_{:020x}".format, st.sampled_from("pi"), st.integers(min_value=0, max_value=16**20 - 1)
)
PLAIN = st.text(alphabet='"{}:, \nabc<>&é', max_size=20)


@given(st.lists(st.tuples(PLAIN, PSEUDONYM)), st.sets(PSEUDONYM))
def test_only_those_that_may_be_seen_are_left(
    parts: list[tuple[str, str]], friends: set[str]
) -> None:
    seen = friends | {pseudonym for _, pseudonym in parts[::2]}
    body = "".join(f"{plain} {pseudonym} " for plain, pseudonym in parts)
    told, shown = screened(body.encode(), seen.__contains__)
    wanted = "".join(
        f"{plain} {pseudonym if pseudonym in seen else HIDDEN} " for plain, pseudonym in parts
    )
    assert told.decode() == wanted
    assert shown == {pseudonym for _, pseudonym in parts} & seen


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (f'{{"user":"{ADA}"}}', '{"user":"hidden"}'),
        (f"<dd>{ADA}</dd>", "<dd>hidden</dd>"),
        (f"email:{ADA}/x", "email:hidden/x"),
        (f"{ADA},{PAYER}\n", "hidden,hidden\n"),
        (f"_{ADA}", "_hidden"),
        (f"{ADA}f", f"{ADA}f"),  # longer than any pseudonym: a hash of something else
        (f"x{ADA}", f"x{ADA}"),
        (f"f_{ADA[2:]}", f"f_{ADA[2:]}"),
        ("p_short", "p_short"),
    ],
)
def test_the_form_of_a_pseudonym(body: str, told: str) -> None:
    assert screened(body.encode(), lambda _: False)[0].decode() == told


@pytest.fixture(scope="module")
def company(fresh: Fresh) -> Iterator[Database]:
    with fresh() as database:
        found_company(database)
        yield database


@pytest.fixture(autouse=True)
def nothing_noted(company: Database) -> None:
    with company.writing() as connection:
        connection.execute(text("DELETE FROM audit_log"))


@pytest.fixture(scope="module")
def told(company: Database) -> dict[str, Headers]:
    return hand_out(company)


@pytest.fixture(scope="module")
def http(company: Database, told: dict[str, Headers]) -> TestClient:
    assert told
    return client(
        company,
        open_without=False,
        host="assay.example.com",
        doors=Doors(pseudonyms=PSEUDONYMS),
    )


def audit(http: TestClient, told: dict[str, Headers], **asked: Any) -> list[dict[str, Any]]:
    response = http.get("/v1/audit", headers=told["admin"], params=asked)
    assert response.status_code == 200, response.text
    rows: list[dict[str, Any]] = response.json()["rows"]
    return rows


def test_an_answer_is_as_long_as_it_says(http: TestClient, told: dict[str, Headers]) -> None:
    for who in ("viewer", "admin"):
        response = http.get("/v1/sessions", headers=told[who])
        assert int(response.headers["content-length"]) == len(response.content)


def test_names_in_plain_words_go_the_same_way(company: Database, told: dict[str, Headers]) -> None:
    with company.writing() as connection:
        connection.execute(
            text("INSERT INTO people_names (person, name) VALUES (:a, 'Ada'), (:b, 'Bob')"),
            {"a": ADA, "b": BOB},
        )
    http = client(company, open_without=False, host="assay.example.com", show_names=True)
    for who, names in (("viewer", set()), ("carol", {"Ada"}), ("admin", {"Ada", "Bob"})):
        for path in ("/v1/sessions", "/v1/changes", "/v1/people", f"/v1/sessions/{BOBS}"):
            shown = http.get(path, headers=told[who]).text
            assert {name for name in ("Ada", "Bob") if f'"{name}"' in shown} <= names
        rows = http.get("/v1/sessions", headers=told[who]).json()["rows"]
        assert {row["user_name"] for row in rows} - {None} == names


# The audit log


def test_who_saw_people_is_noted(http: TestClient, told: dict[str, Headers]) -> None:
    http.get("/v1/sessions", headers=told["carol"], params={"team": "checkout"})
    [row] = audit(http, told)
    assert (row["action"], row["object"], row["status"]) == ("GET /v1/sessions", "", 200)
    assert row["actor"].startswith("token:")
    assert row["person"] == PSEUDONYMS("person", "Carol")
    assert row["people"] == 1
    assert row["at"] == NOW.isoformat().replace("+00:00", "Z")
    assert row["address"] == PSEUDONYMS("address", "testclient")


def test_who_saw_a_single_session_is_noted_with_which(
    http: TestClient, told: dict[str, Headers]
) -> None:
    http.get(f"/sessions/{BOBS}", headers=told["admin"])
    http.get(f"/v1/sessions/{BOBS}", headers=told["lead of web"])
    assert [row["object"] for row in audit(http, told)] == [BOBS, BOBS]


def test_who_saw_nobody_else_is_not_noted(http: TestClient, told: dict[str, Headers]) -> None:
    http.get("/v1/sessions", headers=told["viewer"])
    http.get("/v1/me/sessions", headers=told["ada"])
    http.get("/v1/sessions", headers=told["ada"])
    http.get("/v1/usage", headers=told["admin"])
    http.get("/v1/sessions")
    assert audit(http, told) == []


def test_who_looked_at_the_log_is_in_it(http: TestClient, told: dict[str, Headers]) -> None:
    http.get("/v1/sessions", headers=told["carol"])
    assert [row["action"] for row in audit(http, told)] == ["GET /v1/sessions"]
    # It named Carol and, as whom she saw, nobody.
    assert [row["action"] for row in audit(http, told)] == ["GET /v1/audit", "GET /v1/sessions"]


def test_changes_are_noted_and_those_that_were_refused(
    http: TestClient, company: Database, told: dict[str, Headers]
) -> None:
    link = link_of(company, BOBS)
    for who in ("lead of web", "carol", "viewer", "ingest", "nobody", "a stranger"):
        body = {"verdict": "accept", "note": "a private word"}
        http.post(f"/v1/links/{link}/review", json=body, headers=told[who])
    rows = audit(http, told)
    # Nobody we know is not noted: anybody could fill the log.
    assert [row["status"] for row in rows] == [403, 403, 403, 200]
    assert {row["action"] for row in rows} == {"POST /v1/links/{link_id}/review"}
    assert {row["object"] for row in rows} == {link}
    assert {row["people"] for row in rows} == {None}
    assert "private" not in repr(rows)


def test_filters_are_not_noted(http: TestClient, told: dict[str, Headers]) -> None:
    http.get("/v1/sessions", headers=told["admin"], params={"repo": "acme/secret", "user": ADA})
    http.get("/v1/sessions", headers=told["admin"], params={"user": ADA})
    assert "secret" not in repr(audit(http, told))


def test_on_an_open_server_only_changes_are_noted(database: Database) -> None:
    fill(database, bodies(CAPTURES / "claude-code" / "17-oauth-identity"))
    http = client(database)
    assert ADAS_ACCOUNT in http.get("/v1/sessions").text
    http.post("/v1/links/none/review", json={"verdict": "accept"})
    [row] = http.get("/v1/audit").json()["rows"]
    assert (row["actor"], row["status"]) == ("local", 404)


def test_the_log_a_page_at_a_time(http: TestClient, told: dict[str, Headers]) -> None:
    for path in ("/v1/sessions", "/v1/changes", "/v1/people"):
        http.get(path, headers=told["lead of checkout"])
    seen: list[str] = []
    asked: dict[str, Any] = {"limit": 1, "from": "2026-11-22", "to": "2026-11-23"}
    while True:
        # As a viewer's colleague would: what is noted meanwhile comes before the first page.
        answer = http.get("/v1/audit", headers=told["not yet expired"], params=asked).json()
        seen += [row["action"] for row in answer["rows"]]
        if answer["next_cursor"] is None:
            break
        asked["cursor"] = answer["next_cursor"]
    assert seen == ["GET /v1/people", "GET /v1/changes", "GET /v1/sessions"]
    actor = audit(http, told)[-1]["actor"]
    assert {row["actor"] for row in audit(http, told, actor=actor)} == {actor}
    assert audit(http, told, **{"from": "2026-11-23"}) == []


def test_an_answer_goes_out_where_no_note_can_be_kept(
    embedded: Database, caplog: pytest.LogCaptureFixture
) -> None:
    fill(embedded, bodies(CAPTURES / "claude-code" / "17-oauth-identity"))
    told = hand_out(embedded)
    http = client(embedded, open_without=False)
    with embedded.writing() as connection:
        connection.execute(text("DROP TABLE audit_log"))
    response = http.get("/v1/sessions", headers=told["admin"])
    assert response.status_code == 200
    assert "not in the audit log: GET /v1/sessions by token:" in caplog.text


@pytest.mark.parametrize("name", ["Content-Security-Policy", "X-Content-Type-Options"])
def test_headers_guard_every_answer(name: str, http: TestClient) -> None:
    for path in ("/", "/v1/status", "/signin", "/static/style.css", "/nowhere"):
        assert name in http.get(path).headers
    policy = http.get("/signin").headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "'unsafe-inline'" not in policy


def test_tls_is_kept_to_where_it_is_used(company: Database) -> None:
    http = client(company)
    assert "strict-transport-security" not in http.get("/v1/status").headers
    over_tls = TestClient(http.app, base_url="https://localhost:8000")
    told = over_tls.get("/v1/status").headers["strict-transport-security"]
    assert told == "max-age=31536000"
