"""What is held against landed work, and where it can't be."""

from dataclasses import replace

import pytest

from classifier.rules import label_session
from domain.labels import Label, LinkedChange
from domain.norms import Norms
from tests.classifier.labelling import DEFAULTS, DOLLAR, among, costly, day, with_changes

PRODUCTIVE, INEFFICIENT = Label.PRODUCTIVE, Label.INEFFICIENT
STANDS = "landed_and_stands"

NOT_COSTLY = {
    "not three times": costly(expected_nanousd=2 * DOLLAR + 1),
    "as much as others exceed what is expected": costly(percentile=0.89),
    "too few peers": costly(peers=29),
    "too little money": replace(costly(expected_nanousd=DOLLAR), cost_nanousd=5 * DOLLAR - 1),
    "nothing to compare with": replace(costly(), norms=Norms()),
    "not compared yet": replace(costly(), norms=None),
    "no known cost": replace(costly(), cost_nanousd=None),
}


@pytest.mark.parametrize("case", NOT_COSTLY)
def test_where_cost_can_not_be_compared_it_is_not_held_against_work(case: str) -> None:
    assert label_session(with_changes(costly()), DEFAULTS, day(3)).label is INEFFICIENT
    assert label_session(with_changes(NOT_COSTLY[case]), DEFAULTS, day(3)).label is PRODUCTIVE


@pytest.mark.parametrize(
    "change",
    [
        among(share=0.59),
        among(peers=19),
        among(share=None, peers=0),
        replace(among(), tied=True),
        replace(among(), tied=None),
        replace(among(), norms=None),
    ],
)
def test_a_task_is_asked_for_only_where_the_repository_works_with_tasks(
    change: LinkedChange,
) -> None:
    assert label_session(with_changes(among()), DEFAULTS, day(3)).rule == "landed_without_task"
    assert label_session(with_changes(change), DEFAULTS, day(3)).rule == STANDS


def test_review_is_endless_only_beyond_what_such_changes_take_here() -> None:
    long = [replace(among(rounds=6), tied=True, review_rounds=rounds) for rounds in (5, 6)]
    labels = [label_session(with_changes(each), DEFAULTS, day(3)).label for each in long]
    assert labels == [PRODUCTIVE, INEFFICIENT]
