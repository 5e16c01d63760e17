"""Tie a session to the commits and changes it made, by evidence only.

Commits come first; a change is tied through its own commits and, beside that, by its branch. So a
squash merge loses nothing: the commits of the pull request carry the evidence, never the merge
commit, whose time says when somebody pressed the button. A link keeps every piece of evidence; its
tier is that of the best one. Tier C and D propose and label nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import prod
from types import MappingProxyType

from domain.labels import (
    CandidateChange,
    CandidateCommit,
    Evidence,
    Link,
    SessionTraces,
    Target,
    TargetKind,
    Tier,
)


class EvidenceKind(StrEnum):
    """Why a session is held to have made something. ``STRENGTH`` says how much each is worth."""

    COMMIT_SHA = "commit_sha"
    SESSION_TRAILER = "session_trailer"
    BRANCH_AND_REPOSITORY = "branch_and_repository"
    BRANCH_AND_PERSON = "branch_and_person"
    PERSON_AND_TIME = "person_and_time"


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
        EvidenceKind.SESSION_TRAILER: Strength(
            tier=Tier.A,
            probability=0.99,
            sentence="The commit's message names this session.",
            source="Written when the commit is made; 0.99 leaves room for copied messages.",
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
        EvidenceKind.PERSON_AND_TIME: Strength(
            tier=Tier.D,
            probability=0.5,
            sentence="The same person wrote the commit while the session ran, or just after.",
            source="Measured on the same pairs: 0.50 over all commits, a lower bound; 210 of 311 "
            "with these rules.",
        ),
    }
)

# What many pieces of evidence together can reach. One person's commits within one session are not
# independent, so they must not add up to proof: of changes with two or more such commits and
# nothing better 16 of 24 were right. The ceiling of C is an estimate.
CEILING: Mapping[Tier, float] = MappingProxyType(
    {Tier.A: 0.99, Tier.B: 0.99, Tier.C: 0.9, Tier.D: 0.7}
)

# Git itself abbreviates to seven digits at least.
SHORTEST_SHA = 7
# A branch may be worked on before its change is opened and after it is merged.
CHANGE_MARGIN = timedelta(days=2)
# A person commits just after the session ended; the median gap of known pairs is below a minute.
AFTERMATH = timedelta(minutes=15)
# A session left open for days contains all of its person's commits: precision fell from 0.68 for
# sessions of up to a day to 0.12 once the longer ones counted, so for those time says nothing.
LONGEST_TIMED_SESSION = timedelta(hours=24)

_SHARED_BRANCHES = frozenset(
    {"head", "main", "master", "develop", "development", "dev", "trunk", "release"}
)
_SHARED_PREFIXES = ("release/", "releases/")


def link_session(
    traces: SessionTraces, commits: Sequence[CandidateCommit], changes: Sequence[CandidateChange]
) -> tuple[Link, ...]:
    """Link a session to its commits, then to its changes.

    The answer does not depend on the order of the candidates. A change is linked through its
    commits also where it is not among the candidates itself.
    """
    commit_links = _commit_links(
        traces, sorted(set(commits), key=lambda c: (c.repo, c.sha)), changes
    )
    parts: dict[Target, list[Link]] = defaultdict(list)
    for commit, link in commit_links:
        for number in _containing(commit, changes):
            parts[_change(commit.repo, number)].append(link)
    branches: dict[Target, Evidence] = {}
    for change in changes:
        evidence = _branch_evidence(traces, change)
        if evidence:
            branches[_change(change.repo, change.number)] = evidence
    targets = sorted({*parts, *branches}, key=lambda t: (t.repo, int(t.id)))
    return (
        *(link for _, link in commit_links),
        *(_change_link(target, parts[target], branches.get(target)) for target in targets),
    )


def link_at(link: Link, as_of: datetime) -> Link | None:
    """Reduce a link to the evidence observed by then; None where there was none yet.

    What is left weighs each kind once, whatever number of commits it was found on.
    """
    evidence = [piece for piece in link.evidence if piece.observed_at <= as_of]
    if len(evidence) == len(link.evidence):
        return link
    return _link(link.target, evidence, [_worth(evidence)], link.via) if evidence else None


def is_shared_branch(name: str) -> bool:
    """Whether so many work on this branch that its name identifies nobody's work."""
    name = name.lower()
    return name in _SHARED_BRANCHES or name.startswith(_SHARED_PREFIXES)


def _commit_links(
    traces: SessionTraces,
    commits: Sequence[CandidateCommit],
    changes: Sequence[CandidateChange],
) -> list[tuple[CandidateCommit, Link]]:
    named = _named_by_session(traces, commits)
    merges = {(change.repo, change.merge_sha) for change in changes if change.merge_sha}
    links = []
    for commit in commits:
        evidence = [
            *named.get((commit.repo, commit.sha), ()),
            *_naming_session(traces, commit),
        ]
        if (commit.repo, commit.sha) not in merges:
            evidence += _at_the_time(traces, commit)
        if evidence:
            target = Target(kind=TargetKind.COMMIT, repo=commit.repo, id=commit.sha)
            links.append((commit, _link(target, evidence, [_worth(evidence)])))
    return links


def _named_by_session(
    traces: SessionTraces, commits: Sequence[CandidateCommit]
) -> dict[tuple[str, str], list[Evidence]]:
    """Find the commits, by repository and SHA, that the telemetry names and can mean only.

    The session's own repositories go first. Copies of one commit, as in a fork, are one commit.
    """
    named: dict[tuple[str, str], list[Evidence]] = defaultdict(list)
    for told, told_at in traces.commits.items():
        if len(told) < SHORTEST_SHA:
            continue
        matching = [commit for commit in commits if commit.sha.startswith(told.lower())]
        at_home = {commit.sha for commit in matching if commit.repo in traces.repositories}
        meant = at_home or {commit.sha for commit in matching}
        if len(meant) != 1:
            continue
        evidence = Evidence(kind=EvidenceKind.COMMIT_SHA, value=told, observed_at=told_at)
        for commit in matching:
            if commit.sha in meant:
                named[commit.repo, commit.sha].append(evidence)
    return named


def _naming_session(traces: SessionTraces, commit: CandidateCommit) -> list[Evidence]:
    if (traces.tool, traces.session_id) not in commit.named_sessions:
        return []
    return [
        Evidence(
            kind=EvidenceKind.SESSION_TRAILER,
            value=f"{traces.tool}/{traces.session_id}",
            observed_at=commit.authored_at,
        )
    ]


def _at_the_time(traces: SessionTraces, commit: CandidateCommit) -> list[Evidence]:
    person = min(traces.identities & commit.authors, default=None)
    if (
        person is None
        or traces.ended_at - traces.started_at > LONGEST_TIMED_SESSION
        or not traces.started_at <= commit.authored_at <= traces.ended_at + AFTERMATH
        or (traces.repositories and commit.repo not in traces.repositories)
    ):
        return []
    return [
        Evidence(kind=EvidenceKind.PERSON_AND_TIME, value=person, observed_at=commit.authored_at)
    ]


def _branch_evidence(traces: SessionTraces, change: CandidateChange) -> Evidence | None:
    worked_at = traces.branches.get(change.head_ref)
    if worked_at is None or is_shared_branch(change.head_ref) or not _overlap(traces, change):
        return None
    home = change.head_repo or change.repo
    if home in traces.repositories:
        kind = EvidenceKind.BRANCH_AND_REPOSITORY
    elif traces.identities & change.authors and (
        # Told as the repository that a fork's change goes to: the branch may be another's.
        not traces.repositories or change.repo in traces.repositories
    ):
        kind = EvidenceKind.BRANCH_AND_PERSON
    else:
        return None
    return Evidence(
        kind=kind,
        value=f"{home}:{change.head_ref}",
        observed_at=max(worked_at, change.opened_at),
    )


def _overlap(traces: SessionTraces, change: CandidateChange) -> bool:
    begun = traces.ended_at >= change.opened_at - CHANGE_MARGIN
    ended = change.ended_at is not None and traces.started_at > change.ended_at + CHANGE_MARGIN
    return begun and not ended


def _containing(commit: CandidateCommit, changes: Sequence[CandidateChange]) -> set[int]:
    merged = {c.number for c in changes if (c.repo, c.merge_sha) == (commit.repo, commit.sha)}
    return {*commit.changes, *merged}


def _change_link(target: Target, parts: Sequence[Link], branch: Evidence | None) -> Link:
    evidence = [piece for part in parts for piece in part.evidence]
    probabilities = [part.probability for part in parts]
    if branch:
        evidence.append(branch)
        probabilities.append(_worth([branch]))
    via = tuple(sorted({part.target.id for part in parts}))
    return _link(target, evidence, probabilities, via)


def _link(
    target: Target,
    evidence: Iterable[Evidence],
    probabilities: Iterable[float],
    via: tuple[str, ...] = (),
) -> Link:
    kept = tuple(sorted(set(evidence), key=lambda e: (e.kind, e.value, e.observed_at)))
    tier = min(STRENGTH[EvidenceKind(piece.kind)].tier for piece in kept)
    return Link(
        target=target,
        tier=tier,
        probability=round(min(_either(probabilities), CEILING[tier]), 4),
        evidence=kept,
        via=via,
    )


def _worth(evidence: Iterable[Evidence]) -> float:
    """How often evidence of these kinds together is right; twice the same kind is once."""
    kinds = {EvidenceKind(piece.kind) for piece in evidence}
    return _either(STRENGTH[kind].probability for kind in kinds)


def _either(probabilities: Iterable[float]) -> float:
    # Sorted: a product of floats depends on their order in its last digit.
    return 1 - prod(1 - p for p in sorted(probabilities))


def _change(repo: str, number: int) -> Target:
    return Target(kind=TargetKind.CHANGE, repo=repo, id=str(number))
