"""The process that learns what kind of work titles tell: see ``assay.learn`` for who orders it.

scikit-learn takes a hundred megabytes and a second to start, so it is nobody else's. Two lines on
standard input are the order: the database's address, and the text of the file of thresholds (JSON).
"""

import json
import logging
import sys
from datetime import UTC, datetime

from classifier.learn import learn_work_types
from classifier.threshold_file import parse
from store.engine import Database, StoreError
from store.learned import TitleModel


def main() -> None:
    """Learn once, and say how it went; the status is 1 where the database can't be used."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    url = sys.stdin.readline().rstrip("\n")
    thresholds = parse(json.loads(sys.stdin.readline() or "null") or "").learning
    database = Database(url)
    try:
        model = learn_work_types(database, thresholds, datetime.now(UTC))
    except StoreError as error:
        sys.exit(f"The database can't be used: {error}")
    finally:
        database.close()
    print("Another process is learning." if model is None else told(model))


def told(model: TitleModel) -> str:
    """How the training went, in a sentence or two."""
    learned = f"Learned from the titles of {model.labelled} changes whose kind of work is told."
    tried = ""
    if model.accuracy is not None and model.answered is not None and model.baseline is not None:
        tried = (
            f" Asked about later ones it answered {model.answered:.0%}, {model.accuracy:.0%} of"
            f" them rightly; always naming the commonest kind is right in {model.baseline:.0%}."
        )
    refused = f" It is not used: {model.refused}." if model.refused else ""
    return f"{learned}{tried}{refused}"


if __name__ == "__main__":
    main()
