"""Killed at random moments under load: every acknowledged record is counted once."""

from pathlib import Path

from bench.crash import run


def test_killed_under_load_it_loses_and_repeats_nothing(tmp_path: Path) -> None:
    outcome = run(tmp_path, kills=5, seed=11, life=0.7)
    assert outcome.wrong == []
    assert sum(told for what, told in outcome.told.items() if what.startswith("killed")) == 5
    assert sum(outcome.sent) > 0
