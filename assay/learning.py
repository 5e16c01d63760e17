"""The process that learns: what kind of work titles tell, and how sessions are likely to end.

See ``assay.learn`` for who orders it. scikit-learn takes a hundred megabytes and a second to start,
so it is nobody else's. Three lines on standard input are the order: the database's address, the
text of the file of thresholds (JSON), and ``learn`` or, to ask the last model about sessions that
ended since, ``warn``.
"""

import json
import logging
import sys
from datetime import UTC, datetime

from classifier.early_model import ModelUnusable
from classifier.early_warning import learn_warnings, warn
from classifier.learn import learn_work_types
from classifier.threshold_file import parse
from classifier.thresholds import LearningThresholds
from domain.predictions import ModelCard
from store.engine import Database, StoreError
from store.learned import TitleModel

_BUSY = "Another process is learning."


def main() -> None:
    """Learn or warn once, and say how it went; the status is 1 where that can't be done."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    url = sys.stdin.readline().rstrip("\n")
    thresholds = parse(json.loads(sys.stdin.readline() or "null") or "").learning
    warns = sys.stdin.readline().strip() == "warn"
    database = Database(url)
    try:
        (_warn if warns else _learn)(database, thresholds, datetime.now(UTC))
    except StoreError as error:
        sys.exit(f"The database can't be used: {error}")
    except ModelUnusable as error:
        sys.exit(f"The model of how sessions end can't be used until the next training: {error}")
    finally:
        database.close()


def _learn(database: Database, thresholds: LearningThresholds, now: datetime) -> None:
    titles = learn_work_types(database, thresholds, now)
    print(_BUSY if titles is None else told(titles))
    card = learn_warnings(database, thresholds, now)
    print(_BUSY if card is None else told_of_warnings(card))


def _warn(database: Database, thresholds: LearningThresholds, now: datetime) -> None:
    warned = warn(database, thresholds, now)
    print(_BUSY if warned is None else f"Foretold anew of {warned} open sessions.")


def told(model: TitleModel) -> str:
    """How the training on titles went, in a sentence or two."""
    learned = f"Learned from the titles of {model.labelled} changes whose kind of work is told."
    tried = ""
    if model.accuracy is not None and model.answered is not None and model.baseline is not None:
        tried = (
            f" Asked about later ones it answered {model.answered:.0%}, {model.accuracy:.0%} of"
            f" them rightly; always naming the commonest kind is right in {model.baseline:.0%}."
        )
    refused = f" It is not used: {model.refused}." if model.refused else ""
    return f"{learned}{tried}{refused}"


def told_of_warnings(card: ModelCard) -> str:
    """How the training on settled sessions went, in a sentence or two."""
    learned = f"Learned how sessions end from {sum(card.labels.values())} settled ones."
    tried = ""
    if card.test is not None and card.baselines:
        tried = (
            f" Asked about {card.test.sessions} later ones its Brier score was"
            f" {card.test.brier:.3f}, that of the company's own rates"
            f" {min(card.baselines.values()):.3f}, and what it said was off by"
            f" {card.test.calibration_error:.3f}."
        )
    refused = f" It is not used: {card.refused}." if card.refused else ""
    return f"{learned}{tried}{refused}"


if __name__ == "__main__":
    main()
