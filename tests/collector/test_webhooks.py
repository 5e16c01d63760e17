"""Deliveries of forges: kept once and durably, refused with a reason, and nothing in between."""

import asyncio
import hmac
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from fastapi import FastAPI
from sqlalchemy import event
from starlette.testclient import TestClient

from collector import webhooks
from collector.forges import FORGES, github
from collector.provider import Provider
from collector.spool import WEBHOOK
from collector.trackers import TRACKERS
from collector.webhooks import webhook_router
from store import inbox
from store.engine import Database
from store.inbox import Held
from tests.capturing import PSEUDONYMS
from tests.delivering import PAYLOADS, RECEIVED_AT, load
from tests.filling import fold_all, rows
from tests.receiving import hurried

SECRET = "a secret for tests"
WORK = (
    *("changes", "change_people", "change_commits", "commits", "commit_people"),
    *("commit_sessions", "pushes", "repositories", "reverts", "reviews"),
)
USED = sorted(
    path for path in PAYLOADS.rglob("*.json") if path.name.partition(".")[0] in github.EVENTS_USED
)
PUSH = json.dumps(load("hub4j/push.json")).encode()


@pytest.fixture
def database(embedded: Database) -> Database:
    """One that another program can lock."""
    return embedded


@pytest.fixture
def forge(database: Database) -> Iterator[TestClient]:
    event.listen(database.arrivals.engine, "connect", hurried)
    with TestClient(app(database, {"github": SECRET})) as client:
        yield client


def app(database: Database, secrets: dict[str, str]) -> FastAPI:
    told = FastAPI()
    told.include_router(webhook_router(database, PSEUDONYMS, secrets, lambda: RECEIVED_AT))
    return told


def deliver(
    forge: TestClient,
    body: bytes = PUSH,
    kind: str = "push",
    delivery: str | None = "1",
    **headers: str,
) -> Any:
    """Post a delivery as GitHub does; ``headers`` replace or, empty, remove its own."""
    signature = hmac.digest(SECRET.encode(), body, "sha256").hex()
    told = {
        "content-type": "application/json",
        "x-github-event": kind,
        "x-hub-signature-256": f"sha256={signature}",
        **({"x-github-delivery": delivery} if delivery else {}),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    sent = {name: value for name, value in told.items() if value}
    return forge.post("/webhooks/github", content=body, headers=sent)


def held(database: Database) -> list[Held]:
    with database.arrivals.reading() as connection:
        return inbox.oldest(connection, 1000)


def stored(database: Database) -> tuple[int, int]:
    """Rows in the inbox, and deliveries remembered."""
    return len(held(database)), len(rows(database, "deliveries"))


def refusal(response: Any) -> tuple[int, str]:
    told = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert told["status"] == response.status_code
    assert told["detail"]
    return response.status_code, told["code"]


def kind_of(path: Path) -> str:
    return path.name.partition(".")[0]


# Kept


@pytest.mark.parametrize("path", USED, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_real_delivery_is_kept_before_the_answer_and_then_understood(
    forge: TestClient, database: Database, path: Path
) -> None:
    payload = load(str(path.relative_to(PAYLOADS)))
    body = json.dumps(payload).encode()
    response = deliver(forge, body, kind_of(path))
    assert (response.status_code, response.json()) == (200, {"accepted": True, "duplicate": False})
    [row] = held(database)
    assert (row.incoming.kind, row.incoming.name) == (WEBHOOK, f"github:{kind_of(path)}")
    assert (row.incoming.body, row.incoming.received_at) == (body, RECEIVED_AT)
    fold_all(database)
    assert held(database) == []
    [(tool, signal, name, _, records, *_)] = rows(database, "coverage")
    assert (tool, signal, name, records) == ("github", "webhook", kind_of(path), 1)


def test_a_delivery_seen_before_is_answered_and_changes_nothing(
    forge: TestClient, database: Database
) -> None:
    assert deliver(forge, delivery="7").json() == {"accepted": True, "duplicate": False}
    assert deliver(forge, delivery="7").json() == {"accepted": True, "duplicate": True}
    assert stored(database) == (1, 1)
    fold_all(database)
    assert deliver(forge, delivery="7").json() == {"accepted": True, "duplicate": True}
    assert stored(database) == (0, 1)


def test_a_redelivery_under_another_id_folds_to_the_same(
    forge: TestClient, database: Database
) -> None:
    bodies = [(json.dumps(load(str(p.relative_to(PAYLOADS)))).encode(), kind_of(p)) for p in USED]
    for number, (body, kind) in enumerate(bodies):
        assert deliver(forge, body, kind, str(number)).status_code == 200
    fold_all(database)
    once = {table: rows(database, table) for table in WORK}
    for number, (body, kind) in enumerate(bodies):
        assert deliver(forge, body, kind, f"again {number}").status_code == 200
    fold_all(database)
    assert {table: rows(database, table) for table in WORK} == once
    assert all(once[table] for table in ("changes", "commits", "pushes", "reviews"))


def test_without_an_id_every_delivery_is_kept(forge: TestClient, database: Database) -> None:
    assert deliver(forge, delivery=None).json() == {"accepted": True, "duplicate": False}
    assert deliver(forge, delivery=None).json() == {"accepted": True, "duplicate": False}
    assert stored(database) == (2, 0)


def test_a_form_is_kept_as_the_json_that_it_holds(forge: TestClient, database: Database) -> None:
    form = urlencode({"payload": PUSH.decode()}).encode()
    kind = "application/x-www-form-urlencoded"
    assert deliver(forge, form, content_type=f"{kind}; charset=utf-8").status_code == 200
    [row] = held(database)
    assert row.incoming.body == PUSH


def test_an_event_that_is_not_used_is_counted_without_its_body(
    forge: TestClient, database: Database
) -> None:
    for kind in ("create", "delete"):
        body = json.dumps(load(f"octokit/{kind}.payload.json")).encode()
        assert deliver(forge, body, kind, kind).status_code == 200
    body = json.dumps(load("octokit/release.published.2.json")).encode()
    assert deliver(forge, body, "release", "3").status_code == 200
    assert deliver(forge, b'{"zen": "Keep it simple."}', "ping", "4").status_code == 200
    assert [row.incoming.body for row in held(database)] == [b"{}"] * 4
    fold_all(database)
    assert [row[:5] for row in rows(database, "coverage")] == [
        ("github", "webhook", kind, "ignored", 1)
        for kind in ("create", "delete", "ping", "release")
    ]


@pytest.mark.parametrize("provider", [*FORGES, *TRACKERS], ids=lambda each: each.name)
def test_every_provider_has_a_door_that_only_its_secret_opens(
    database: Database, provider: Provider
) -> None:
    """Without a signature nothing is kept, whether a secret is set or not; nothing breaks."""
    for secrets in ({}, {provider.name: SECRET}):
        with TestClient(app(database, secrets)) as client:
            for headers in ({}, {"authorization": "Bearer other", "x-hub-signature": "sha256="}):
                told = client.post(f"/webhooks/{provider.name}", content=b"{}", headers=headers)
                assert refusal(told) == (401, "bad_signature")
    assert stored(database) == (0, 0)
    variable = f"ASSAY_{provider.name.upper().replace('-', '_')}_WEBHOOK_SECRET"
    assert variable in told.json()["detail"]


# Refused


@pytest.mark.parametrize(
    "signature",
    ["", "sha256=", "sha256=" + "0" * 64, "sha1=" + "0" * 40],
)
def test_a_wrong_or_missing_signature_is_401_and_leaves_nothing(
    forge: TestClient, database: Database, signature: str
) -> None:
    response = deliver(forge, x_hub_signature_256=signature)
    assert refusal(response) == (401, "bad_signature")
    assert "ASSAY_GITHUB_WEBHOOK_SECRET" in response.json()["detail"]
    assert stored(database) == (0, 0)


def test_the_signature_is_of_the_body_to_the_byte(forge: TestClient, database: Database) -> None:
    signature = hmac.digest(SECRET.encode(), PUSH, "sha256").hex()
    response = deliver(forge, PUSH + b" ", x_hub_signature_256=f"sha256={signature}")
    assert refusal(response) == (401, "bad_signature")
    assert stored(database) == (0, 0)


@pytest.mark.parametrize("secrets", [{}, {"github": ""}])
def test_without_a_secret_nothing_is_taken(database: Database, secrets: dict[str, str]) -> None:
    with TestClient(app(database, secrets)) as forge:
        empty = hmac.digest(b"", PUSH, "sha256").hex()
        for response in (deliver(forge), deliver(forge, x_hub_signature_256=f"sha256={empty}")):
            assert refusal(response) == (401, "bad_signature")
    assert stored(database) == (0, 0)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"push"', b'{"ref": "\xff"}', b'{"a": "\\ud800"}', b"[" * 100_000],
)
@pytest.mark.parametrize("kind", ["push", "ping"])
def test_what_is_no_json_object_is_400(
    forge: TestClient, database: Database, body: bytes, kind: str
) -> None:
    assert refusal(deliver(forge, body, kind)) == (400, "not_json")
    assert stored(database) == (0, 0)


@pytest.mark.parametrize("form", [b"", b"payload=", b"other=%7B%7D", b"payload=\xff"])
def test_a_form_without_a_payload_is_400(
    forge: TestClient, database: Database, form: bytes
) -> None:
    response = deliver(forge, form, content_type="application/x-www-form-urlencoded")
    assert refusal(response) == (400, "not_json")
    assert stored(database) == (0, 0)


@pytest.mark.parametrize("kind", ["", "not an event", "x" * 49, "a\tb"])
def test_a_delivery_that_does_not_name_its_event_is_400(
    forge: TestClient, database: Database, kind: str
) -> None:
    assert refusal(deliver(forge, kind=kind)) == (400, "no_event")
    assert stored(database) == (0, 0)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"ref": None}, "unreadable_field"),
        ({"after": "no sha"}, "unreadable_field"),
        ({"commits": "none"}, "unreadable_field"),
        ({"repository": {"full_name": "nothing"}}, "bad_repository"),
    ],
)
def test_a_used_event_that_cannot_be_read_is_400_while_somebody_sees_the_answer(
    forge: TestClient, database: Database, changed: dict[str, Any], code: str
) -> None:
    body = json.dumps(load("hub4j/push.json") | changed).encode()
    assert refusal(deliver(forge, body)) == (400, code)
    assert stored(database) == (0, 0)
    # The refused delivery is not remembered: repaired, it is taken under the same id.
    assert deliver(forge).json() == {"accepted": True, "duplicate": False}


def test_a_body_over_the_limit_is_413(forge: TestClient, database: Database) -> None:
    body = b" " * (25 * 1024 * 1024) + PUSH
    assert refusal(deliver(forge, body)) == (413, "body_too_large")
    assert stored(database) == (0, 0)


def test_a_declared_size_is_refused_before_the_body_is_read(database: Database) -> None:
    read: list[None] = []

    async def receive() -> dict[str, Any]:
        read.append(None)
        return {"type": "http.request", "body": b"", "more_body": False}

    length = (b"content-length", str(25 * 1024 * 1024 + 1).encode())
    assert (raw(database, receive, [length]), read) == ([413], [])


def test_a_sender_that_hangs_up_is_no_error(database: Database) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    raw(database, receive, [])
    assert stored(database) == (0, 0)


def test_a_body_that_does_not_come_is_not_waited_for(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "_BODY_SECONDS", 0.05)

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(30)
        raise AssertionError

    assert raw(database, receive, []) == [503]


def test_bodies_together_take_no_more_memory_than_is_given_them(
    forge: TestClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "_HELD_BYTES", len(PUSH) - 1)
    with TestClient(app(database, {"github": SECRET})) as narrow:
        assert refusal(deliver(narrow)) == (503, "unavailable")
    assert deliver(forge).status_code == 200


def raw(database: Database, receive: Any, headers: list[tuple[bytes, bytes]]) -> list[int]:
    """Call the application as a server does; the statuses it answers."""
    answered: list[int] = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answered.append(message["status"])

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/webhooks/github",
        "query_string": b"",
        "headers": headers,
    }
    asyncio.run(app(database, {"github": SECRET})(scope, receive, send))
    return answered


def test_only_post_and_only_known_forges(forge: TestClient) -> None:
    assert forge.get("/webhooks/github").status_code == 405
    assert forge.post("/webhooks/sourcehut").status_code == 404


def test_a_locked_database_is_503_and_later_takes_the_same_delivery(
    forge: TestClient, database: Database
) -> None:
    path = database.arrivals.engine.url.database
    assert path is not None
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        response = deliver(forge)
        assert refusal(response) == (503, "unavailable")
        assert response.headers["retry-after"] == "1"
        other.execute("ROLLBACK")
    assert stored(database) == (0, 0)
    assert deliver(forge).json() == {"accepted": True, "duplicate": False}
    assert stored(database) == (1, 1)
