"""Early warnings: how sessions whose outcome is open are likely to end, and how far to trust that.

A warning is no conclusion. It never enters a label, a ratio or a verdict; it stands beside them
until the session has settled, and is then counted as right or wrong.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from domain.labels import Label

OUTCOMES = (Label.PRODUCTIVE, Label.INEFFICIENT, Label.WASTEFUL)
"""The labels that are foretold, in the order of every list of probabilities."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chances:
    """How likely a session is to end as each of these, given that it ends as one of them."""

    productive: float
    inefficient: float
    wasteful: float

    def of(self, label: Label) -> float:
        """The probability of one of ``OUTCOMES``."""
        by_label = dict(zip(OUTCOMES, self.each, strict=True))
        return by_label[label]

    @property
    def each(self) -> tuple[float, float, float]:
        """The three probabilities in the order of ``OUTCOMES``."""
        return (self.productive, self.inefficient, self.wasteful)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What a model says of a session. ``answer`` is None where it is not sure enough to say."""

    chances: Chances
    answer: Label | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Sessions of which about the same was said: the mean of that, and how often it came true."""

    said: float
    came_true: float
    sessions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The sessions of one use: how many, and when the first and the last of them ended."""

    sessions: int
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """How good probabilities were on sessions that were not learned from.

    ``brier`` is the mean squared error over the three probabilities of a session (0 to 2),
    ``log_loss`` in nats, ``calibration_error`` the mean gap between what was said and what came
    true, over bins of equal size and the three labels. ``calibration_noise`` is the gap that
    perfect probabilities would show on as many sessions by chance. ``auc`` is the mean over the
    labels of how often of two sessions the right one got the higher probability; None where a
    label did not occur.
    """

    sessions: int
    brier: float
    log_loss: float
    calibration_error: float
    calibration_noise: float
    auc: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What a training learned from, how it did on later sessions, and why it is refused, if it is.

    ``refused`` is "" where the model is used. ``labels`` counts the sessions learned from or tested
    on by how they ended; ``unsettled`` are as old and still have no final label. ``test`` is on the
    latest sessions; ``unseen`` on those of them in repositories that were left out of learning,
    where the best rates had the Brier score ``unseen_rates``.
    ``baselines`` holds the Brier scores of saying the same of all, of all of a work type, and of
    all of a repository; ``better_by`` by how much the model beats the best of them, and
    ``better_by_at_least`` the lower end of that (one-sided 95 %). ``covered`` is how often the set
    of labels that could not be ruled out held the right one. ``leans_on`` maps features to how
    much worse the Brier score gets without them, ``drift`` to the population stability index
    between learning and now (None: too few sessions to say). None elsewhere: not measured, since
    it was refused before.
    """

    trained_at: datetime
    refused: str
    labels: Mapping[str, int]
    unsettled: int
    features: tuple[str, ...] = ()
    library: str = ""
    fitted: Part | None = None
    calibrated: Part | None = None
    tested: Part | None = None
    test: Measures | None = None
    unseen: Measures | None = None
    unseen_rates: float | None = None
    baselines: Mapping[str, float] = field(default_factory=dict)
    better_by: float | None = None
    better_by_at_least: float | None = None
    answered: float | None = None
    accuracy: float | None = None
    covered: float | None = None
    reliability: Mapping[str, tuple[Bin, ...]] = field(default_factory=dict)
    leans_on: Mapping[str, float] = field(default_factory=dict)
    drift: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How past warnings of one tool came out.

    ``settled`` ended as one of ``OUTCOMES``; of them ``answered`` had an answer, which was right
    ``answered_right`` times. ``otherwise`` ended as neutral or unknown, of which nothing was said.
    """

    tool: str
    settled: int
    answered: int
    answered_right: int
    brier: float | None
    otherwise: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackRecord:
    """How all past warnings came out: by tool, and by what was said of each label."""

    tools: tuple[Tally, ...]
    reliability: Mapping[str, tuple[Bin, ...]]
