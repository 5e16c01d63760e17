"""Answers are read from databases that real telemetry was folded into."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from classifier.run import classify
from store.engine import Database
from tests.api.answering import NOW, client
from tests.capturing import scenarios
from tests.conftest import Fresh
from tests.filling import bodies, fill


@pytest.fixture(scope="session")
def books(fresh: Fresh) -> Iterator[Database]:
    """All captures of Claude Code, folded and labelled; for tests that only read."""
    with fresh() as database:
        for scenario in scenarios("claude-code"):
            fill(database, bodies(scenario))
        while classify(database, NOW):
            pass
        yield database


@pytest.fixture(scope="session")
def http(books: Database) -> TestClient:
    """The API over all captures of Claude Code."""
    return client(books)


@pytest.fixture
def empty(database: Database) -> TestClient:
    """The API over a database in which nothing has arrived."""
    return client(database)
