"""How current the answers are, and what became of every record."""

from contextlib import closing
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from classifier.run import classify
from collector.decode import Encoding
from domain.record import Signal
from store import inbox
from store.engine import Database
from tests.api.answering import NOW, client, get, refused
from tests.capturing import CAPTURES, scenarios
from tests.filling import bodies, fill, fold_all, one, put

SIMPLE = CAPTURES / "claude-code" / "01-simple-http-protobuf"
STRANGE = (
    b'{"resourceLogs": [{"scopeLogs": [{"scope": {"name": "com.acme.robot"}, "logRecords": ['
    b'{"timeUnixNano": "1795321912861000000", "eventName": "robot.thought"}]}]}]}'
)


def test_nothing_has_arrived(database: Database, empty: TestClient) -> None:
    assert get(empty, "/v1/status") == {
        "status": "ok",
        "version": "1.2.3",
        "pending": 0,
        "parked": 0,
        "set_aside": 0,
        "last_record_at": None,
        "database": database.engine.dialect.name,
        "providers": [],
    }
    assert get(empty, "/v1/coverage") == {"rows": [], "totals": {}}


def test_pending_counts_what_is_not_yet_in_the_answers(database: Database) -> None:
    http = client(database)
    put(database, bodies(SIMPLE))
    assert get(http, "/v1/status")["pending"] == 2
    fold_all(database)
    assert get(http, "/v1/status")["pending"] == 1  # the session waits for its label
    while classify(database, NOW):
        pass
    told = get(http, "/v1/status")
    assert (told["pending"], told["last_record_at"]) == (0, "2026-11-22T12:00:00Z")


def test_what_is_set_aside_is_parked_and_not_pending(database: Database) -> None:
    put(database, bodies(SIMPLE))
    with database.arrivals.writing() as connection:
        inbox.park(connection, one(database, "SELECT MIN(id) FROM inbox"), "ValueError")
    told = get(client(database), "/v1/status")
    assert (told["pending"], told["parked"]) == (1, 1)


def test_every_record_is_counted_by_what_became_of_it(database: Database) -> None:
    fill(database, [*bodies(SIMPLE), (Signal.LOGS, Encoding.JSON, STRANGE)])
    told = get(client(database), "/v1/coverage")
    assert told["totals"] == {"ignored": 6, "understood": 9, "unknown": 1}
    records = [row["records"] for row in told["rows"]]
    assert records == sorted(records, reverse=True)
    assert [row for row in told["rows"] if row["outcome"] == "unknown"] == [
        {
            "tool": "unknown",
            "signal": "logs",
            "name": "com.acme.robot: robot.thought",
            "outcome": "unknown",
            "records": 1,
            "first_at": "2026-11-22T12:00:00Z",
            "last_at": "2026-11-22T12:00:00Z",
        }
    ]


@pytest.mark.parametrize("name", ["tool", "outcome"])
def test_coverage_by_a_filter_is_the_rows_that_show_its_value(name: str, http: TestClient) -> None:
    rows = get(http, "/v1/coverage")["rows"]
    for value in {row[name] for row in rows}:
        told = get(http, "/v1/coverage", **{name: value})
        assert told["rows"] == [row for row in rows if row[name] == value]
        assert sum(told["totals"].values()) == sum(row["records"] for row in told["rows"])
    assert refused(http, "/v1/coverage", state="x")[:2] == (400, "invalid_parameter")


def test_nothing_of_claude_code_is_unknown(http: TestClient) -> None:
    assert len(scenarios("claude-code")) == 13
    assert get(http, "/v1/coverage", outcome=["unknown", "malformed"])["rows"] == []


def test_ready_with_each_check(empty: TestClient) -> None:
    told = get(empty, "/readyz")
    assert told["status"] == "ready"
    assert [(each["name"], each["ok"]) for each in told["checks"]] == [
        ("database", True),
        ("schema", True),
        ("folding", True),
    ]


def test_not_ready_where_requests_wait_and_nobody_folds(database: Database) -> None:
    put(database, bodies(SIMPLE))
    response = client(database).get("/readyz")
    assert (response.status_code, response.json()["status"]) == (503, "not_ready")
    assert [each["ok"] for each in response.json()["checks"]] == [True, True, False]
    fold_all(database)
    assert get(client(database), "/readyz")["status"] == "ready"


def test_not_ready_without_a_database(tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path}/no/where.db")) as nowhere:
        response = client(nowhere).get("/readyz")
    assert response.status_code == 503
    assert [each["ok"] for each in response.json()["checks"]] == [False, None, None]
