"""Every header that may carry a key is tried."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from collector.door import knock
from domain.stamp import Stamp
from store import access, keys
from store.access import Access, Gate, Role
from store.engine import Database

NOW = datetime(2026, 3, 1, tzinfo=UTC)
STAMP = Stamp(attributes=(("team", "payments"),))


def answer(database: Database, headers: Mapping[str, str]) -> tuple[Access, str | None]:
    return knock(Gate(database, open_without=False), wire(headers))


def wire(headers: Mapping[str, str]) -> dict[bytes, bytes]:
    return {name.encode(): value.encode() for name, value in headers.items()}


@pytest.fixture
def key(database: Database) -> tuple[str, str]:
    with database.writing() as connection:
        return keys.create(connection, "", STAMP, NOW)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("authorization", "Bearer {}"),
        ("authorization", "bearer  {} "),
        ("x-api-key", "{}"),
        ("x-assay-key", " {} "),
    ],
)
def test_a_key_is_found_in_any_header_that_a_tool_can_set(
    database: Database, key: tuple[str, str], name: str, value: str
) -> None:
    key_id, secret = key
    assert answer(database, {name: value.format(secret)}) == (Access.GRANTED, key_id)


@pytest.mark.parametrize("name", ["authorization", "x-api-key", "x-assay-key"])
def test_a_header_that_a_gateway_needs_for_itself_does_no_harm(
    database: Database, key: tuple[str, str], name: str
) -> None:
    key_id, secret = key
    headers = {
        "authorization": f"Bearer {secret}",
        "x-api-key": secret,
        "x-assay-key": secret,
        name: "Bearer of the gateway",
    }
    assert answer(database, headers) == (Access.GRANTED, key_id)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Bearer "},
        {"authorization": "Basic eDp5"},
        {"x-api-key": ""},
        {"x-api-key": "nonsense", "authorization": "Bearer nonsense"},
    ],
)
@pytest.mark.usefixtures("key")
def test_whoever_shows_none_is_a_stranger(database: Database, headers: dict[str, str]) -> None:
    assert answer(database, headers) == (Access.UNAUTHENTICATED, None)


def test_a_token_that_may_only_read_is_told_so_whatever_else_is_shown(database: Database) -> None:
    with database.writing() as connection:
        _, secret = access.create(connection, "", Role.VIEWER, NOW)
        access.create(connection, "", Role.INGEST, NOW)
    headers = {"x-assay-key": secret, "authorization": "Bearer of the gateway"}
    assert answer(database, headers) == (Access.FORBIDDEN, None)


def test_an_ingest_token_opens_and_stamps_nothing(database: Database) -> None:
    with database.writing() as connection:
        _, secret = access.create(connection, "", Role.INGEST, NOW)
    assert answer(database, {"authorization": f"Bearer {secret}"}) == (Access.GRANTED, None)


def test_where_nobody_needs_a_key_none_is_needed(database: Database) -> None:
    gate = Gate(database, open_without=True)
    for headers in ({}, {"x-api-key": "anything"}):
        assert knock(gate, wire(headers)) == (Access.GRANTED, None)
