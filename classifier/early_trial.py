"""How good probabilities of outcomes are, on sessions that they were not made from.

Everything a reader of the model card needs to doubt it: squared error, log-loss, calibration with
what chance alone would show, ranking, and the same for simply saying the company's own rates.
"""

from collections.abc import Hashable, Sequence

import numpy as np
from sklearn.metrics import roc_auc_score

from classifier.early_model import EarlyModel, Floats, Places
from classifier.past_rates import STRENGTH
from domain.predictions import OUTCOMES, Bin, Measures

_LABELS = len(OUTCOMES)
_MOST_BINS, _IN_A_BIN = 10, 100
_DRAWS = 100
# One-sided 95 %.
_SURE = 1.645
_SHUFFLES = 2
# Population stability: bins of what was learned from, and how much is too few to compare.
_PARTS, _ENOUGH, _EMPTY = 10, 100, 1e-3
_DRIFTED = 0.2


def squared_errors(chances: Floats, labels: Places) -> Floats:
    """The Brier score of each session: 0 where all was right, 2 where all was wrong."""
    errors: Floats = ((chances - np.eye(_LABELS)[labels]) ** 2).sum(axis=1)
    return errors


def measure(chances: Floats, labels: Places) -> Measures:
    """How good these probabilities are, given how the sessions ended."""
    said = np.clip(chances[np.arange(len(labels)), labels], 1e-12, 1.0)
    return Measures(
        sessions=len(labels),
        brier=float(squared_errors(chances, labels).mean()),
        log_loss=float(-np.log(said).mean()),
        calibration_error=calibration_error(chances, labels),
        calibration_noise=_noise(chances),
        auc=_auc(chances, labels),
    )


def calibration_error(chances: Floats, labels: Places) -> float:
    """The mean gap over bins of equal size and over the labels."""
    gaps = [
        sum(len(part) * abs(said[part].mean() - came[part].mean()) for part in _bins(said))
        for said, came in _by_label(chances, labels)
    ]
    return float(sum(gaps) / (_LABELS * len(labels)))


def reliability(chances: Floats, labels: Places) -> dict[str, tuple[Bin, ...]]:
    """By label: what was said and what came true, in bins of equal size."""
    told = zip(OUTCOMES, _by_label(chances, labels), strict=True)
    return {
        label.value: tuple(
            Bin(
                said=float(said[part].mean()),
                came_true=float(came[part].mean()),
                sessions=len(part),
            )
            for part in _bins(said)
        )
        for label, (said, came) in told
    }


def _by_label(chances: Floats, labels: Places) -> list[tuple[Floats, Floats]]:
    came = np.eye(_LABELS)[labels]
    return [(chances[:, place], came[:, place]) for place in range(_LABELS)]


def _bins(said: Floats) -> list[Places]:
    """Places of sessions, from the least probable on, in bins of equal size."""
    number = max(1, min(_MOST_BINS, len(said) // _IN_A_BIN))
    return [part for part in np.array_split(np.argsort(said, kind="stable"), number) if len(part)]


def _noise(chances: Floats) -> float:
    """The calibration error that these very probabilities would show if they were all true."""
    chance = np.random.default_rng(0)
    reached = chances.cumsum(axis=1)
    errors = []
    for _ in range(_DRAWS):
        drawn = (chance.random((len(chances), 1)) > reached).sum(axis=1)
        errors.append(calibration_error(chances, np.minimum(drawn, _LABELS - 1)))
    return float(np.mean(errors))


def _auc(chances: Floats, labels: Places) -> float | None:
    if len(set(labels.tolist())) < _LABELS:
        return None
    return float(roc_auc_score(labels, chances, multi_class="ovr", average="macro"))


def rates(learned: Sequence[Hashable], labels: Places, asked: Sequence[Hashable]) -> Floats:
    """The probabilities that come of saying the share of its group of each session.

    Shares are drawn towards those of all sessions; a group that was never seen has just these.
    """
    counts = np.bincount(labels, minlength=_LABELS).astype(float)
    common = (counts + 1) / (counts.sum() + _LABELS)
    groups: dict[Hashable, Floats] = {}
    for group, label in zip(learned, labels, strict=True):
        groups.setdefault(group, np.zeros(_LABELS))[label] += 1
    shares = {
        group: (own + STRENGTH * common) / (own.sum() + STRENGTH) for group, own in groups.items()
    }
    return np.array([shares.get(group, common) for group in asked]).reshape(-1, _LABELS)


def gain(better: Floats, worse: Floats, together: Sequence[Hashable]) -> tuple[float, float]:
    """By how much one's errors are smaller, and the lower end of that (one-sided 95 %).

    Sessions of one change end together, so they count together (``together``).
    """
    gained = worse - better
    mean = float(gained.mean())
    sums: dict[Hashable, float] = {}
    for each, of in zip(gained - mean, together, strict=True):
        sums[of] = sums.get(of, 0.0) + float(each)
    spread = float(np.sqrt(sum(each**2 for each in sums.values()))) / len(gained)
    return mean, mean - _SURE * spread


def leans_on(model: EarlyModel, rows: Floats, labels: Places, most: int) -> dict[str, float]:
    """The features without which it does worst: by how much, where their values are shuffled."""
    chance = np.random.default_rng(0)
    before = squared_errors(model.chances(rows), labels).mean()
    columns: dict[str, list[int]] = {}
    for place, name in enumerate(model.names):
        columns.setdefault(name.partition("=")[0], []).append(place)
    worse: dict[str, float] = {}
    for name, places in columns.items():
        lost = 0.0
        for _ in range(_SHUFFLES):
            shuffled = rows.copy()
            order = chance.permutation(len(rows))
            shuffled[:, places] = rows[order][:, places]
            lost += float(squared_errors(model.chances(shuffled), labels).mean() - before)
        worse[name] = lost / _SHUFFLES
    ranked = sorted(worse, key=lambda name: (-worse[name], name))
    return {name: round(worse[name], 5) for name in ranked[:most] if worse[name] > 0}


def drifted(names: Sequence[str], learned: Floats, recent: Floats) -> dict[str, float] | None:
    """Features whose values are spread otherwise now: population stability index above 0.2.

    None where there are too few sessions to compare. Rates of the past move by what has settled,
    so they are left out.
    """
    if min(len(learned), len(recent)) < _ENOUGH:
        return None
    found = {
        name: _stability(learned[:, place], recent[:, place])
        for place, name in enumerate(names)
        if not name.startswith("past_")
    }
    return {name: round(each, 3) for name, each in sorted(found.items()) if each > _DRIFTED}


def _stability(learned: Floats, recent: Floats) -> float:
    known = learned[~np.isnan(learned)]
    if not len(known):
        return 0.0
    edges = np.unique(np.quantile(known, np.linspace(0, 1, _PARTS + 1)[1:-1]))

    def shares(values: Floats) -> Floats:
        places = np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values))
        counts = np.bincount(places.astype(int), minlength=len(edges) + 2)
        return np.maximum(counts / len(values), _EMPTY)

    before, now = shares(learned), shares(recent)
    return float(((now - before) * np.log(now / before)).sum())
