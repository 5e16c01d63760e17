"""All recorded deliveries of Bitbucket and Azure DevOps, posted as their senders post them."""

import hmac
import json
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from collector.ingest import ingest
from collector.webhooks import webhook_router
from store.engine import Database
from tests.collector.forges.test_bitbucket_cloud import EVENTS
from tests.filling import one
from tests.recorded import PSEUDONYMS, RECEIVED_AT, Json, names, recorded

SECRET = "a secret for tests"
PROVIDERS = ("bitbucket-cloud", "bitbucket-dc", "azure-devops")
NAMES = [
    name
    for provider in PROVIDERS
    for folder in ("go-scm", "go-playground")
    for name in names(f"{provider}/{folder}")
]
# As their vendor documents them: with "OPEN|MERGED|DECLINED" for a state.
UNREADABLE = {
    f"bitbucket-cloud/go-playground/pull-request-{what}.json" for what in ("created", "updated")
}


@pytest.fixture
def receiver(embedded: Database) -> Iterator[TestClient]:
    app = FastAPI()
    secrets = dict.fromkeys(PROVIDERS, SECRET)
    app.include_router(webhook_router(embedded, PSEUDONYMS, secrets, lambda: RECEIVED_AT))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def headers(name: str, payload: Json, body: bytes) -> dict[str, str]:
    provider = name.split("/", maxsplit=1)[0]
    if provider == "azure-devops":
        return {"Authorization": f"Bearer {SECRET}"}
    digest = hmac.digest(SECRET.encode(), body, "sha256").hex()
    stem = name.rpartition("/")[2].removesuffix(".json")
    event = payload["eventKey"] if provider == "bitbucket-dc" else EVENTS[stem]
    return {"X-Hub-Signature": f"sha256={digest}", "X-Event-Key": event}


@pytest.mark.parametrize("name", NAMES)
def test_it_is_kept_or_refused_and_never_an_error(
    receiver: TestClient, embedded: Database, name: str
) -> None:
    payload = recorded(name)
    body = json.dumps(payload).encode()
    provider = name.split("/", maxsplit=1)[0]
    sent = {"Content-Type": "application/json", **headers(name, payload, body)}
    answer = receiver.post(f"/webhooks/{provider}", content=body, headers=sent)
    assert answer.status_code == (400 if name in UNREADABLE else 200)
    ingest(embedded, PSEUDONYMS)
    failed = "SELECT COUNT(*) FROM coverage WHERE outcome NOT IN ('understood', 'ignored')"
    assert one(embedded, failed) == 0


@pytest.mark.parametrize("provider", PROVIDERS)
def test_without_the_secret_it_is_401(receiver: TestClient, provider: str) -> None:
    assert receiver.post(f"/webhooks/{provider}", content=b"{}").status_code == 401
