"""How long labelling takes: all sessions anew, and what one change sets in motion.

``python -m bench.relabel --weeks 13``. A simulated company is told and concluded; then every
session is marked and concluded again, as after a change of the rules, and then changes are touched
one at a time, as by a webhook. The first is told for a million sessions by proportion.
"""

import argparse
import statistics
from datetime import UTC, datetime
from time import monotonic, process_time

from rich.console import Console

from bench.labels import COMPANY, told
from classifier.facts import label_all
from classifier.rules_diff import kept_sessions
from classifier.run import classify
from domain.labels import TargetKind
from simulation.company import found
from simulation.living import live
from store.dirty import WorkMark, mark_labels, mark_work
from store.engine import Database
from store.labelled import labelled_sessions
from store.landed import landed_between

UNTIL = datetime(2026, 11, 20, 12, tzinfo=UTC)
_MILLION = 1_000_000
_CHANGES = 20
_AT_ONCE = 1_000


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weeks", type=int, default=13)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    console = Console()
    with told(live(found(asked.seed), UNTIL, asked.weeks), COMPANY) as database:
        with database.reading() as connection:
            pks = labelled_sessions(connection)
        wall, cpu = _again(database, pks)
        _say(console, "concluded anew", len(pks), wall, cpu)
        wall, cpu = _read_only(database, pks)
        _say(console, "labelled without keeping", len(pks), wall, cpu)
        waits = _one_at_a_time(database)
    for what, of in zip(("in all", "of CPU"), zip(*waits, strict=True), strict=True):
        console.print(
            f"one change: median {statistics.median(of) * 1000:.0f} ms {what},"
            f" longest of {len(of)} {max(of) * 1000:.0f} ms"
        )


def _say(console: Console, what: str, sessions: int, wall: float, cpu: float) -> None:
    console.print(
        f"{what}: {sessions} sessions in {wall:.1f} s ({cpu:.1f} s of CPU);"
        f" a million in {wall / sessions * _MILLION / 60:.0f} minutes"
    )


def _again(database: Database, pks: list[int]) -> tuple[float, float]:
    with database.writing() as connection:
        mark_labels(connection, pks)
    return _settled(database)


def _read_only(database: Database, pks: list[int]) -> tuple[float, float]:
    begun, used = monotonic(), process_time()
    with database.reading() as connection:
        for start in range(0, len(pks), _AT_ONCE):
            sessions = kept_sessions(connection, pks[start : start + _AT_ONCE])
            label_all(connection, sessions, COMPANY, UNTIL)
    return monotonic() - begun, process_time() - used


def _one_at_a_time(database: Database) -> list[tuple[float, float]]:
    with database.reading() as connection:
        changes = landed_between(connection, datetime(1970, 1, 1, tzinfo=UTC), UNTIL)
    waits = []
    for change in changes[:: max(len(changes) // _CHANGES, 1)][:_CHANGES]:
        mark = WorkMark(TargetKind.CHANGE.value, change.repo, str(change.number))
        with database.writing() as connection:
            mark_work(connection, [mark])
        waits.append(_settled(database))
    return waits


def _settled(database: Database) -> tuple[float, float]:
    begun, used = monotonic(), process_time()
    while classify(database, UNTIL, COMPANY):
        pass
    return monotonic() - begun, process_time() - used


if __name__ == "__main__":
    main()
