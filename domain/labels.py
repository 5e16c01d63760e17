"""What we conclude, and from what: links with evidence, facts, labels, verdicts.

Everything a sceptic needs stands in the value itself: the evidence behind a link, the facts a rule
saw, what is missing for a verdict. ``as_of`` is always an argument, never the clock.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.work import ReviewState


class Tier(StrEnum):
    """Strength of evidence: A names the session, B is near proof, C is probable, D proposes."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"


class Label(StrEnum):
    """What a session bought."""

    PRODUCTIVE = "productive"
    INEFFICIENT = "inefficient"
    WASTEFUL = "wasteful"
    NEUTRAL = "neutral"
    PENDING = "pending"
    UNKNOWN = "unknown"


class Maturity(StrEnum):
    """Whether a label may still change by the mere passing of time."""

    PROVISIONAL = "provisional"
    FINAL = "final"


class Decision(StrEnum):
    """What to do about a tool."""

    KEEP = "keep"
    SCOPE = "scope"
    CUT = "cut"
    INSUFFICIENT_EVIDENCE = "insufficient_evidence"


class TargetKind(StrEnum):
    """What a link points at."""

    COMMIT = "commit"
    CHANGE = "change"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One reason for a link: its kind, the value that matched, and when it was observed."""

    kind: str
    value: str
    observed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A commit (``id`` is its SHA) or a change (``id`` is its number) of a repository.

    ``kind`` is a ``TargetKind``.
    """

    kind: str
    repo: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One session tied to one target. ``probability`` is how often such a link is right.

    ``via`` of a change holds the SHAs of its commits that the session is linked to as well: what is
    booked on the change is not booked on them again.
    """

    target: Target
    tier: Tier
    probability: float
    evidence: tuple[Evidence, ...]
    via: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTraces:
    """What a session left that can tie it to work. Values map to the time first observed."""

    tool: str
    session_id: str
    started_at: datetime
    ended_at: datetime
    commits: dict[str, datetime]
    branches: dict[str, datetime]
    repositories: frozenset[str]
    identities: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateCommit:
    """A commit that may belong to a session. ``changes`` are the numbers that contain it."""

    repo: str
    sha: str
    authors: frozenset[str]
    authored_at: datetime
    named_sessions: frozenset[tuple[str, str]]
    changes: tuple[int, ...]
    on_default_branch_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateChange:
    """A change that may belong to a session.

    ``head_repo`` is where its branch lives, None where that is ``repo`` itself or was not told.
    ``merge_sha`` is the commit that the merge made: it belongs to the change, but its time is that
    of the merge, not that of the work.
    """

    repo: str
    number: int
    head_ref: str
    authors: frozenset[str]
    opened_at: datetime
    ended_at: datetime | None
    head_repo: str | None = None
    merge_sha: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Revert:
    """One target undone by another. ``landed_at`` is when ``reverting`` reached the default branch.

    None while it has not. A commit that belongs to a change is named as the change, on both sides.
    """

    reverting: Target
    reverted: Target
    landed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """One review of a change, reduced to what review rounds are counted from.

    ``by_author`` means that the reviewer is the change's own author.
    """

    state: ReviewState
    submitted_at: datetime
    by_human: bool
    by_author: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedChange:
    """A change that a session is linked to, and what has become of it so far.

    ``active_at`` is the last activity of the author's side; ``reverted_at`` is None also where the
    revert was itself reverted (re-landed). Both, and ``review_rounds``, are taken as of the moment
    that the label is for (``classifier.outcomes``): a single value can't be turned back later.
    """

    repo: str
    number: int
    tier: Tier
    opened_at: datetime
    active_at: datetime
    merged_at: datetime | None
    landed: bool
    closed_at: datetime | None
    reverted_at: datetime | None
    review_rounds: int
    tasks: tuple[str, ...]
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LandedCommit:
    """A linked commit that reached the default branch without a change."""

    repo: str
    sha: str
    tier: Tier
    landed_at: datetime
    reverted_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFacts:
    """All that the rules may look at. None means that no signal told it.

    ``forge_connected`` means that a connected forge reports the repositories that the session could
    have worked in: only then does work that can't be found mean that there is none.
    """

    tool: str
    session_id: str | None
    started_at: datetime
    ended_at: datetime
    tokens: int | None
    cost_nanousd: int | None
    edits_accepted: int | None
    lines_changed: int | None
    commits: int | None
    tool_calls: int | None
    changes: tuple[LinkedChange, ...]
    direct: tuple[LandedCommit, ...]
    forge_connected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A label with the rule that gave it and the facts that the rule saw.

    ``due_at`` is when the same facts would give another label or maturity; None if never.
    """

    label: Label
    maturity: Maturity
    rule: str
    reason: str
    facts: dict[str, object]
    rule_set: str
    as_of: datetime
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedChange:
    """A change that a judged session is linked to by tier A or B."""

    repo: str
    number: int
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedSession:
    """A labelled session as a verdict looks at it. ``person`` is one pseudonym a person."""

    tool: str
    session_id: str | None
    person: str | None
    started_at: datetime
    ended_at: datetime
    cost_nanousd: int | None
    label: Label
    maturity: Maturity
    changes: tuple[JudgedChange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One thing a verdict needs: how much there is, how much it takes."""

    name: str
    sentence: str
    have: float
    need: float

    @property
    def met(self) -> bool:
        """Whether there is enough of it."""
        return self.have >= self.need


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Keep, scope, cut or insufficient evidence for one tool, with everything it rests on.

    ``productive_share`` (of settled, non-neutral spend) and its 95 % ``interval`` are None while a
    requirement is unmet: a number that must not be read is not given.
    """

    tool: str
    decision: Decision
    reason: str
    requirements: tuple[Requirement, ...]
    productive_share: float | None
    interval: tuple[float, float] | None
    as_of: datetime
