"""What spend leaks through: the words for sessions looked at, findings, and what was tried.

A finding is money that need not have been spent, as an estimate between two bounds. It is about a
group (a tool, with its team, repository, model or type of work), never about a person.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from domain.effects import Effect

_ID_LENGTH = 16


class Untold(StrEnum):
    """Why a detector can say nothing of a session."""

    QUANTITY_UNTOLD = "quantity_untold"  # the tool does not tell what the detector looks at
    PRICE_UNKNOWN = "price_unknown"  # nothing tells what it cost, or what its model's tokens cost
    NO_COMPARISON = "no_comparison"  # too few other sessions to compare it with
    NOT_SETTLED = "not_settled"  # its label may still change
    OUTCOME_UNKNOWN = "outcome_unknown"  # nobody can see what came of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What a finding is about. None: the detector does not tell such apart, or nobody told it."""

    detector: str
    tool: str
    team: str | None = None
    repo: str | None = None
    model: str | None = None
    work_type: str | None = None

    @property
    def id(self) -> str:
        """The leak's id: the same for the same detector and group, whenever it is found."""
        parts = (
            self.detector,
            self.tool,
            *("" if value is None else f"={value}" for value in self._told()),
        )
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:_ID_LENGTH]

    def _told(self) -> tuple[str | None, ...]:
        return self.team, self.repo, self.model, self.work_type


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """An amount in nano-dollars that is not known exactly: an estimate between two bounds."""

    low: int
    estimate: int
    high: int

    def __add__(self, other: "Money") -> "Money":
        """Both together: of sums the bounds add up, too."""
        return Money(
            low=self.low + other.low,
            estimate=self.estimate + other.estimate,
            high=self.high + other.high,
        )

    @classmethod
    def between(cls, low: float, estimate: float, high: float, *, most: int) -> "Money":
        """Bounds put in order, whole, and none of them below zero or above ``most``."""
        upper = _within(max(low, estimate, high), most)
        lower = _within(min(low, estimate, high), most)
        return cls(low=lower, estimate=min(max(_within(estimate, most), lower), upper), high=upper)


def _within(value: float, most: int) -> int:
    return min(max(round(value), 0), most)


NOTHING = Money(low=0, estimate=0, high=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTokens:
    """What a session used of one model, by purpose; nano-dollars and tokens, None: not told.

    What belongs to a session but ran as one of its own has the purpose ``subagent``.
    """

    model: str | None
    purpose: str | None
    requests: int | None
    input: int | None
    cache_read: int | None
    cache_write: int | None
    cache_write_1h: int | None
    output: int | None
    reasoning: int | None
    cost_nanousd: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompts:
    """The prompts of a session's own conversation, in tokens, and how many requests were long."""

    first: int
    last: int
    largest: int
    requests: int
    over_100k: int
    over_200k: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One session as detectors look at it, with all that belongs to it.

    ``person``, ``team`` and ``repo`` are those that most of its cost is booked under; where no
    repository is told, ``repo`` is that of its first change.
    ``tool_calls`` is None where the tool tells none. ``repeats`` is how often the call failed that
    failed most often, ``again`` how many failures were of a call that had failed before; both 0
    where nothing told of any. ``lines`` are those of all its changes, ``work_type`` is what most of
    its cost was booked on.
    """

    pk: int
    tool: str
    session_id: str
    ended_at: datetime
    person: str | None
    team: str | None
    repo: str | None
    cost_nanousd: int | None
    tokens: tuple[ModelTokens, ...]
    tool_calls: int | None
    repeats: int
    again: int
    compactions: int
    prompts: Prompts | None
    label: str | None
    rule: str | None
    final: bool
    changes: tuple[tuple[str, int], ...] = ()
    lines: int | None = None
    work_type: str | None = None

    @property
    def model(self) -> str | None:
        """The model that most of its cost, or where that is not told most requests, went to."""
        weights: dict[str, tuple[int, int]] = {}
        for each in self.tokens:
            if each.model is not None:
                cost, requests = weights.get(each.model, (0, 0))
                more = (cost + (each.cost_nanousd or 0), requests + (each.requests or 0))
                weights[each.model] = more
        return max(weights, key=lambda model: (weights[model], model), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakEvidence:
    """One session behind a finding."""

    session_pk: int
    tool: str
    session_id: str
    lost: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakFound:
    """A finding over the weeks looked at.

    ``lost`` is the money, ``spent_nanousd`` what all sessions of its group cost. ``sessions`` is
    how many leak, ``people`` how many are behind them as far as told; ``persons`` names them
    (pseudonyms) where it was just measured, and ``evidence`` holds the sessions that lose most.
    ``seen_on`` is the Monday of the last week in which it was seen. ``how`` says with the numbers
    of this group how the money was worked out.
    """

    group: Group
    lost: Money
    spent_nanousd: int
    sessions: int
    people: int
    seen_on: date
    how: str
    evidence: tuple[LeakEvidence, ...]
    persons: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakWeek:
    """What a group lost and spent in the week that begins on this Monday, in nano-dollars.

    ``people`` is how many are behind the group's spend.
    """

    week: date
    lost: Money
    spent_nanousd: int
    people: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorCoverage:
    """How many sessions a detector could look at, and of how many it could say nothing, by why."""

    judged: int
    untold: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """When leaks were last measured, over which weeks, and all of it together.

    ``since`` and ``until`` (exclusive) are Mondays. Of ``lost`` every session's cost counts once at
    most; ``spent_nanousd`` is what all sessions of these weeks cost, ``people`` how many are behind
    the leaks.
    """

    at: datetime
    since: date
    until: date
    lost: Money
    spent_nanousd: int
    sessions: int
    people: int
    coverage: Mapping[str, DetectorCoverage]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakAction:
    """A fix that somebody has marked as tried on this (UTC) day."""

    group: Group
    tried_on: date
    note: str
    tried_by: str
    recorded_at: datetime
    effect: Effect | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorSeen:
    """A detector as it is told to people."""

    name: str
    sentence: str
    money: str
    fix: str
    coverage: DetectorCoverage | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Others:
    """Findings about too few people to be told apart, together; they may overlap."""

    findings: int
    lost: Money
    sessions: int
    people: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakReport:
    """All leaks as they may be told.

    ``measured`` is None until they were first measured, and its ``lost`` is withheld (``withheld``)
    where all findings together are about too few people.
    """

    measured: Measured | None
    withheld: bool
    found: Sequence[LeakFound]
    others: Others | None
    actions: Sequence[LeakAction]
    detectors: Sequence[DetectorSeen]
