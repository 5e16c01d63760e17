"""What we conclude, and from what: links with evidence, facts, labels, verdicts.

Everything a sceptic needs stands in the value itself: the evidence behind a link, the facts a rule
saw, what is missing for a verdict. ``as_of`` is always an argument, never the clock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from domain.closing import ClosedReason
from domain.norms import Norms
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
    TICKET = "ticket"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One reason for a link: its kind, the value that matched, and when it was observed."""

    kind: str
    value: str
    observed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A commit (``id`` is its SHA), a change (its number) or a ticket (its key).

    ``kind`` is a ``TargetKind``. A ticket belongs to no repository: its ``repo`` is empty.
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


class Worked(NamedTuple):
    """When a session first and last edited a file."""

    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTraces:
    """What a session left that can tie it to work. Values map to the time first observed.

    ``people`` are the persons whose identities it told, ``files`` what it edited by the names that
    ``Pseudonyms.file`` gives: none where its tool tells no files. ``evaluations`` are the tags of
    evaluations that it took part in.
    """

    tool: str
    session_id: str
    started_at: datetime
    ended_at: datetime
    commits: Mapping[str, datetime]
    branches: Mapping[str, datetime]
    repositories: frozenset[str]
    people: frozenset[str]
    files: Mapping[str, Worked] = field(default_factory=dict)
    tickets: Mapping[str, datetime] = field(default_factory=dict)
    evaluations: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateCommit:
    """A commit that may belong to a session.

    ``authored_at`` is None for one of which only the SHA is known. ``same`` are the SHAs under
    which the same work was known before or after an amend, rebase, squash or cherry-pick.
    ``branches`` are those it was pushed to, ``heads`` those of the changes that contain it; neither
    holds the branch that everybody's work lands on. ``homes`` are the repositories that those
    changes come from and go to: a fork and what it is of. ``joins`` tells that it is a merge: its
    time says when somebody pressed a button, and its files are not its own. ``files`` are None
    where the forge did not list them. ``tools`` are the coding tools that its message or author
    names.
    """

    repo: str
    sha: str
    authors: frozenset[str]
    authored_at: datetime | None
    named_sessions: frozenset[tuple[str, str]] = frozenset()
    same: frozenset[str] = frozenset()
    branches: frozenset[str] = frozenset()
    heads: frozenset[str] = frozenset()
    homes: frozenset[str] = frozenset()
    joins: bool = False
    files: frozenset[str] | None = None
    tools: frozenset[str] = frozenset()
    tickets: frozenset[str] = frozenset()


Committed: TypeAlias = Mapping[tuple[str, str, str], Sequence[datetime]]
"""When a person committed a file of a repository, in order: by (person, repository, file)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """Everything that the decision about some commits may depend on, sessions by their keys.

    By commit (repository and SHA) ``near`` holds the sessions whose person and time or whose
    trailer make them candidates, ``named`` those whose telemetry names it: (session, told SHA,
    when). ``reviews`` are what people said of a session and a commit: accepted, by whom, when.
    """

    sessions: Mapping[int, SessionTraces]
    near: Mapping[tuple[str, str], frozenset[int]]
    named: Mapping[tuple[str, str], Sequence[tuple[int, str, datetime]]]
    committed: Committed
    reviews: Mapping[tuple[int, str, str], tuple[bool, str, datetime]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateChange:
    """A change that may belong to a session.

    ``head_repo`` is where its branch lives, None where that is ``repo`` itself or was not told.
    ``authors`` are who opened it and whose commits it lists or had pushed to its branch,
    ``reviewers`` who said anything of it. ``tickets`` are the keys that it is tied to.
    """

    repo: str
    number: int
    head_ref: str
    authors: frozenset[str]
    opened_at: datetime
    ended_at: datetime | None
    head_repo: str | None = None
    reviewers: frozenset[str] = frozenset()
    tickets: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One of the ``count`` pieces of work that landed of a change, by a SHA of it."""

    of: Target
    sha: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Revert:
    """One target undone by another. ``landed_at`` is when ``reverting`` reached the default branch.

    None while it has not. ``reverting`` is the very commit that says so, or a change whose text
    does; ``within`` are the changes that brought it. Of what is ``reverted`` only a ``piece`` is
    undone, or all of it (None). A commit is undone also with the change that holds it: that stands
    as a revert of its own. ``weak`` means that only its title says so.
    """

    reverting: Target
    reverted: Target
    landed_at: datetime | None
    weak: bool = False
    within: frozenset[Target] = frozenset()
    piece: Piece | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """One review of a change, reduced to what outcomes are made from.

    ``by_author`` means that the reviewer is the change's own author. ``person`` is None where
    nobody was told.
    """

    state: ReviewState
    submitted_at: datetime
    by_human: bool
    by_author: bool
    person: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedChange:
    """A change that a session is linked to, and what has become of it so far.

    ``landed_at`` is when it came to the default or a release branch, by whatever way; a change that
    was merged elsewhere has not landed. ``active_at`` is the last activity of the author's side;
    ``reverted_at`` is None also where the revert was itself reverted (re-landed); ``reworked_at``
    is when it became heavy rework. All of these, ``review_rounds`` and ``closed_reason`` are taken
    as of the moment that the label is for (``classifier.fates``): a single value can't be turned
    back later.

    ``lines`` are those that it adds and deletes, None where not told. ``takeover`` is the share of
    an agent's change that people made. Of a change that landed
    ``cost_nanousd`` is what all sessions have booked on it, ``tied`` whether it is tied to a task,
    and ``norms`` how it compares with others; all None where that is not known (yet).
    """

    repo: str
    number: int
    tier: Tier
    opened_at: datetime
    active_at: datetime
    merged_at: datetime | None
    landed_at: datetime | None
    closed_at: datetime | None
    reverted_at: datetime | None
    reworked_at: datetime | None
    review_rounds: int
    closed_reason: ClosedReason | None
    tasks: tuple[str, ...]
    title: str
    lines: int | None = None
    takeover: float | None = None
    cost_nanousd: int | None = None
    tied: bool | None = None
    norms: Norms | None = None


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
    have worked in, ``author_known`` that somebody whom its telemetry names has any commit: only
    then does work that can't be found mean that there is none. ``evaluations`` are the tags of
    evaluations that it took part in.
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
    files_edited: int | None = None
    author_known: bool = True
    evaluations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A label with the rule that gave it and the facts that the rule saw.

    ``due_at`` is when the same facts would give another label or maturity; None if never.
    ``beside`` is what the rules say where the label is a person's own.
    """

    label: Label
    maturity: Maturity
    rule: str
    reason: str
    facts: dict[str, object]
    rule_set: str
    as_of: datetime
    due_at: datetime | None
    beside: "Labelled | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedChange:
    """A change that a judged session is linked to by tier A or B.

    ``work_type`` and ``lines`` (added and deleted) are None where not known. ``survives`` says that
    it landed and is neither reverted nor heavily reworked, ``review_rounds`` how often it went back
    to its author; both None where nobody has told.
    """

    repo: str
    number: int
    title: str
    tier: Tier = Tier.A
    work_type: str | None = None
    lines: int | None = None
    survives: bool | None = None
    review_rounds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedSession:
    """A labelled session as a verdict looks at it. ``person`` is one pseudonym a person.

    ``model`` is the one that most of its cost went to, as the tool spells it; None: not told.
    """

    tool: str
    session_id: str | None
    person: str | None
    started_at: datetime
    ended_at: datetime
    cost_nanousd: int | None
    label: Label
    maturity: Maturity
    changes: tuple[JudgedChange, ...]
    model: str | None = None


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


class Use(StrEnum):
    """What to do with a tool for one type of work."""

    KEEP = "keep"
    STOP = "stop"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkTypeShare:
    """How a tool does at one type of work.

    ``share`` is the expected productive share of spend there with its 95 % ``interval``,
    ``good`` the probability that it reaches the bar for keeping. ``pieces`` is the number of equal
    pieces of work that it rests on, ``weight`` the part of the tool's spend.
    """

    work_type: str
    share: float
    interval: tuple[float, float]
    good: float
    pieces: float
    weight: float
    use: Use


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """What the decision would be under another assumption; ``changed`` says what was assumed."""

    changed: str
    decision: Decision
    share: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CostPerChange:
    """What a surviving change costs, in nano-dollars of settled spend, also of what failed.

    ``actual_nanousd`` is the spend over the changes that survive (``surviving``; a change that
    others worked on too counts by the share of its cost). ``standardised_nanousd`` is what it would
    be over the company's mix of work, with its 95 % ``interval_nanousd``.
    """

    actual_nanousd: int
    standardised_nanousd: int
    interval_nanousd: tuple[int, int]
    surviving: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Keep, scope, cut or insufficient evidence for one tool, with everything it rests on.

    ``model`` is set where a tool is judged with one of its models only. ``per_change`` is None
    where no change survived, or where that is not known.

    ``productive_share`` is of settled, non-neutral spend as it was; ``standardised_share`` what it
    would be over the company's mix of work, with its 95 % ``interval``; ``baseline`` the company's
    own. ``good`` is the probability that the standardised share reaches the bar for keeping,
    ``bad`` that it lies below both the bar for cutting and the other tools' share. All are None
    while a requirement is unmet: a number that must not be read is not given.
    """

    tool: str
    decision: Decision
    reason: str
    requirements: tuple[Requirement, ...]
    productive_share: float | None
    interval: tuple[float, float] | None
    as_of: datetime
    standardised_share: float | None = None
    baseline: float | None = None
    good: float | None = None
    bad: float | None = None
    by_work_type: tuple[WorkTypeShare, ...] = ()
    sensitivity: tuple[Sensitivity, ...] = ()
    model: str | None = None
    per_change: CostPerChange | None = None
