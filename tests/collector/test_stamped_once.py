"""Keys change whom telemetry counts for, never how much of it counts."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from collector.spool import pack_otlp
from domain.stamp import Stamp
from store import inbox, keys
from store.engine import Database
from tests.capturing import CAPTURES
from tests.filling import RECEIVED_AT, Fresh, bodies, fill, fold_all, rows, usage

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SCENARIOS = [
    CAPTURES / path
    for path in (
        "claude-code/16-no-session-id-in-metrics-gzip",
        "claude-code/10-multi-turn-cumulative-long",
        "codex/02-edit-shell-http-json-traces",
        "copilot/06-second-session-resume-modelswitch",
        "continue-cli/s2_edit_shell-http",
        "gemini-cli/s2_edit_shell-grpc",
    )
]


def name(scenario: Path) -> str:
    return f"{scenario.parent.name}/{scenario.name}"


def send(database: Database, scenario: Path, *stamps: Stamp) -> None:
    """Everything once with a key of each of these stamps."""
    with database.writing() as connection:
        key_ids = [keys.create(connection, "", stamp, NOW)[0] for stamp in stamps]
    with database.arrivals.writing() as connection:
        for key_id in key_ids:
            sent = [pack_otlp(*body, RECEIVED_AT, key_id) for body in bodies(scenario)]
            inbox.put(connection, sent)
    fold_all(database)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=name)
def test_the_same_with_two_keys_is_once_and_the_firsts(
    database: Database, fresh: Fresh, scenario: Path
) -> None:
    first, second = Stamp(user="p_alice"), Stamp(user="p_bob", attributes=(("team", "web"),))
    send(database, scenario, first, second)
    with fresh() as without_keys:
        fill(without_keys, bodies(scenario))
        assert usage(database) == usage(without_keys) != {}
    counted = "COALESCE(requests, 0) + COALESCE(input, 0) + COALESCE(output, 0) > 0"
    booked = f"usage JOIN contexts ON contexts.pk = usage.context_pk WHERE {counted}"
    assert {user for (user,) in rows(database, booked, "contexts.user")} == {"p_alice"}


def test_what_came_with_a_key_is_stamped_though_the_key_is_revoked_since(
    database: Database,
) -> None:
    with database.writing() as connection:
        key_id, _ = keys.create(connection, "", Stamp(attributes=(("team", "web"),)), NOW)
    with database.arrivals.writing() as connection:
        sent = [pack_otlp(*body, RECEIVED_AT, key_id) for body in bodies(SCENARIOS[0])]
        inbox.put(connection, sent)
    with database.writing() as connection:
        keys.revoke(connection, key_id, NOW)
    fold_all(database)
    assert {team for (team,) in rows(database, "contexts", "team")} == {"web"}


def test_what_came_without_a_key_is_not_stamped(database: Database) -> None:
    with database.writing() as connection:
        keys.create(connection, "", Stamp(attributes=(("team", "web"),)), NOW)
    with database.arrivals.writing() as connection:
        inbox.put(connection, [pack_otlp(*body, RECEIVED_AT) for body in bodies(SCENARIOS[0])])
    fold_all(database)
    assert {team for (team,) in rows(database, "contexts", "team")} == {None}
