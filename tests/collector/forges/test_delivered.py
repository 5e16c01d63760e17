"""All recorded deliveries of GitLab and Gitea through the receiver: kept and read, in any order."""

import base64
import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from collector.webhooks import webhook_router
from store.engine import Database
from tests.collector.forges.test_gitea import EVENTS
from tests.collector.sync_server import work
from tests.filling import fold_all, rows
from tests.recorded import PAYLOADS, PSEUDONYMS, RECEIVED_AT, names, recorded

SECRET = "a secret for tests"
SIGNING_TOKEN = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
Headers = dict[str, str]
Signed = Callable[[str, bytes], Headers]


def of_gitlab(_name: str, _body: bytes) -> Headers:
    return {"x-gitlab-event": "Some Hook", "x-gitlab-token": SECRET}


def signed_by_gitlab(name: str, body: bytes) -> Headers:
    now = str(int(RECEIVED_AT.timestamp()))
    told = f"{name}.{now}.".encode() + body
    digest = hmac.digest(b"0123456789abcdef0123456789abcdef", told, "sha256")
    return {
        "webhook-id": name,
        "webhook-timestamp": now,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def of_gitea(name: str, body: bytes) -> Headers:
    return {
        "x-gitea-delivery": name,
        "x-gitea-event-type": EVENTS[Path(name).stem],
        "x-gitea-signature": hmac.digest(SECRET.encode(), body, "sha256").hex(),
    }


def files(forge: str) -> list[str]:
    return [*names(f"{forge}/go-scm"), *names(f"{forge}/go-playground")]


def app(database: Database, secrets: dict[str, str]) -> TestClient:
    told = FastAPI()
    told.include_router(webhook_router(database, PSEUDONYMS, secrets, lambda: RECEIVED_AT))
    return TestClient(told)


def deliver(client: TestClient, forge: str, name: str, signed: Signed) -> Any:
    body = (PAYLOADS / name).read_bytes()
    return client.post(f"/webhooks/{forge}", content=body, headers=signed(name, body))


@pytest.mark.parametrize(
    ("forge", "secret", "signed"),
    [
        ("gitlab", SECRET, of_gitlab),
        ("gitlab", SIGNING_TOKEN, signed_by_gitlab),
        ("gitea", SECRET, of_gitea),
    ],
)
def test_every_recorded_delivery_is_kept_and_read(
    embedded: Database, forge: str, secret: str, signed: Signed
) -> None:
    with app(embedded, {forge: secret}) as client:
        for name in files(forge):
            response = deliver(client, forge, name, signed)
            assert (response.status_code, response.json()["accepted"]) == (200, True), name
    fold_all(embedded)
    became = {(row[3], row[2]) for row in rows(embedded, "coverage") if row[0] == forge}
    assert {how for how, _ in became} == {"understood", "ignored"}
    # Nothing of what is used was unreadable once it was folded.
    assert not [event for how, event in became if how not in ("understood", "ignored")]


def test_a_signed_delivery_is_kept_once(embedded: Database) -> None:
    name = "gitlab/go-scm/pull_request_merge.json"
    with app(embedded, {"gitlab": SIGNING_TOKEN}) as client:
        first, second = (deliver(client, "gitlab", name, signed_by_gitlab) for _ in range(2))
    assert (first.json()["duplicate"], second.json()["duplicate"]) == (False, True)


def test_a_wrong_secret_is_401_and_leaves_nothing(embedded: Database) -> None:
    with app(embedded, {"gitlab": "another", "gitea": "another"}) as client:
        for forge, signed in (("gitlab", of_gitlab), ("gitea", of_gitea)):
            assert deliver(client, forge, files(forge)[0], signed).status_code == 401
    assert rows(embedded, "inbox") == []


def test_what_cannot_be_read_is_400_and_names_the_field(embedded: Database) -> None:
    payload = recorded("gitlab/go-scm/pull_request_merge.json")
    del payload["object_attributes"]["iid"]
    with app(embedded, {"gitlab": SECRET}) as client:
        response = client.post(
            "/webhooks/gitlab",
            content=json.dumps(payload),
            headers={"x-gitlab-token": SECRET},
        )
    assert (response.status_code, response.json()["code"]) == (400, "unreadable_field")
    assert "iid" in response.json()["detail"]


@pytest.mark.parametrize(("forge", "signed"), [("gitlab", of_gitlab), ("gitea", of_gitea)])
def test_in_any_order_and_repeated_the_same_is_known(
    fresh: Any, forge: str, signed: Signed
) -> None:
    def known(order: list[str]) -> Any:
        with fresh() as database:
            with app(database, {forge: SECRET}) as client:
                for name in order:
                    assert deliver(client, forge, name, signed).status_code == 200
            fold_all(database)
            return work(database)

    ordered = files(forge)
    once = known(ordered)
    assert {"changes", "commits", "pushes", "reviews", "tickets"} <= set(once)

    @settings(max_examples=5, deadline=None)
    @given(st.permutations(ordered))
    def check(shuffled: list[str]) -> None:
        assert known([*shuffled, *shuffled[:5]]) == once

    check()
