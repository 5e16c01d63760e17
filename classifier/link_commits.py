"""Which sessions made a commit: seen from the commit, with everybody who could have made it.

What names the session (its telemetry, the commit's message, a person) is proof and ends the
search. Else all sessions of the commit's author around its time are weighed against each other
(``score``): who edited its files, last, and with nobody having committed them since. A session may
have made many commits and a commit may hold the work of several sessions.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from classifier.link import LEAST, EvidenceKind, is_shared_branch, link_of
from classifier.score import AFTER, BEFORE, LATE_REPORT, Likeness, probability
from domain.labels import (
    Around,
    CandidateCommit,
    Committed,
    Evidence,
    Link,
    SessionTraces,
    Target,
    TargetKind,
    Worked,
)
from domain.pseudonym import file_endings

# Git itself abbreviates to seven digits at least.
SHORTEST_SHA = 7
_WHOLE_SHA = 40
# Without files only who commits while the session runs, or just after, is proposed.
AFTERMATH = timedelta(minutes=15)
# A session left open for days contains all of its person's commits: precision fell from 0.68 for
# sessions of up to a day to 0.12 once the longer ones counted, so for those time says nothing.
LONGEST_TIMED_SESSION = timedelta(hours=24)
# A session's file is told by its path on a machine, of which a commit knows the end; a shorter one
# is told from a folder inside the repository, and must share two names at least.
_FEWEST_SHARED = 2


Edited = Mapping[str, Worked]
"""When a session edited each file, under every ending of its path."""


def link_commits(
    commits: Iterable[CandidateCommit], around: Around
) -> dict[tuple[str, str], dict[int, Link]]:
    """The links of each commit (repository and SHA), by session.

    Each is decided for itself: the answer depends on no order and on no other of these commits.
    """
    traced = _Traced(around)
    return {(commit.repo, commit.sha): _link_commit(commit, traced) for commit in commits}


class _Traced:
    """What is around, with the sessions found by what they left."""

    def __init__(self, around: Around) -> None:
        self.around = around
        self.blind: set[int] = set()
        self._edited: dict[int, Edited] = {}
        self._by_name: dict[str, list[int]] = defaultdict(list)
        self._by_ending: dict[str, list[int]] = defaultdict(list)
        self._by_branch: dict[str, list[int]] = defaultdict(list)
        for session, traces in around.sessions.items():
            if not traces.files:
                self.blind.add(session)
            for name in traces.files:
                self._by_name[name].append(session)
                for ending in file_endings(name):
                    self._by_ending[ending].append(session)
            for branch in traces.branches:
                self._by_branch[branch].append(session)

    def sharing(self, commit: CandidateCommit) -> set[int]:
        """Sessions that edited a file of the commit or worked on a branch of it."""
        found: set[int] = set()
        for file in commit.files or ():
            found.update(self._by_ending.get(file, ()))
            for ending in _shorter(file):
                found.update(self._by_name.get(ending, ()))
        for branch in commit.branches | commit.heads:
            found.update(self._by_branch.get(branch, ()))
        return found

    def edited(self, session: int) -> Edited:
        """When a session edited each file, under every ending of its path."""
        known = self._edited.get(session)
        if known is None:
            known = self._edited[session] = _edited(self.around.sessions[session])
        return known


def _link_commit(commit: CandidateCommit, traced: _Traced) -> dict[int, Link]:
    target = Target(kind=TargetKind.COMMIT, repo=commit.repo, id=commit.sha)
    evidence = _not_rejected(_proof(commit, traced.around), commit, traced.around)
    if not evidence:
        evidence = _not_rejected(_weighed(commit, traced), commit, traced.around)
    links = {session: link_of(target, evidence[session]) for session in sorted(evidence)}
    return {
        session: link
        for session, link in links.items()
        if link is not None and link.probability >= LEAST
    }


def _not_rejected(
    evidence: dict[int, list[Evidence]], commit: CandidateCommit, around: Around
) -> dict[int, list[Evidence]]:
    reviews = around.reviews
    return {
        session: pieces
        for session, pieces in evidence.items()
        if reviews.get((session, commit.repo, commit.sha), (True,))[0]
    }


def _edited(traces: SessionTraces) -> Edited:
    known: dict[str, Worked] = {}
    for name, worked in traces.files.items():
        for ending in file_endings(name):
            before = known.get(ending, worked)
            known[ending] = Worked(
                min(before.first_at, worked.first_at), max(before.last_at, worked.last_at)
            )
    return known


def _proof(commit: CandidateCommit, around: Around) -> dict[int, list[Evidence]]:
    """Evidence that names the session, by session."""
    proof: dict[int, list[Evidence]] = {}
    for session, told, at in around.named.get((commit.repo, commit.sha), ()):
        own = commit.sha.startswith(told.lower())
        if not _meant(commit, around.sessions[session], told, rewritten=not own):
            continue
        kind = EvidenceKind.COMMIT_SHA if own else EvidenceKind.COMMIT_REWRITTEN
        piece = Evidence(kind=kind, value=told, observed_at=at)
        proof.setdefault(session, []).append(piece)
    for session in around.near.get((commit.repo, commit.sha), ()):
        traces = around.sessions[session]
        if (traces.tool, traces.session_id) in commit.named_sessions:
            at = commit.authored_at or traces.ended_at
            name = f"{traces.tool}/{traces.session_id}"
            piece = Evidence(kind=EvidenceKind.SESSION_TRAILER, value=name, observed_at=at)
            proof.setdefault(session, []).append(piece)
    for (session, repo, sha), (accepted, by, at) in around.reviews.items():
        if accepted and (repo, sha) == (commit.repo, commit.sha) and session in around.sessions:
            piece = Evidence(kind=EvidenceKind.REVIEWED, value=by, observed_at=at)
            proof.setdefault(session, []).append(piece)
    return proof


def _meant(commit: CandidateCommit, traces: SessionTraces, told: str, *, rewritten: bool) -> bool:
    """Whether a SHA that a session told can mean this commit: short ones begin others' as well.

    Outside the repositories that the session told, as after a rename, person and time must speak
    for it; where it told none, not both of them against it.
    """
    homes = {commit.repo, *commit.homes}
    if len(told) >= _WHOLE_SHA or not traces.repositories.isdisjoint(homes):
        return True
    at = commit.authored_at
    theirs = not traces.people.isdisjoint(commit.authors)
    in_time = at is None or (
        traces.started_at - AFTER <= at and (rewritten or at <= traces.ended_at + BEFORE)
    )
    if traces.repositories:
        return theirs and in_time and at is not None
    return theirs or in_time


def _weighed(commit: CandidateCommit, traced: _Traced) -> dict[int, list[Evidence]]:
    """Evidence by likeness or, where files are not told, by time; by session."""
    at = commit.authored_at
    if at is None or commit.joins:
        return {}
    around = traced.around
    near = around.near.get((commit.repo, commit.sha), frozenset())
    blind = near if commit.files is None else near & traced.blind
    found = _by_time(commit, at, _possible(blind, commit, at, around))
    if commit.files:
        likely = _possible(near & traced.sharing(commit), commit, at, around)
        found |= _by_likeness(commit, commit.files, at, likely, traced)
    return found


def _possible(
    sessions: Iterable[int], commit: CandidateCommit, at: datetime, around: Around
) -> dict[int, SessionTraces]:
    """Those of these sessions that may have made the commit by person, time and repository."""
    return {
        session: traces
        for session in sessions
        if not (traces := around.sessions[session]).people.isdisjoint(commit.authors)
        and traces.started_at - BEFORE <= at <= traces.ended_at + AFTER
        and (not traces.repositories or commit.repo in traces.repositories)
    }


def _by_time(
    commit: CandidateCommit, at: datetime, sessions: Mapping[int, SessionTraces]
) -> dict[int, list[Evidence]]:
    at_the_time = [
        session
        for session, traces in sessions.items()
        if traces.started_at <= at <= traces.ended_at + AFTERMATH
        and traces.ended_at - traces.started_at <= LONGEST_TIMED_SESSION
    ]
    found: dict[int, list[Evidence]] = {}
    for session in at_the_time:
        person = min(sessions[session].people & commit.authors)
        value = f"{person}, sessions at the time: {len(at_the_time)}"
        kind = EvidenceKind.PERSON_AND_TIME
        found[session] = [Evidence(kind=kind, value=value, observed_at=at)]
    return found


@dataclass(frozen=True, slots=True)
class _Shared:
    """What a session did to a commit's files before it was made: counts, and the last edits."""

    edited: int
    used_up: int
    fresh: int
    last: Mapping[str, datetime]


def _by_likeness(
    commit: CandidateCommit,
    files: frozenset[str],
    at: datetime,
    near: Mapping[int, SessionTraces],
    traced: _Traced,
) -> dict[int, list[Evidence]]:
    shared = {
        session: _shared(commit, files, at, traces, traced.edited(session), traced.around.committed)
        for session, traces in near.items()
    }
    latest: dict[str, datetime] = {}
    for of in shared.values():
        for file, edited_at in of.last.items():
            latest[file] = max(edited_at, latest.get(file, edited_at))
    freshest = sorted((of.fresh, session) for session, of in shared.items())
    found: dict[int, list[Evidence]] = {}
    for session, of in shared.items():
        traces = near[session]
        branch = _branch(traces, commit)
        if not of.edited and (branch is None or not branch[0]):
            continue
        rival = max((fresh for fresh, other in freshest[-2:] if other != session), default=0)
        counted = _Counted(
            files=len(files),
            shared=of,
            latest=sum(latest[file] == edited_at for file, edited_at in of.last.items()),
            of_session=len(traces.files),
            rival=rival,
        )
        found[session] = list(_explained(commit, at, traces, counted, branch))
    return found


def _shared(
    commit: CandidateCommit,
    files: Iterable[str],
    at: datetime,
    traces: SessionTraces,
    edited: Edited,
    committed: Committed,
) -> _Shared:
    people = sorted(traces.people & commit.authors)
    shared = used_up = fresh = 0
    last: dict[str, datetime] = {}
    for file in files:
        worked = edited.get(file) or _told_shorter(file, traces.files)
        if worked is None:
            continue
        shared += 1
        if worked.first_at > at + LATE_REPORT:
            continue
        edited_at = last[file] = min(worked.last_at, at)
        if any(
            _between(committed.get((person, commit.repo, file), ()), edited_at, at)
            for person in people
        ):
            used_up += 1
        elif at - edited_at <= AFTER:
            fresh += 1
    return _Shared(shared, used_up, fresh, last)


def _told_shorter(file: str, files: Mapping[str, Worked]) -> Worked | None:
    """The session's edit of a file that it told from inside a folder of the repository."""
    return next((files[ending] for ending in reversed(_shorter(file)) if ending in files), None)


def _shorter(file: str) -> list[str]:
    return file_endings(file)[_FEWEST_SHARED - 1 : -1]


def _between(moments: Sequence[datetime], after: datetime, before: datetime) -> bool:
    """Whether one of these ordered moments lies strictly between two others."""
    return bisect_left(moments, before) > bisect_right(moments, after)


def _branch(traces: SessionTraces, commit: CandidateCommit) -> tuple[bool, str] | None:
    """Whether the session worked on a branch of the commit, and which; None where nobody knows.

    That a commit was pushed to another branch as well says nothing; its change has one head.
    """
    told = {name for name in traces.branches if not is_shared_branch(name)}
    heads = {name for name in commit.heads if not is_shared_branch(name)}
    same = told & (commit.branches | heads)
    if same:
        return True, min(same)
    return (False, min(heads)) if told and heads else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counted:
    """Numbers of files that a session and a commit of ``files`` files share."""

    files: int
    shared: _Shared
    latest: int
    of_session: int
    rival: int


def _explained(
    commit: CandidateCommit,
    at: datetime,
    traces: SessionTraces,
    counted: _Counted,
    branch: tuple[bool, str] | None,
) -> Iterator[Evidence]:
    """The likeness of a pair as evidence, and what it was worked out from."""
    files, of = counted.files, counted.shared
    gap = max(at - traces.ended_at, traces.started_at - at, timedelta())
    tickets = sorted(commit.tickets & traces.tickets.keys())
    likeness = Likeness(
        cover=of.edited / files,
        fresh=of.fresh / files,
        used_up=of.used_up / files,
        latest=counted.latest / files,
        of_session=of.edited / len(traces.files) if traces.files else 0,
        gap=gap,
        same_branch=branch[0] if branch else None,
        rival=counted.rival / files,
        agent_marker=traces.tool in commit.tools,
        same_ticket=bool(tickets),
    )
    told: list[tuple[EvidenceKind, str]] = [
        (EvidenceKind.LIKENESS, f"{probability(likeness):.4f}"),
        (EvidenceKind.PERSON, min(traces.people & commit.authors)),
        (EvidenceKind.HOURS_APART, f"{likeness.gap_hours:.2f}"),
    ]
    for kind, count in (
        (EvidenceKind.FILES_EDITED, of.edited),
        (EvidenceKind.FILES_FRESH, of.fresh),
        (EvidenceKind.FILES_USED_UP, of.used_up),
        (EvidenceKind.FILES_LATEST, counted.latest),
        (EvidenceKind.RIVAL, counted.rival),
    ):
        if count:
            told.append((kind, f"{count} of {files}"))
    if of.edited and traces.files:
        share = f"{of.edited} of {len(traces.files)}"
        told.append((EvidenceKind.SHARE_OF_SESSION, share))
    if branch is not None:
        kind = EvidenceKind.SAME_BRANCH if branch[0] else EvidenceKind.OTHER_BRANCH
        told.append((kind, branch[1]))
    if likeness.agent_marker:
        told.append((EvidenceKind.AGENT_MARKER, traces.tool))
    if tickets:
        told.append((EvidenceKind.SAME_TICKET, tickets[0]))
    for kind, value in told:
        yield Evidence(kind=kind, value=value, observed_at=at)
