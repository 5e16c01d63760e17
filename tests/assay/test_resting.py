"""When a worker concludes what it folded, and that nothing hangs on it but the time."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from assay.resting import Resting, pause
from classifier.run import classify
from store import work
from store.engine import Database
from tests.capturing import CAPTURES
from tests.classifier.test_join import push
from tests.filling import Fresh, bodies, fill, rows

NOW = datetime(2026, 12, 24, tzinfo=UTC)
SCENARIOS = [
    CAPTURES / "claude-code" / "10-multi-turn-cumulative-long",
    CAPTURES / "claude-code" / "24-commit-variants-tool-details",
    CAPTURES / "codex" / "07-subagent",
]
CONCLUDED = {
    "labels WHERE current": "session_pk, label, maturity, rule, reason, facts, rule_set, due_at",
    "links": "*",
    "link_evidence": "*",
    "unlinked": "session_pk, reason, cost_nanousd",
    "session_outcomes": "*",
    "session_model_outcomes": "*",
    "outcome_rollups": "*",
    "outcome_presence": "*",
    "outcome_bins": "*",
}


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def conclude(resting: Resting, clock: Clock, seconds: float) -> None:
    """A round that takes so long, in two steps."""
    for _ in range(2):
        with resting.concluding():
            clock.now += seconds / 2
    resting.begin()


def test_the_first_round_waits_for_nothing(clock: Clock) -> None:
    resting = Resting(clock)
    resting.note_folded()
    assert resting.over()


@pytest.mark.parametrize(
    ("took", "rests"), [(0.01, 1.0), (0.3, 1.0), (2.0, 6.0), (10.0, 10.0), (60.0, 10.0)]
)
def test_while_records_come_it_rests_the_longer_the_more_a_round_takes(
    took: float, rests: float, clock: Clock
) -> None:
    resting = Resting(clock)
    conclude(resting, clock, took)
    ended = clock.now
    for waited in (0.0, rests / 2, rests - 0.01):
        clock.now = ended + waited
        resting.note_folded()
        assert not resting.over()
    clock.now = ended + rests
    resting.note_folded()
    assert resting.over()


def test_where_nothing_comes_it_rests_a_second(clock: Clock) -> None:
    resting = Resting(clock)
    resting.note_folded()
    conclude(resting, clock, 20)
    clock.now += 0.9
    assert not resting.over()
    clock.now += 0.2
    assert resting.over()


def test_a_round_is_measured_by_itself(clock: Clock) -> None:
    resting = Resting(clock)
    conclude(resting, clock, 20)
    clock.now += 40
    conclude(resting, clock, 0.1)
    clock.now += 1
    resting.note_folded()
    assert resting.over()


def concluded(database: Database) -> dict[str, list[tuple[object, ...]]]:
    while classify(database, NOW):
        pass
    return {table: rows(database, table, columns) for table, columns in CONCLUDED.items()}


@pytest.mark.parametrize("seed", range(3))
def test_however_seldom_it_concludes_the_end_is_the_same(seed: int, fresh: Fresh) -> None:
    luck = random.Random(seed)
    told = [body for scenario in SCENARIOS for body in bodies(scenario)]
    luck.shuffle(told)
    pushes = [push(number, 24 * 263 + number, "src/basket.py") for number in range(4)]
    with fresh() as often, fresh() as once:
        for number, body in enumerate(told):
            fill(often, [body])
            fill(once, [body])
            if number % 10 == 0 and pushes:
                fact = pushes.pop()
                for database in (often, once):
                    with database.writing() as connection:
                        work.apply(connection, [fact])
            if luck.random() < 0.4:
                classify(often, NOW - timedelta(days=luck.randint(0, 30)))
        assert concluded(often) == concluded(once)
        assert len(rows(once, "labels WHERE current")) > 2


def test_the_longer_nothing_came_the_seldomer_it_is_looked_for() -> None:
    waits = [pause(idle) for idle in (0, 1, 2, 5, 10, 3600)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (0.05, 0.5)
