"""Early warnings of a company told through the front doors, and what they must not touch."""

import ast
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from classifier.early_warning import learn_warnings, warn
from classifier.run import label_as_of
from classifier.thresholds import LearningThresholds
from domain.labels import Label
from domain.predictions import ModelCard
from simulation.company import found
from simulation.living import live
from store import prediction_record, predictions
from store.engine import Database
from store.predictions import WarningFilter
from tests.classifier.judging import UNTIL
from tests.companies import conclude, tell
from tests.conftest import Fresh
from tests.filling import rows

ROOT = Path(__file__).parents[2]
# Half a year of twenty people: too little for the usual demands.
SMALL = replace(
    LearningThresholds(),
    warning_sessions=100,
    warning_sessions_of_a_label=20,
    warning_settling_days=32,
    warning_calibration_error=1.0,
)
# Who may read what is foretold: those who make it, keep it and show it.
READERS = {
    "api/pages/session.py",
    "api/pages/session_time.py",
    "api/routes/predictions.py",
    "api/routes/sessions.py",
    "api/schemas/predictions.py",
    "api/schemas/sessions.py",
    "assay/learn.py",
    "assay/learning.py",
    "classifier/early_model.py",
    "classifier/early_exam.py",
    "classifier/early_trial.py",
    "classifier/early_warning.py",
    "classifier/features.py",
    "classifier/past_rates.py",
    "store/prediction_record.py",
    "store/predictions.py",
    "store/tables/__init__.py",
}
FORETOLD = ("prediction", "early_")


@pytest.fixture(scope="module")
def company(fresh: Fresh) -> Iterator[tuple[Database, ModelCard]]:
    """A simulated company, half a year old, that has learned once."""
    with fresh() as database:
        tell(database, live(found(1, developers=30), UNTIL, 30))
        conclude(database, UNTIL)
        card = learn_warnings(database, SMALL, UNTIL)
        assert card is not None
        yield database, card


def test_it_learns_from_what_has_settled_and_says_how_it_did(
    company: tuple[Database, ModelCard],
) -> None:
    database, card = company
    assert card.test is not None
    assert card.fitted is not None
    assert card.calibrated is not None
    assert card.tested is not None
    assert sum(card.labels.values()) > card.test.sessions
    settling = timedelta(days=SMALL.warning_settling_days)
    assert card.calibrated.until + settling <= card.tested.since
    assert card.tested.until + settling <= UNTIL
    with database.reading() as connection:
        kept = predictions.last_card(connection)
        assert kept is not None
        assert kept[1] == card


def test_open_sessions_are_foretold_or_it_says_why_not(
    company: tuple[Database, ModelCard],
) -> None:
    database, card = company
    with database.reading() as connection:
        shown = predictions.page(connection, WarningFilter(), 500)
        pending = {
            row.pk
            for row in shown
            if (label := label_as_of(connection, row.pk, UNTIL)) is not None
            and label.label is Label.PENDING
        }
    assert card.refused == "", card
    assert shown
    assert {row.pk for row in shown} == pending
    for row in shown:
        assert sum(row.prediction.chances.each) == pytest.approx(1)
        assert UNTIL - timedelta(days=14) <= row.ended_at <= UNTIL - timedelta(hours=24)


def test_asking_again_writes_nothing_new(company: tuple[Database, ModelCard]) -> None:
    database, _ = company
    before = rows(database, "predictions")
    assert warn(database, SMALL, UNTIL) == 0
    assert rows(database, "predictions") == before


def test_warnings_are_counted_as_their_sessions_settle(
    company: tuple[Database, ModelCard],
) -> None:
    database, _ = company
    before = len(rows(database, "predictions"))
    with database.reading() as connection:
        assert prediction_record.record(connection).tools == ()
    later = UNTIL + timedelta(days=60)
    conclude(database, later)
    warn(database, SMALL, later)
    with database.reading() as connection:
        record = prediction_record.record(connection)
    left = len(rows(database, "predictions"))
    assert sum(each.settled + each.otherwise for each in record.tools) == before - left
    assert left < before / 4
    assert sum(each.sessions for each in record.reliability["wasteful"]) == sum(
        each.settled for each in record.tools
    )


def test_nothing_that_concludes_reads_what_is_foretold() -> None:
    reading = {
        str(path.relative_to(ROOT))
        for package in ("api", "assay", "classifier", "collector", "domain", "store")
        for path in (ROOT / package).rglob("*.py")
        if any(name.rpartition(".")[2].startswith(FORETOLD) for name in named(path))
    }
    assert reading - READERS == {"api/app.py"}


def named(path: Path) -> Iterator[str]:
    """Every module that a file imports, what it takes of it, and every table that it names."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield node.attr if node.value.id == "t" else ""
