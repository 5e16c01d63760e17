"""Early warnings on simulated companies: told through the front doors, learned, and tested by time.

``python -m bench.predictions --seeds 5``. What is asked of it: a calibration error of at most 0.05
and a better Brier score than the company's own rates on later sessions, or a refusal. And once
more sixty days later: how the warnings that stood came out, which no test of its own can flatter.
"""

import argparse
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from classifier.early_warning import learn_warnings, warn
from classifier.thresholds import LearningThresholds
from domain.predictions import ModelCard, TrackRecord
from simulation.company import found
from simulation.living import live
from store import migrating, prediction_record
from store.engine import Database
from tests.companies import conclude, tell

_UNTIL = datetime(2026, 11, 20, 12, tzinfo=UTC)
_AT = _UNTIL - timedelta(days=60)
_COLUMNS = (
    *("seed", "learned", "tested", "Brier", "rates", "better by", "calibration (chance)", "AUC"),
    *("unseen: Brier", "calibration", "answered", "right", "refused", "came out: Brier", "n"),
    "learning s",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One company: the card of its training, and how its warnings came out."""

    card: ModelCard
    record: TrackRecord
    seconds: float


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--weeks", type=int, default=48)
    asked = parser.parse_args()
    table = Table(*_COLUMNS, title="early warnings on simulated companies")
    kept = 0
    for seed in range(asked.first, asked.first + asked.seeds):
        tried = of_company(seed, asked.weeks)
        kept += holds(tried.card, LearningThresholds())
        table.add_row(str(seed), *row(tried))
        print(f"seed {seed}: {', '.join(each for each in row(tried) if each)}", flush=True)
    Console(width=240).print(table)
    print(f"within the aim, or refused: {kept} of {asked.seeds}")


def of_company(seed: int, weeks: int) -> Tried:
    """Let a company learn sixty days before its end, and count what came of it at the end."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'assay.db'}")
        migrating.migrate(database, _AT)
        history = live(found(seed), _UNTIL, weeks)
        # What happened after the training is told after it.
        tell(database, replace(history, until=_AT))
        conclude(database, _AT)
        started = time.perf_counter()
        card = learn_warnings(database, LearningThresholds(), _AT)
        seconds = time.perf_counter() - started
        tell(database, history)
        conclude(database, _UNTIL)
        warn(database, LearningThresholds(), _UNTIL)
        with database.reading() as connection:
            record = prediction_record.record(connection)
        database.close()
    if card is None:
        raise RuntimeError("nobody else learns here")
    return Tried(card=card, record=record, seconds=seconds)


def holds(card: ModelCard, thresholds: LearningThresholds) -> bool:
    """Whether it is refused, or within what is asked of it."""
    if card.refused or card.test is None:
        return bool(card.refused)
    better = card.test.brier < min(card.baselines.values())
    return better and card.test.calibration_error <= thresholds.warning_calibration_error


def row(tried: Tried) -> list[str]:
    """What is printed of one company."""
    card, test, unseen = tried.card, tried.card.test, tried.card.unseen
    settled = sum(each.settled for each in tried.record.tools)
    errors = sum((each.brier or 0.0) * each.settled for each in tried.record.tools)
    return [
        str(sum(card.labels.values())),
        str(test.sessions) if test else "",
        _told(test.brier if test else None),
        _told(min(card.baselines.values(), default=None)),
        f"{_told(card.better_by)} (at least {_told(card.better_by_at_least)})",
        f"{_told(test.calibration_error)} ({_told(test.calibration_noise)})" if test else "",
        _told(test.auc if test else None),
        _told(unseen.brier if unseen else None),
        _told(unseen.calibration_error if unseen else None),
        _told(card.answered),
        _told(card.accuracy),
        card.refused or "no",
        _told(errors / settled if settled else None),
        str(settled),
        f"{tried.seconds:.0f}",
    ]


def _told(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


if __name__ == "__main__":
    main()
