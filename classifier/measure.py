"""How good links are: precision, recall and calibration against links that are known."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

COUNTED = 0.5
"""A link is counted as said where its probability is at least this."""
_BINS = 10


@dataclass(frozen=True, slots=True)
class Said:
    """One link that was said, with what it was said to be worth and whether it is right."""

    probability: float
    right: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """How good links are; a share of nothing is None.

    ``precision`` is the share of the counted links that are right, ``recall`` the share of the
    known links that are counted. ``calibration_error`` is how far probability and share of right
    ones lie apart: the mean over ten classes of probability, each weighed by its links (expected
    calibration error). ``said`` counts links of any probability.
    """

    known: int
    said: int
    counted: int
    right: int
    precision: float | None
    recall: float | None
    calibration_error: float | None


def quality(said: Sequence[Said], known: int, counted: float = COUNTED) -> Quality:
    """How good these links are where so many are known to be; those count from this probability."""
    counting = [each for each in said if each.probability >= counted]
    right = sum(each.right for each in counting)
    return Quality(
        known=known,
        said=len(said),
        counted=len(counting),
        right=right,
        precision=right / len(counting) if counting else None,
        recall=right / known if known else None,
        calibration_error=_calibration_error(said),
    )


def _calibration_error(said: Iterable[Said]) -> float | None:
    bins: list[list[Said]] = [[] for _ in range(_BINS)]
    for each in said:
        bins[min(int(each.probability * _BINS), _BINS - 1)].append(each)
    total = sum(map(len, bins))
    apart = sum(abs(sum(each.probability - each.right for each in of)) for of in bins)
    return apart / total if total else None
