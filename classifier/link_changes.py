"""From commits to changes to tickets.

A change is tied through its own commits and, beside that, by its branch. So a squash merge loses
nothing: the commits of the change carry the evidence, never the merge commit, whose time says when
somebody pressed the button. A ticket is tied through the changes and commits that name it or that
its tracker ties to it, and where the session itself told it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from classifier.link import EvidenceKind, carried, is_shared_branch, link_of
from domain.labels import (
    CandidateChange,
    Evidence,
    Link,
    SessionTraces,
    Target,
    TargetKind,
)

# A branch may be worked on before its change is opened and after it is merged.
CHANGE_MARGIN = timedelta(days=2)

Review = tuple[bool, str, datetime]
"""Whether somebody accepted a link, who, and when."""


def link_changes(
    traces: SessionTraces,
    commit_links: Sequence[Link],
    containing: Mapping[tuple[str, str], Iterable[int]],
    changes: Sequence[CandidateChange],
    reviews: Mapping[Target, Review],
    *,
    edited_nothing: bool = False,
) -> tuple[Link, ...]:
    """The links of a session to changes, given those to commits.

    ``containing`` tells the numbers of the changes that hold a commit (repository and SHA). The
    answer does not depend on any order. A change is linked through its commits also where it is
    not among the candidates itself. ``edited_nothing`` says that the session's tool tells so: where
    it tells no edits at all nobody knows.
    """
    evidence: dict[Target, list[Evidence]] = defaultdict(list)
    via: dict[Target, list[str]] = defaultdict(list)
    for link in commit_links:
        for number in containing.get((link.target.repo, link.target.id), ()):
            change = change_target(link.target.repo, number)
            evidence[change].append(
                carried(EvidenceKind.THROUGH_COMMIT, link, _first_observed(link))
            )
            via[change].append(link.target.id)
    for candidate in changes:
        if _of_another(traces, candidate, changes):
            continue
        piece = _branch_evidence(traces, candidate, edited_nothing)
        if piece:
            evidence[change_target(candidate.repo, candidate.number)].append(piece)
    return _links(evidence, via, reviews, TargetKind.CHANGE)


def link_tickets(
    traces: SessionTraces,
    links: Sequence[Link],
    tickets: Mapping[Target, Iterable[str]],
    reviews: Mapping[Target, Review],
) -> tuple[Link, ...]:
    """The links of a session to tickets, given those to commits and changes and their tickets.

    What is tied through a change is not tied a second time through that change's commits.
    """
    evidence: dict[Target, list[Evidence]] = defaultdict(list)
    booked = {sha for link in links for sha in link.via}
    for link in links:
        if link.target.kind == TargetKind.COMMIT and link.target.id in booked:
            continue
        for key in tickets.get(link.target, ()):
            piece = carried(EvidenceKind.THROUGH_CHANGE, link, _first_observed(link))
            evidence[ticket_target(key)].append(piece)
    for key, at in traces.tickets.items():
        piece = Evidence(kind=EvidenceKind.TICKET_TOLD, value=key, observed_at=at)
        evidence[ticket_target(key)].append(piece)
    return _links(evidence, {}, reviews, TargetKind.TICKET)


def change_target(repo: str, number: int) -> Target:
    """A change as a target."""
    return Target(kind=TargetKind.CHANGE, repo=repo, id=str(number))


def ticket_target(key: str) -> Target:
    """A ticket as a target."""
    return Target(kind=TargetKind.TICKET, repo="", id=key)


def _links(
    evidence: dict[Target, list[Evidence]],
    via: Mapping[Target, Iterable[str]],
    reviews: Mapping[Target, Review],
    kind: TargetKind,
) -> tuple[Link, ...]:
    """A link for each target that has evidence or was accepted, without those rejected."""
    for target, (accepted, by, at) in reviews.items():
        if target.kind == kind and accepted:
            piece = Evidence(kind=EvidenceKind.REVIEWED, value=by, observed_at=at)
            evidence[target].append(piece)
    links = []
    for target in sorted(evidence, key=lambda t: (t.repo, len(t.id), t.id)):
        review = reviews.get(target)
        if review is not None and not review[0]:
            continue
        link = link_of(target, evidence[target], via.get(target, ()))
        if link is not None:
            links.append(link)
    return tuple(links)


def _first_observed(link: Link) -> datetime:
    return min(piece.observed_at for piece in link.evidence)


def _branch_evidence(
    traces: SessionTraces, change: CandidateChange, edited_nothing: bool
) -> Evidence | None:
    worked_at = traces.branches.get(change.head_ref)
    if worked_at is None or is_shared_branch(change.head_ref) or not _overlap(traces, change):
        return None
    home = _home(change)
    if home in traces.repositories:
        kind = _on_branch(traces, change, edited_nothing)
    elif traces.people & change.authors and (
        # Told as the repository that a fork's change goes to: the branch may be another's.
        not traces.repositories or change.repo in traces.repositories
    ):
        kind = EvidenceKind.BRANCH_AND_PERSON
    else:
        return None
    if kind is None:
        return None
    return Evidence(
        kind=kind,
        value=f"{home}:{change.head_ref}",
        observed_at=max(worked_at, change.opened_at),
    )


def _on_branch(
    traces: SessionTraces, change: CandidateChange, edited_nothing: bool
) -> EvidenceKind | None:
    """What it says that a session was on the branch: nothing of one that only looked at others'.

    Somebody else than the authors may be one of them under another identity, but not who edited
    nothing beside that. Who reviewed the change is known for somebody else.
    """
    others = bool(traces.people) and traces.people.isdisjoint(change.authors)
    if edited_nothing:
        return None if others else EvidenceKind.BRANCH_VISITED
    if others and traces.people & change.reviewers:
        return EvidenceKind.BRANCH_VISITED
    return EvidenceKind.BRANCH_AND_REPOSITORY


def _overlap(traces: SessionTraces, change: CandidateChange) -> bool:
    begun = traces.ended_at >= change.opened_at - CHANGE_MARGIN
    ended = change.ended_at is not None and traces.started_at > change.ended_at + CHANGE_MARGIN
    return begun and not ended


def _of_another(
    traces: SessionTraces, change: CandidateChange, changes: Iterable[CandidateChange]
) -> bool:
    """Whether the branch was another change's while the session ran: it was used again.

    It belongs to the next change from the end of the one before.
    """
    for other in changes:
        same = (_home(other), other.head_ref) == (_home(change), change.head_ref)
        if other is change or not same or not _overlap(traces, other):
            continue
        first, second = sorted((change, other), key=_begun)
        if first.ended_at is None or second.opened_at < first.ended_at:
            continue
        if change is first and traces.started_at >= first.ended_at:
            return True
        if change is second and traces.ended_at < first.ended_at:
            return True
    return False


def _begun(change: CandidateChange) -> tuple[datetime, str, int]:
    return change.opened_at, change.repo, change.number


def _home(change: CandidateChange) -> str:
    return change.head_repo or change.repo
