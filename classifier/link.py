"""What a link is made of: evidence, and what each piece of it is worth.

A link is what its evidence says and nothing else: tier and probability can be worked out from the
rows that are shown with it. Its tier is that of the best piece. Tier C and D propose and label
nothing. Which commits a session made is found in ``link_commits``, which changes and tickets
follow from that in ``link_changes``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import prod
from types import MappingProxyType

from domain.labels import Evidence, Link, Target, Tier


class EvidenceKind(StrEnum):
    """Why a session is held to have made something.

    The first ones are proof or near proof by themselves (``STRENGTH``). ``LIKENESS`` holds what
    the model says of what follows it; these explain and are worth nothing a second time.
    ``THROUGH_COMMIT`` carries the worth of a commit's link to its change, and
    ``THROUGH_CHANGE`` that of a change to its ticket.
    """

    COMMIT_SHA = "commit_sha"
    COMMIT_REWRITTEN = "commit_rewritten"
    SESSION_TRAILER = "session_trailer"
    REVIEWED = "reviewed"
    TICKET_TOLD = "ticket_told"
    BRANCH_AND_REPOSITORY = "branch_and_repository"
    BRANCH_AND_PERSON = "branch_and_person"
    BRANCH_VISITED = "branch_visited"
    PERSON_AND_TIME = "person_and_time"
    THROUGH_COMMIT = "through_commit"
    THROUGH_CHANGE = "through_change"
    LIKENESS = "likeness"
    PERSON = "person"
    FILES_EDITED = "files_edited"
    FILES_FRESH = "files_fresh"
    FILES_USED_UP = "files_used_up"
    FILES_LATEST = "files_latest"
    SHARE_OF_SESSION = "share_of_session"
    HOURS_APART = "hours_apart"
    SAME_BRANCH = "same_branch"
    OTHER_BRANCH = "other_branch"
    RIVAL = "rival"
    AGENT_MARKER = "agent_marker"
    SAME_TICKET = "same_ticket"


@dataclass(frozen=True, slots=True, kw_only=True)
class Strength:
    """What one kind of evidence is worth: how often it alone is right, and who says so."""

    tier: Tier
    probability: float
    sentence: str
    source: str


STRENGTH: Mapping[EvidenceKind, Strength] = MappingProxyType(
    {
        EvidenceKind.COMMIT_SHA: Strength(
            tier=Tier.A,
            probability=0.99,
            sentence="The session's telemetry names this commit.",
            source="The tool reports its own commit; 0.99 leaves room for abbreviated SHAs.",
        ),
        EvidenceKind.COMMIT_REWRITTEN: Strength(
            tier=Tier.A,
            probability=0.97,
            sentence="The session's telemetry names a commit that an amend, rebase, squash or "
            "cherry-pick made into this one.",
            source="As for the SHA itself; a squash may hold the work of others as well.",
        ),
        EvidenceKind.SESSION_TRAILER: Strength(
            tier=Tier.A,
            probability=0.99,
            sentence="The commit's message names this session.",
            source="Written when the commit is made; 0.99 leaves room for copied messages.",
        ),
        EvidenceKind.REVIEWED: Strength(
            tier=Tier.A,
            probability=0.99,
            sentence="Somebody looked at this link and accepted it.",
            source="People err as well; as often as the rest of tier A is held to.",
        ),
        EvidenceKind.TICKET_TOLD: Strength(
            tier=Tier.A,
            probability=0.97,
            sentence="The session's telemetry names this ticket.",
            source="An estimate: set by whoever starts the session, who may forget to change it.",
        ),
        EvidenceKind.BRANCH_AND_REPOSITORY: Strength(
            tier=Tier.B,
            probability=0.965,
            sentence="The session worked on the change's branch, in its repository and time.",
            source="Measured on 656 known session-commit pairs of one public repository; these "
            "rules were right on 78 changes of 78 in a part of them.",
        ),
        EvidenceKind.BRANCH_AND_PERSON: Strength(
            tier=Tier.C,
            probability=0.6,
            sentence="The change's author worked on a branch of its name in its time; "
            "which repository that was, the session did not say.",
            source="An estimate between its neighbours: what it gets wrong, one branch name in two "
            "repositories, can't be measured in one.",
        ),
        EvidenceKind.BRANCH_VISITED: Strength(
            tier=Tier.C,
            probability=0.5,
            sentence="The session was on the change's branch, in its repository and time, but its "
            "tool tells that it edited nothing, or its person reviewed the change.",
            source="A judgement: what was measured of branches was of sessions that edited.",
        ),
        EvidenceKind.PERSON_AND_TIME: Strength(
            tier=Tier.D,
            probability=0.45,
            sentence="The same person wrote the commit while the session ran, or just after; "
            "which files either touched is not known.",
            source="Measured on the same pairs: 0.50 over all commits with one session at the "
            "time. Kept below one half, since time alone is never proof.",
        ),
    }
)

# What many pieces of evidence together can reach. One person's commits within one session are not
# independent, so they must not add up to proof.
CEILING: Mapping[Tier, float] = MappingProxyType(
    {Tier.A: 0.99, Tier.B: 0.98, Tier.C: 0.9, Tier.D: 0.49}
)

# By likeness: 0.8 and more was right in 97 % of the known pairs, 0.5 and more in two of three.
NEAR_PROOF = 0.8
PROBABLE = 0.5
# Nothing below is kept: of hundreds of pairs almost none is right.
LEAST = 0.02

_CARRIED = frozenset({EvidenceKind.THROUGH_COMMIT, EvidenceKind.THROUGH_CHANGE})
_SHARED_BRANCHES = frozenset(
    {"head", "main", "master", "develop", "development", "dev", "trunk", "release"}
)
_SHARED_PREFIXES = ("release/", "releases/")


def link_of(target: Target, evidence: Iterable[Evidence], via: Iterable[str] = ()) -> Link | None:
    """The link that follows from this evidence; None where it is worth nothing.

    Twice the same kind is once, except what several commits or changes carry.
    """
    kept = tuple(sorted(set(evidence), key=lambda e: (e.kind, e.value, e.observed_at)))
    worth = _worth(kept)
    if not worth:
        return None
    tier = min(tier for tier, _ in worth)
    return Link(
        target=target,
        tier=tier,
        probability=round(min(_either(p for _, p in worth), CEILING[tier]), 4),
        evidence=kept,
        via=tuple(sorted(set(via))),
    )


def link_at(link: Link, as_of: datetime) -> Link | None:
    """Reduce a link to the evidence observed by then; None where there was none yet."""
    evidence = [piece for piece in link.evidence if piece.observed_at <= as_of]
    if len(evidence) == len(link.evidence):
        return link
    return link_of(link.target, evidence, link.via)


def carried(kind: EvidenceKind, link: Link, observed_at: datetime) -> Evidence:
    """A link as evidence of another that it leads to: its target, tier and probability."""
    value = f"{link.target.repo}:{link.target.id} {link.tier} {link.probability}"
    return Evidence(kind=kind, value=value, observed_at=observed_at)


def tier_of(probability: float) -> Tier:
    """The tier of what the model holds for so probable."""
    if probability >= NEAR_PROOF:
        return Tier.B
    return Tier.C if probability >= PROBABLE else Tier.D


def is_shared_branch(name: str) -> bool:
    """Whether so many work on this branch that its name identifies nobody's work."""
    name = name.lower()
    return name in _SHARED_BRANCHES or name.startswith(_SHARED_PREFIXES)


def _worth(evidence: Iterable[Evidence]) -> list[tuple[Tier, float]]:
    """Tier and probability of each piece that says something by itself."""
    by_kind: dict[str, tuple[Tier, float]] = {}
    for piece in evidence:
        kind = EvidenceKind(piece.kind)
        if kind in _CARRIED:
            _, tier, told = piece.value.rsplit(" ", 2)
            by_kind[f"{kind} {piece.value}"] = (Tier(tier), float(told))
        elif kind is EvidenceKind.LIKENESS:
            by_kind[kind] = (tier_of(float(piece.value)), float(piece.value))
        elif kind is EvidenceKind.PERSON_AND_TIME:
            strength = STRENGTH[kind]
            sessions = int(piece.value.rsplit(" ", 1)[-1])
            by_kind[kind] = (strength.tier, strength.probability / sessions)
        elif kind in STRENGTH:
            by_kind[kind] = (STRENGTH[kind].tier, STRENGTH[kind].probability)
    return list(by_kind.values())


def _either(probabilities: Iterable[float]) -> float:
    # Sorted: a product of floats depends on their order in its last digit.
    return 1 - prod(1 - p for p in sorted(probabilities))
