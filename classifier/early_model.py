"""The model that tells how open sessions are likely to end: fitted, calibrated, kept and read.

Boosted trees, fitted on the older sessions. On the newer ones their probabilities are calibrated,
and it is found how unlikely a label must be called before it can be ruled out: for each label by
itself (class-conditional split-conformal), so that the rare ones are not ruled out for being rare.

A model is kept with skops, which names what it would load; whatever is not in our short list is
refused. A pickle would run anything. Only the process that learns may import this module.
"""

import json
import math
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import sklearn
import skops.io
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.frozen import FrozenEstimator
from skops.io.exceptions import UntrustedTypesFoundException
from threadpoolctl import threadpool_limits

from classifier.features import Vector
from classifier.past_rates import Key
from classifier.thresholds import LearningThresholds
from domain.labels import Label
from domain.predictions import OUTCOMES, Chances, Prediction

Floats = NDArray[np.float64]
Places = NDArray[np.int64]
"""Labels by their place in ``OUTCOMES``."""

LIBRARY = f"scikit-learn {sklearn.__version__}"
# Everything in a model of ours that skops does not trust by itself.
_TRUSTED = (
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
)
# A value of a name that fewer sessions have is told by the others' absence.
_NAMED = 30
# With fewer a step function follows single sessions.
_ISOTONIC = 1_000
_FITTED_SHARE = 0.75


class ModelUnusable(Exception):
    """A kept model can't be read; the reason is a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyModel:
    """A fitted model with all that it takes to ask it.

    ``names`` are its features in order, ``limits`` the score of each label up to which it can't be
    ruled out, ``past`` the counts by which sessions had ended until ``past_at``.
    """

    names: tuple[str, ...]
    model: Any
    limits: tuple[float, ...]
    past: Mapping[Key, tuple[int, ...]]
    past_at: datetime
    after_hours: int

    def matrix(self, vectors: Sequence[Vector]) -> Floats:
        """Sessions as the rows that the model takes."""
        return matrix(self.names, vectors)

    def chances(self, rows: Floats) -> Floats:
        """Calibrated probabilities, one row a session, in the order of ``OUTCOMES``."""
        if not len(rows):
            return np.zeros((0, len(OUTCOMES)))
        with _alone():
            told: Floats = self.model.predict_proba(rows)
        return told

    def possible(self, rows: Floats) -> NDArray[np.bool_]:
        """Which labels can't be ruled out, one row a session."""
        if not len(rows):
            return np.zeros((0, len(OUTCOMES)), dtype=bool)
        with _alone():
            raw = _base(self.model).predict_proba(rows)
        kept: NDArray[np.bool_] = 1 - raw <= np.array(self.limits)
        return kept

    def predictions(self, rows: Floats, least: float) -> list[Prediction]:
        """What is said of each; an answer takes one possible label of at least this probability."""
        answers = answers_of(self.chances(rows), self.possible(rows), least)
        return [
            Prediction(
                chances=Chances(
                    productive=float(each[0]), inefficient=float(each[1]), wasteful=float(each[2])
                ),
                answer=OUTCOMES[answer] if answer >= 0 else None,
            )
            for each, answer in zip(self.chances(rows), answers, strict=True)
        ]


def answers_of(chances: Floats, possible: NDArray[np.bool_], least: float) -> Places:
    """The label that each session is said to end as; -1 where that can't be said."""
    best = chances.argmax(axis=1)
    at = np.arange(len(chances))
    alone = (possible.sum(axis=1) == 1) & possible[at, best]
    return np.where(alone & (chances[at, best] >= least), best, -1)


def matrix(names: Sequence[str], vectors: Sequence[Vector]) -> Floats:
    """Sessions as rows. A name that a session does not have is 0, a number nobody told is NaN."""
    rows = np.full((len(vectors), len(names)), math.nan)
    for row, told in zip(rows, vectors, strict=True):
        for place, name in enumerate(names):
            value = told.get(name)
            if value is not None:
                row[place] = value
            elif "=" in name:
                row[place] = 0.0
    return rows


def names_of(vectors: Sequence[Vector]) -> tuple[str, ...]:
    """The features of these sessions that any model can go by."""
    counts: dict[str, int] = {}
    for told in vectors:
        for name, value in told.items():
            counts[name] = counts.get(name, 0) + (value is not None)
    least = min(_NAMED, len(vectors))
    return tuple(sorted(name for name, n in counts.items() if n >= (least if "=" in name else 1)))


def places_of(labels: Sequence[Label]) -> Places:
    """Labels by their place in ``OUTCOMES``."""
    return np.array([OUTCOMES.index(label) for label in labels], dtype=np.int64)


def cut_of(number: int) -> int:
    """How many of so many sessions, the oldest first, are fitted on; the rest calibrate."""
    return int(number * _FITTED_SHARE)


def fit(
    vectors: Sequence[Vector],
    labels: Places,
    thresholds: LearningThresholds,
    past: Mapping[Key, tuple[int, ...]],
    past_at: datetime,
) -> EarlyModel:
    """A model from sessions, the oldest first. Both parts must hold every label."""
    cut = cut_of(len(vectors))
    names = names_of(vectors[:cut])
    rows = matrix(names, vectors)
    trees = HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_iter=80,
        max_leaf_nodes=5,
        min_samples_leaf=20,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=0,
    )
    method = "isotonic" if len(vectors) - cut >= _ISOTONIC else "sigmoid"
    calibrated = CalibratedClassifierCV(FrozenEstimator(trees), method=method)
    with _alone():
        trees.fit(rows[:cut], labels[:cut])
        calibrated.fit(rows[cut:], labels[cut:])
        scores = 1 - trees.predict_proba(rows[cut:])
    return EarlyModel(
        names=names,
        model=calibrated,
        limits=tuple(
            limit(scores[labels[cut:] == place, place], thresholds.warning_coverage)
            for place in range(len(OUTCOMES))
        ),
        past=past,
        past_at=past_at,
        after_hours=thresholds.warning_after_hours,
    )


def limit(scores: Floats, coverage: float) -> float:
    """The score that so many of like sessions stay below; above 1 where too few can say."""
    rank = math.ceil((len(scores) + 1) * coverage)
    return float(np.sort(scores)[rank - 1]) if rank <= len(scores) else 2.0


def _alone() -> Any:
    """One thread: several that wait for each other take twenty times as long beside other work."""
    return threadpool_limits(1)


def _base(model: Any) -> Any:
    return model.calibrated_classifiers_[0].estimator


def dump(model: EarlyModel) -> bytes:
    """A model as it is kept."""
    told = {
        "library": LIBRARY,
        "names": model.names,
        "limits": model.limits,
        "past": [[list(key), list(counts)] for key, counts in model.past.items()],
        "past_at": model.past_at.isoformat(),
        "after_hours": model.after_hours,
    }
    kept = {"model": model.model, "told": json.dumps(told)}
    written: bytes = skops.io.dumps(kept, compression=zipfile.ZIP_DEFLATED)
    return written


def load(kept: bytes) -> EarlyModel:
    """A kept model. Raises ModelUnusable, before anything of it is made, if we did not make it."""
    try:
        read = skops.io.loads(kept, trusted=list(_TRUSTED))
        told = json.loads(read["told"])
        if told["library"] != LIBRARY:
            raise ModelUnusable(f"it was made with {told['library']}, and this is {LIBRARY}")
        return EarlyModel(
            names=tuple(told["names"]),
            model=read["model"],
            limits=tuple(told["limits"]),
            past={tuple(key): tuple(counts) for key, counts in told["past"]},
            past_at=datetime.fromisoformat(told["past_at"]),
            after_hours=told["after_hours"],
        )
    except UntrustedTypesFoundException as error:
        raise ModelUnusable(f"it holds what no model of ours does: {error}") from error
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelUnusable(f"it is no model of ours ({type(error).__name__})") from error
