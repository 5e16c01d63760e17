"""What Claude Code really sent, however it arrives: counted once, and as the model server counted.

One scenario is taken apart into single records and put together again in any order, batching,
encoding and repetition; all folded tables must come out the same to the last row.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from collector.decode import Encoding
from domain.record import Signal
from store.engine import Database
from tests.capturing import CAPTURES, Counts, expected, same, scenarios
from tests.filling import Fresh, bodies, fill, fold_all, folded, put, rows, usage
from tests.otlp import Body, merged, parse, singles, write
from tests.temporality import as_cumulative, as_delta, changed_points, stretched

CLAUDE = scenarios("claude-code")
CUMULATIVE = [path for path in CLAUDE if "cumulative" in path.name]
DELTA = [path for path in CLAUDE if path not in CUMULATIVE]
# A shuffle has no smaller self to shrink to.
FEW = settings(max_examples=4, deadline=None, phases=[Phase.reuse, Phase.generate])
by_scenario = pytest.mark.parametrize("scenario", CLAUDE, ids=lambda path: path.name)

Reference = Callable[[Path], dict[str, list[tuple[Any, ...]]]]


@pytest.fixture(scope="session")
def reference(fresh: Fresh) -> Reference:
    """The tables after a scenario's bodies came once and in order."""
    known: dict[Path, dict[str, list[tuple[Any, ...]]]] = {}

    def of(scenario: Path) -> dict[str, list[tuple[Any, ...]]]:
        if scenario not in known:
            with fresh() as database:
                fill(database, bodies(scenario))
                known[scenario] = folded(database)
        return known[scenario]

    return of


def only(scenario: Path, *signals: Signal) -> list[Body]:
    return [body for body in bodies(scenario) if body[0] in signals]


def disordered(sent: Iterable[Body], random: Random) -> list[Body]:
    """The records in any order, some twice, in batches of any size and either encoding."""
    records = [(body[0], single) for body in sent for single in singles(parse(body))]
    records += random.sample(records, random.randint(0, len(records)))
    random.shuffle(records)
    batches: list[Body] = []
    for signal in Signal:
        queue = [request for own, request in records if own is signal]
        while queue:
            size = random.choice((1, 2, 5, len(queue)))
            encoding = random.choice(list(Encoding))
            batch, queue = queue[:size], queue[size:]
            batches.append(
                write(merged(batch), encoding, wide_as_numbers=random.choice((True, False)))
            )
    random.shuffle(batches)
    return batches


def tokens(scenario: Path) -> dict[str, Counts]:
    """The truth without the number of requests, which counters do not tell."""
    return {model: row | {"requests": None} for model, row in expected(scenario).items()}


# The whole, however it comes


@by_scenario
def test_a_scenario_counts_what_the_model_server_answered(
    scenario: Path, database: Database
) -> None:
    fill(database, bodies(scenario))
    assert same(expected(scenario), usage(database))


@by_scenario
@FEW
@given(st.randoms(use_true_random=False), st.sampled_from([1, 3, 256]))
def test_order_batching_encoding_and_repetition_change_nothing(
    scenario: Path, fresh: Fresh, reference: Reference, random: Random, limit: int
) -> None:
    with fresh() as database:
        fill(database, disordered(bodies(scenario), random), limit)
        assert folded(database) == reference(scenario)
        assert same(expected(scenario), usage(database))


@by_scenario
def test_byte_identical_resends_change_nothing(
    scenario: Path, fresh: Fresh, reference: Reference
) -> None:
    sent = bodies(scenario)
    with fresh() as database:
        fill(database, sent)
        fill(database, [*sent, *reversed(sent)])
        assert folded(database) == reference(scenario)


@by_scenario
def test_logs_after_metrics_and_metrics_after_logs(
    scenario: Path, fresh: Fresh, reference: Reference
) -> None:
    logs = only(scenario, Signal.LOGS, Signal.TRACES)
    for sent in (
        [*only(scenario, Signal.METRICS), *logs],
        [*logs, *only(scenario, Signal.METRICS)],
    ):
        with fresh() as database:
            for body in sent:
                fill(database, [body])
            assert folded(database) == reference(scenario)


@by_scenario
def test_two_folders_on_one_inbox_count_nothing_twice(
    scenario: Path, fresh: Fresh, reference: Reference
) -> None:
    sent = disordered(bodies(scenario), Random(scenario.name))
    with fresh() as database, ThreadPoolExecutor() as folders:
        put(database, sent)
        for folder in [folders.submit(fold_all, database, 3) for _ in range(2)]:
            folder.result()
        assert folded(database) == reference(scenario)
        assert rows(database, "inbox") == []


# One signal alone


@by_scenario
def test_metrics_alone_tell_the_same_tokens(scenario: Path, fresh: Fresh) -> None:
    with fresh() as database:
        fill(database, only(scenario, Signal.METRICS))
        got = usage(database)
    assert same(tokens(scenario), got)
    assert {counts["requests"] for counts in got.values()} == {None}


def test_traces_alone_tell_the_same_usage(fresh: Fresh) -> None:
    scenario = CAPTURES / "claude-code" / "07-subagent-traces-grpc-delta"
    with fresh() as database:
        fill(database, only(scenario, Signal.TRACES))
        assert same(expected(scenario), usage(database))


@by_scenario
def test_logs_alone_tell_the_same_usage(scenario: Path, fresh: Fresh) -> None:
    with fresh() as database:
        fill(database, only(scenario, Signal.LOGS))
        assert same(expected(scenario), usage(database))


@by_scenario
@pytest.mark.parametrize("logs_first", [True, False], ids=["logs first", "metrics first"])
def test_metrics_without_session_ids_are_not_booked_beside_logs_with_them(
    scenario: Path, logs_first: bool, fresh: Fresh
) -> None:
    metrics = [
        changed_points(body, lambda attributes: attributes.pop("session.id", None))
        for body in only(scenario, Signal.METRICS)
    ]
    logs = only(scenario, Signal.LOGS)
    with fresh() as database:
        for sent in (logs, metrics) if logs_first else (metrics, logs):
            fill(database, sent)
        assert same(expected(scenario), usage(database))


# Delta and cumulative


@pytest.mark.parametrize("scenario", DELTA, ids=lambda path: path.name)
def test_deltas_and_their_running_sums_are_the_same(scenario: Path, fresh: Fresh) -> None:
    deltas = only(scenario, Signal.METRICS)
    assert counted(fresh, as_cumulative(deltas)) == counted(fresh, deltas)


@pytest.mark.parametrize("scenario", CUMULATIVE, ids=lambda path: path.name)
def test_readings_and_their_differences_are_the_same(scenario: Path, fresh: Fresh) -> None:
    readings = only(scenario, Signal.METRICS)
    assert counted(fresh, as_delta(readings)) == counted(fresh, readings)


@pytest.mark.parametrize("scenario", CLAUDE, ids=lambda path: path.name)
@FEW
@given(st.randoms(use_true_random=False), st.sampled_from([1, 256]))
def test_readings_of_many_hours_are_booked_to_the_same_hours_in_any_order(
    scenario: Path, fresh: Fresh, random: Random, limit: int
) -> None:
    readings = stretched(as_cumulative(only(scenario, Signal.METRICS)), factor=600)
    ordered = counted(fresh, readings)
    assert counted(fresh, disordered(readings, random), limit) == ordered
    assert counted(fresh, stretched(as_delta(readings), factor=1)) == ordered


def counted(fresh: Fresh, sent: Iterable[Body], limit: int = 256) -> list[Any]:
    """What was counted, by hour and session, of all that is not zero, and which buckets were told.

    Which hour first says of a bucket that it is zero, and not unknown, depends on the order.
    """
    sums = ("input", "cache_read", "cache_write", "output", "list_nanousd", "unpriced_tokens")
    amounts = [f"COALESCE({name}, 0)" for name in sums]
    by_hour = ", ".join(["session_pk", "hour", "model", "purpose", "context_pk", *amounts])
    told = ", ".join(f"SUM({name})" for name in sums)
    with fresh() as database:
        fill(database, sent, limit)
        hours = rows(database, "usage", by_hour)
        return [
            [row for row in hours if any(row[5:])],
            rows(database, "session_counts"),
            rows(
                database,
                f"(SELECT session_pk, rank, model, purpose, context_pk, {told} FROM usage"
                " GROUP BY session_pk, rank, model, purpose, context_pk)",
            ),
        ]
