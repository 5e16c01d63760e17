"""Rounds of conclusions: they end however much comes meanwhile, and say what all at once would."""

import random
from datetime import UTC, datetime

import pytest

from classifier.run import Rounds, classify
from store import dirty, work
from store.engine import Database
from tests.capturing import CAPTURES
from tests.classifier.test_join import push
from tests.filling import Fresh, bodies, fill, rows

NOW = datetime(2026, 12, 24, tzinfo=UTC)
SCENARIO = CAPTURES / "claude-code" / "24-commit-variants-tool-details"
OTHERS = [
    CAPTURES / "claude-code" / "10-multi-turn-cumulative-long",
    CAPTURES / "codex" / "07-subagent",
]
CONCLUDED = {
    "labels WHERE current": "session_pk, label, maturity, rule, reason, facts, due_at",
    "links": "*",
    "unlinked": "session_pk, reason, cost_nanousd",
    "session_outcomes": "*",
    "outcome_rollups": "*",
}


def touch_all(database: Database) -> None:
    with database.writing() as connection:
        dirty.mark_sessions(connection, [pk for (pk,) in rows(database, "sessions", "pk")])


def concluded(database: Database) -> dict[str, list[tuple[object, ...]]]:
    assert not rows(database, "dirty_sessions")
    return {table: rows(database, table, columns) for table, columns in CONCLUDED.items()}


def test_a_round_ends_though_sessions_are_touched_all_the_time(database: Database) -> None:
    fill(database, bodies(SCENARIO))
    rounds = Rounds(database)
    steps = 0
    while rounds.conclude(NOW):
        touch_all(database)
        steps += 1
        assert steps < 20, "the round goes on and on"
    assert steps
    assert not rounds.idle
    # What was touched meanwhile is there for the next one.
    assert rows(database, "dirty_sessions")
    assert rounds.conclude(NOW)
    while rounds.conclude(NOW):
        pass
    assert rounds.idle
    assert not rows(database, "dirty_sessions")


def test_asked_for_all_a_round_takes_what_is_touched_meanwhile(database: Database) -> None:
    fill(database, bodies(SCENARIO))
    rounds = Rounds(database)
    assert rounds.conclude(NOW)
    touch_all(database)
    assert rounds.conclude(NOW, all_=True)
    assert not rows(database, "dirty_sessions")


@pytest.mark.parametrize("seed", range(3))
def test_rounds_conclude_what_all_at_once_would(seed: int, fresh: Fresh) -> None:
    luck = random.Random(seed)
    told = [body for scenario in (SCENARIO, *OTHERS) for body in bodies(scenario)]
    luck.shuffle(told)
    pushes = [push(number, 24 * 263 + number, "src/basket.py") for number in range(4)]
    with fresh() as by_rounds, fresh() as at_once:
        rounds = Rounds(by_rounds)
        for number, body in enumerate(told):
            for database in (by_rounds, at_once):
                fill(database, [body])
                if number % 10 == 0 and number // 10 < len(pushes):
                    with database.writing() as connection:
                        work.apply(connection, [pushes[number // 10]])
            if luck.random() < 0.5:
                rounds.conclude(NOW)
        while rounds.conclude(NOW) or not rounds.idle:
            pass
        while classify(at_once, NOW):
            pass
        assert concluded(by_rounds) == concluded(at_once)
        assert len(rows(at_once, "labels WHERE current")) > 2
