"""``assay learn``, and a file of thresholds, by the commands that read them."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from assay.learn import _due
from assay.learning import told, told_of_warnings
from assay.opening import CannotStart
from assay.threshold_file import ThresholdFile, read_thresholds
from classifier.early_model import LIBRARY
from classifier.threshold_file import parse
from domain.predictions import Measures, ModelCard
from store.engine import Database
from store.learned import TitleModel
from store.predictions import keep_model, last_card
from tests.store.working import START, apply, change

KINDS = {"crash on": "bug", "add a page for": "feature"}
THINGS = ("the cart", "refunds", "invoices", "logins", "coupons", "the basket")
FEW = "[learning]\ntitles = 40\ntitles_of_a_kind = 10\n"


def order(
    database: Database, thresholds: str | None, what: str = "learn"
) -> "subprocess.CompletedProcess[str]":
    """The process that learns, once it is done."""
    return subprocess.run(
        [sys.executable, "-m", "assay.learning"],
        input=f"{database.url}\n{json.dumps(thresholds)}\n{what}\n",
        capture_output=True,
        text=True,
        check=False,
    )


def learn(database: Database, thresholds: str | None, what: str = "learn") -> str:
    """What it says where nothing is in the way."""
    told = order(database, thresholds, what)
    assert told.returncode == 0, told.stderr
    return told.stdout


def test_the_process_that_learns_takes_the_companys_thresholds(embedded: Database) -> None:
    stories = [
        change(number, number, title=f"{words} {thing} {number}", labels=(kind,))
        for number, (words, kind, thing) in enumerate(
            [(w, k, thing) for thing in THINGS * 5 for w, k in KINDS.items()], start=1
        )
    ]
    apply(embedded, *stories)
    none = (
        "Learned how sessions end from 0 settled ones. It is not used: only 0 settled sessions of "
        "300.\n"
    )
    assert learn(embedded, None) == (
        "Learned from the titles of 60 changes whose kind of work is told. It is not used: only 60 "
        f"changes tell what kind of work they are, of 300.\n{none}"
    )
    assert learn(embedded, FEW) == (
        "Learned from the titles of 60 changes whose kind of work is told. Asked about later ones "
        "it answered 100%, 100% of them rightly; always naming the commonest kind is right in "
        f"50%.\n{none}"
    )
    # The refusal is kept.
    with embedded.reading() as connection:
        kept = last_card(connection)
    assert kept is not None
    assert kept[1].refused == "only 0 settled sessions of 300"
    assert learn(embedded, None, "warn") == "Foretold anew of 0 open sessions.\n"


def test_a_kept_model_that_is_none_of_ours_is_not_run(embedded: Database) -> None:
    card = ModelCard(trained_at=START, refused="", labels={}, unsettled=0, library=LIBRARY)
    with embedded.writing() as connection:
        keep_model(connection, card, b"not a model")
    told = order(embedded, None, "warn")
    assert told.returncode == 1
    assert "it is no model of ours" in told.stderr


def test_when_to_learn_and_when_to_warn(embedded: Database) -> None:
    day = timedelta(days=1)
    assert _due(embedded, 300, START) is None
    apply(embedded, change(1, 1))
    assert _due(embedded, 1, START) == "learn"
    card = ModelCard(trained_at=START, refused="", labels={}, unsettled=0)
    with embedded.writing() as connection:
        keep_model(connection, card, b"model")
    assert _due(embedded, 1, START + day / 2) == "warn"
    assert _due(embedded, 1, START + day) == "learn"
    with embedded.writing() as connection:
        keep_model(connection, replace(card, trained_at=START + day, refused="too little"), None)
    assert _due(embedded, 1, START + day * 1.5) is None


def test_a_training_on_sessions_says_what_was_tried() -> None:
    measures = Measures(
        sessions=80,
        brier=0.3,
        log_loss=0.5,
        calibration_error=0.06,
        calibration_noise=0.03,
        auc=None,
    )
    card = ModelCard(
        trained_at=START,
        refused="too bad",
        labels={"productive": 300, "wasteful": 100},
        unsettled=0,
        test=measures,
        baselines={"all": 0.5, "tool": 0.4},
    )
    assert told_of_warnings(card) == (
        "Learned how sessions end from 400 settled ones. Asked about 80 later ones its Brier score "
        "was 0.300, that of the company's own rates 0.400, and what it said was off by 0.060. It "
        "is not used: too bad."
    )


def test_a_training_that_was_refused_says_what_was_tried() -> None:
    model = TitleModel(
        trained_at=START, labelled=400, accuracy=0.5, baseline=0.3, answered=0.8, refused="too bad"
    )
    assert told(model).endswith("is right in 30%. It is not used: too bad.")


def test_a_file_of_thresholds_is_read_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "thresholds.toml"
    path.write_text(FEW, encoding="utf-8")
    assert read_thresholds(path) == ThresholdFile(FEW, parse(FEW))
    assert read_thresholds(None) == ThresholdFile(None, parse(""))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "Cannot read the thresholds"),
        (b"\xff", "are not UTF-8 text"),
        (b"[rules]\nendless_rounds = -1", "rules.endless_rounds: must be a whole number"),
    ],
)
def test_a_file_that_can_not_be_used_keeps_the_server_from_starting(
    tmp_path: Path, content: bytes | None, problem: str
) -> None:
    path = tmp_path / "thresholds.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CannotStart, match=problem):
        read_thresholds(path)
