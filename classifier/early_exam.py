"""The test of a training: asked about the latest sessions, after learning from much older ones.

As it will be used: between what was learned from and what is asked lies the time that sessions take
to settle. And once more with the repositories that are asked about left out of learning.
"""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from classifier.early_model import (
    EarlyModel,
    Floats,
    Places,
    answers_of,
    cut_of,
    fit,
    places_of,
)
from classifier.early_trial import (
    gain,
    leans_on,
    measure,
    rates,
    reliability,
    squared_errors,
)
from classifier.features import Vector
from classifier.thresholds import LearningThresholds
from domain.labels import Label
from domain.predictions import OUTCOMES, Measures, ModelCard, Part

_TESTED_SHARE = 0.2
# Of each label in each part: with fewer than nine none could be ruled out at 90 %.
_IN_A_PART = 10
_FOLDS = 5
_LEANS_ON = 8
_PAST_OF_REPO = "past_repo_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A settled session that was open when it would have been foretold.

    Sessions that are ``together`` are of one change and stay in one part. ``common`` are the rates
    of all sessions then: what would be told of a repository without any past.
    """

    pk: int
    ended_at: datetime
    label: Label
    tool: str
    repo: str | None
    work_type: str | None
    together: Hashable
    vector: Vector
    common: tuple[float, ...]


def too_little(rows: Sequence[Row], thresholds: LearningThresholds) -> str:
    """Why these are too few sessions to learn from; "" if they are enough."""
    if len(rows) < thresholds.warning_sessions:
        return f"only {len(rows)} settled sessions of {thresholds.warning_sessions}"
    for label in OUTCOMES:
        count = sum(row.label is label for row in rows)
        if count < thresholds.warning_sessions_of_a_label:
            least = thresholds.warning_sessions_of_a_label
            return f"only {count} settled sessions were {label.value}, of {least}"
    return ""


def parts(rows: Sequence[Row], settling: timedelta) -> tuple[list[Row], list[Row]]:
    """(what is learned from, what is asked): the latest fifth, and what had settled before it.

    All sessions of a change go where the first of them goes.
    """
    first: dict[Hashable, datetime] = {}
    for row in rows:
        first[row.together] = min(row.ended_at, first.get(row.together, row.ended_at))
    ordered = sorted(rows, key=lambda row: (first[row.together], str(row.together), row.ended_at))
    cut = len(ordered) - int(len(ordered) * _TESTED_SHARE)
    while cut < len(ordered) and ordered[cut].together == ordered[cut - 1].together:
        cut += 1
    asked = ordered[cut:]
    if not asked:
        return [], []
    before = min(row.ended_at for row in asked) - settling
    return [row for row in ordered[:cut] if row.ended_at <= before], asked


def tested(card: ModelCard, rows: Sequence[Row], thresholds: LearningThresholds) -> ModelCard:
    """The card with all that the test says, and why the model is refused, if it is."""
    learned, asked = parts(rows, timedelta(days=thresholds.warning_settling_days))
    cut = cut_of(len(learned))
    used = (learned[:cut], learned[cut:], asked)
    for what, part in zip(("fit on", "calibrate on", "be tested on"), used, strict=True):
        lacking = _lacking(part)
        if lacking is not None:
            label, count = lacking
            reason = f"only {count} {label.value} sessions are left to {what}, of {_IN_A_PART}"
            return replace(card, refused=reason)
    labels = places_of([row.label for row in asked])
    model = _fitted(learned, thresholds)
    matrix = model.matrix([row.vector for row in asked])
    chances = model.chances(matrix)
    possible = model.possible(matrix)
    answers = answers_of(chances, possible, thresholds.warning_probability)
    baselines = _baselines(learned, asked)
    by_error = {name: squared_errors(said, labels) for name, said in baselines.items()}
    best = min(by_error, key=lambda name: (by_error[name].mean(), name))
    together = [row.together for row in asked]
    better = gain(squared_errors(chances, labels), by_error[best], together)
    said = answers >= 0
    unseen, unseen_rates = _unseen(learned, asked, thresholds)
    card = replace(
        card,
        fitted=_part(used[0]),
        calibrated=_part(used[1]),
        tested=_part(asked),
        test=measure(chances, labels),
        unseen=unseen,
        unseen_rates=unseen_rates,
        baselines={name: float(errors.mean()) for name, errors in by_error.items()},
        better_by=better[0],
        better_by_at_least=better[1],
        answered=float(said.mean()),
        accuracy=float((answers == labels)[said].mean()) if said.any() else None,
        covered=float(possible[np.arange(len(labels)), labels].mean()),
        reliability=reliability(chances, labels),
        leans_on=leans_on(model, matrix, labels, _LEANS_ON),
    )
    return replace(card, refused=_too_poor(card, best, thresholds))


def _too_poor(card: ModelCard, best: str, thresholds: LearningThresholds) -> str:
    if card.better_by_at_least is None or card.better_by_at_least <= 0:
        return f"it is not surely better than saying the rates of {_OF[best]}"
    error = card.test.calibration_error if card.test else 1.0
    if error > thresholds.warning_calibration_error:
        return f"what it says is off by {error:.3f} in the mean, which is too much"
    return ""


_OF = {
    "all": "all sessions",
    "repository": "each repository",
    "work_type": "each type of work",
    "tool": "each tool",
}


def _baselines(learned: Sequence[Row], asked: Sequence[Row]) -> dict[str, Floats]:
    labels = places_of([row.label for row in learned])
    return {
        name: rates(before, labels, after)
        for name, before, after in (
            ("all", [None] * len(learned), [None] * len(asked)),
            ("repository", [row.repo for row in learned], [row.repo for row in asked]),
            ("work_type", [row.work_type for row in learned], [row.work_type for row in asked]),
            ("tool", [row.tool for row in learned], [row.tool for row in asked]),
        )
    }


def _fitted(learned: Sequence[Row], thresholds: LearningThresholds) -> EarlyModel:
    labels = places_of([row.label for row in learned])
    return fit([row.vector for row in learned], labels, thresholds, {}, learned[-1].ended_at)


def _unseen(
    learned: Sequence[Row], asked: Sequence[Row], thresholds: LearningThresholds
) -> tuple[Measures | None, float | None]:
    """The same test in repositories that nothing was learned from, some of them at a time.

    With the Brier score of the best rates there. None where too few repositories are known. What is
    known of their past is taken away as well.
    """
    repos = sorted({row.repo for row in asked if row.repo is not None})
    folds = [frozenset(repos[start::_FOLDS]) for start in range(min(_FOLDS, len(repos)))]
    told: list[Floats] = []
    labels: list[Places] = []
    errors: dict[str, list[Floats]] = defaultdict(list)
    for fold in folds:
        others = [row for row in learned if row.repo not in fold]
        mine = [row for row in asked if row.repo in fold]
        cut = cut_of(len(others))
        if any(_lacking(part) for part in (others[:cut], others[cut:])):
            continue
        model = _fitted(others, thresholds)
        told.append(model.chances(model.matrix([_strange(row) for row in mine])))
        labels.append(places_of([row.label for row in mine]))
        for name, said in _baselines(others, mine).items():
            errors[name].append(squared_errors(said, labels[-1]))
    if not told:
        return None, None
    best = min(float(np.concatenate(each).mean()) for each in errors.values())
    return measure(np.concatenate(told), np.concatenate(labels)), best


def _lacking(part: Sequence[Row]) -> tuple[Label, int] | None:
    """A label that a part has too few sessions of, with how many it has."""
    for label in OUTCOMES:
        count = sum(row.label is label for row in part)
        if count < _IN_A_PART:
            return label, count
    return None


def _strange(row: Row) -> Vector:
    """A session as if its repository had no past."""
    past = {
        f"{_PAST_OF_REPO}{label.value}": rate
        for label, rate in zip(OUTCOMES, row.common, strict=True)
    }
    return {**row.vector, **past}


def _part(rows: Sequence[Row]) -> Part:
    ends = [row.ended_at for row in rows]
    return Part(sessions=len(rows), since=min(ends), until=max(ends))
