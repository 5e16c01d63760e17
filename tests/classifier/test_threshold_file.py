from dataclasses import fields

import pytest

from classifier.threshold_file import ThresholdFileInvalid, ThresholdSettings, parse
from classifier.thresholds import LeakThresholds, LearningThresholds, Thresholds, VerdictThresholds


def test_nothing_told_leaves_the_defaults() -> None:
    assert parse("") == ThresholdSettings()


def test_what_is_told_is_set_and_the_rest_stays() -> None:
    text = """
        [rules]
        abandoned_final_days = 60
        rework_files = 1
        release_branches = ["rel-*", "hotfix/*"]
        [verdicts]
        keep_from = 0.7
        [learning]
        titles = 100
        [leaks]
        repeats = 10
    """
    assert parse(text) == ThresholdSettings(
        rules=Thresholds(
            abandoned_final_days=60, rework_files=1, release_branches=("rel-*", "hotfix/*")
        ),
        verdicts=VerdictThresholds(keep_from=0.7),
        learning=LearningThresholds(titles=100),
        leaks=LeakThresholds(repeats=10),
    )


def test_everything_that_is_wrong_is_told_at_once() -> None:
    text = """
        verdicts = 3
        [rule]
        [rules]
        endless_rounds = true
        rework_days = -1
        rework_lines = 1.5
        release_branches = "release/*"
        superseded_days = 2.5
    """
    with pytest.raises(ThresholdFileInvalid) as refused:
        parse(text)
    tables = ", ".join(sorted(f"[{each.name}]" for each in fields(ThresholdSettings)))
    assert refused.value.problems == [
        f"rule: is not known; there are {tables}",
        "rules.endless_rounds: must be a whole number, 0 or more",
        "rules.rework_days: must be a whole number, 0 or more",
        "rules.rework_lines: must be a number from 0 to 1",
        'rules.release_branches: must be a list of names, for example ["release/*"]',
        "rules.superseded_days: must be a whole number, 0 or more",
        "verdicts: must be a table, [verdicts]",
    ]


def test_a_name_that_is_not_known_is_answered_with_those_that_are() -> None:
    with pytest.raises(ThresholdFileInvalid) as refused:
        parse("[learning]\ntitle = 3")
    names = ", ".join(each.name for each in fields(LearningThresholds))
    assert refused.value.problems == [f"learning.title: is not known; there are {names}"]


def test_what_is_not_toml_is_no_file_of_ours() -> None:
    with pytest.raises(ThresholdFileInvalid, match="this is not TOML"):
        parse("[rules")
