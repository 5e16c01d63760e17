"""``assay learn``, and a file of thresholds, by the commands that read them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from assay.learning import told
from assay.opening import CannotStart
from assay.threshold_file import ThresholdFile, read_thresholds
from classifier.threshold_file import parse
from store.engine import Database
from store.learned import TitleModel
from tests.store.working import START, apply, change

KINDS = {"crash on": "bug", "add a page for": "feature"}
THINGS = ("the cart", "refunds", "invoices", "logins", "coupons", "the basket")
FEW = "[learning]\ntitles = 40\ntitles_of_a_kind = 10\n"


def learn(database: Database, thresholds: str | None) -> str:
    """What the process that learns says."""
    return subprocess.run(
        [sys.executable, "-m", "assay.learning"],
        input=f"{database.url}\n{json.dumps(thresholds)}\n",
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_the_process_that_learns_takes_the_companys_thresholds(embedded: Database) -> None:
    stories = [
        change(number, number, title=f"{words} {thing} {number}", labels=(kind,))
        for number, (words, kind, thing) in enumerate(
            [(w, k, thing) for thing in THINGS * 5 for w, k in KINDS.items()], start=1
        )
    ]
    apply(embedded, *stories)
    assert learn(embedded, None) == (
        "Learned from the titles of 60 changes whose kind of work is told. It is not used: only 60 "
        "changes tell what kind of work they are, of 300.\n"
    )
    assert learn(embedded, FEW) == (
        "Learned from the titles of 60 changes whose kind of work is told. Asked about later ones "
        "it answered 100%, 100% of them rightly; always naming the commonest kind is right in "
        "50%.\n"
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
