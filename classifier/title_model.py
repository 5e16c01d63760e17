"""A model of the company's own titles: what kind of work a change is where nobody said it.

Trained on changes whose kind a ticket, a label, their title or their branch tells, and asked about
the others. It knows nothing else than the words of titles, of which conventional prefixes are taken
away. It refuses to work with too little to learn from, or if it did not do clearly better on later
changes than naming the commonest kind; and it says nothing where it is not sure.

Nothing of it is kept: it is trained anew each time. scikit-learn takes a hundred megabytes, so only
the process that learns (``assay.learning``) may import this module.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline, make_union

from classifier.thresholds import LearningThresholds
from classifier.work_types import without_type
from domain.outcomes import KindOfWork, WorkType, WorkTypeSource
from store.learned import TitleModel

# Rounds of asking about the next fifth of the later changes after learning from all before it.
_ROUNDS = 5
# Of either kind: more make it slower and hardly better.
_FEATURES = 10_000


@dataclass(frozen=True, slots=True)
class Title:
    """A title and what kind of work it is told to be."""

    title: str
    work_type: WorkType


@dataclass(frozen=True, slots=True)
class _Trial:
    """How it did on later changes."""

    asked: int
    answered: int
    right: int
    commonest: int


def learn(
    told: Sequence[Title],
    untold: Sequence[str],
    thresholds: LearningThresholds,
    now: datetime,
) -> tuple[TitleModel, list[KindOfWork | None]]:
    """Learn from told titles, in the order of their changes, and answer for the untold ones.

    None where the model is not sure enough, and for all where it refuses to be used.
    """
    trial: _Trial | None = None
    refused = _too_little(told, thresholds)
    if not refused:
        trial = _trial(told, thresholds)
        refused = _too_poor(trial, thresholds)
    model = TitleModel(
        trained_at=now,
        labelled=len(told),
        accuracy=trial.right / trial.answered if trial and trial.answered else None,
        baseline=trial.commonest / trial.asked if trial and trial.asked else None,
        answered=trial.answered / trial.asked if trial and trial.asked else None,
        refused=refused,
    )
    if refused or not untold:
        return model, [None] * len(untold)
    fitted = _fitted(_kept(told, thresholds))
    return model, _answers(fitted, untold, thresholds)


def _too_little(told: Sequence[Title], thresholds: LearningThresholds) -> str:
    if len(told) < thresholds.titles:
        return f"only {len(told)} changes tell what kind of work they are, of {thresholds.titles}"
    kinds = {each.work_type for each in _kept(told, thresholds)}
    least = thresholds.titles_of_a_kind
    return "" if len(kinds) > 1 else f"fewer than two kinds of work have {least} changes or more"


def _too_poor(trial: _Trial, thresholds: LearningThresholds) -> str:
    if not trial.answered:
        return "it was sure of no later change"
    accuracy = trial.right / trial.answered
    if accuracy < thresholds.title_accuracy:
        return f"it was right in {accuracy:.0%} of its answers, which is too little"
    if accuracy <= trial.commonest / trial.asked:
        return "it was not right more often than naming the commonest kind"
    return ""


def _kept(told: Sequence[Title], thresholds: LearningThresholds) -> list[Title]:
    """Without kinds of work that there is too little of to know them again."""
    counts = Counter(each.work_type for each in told)
    return [each for each in told if counts[each.work_type] >= thresholds.titles_of_a_kind]


def _trial(told: Sequence[Title], thresholds: LearningThresholds) -> _Trial:
    """Learn from earlier changes, ask about later ones: a shuffled trial would flatter it."""
    half = len(told) // 2
    cuts = np.linspace(half, len(told), _ROUNDS + 1).astype(int).tolist()
    answered = right = commonest = 0
    for start, end in pairwise(cuts):
        before, after = _kept(told[:start], thresholds), told[start:end]
        counts = Counter(each.work_type for each in told[:start])
        usual = counts.most_common(1)[0][0]
        commonest += sum(each.work_type is usual for each in after)
        if len({each.work_type for each in before}) < 2:  # noqa: PLR2004
            continue
        answers = _answers(_fitted(before), [each.title for each in after], thresholds)
        for each, answer in zip(after, answers, strict=True):
            answered += answer is not None
            right += answer is not None and answer.work_type is each.work_type
    return _Trial(len(told) - half, answered, right, commonest)


def _fitted(told: Sequence[Title]) -> Pipeline:
    words = TfidfVectorizer(
        ngram_range=(1, 2), sublinear_tf=True, strip_accents="unicode", max_features=_FEATURES
    )
    pieces = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(3, 4), sublinear_tf=True, max_features=_FEATURES
    )
    model = make_pipeline(
        make_union(words, pieces), LogisticRegression(C=10.0, tol=1e-2, max_iter=200)
    )
    titles = [without_type(each.title) for each in told]
    return model.fit(titles, [each.work_type.value for each in told])


def _answers(
    model: Pipeline, titles: Sequence[str], thresholds: LearningThresholds
) -> list[KindOfWork | None]:
    if not titles:
        return []
    chances = model.predict_proba([without_type(title) for title in titles])
    answers: list[KindOfWork | None] = []
    for row in chances:
        best = int(row.argmax())
        confidence = float(row[best])
        if confidence < thresholds.title_confidence:
            answers.append(None)
            continue
        work_type = WorkType(str(model.classes_[best]))
        answers.append(
            KindOfWork(work_type=work_type, source=WorkTypeSource.MODEL, confidence=confidence)
        )
    return answers
