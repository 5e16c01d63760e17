"""Which tool and model to use for which work, when to escalate, and when to look at it again.

A policy is a value that is frozen when it was made: machines read its rules (the first that matches
counts), people read it as a document (``domain.routing_document``).
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

SCHEMA_VERSION = 1
"""Goes up when the form of a policy changes in a way that a reader must know of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A tool with one of its models; None: not told."""

    tool: str
    model: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Which work: its type, and its size where the rule is for one size only."""

    work_type: str
    size: str | None = None


class Outcome(StrEnum):
    """What could be said of one kind of work."""

    USE = "use"
    NONE_CLEARS = "none_clears"
    CANNOT_SAY = "cannot_say"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known of one route at one kind of work.

    ``pieces`` is the number of equal pieces of work (``pieces_needed`` of the best known at least),
    ``people`` how many did it. ``share`` is the expected productive share of spend with its 95 %
    ``interval``, ``clears`` the probability that it reaches the bar. Costs are those of a surviving
    change in nano-dollars, None where not known. All but counts are None where there is too little
    to be read.
    """

    route: Route
    pieces: float
    people: int
    enough: bool
    share: float | None = None
    interval: tuple[float, float] | None = None
    clears: float | None = None
    cost_nanousd: int | None = None
    cost_interval_nanousd: tuple[int, int] | None = None


class Condition(StrEnum):
    """What makes work of a kind too much for the cheap route."""

    CHANGED_LINES = "changed_lines"
    FILES_TOUCHED = "files_touched"
    HOT_FILES = "hot_files"
    REVIEW_ROUNDS = "review_rounds"
    FAILED_ATTEMPTS = "failed_attempts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalate:
    """Escalate where at least so many: of lines, files, usual review rounds, or failed attempts.

    ``repositories`` names those where review rounds are that many; empty for other conditions.
    """

    condition: Condition
    at_least: float
    why: str
    repositories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What to do with one kind of work.

    ``use`` is None unless the outcome is ``use``; ``best`` is then the one nearest to the bar, of
    those of which enough is known. ``escalate_to`` is None where no route is known to do better: a
    person takes over. ``cheapest`` is the probability that ``use`` is cheaper than the next one
    that clears, None where there is no other or costs are not known. ``since`` is when the rule
    came to be as it is.
    """

    match: Match
    outcome: Outcome
    use: Route | None
    best: Route | None
    escalate_to: Route | None
    escalate: tuple[Escalate, ...]
    reason: str
    cheapest: float | None
    evidence: tuple[Evidence, ...]
    since: datetime


class Cause(StrEnum):
    """Why a policy is to be evaluated again."""

    NEW_MODEL = "new_model"
    PRICE_CHANGE = "price_change"
    MIX_SHIFT = "mix_shift"
    QUARTER_OVER = "quarter_over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """One cause with its state: ``due`` is None where it can't be said. ``names`` what changed."""

    cause: Cause
    due: bool | None
    detail: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The routing policy as of a moment.

    ``valid_from`` is when its rules last changed, ``reviewed_at`` the later of that and the last
    evaluation drawn: triggers look at what happened since. ``evidence_from`` and ``evidence_to``
    are the first and the last session that it rests on, None where there is none.
    """

    schema_version: int
    as_of: datetime
    valid_from: datetime
    reviewed_at: datetime
    bar: float
    sure: float
    evidence_from: datetime | None
    evidence_to: datetime | None
    rules: tuple[Rule, ...]
    triggers: tuple[Trigger, ...] = field(default=())
