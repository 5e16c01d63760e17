"""What GitLab's REST API answers, read into facts. No calls here: ``gitlab_sync`` makes them.

The system writes notes about merge requests in English whatever the language of its readers. They
tell when somebody approved or asked for changes; the list of approvals does only in late versions,
and the state of a reviewer has no time.

https://docs.gitlab.com/api/merge_requests/
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import msgspec

from collector.forges import gitlab_words as words
from collector.forges.gitlab_words import Moment, User, moment
from collector.forges.reading import Count, Sha, Text
from collector.forges.touching import file_touched
from collector.forges.unnumbered import unnumbered_review
from domain.pseudonym import Pseudonyms
from domain.repository import repository_name
from domain.tickets import TicketMoved, TicketSeen, TicketState, TicketTied, TieKind
from domain.work import (
    ChangeSeen,
    CheckSeen,
    CommitSeen,
    CommitsPushed,
    DeploymentSeen,
    FileTouched,
    Repository,
    ReviewSeen,
    ReviewState,
)

# How the system's notes begin that are verdicts.
_VERDICTS = {
    "approved this merge request": ReviewState.APPROVED,
    "unapproved this merge request": ReviewState.DISMISSED,
    "requested changes": ReviewState.CHANGES_REQUESTED,
}
_NO_COMMIT = "0" * 40
# Tickets of a connected Jira, which GitLab lists by their key.
_JIRA = "jira"


class Project(msgspec.Struct):
    """A project as lists have it."""

    id: Count
    path_with_namespace: Text
    default_branch: Text | None = None


class MergeRequest(words.MergeRequest, kw_only=True):
    """A merge request as lists have it; ``sha`` is null where its branch held nothing."""

    sha: Sha | None = None
    author: User | None = None
    merged_at: Moment | None = None
    closed_at: Moment | None = None
    squash: bool | None = None
    labels: tuple[Text, ...] | None = None


class Commit(msgspec.Struct):
    """A commit."""

    id: Sha
    message: str
    committed_date: Moment
    authored_date: Moment | None = None
    author_name: Text | None = None
    author_email: Text | None = None
    parent_ids: tuple[Sha, ...] | None = None


class Diff(msgspec.Struct):
    """One file of a diff; the text of large ones is left out."""

    new_path: Text
    diff: str = ""
    collapsed: bool | None = None
    too_large: bool | None = None


class Version(msgspec.Struct):
    """What a merge request held after one push; nothing where the head is null."""

    id: Count
    created_at: Moment
    head_commit_sha: Sha | None = None


class Note(msgspec.Struct):
    """A comment, or what the system noted."""

    id: Count
    created_at: Moment
    author: User | None = None
    body: str = ""
    system: bool = False


class _Approval(msgspec.Struct):
    user: User
    approved_at: Moment | None = None


class Approvals(msgspec.Struct):
    """Who approves now."""

    approved_by: tuple[_Approval, ...] = ()


class _References(msgspec.Struct):
    full: Text


class Closed(msgspec.Struct):
    """An issue that a merge request closes; of another tracker only ``id`` is told, its key."""

    id: Count | Text
    references: _References | None = None


class _Links(msgspec.Struct):
    closed_as_duplicate_of: str | None = None


class Issue(words.Issue, kw_only=True):
    """An issue."""

    labels: tuple[Text, ...] = ()
    assignees: tuple[User, ...] = ()
    author: User | None = None
    issue_type: Text | None = None
    links: _Links = msgspec.field(name="_links", default_factory=_Links)


class StateEvent(msgspec.Struct):
    """One closing or reopening of an issue."""

    created_at: Moment
    state: str


class Pipeline(msgspec.Struct):
    """A pipeline as lists have it."""

    sha: Sha
    status: str
    created_at: Moment
    updated_at: Moment | None = None
    source: Text | None = None


class _Environment(msgspec.Struct):
    name: Text


class Environment(msgspec.Struct):
    """An environment and what it is for."""

    name: Text
    tier: str | None = None


class Deployment(msgspec.Struct):
    """A deployment."""

    id: Count
    sha: Sha
    status: str
    environment: _Environment
    created_at: Moment
    updated_at: Moment | None = None  # before 12.8


def change(
    place: Repository,
    told: MergeRequest,
    commits: Sequence[Commit],
    diffs: Sequence[Diff] | None,
    source: str | None,
    pseudonyms: Pseudonyms,
) -> ChangeSeen | None:
    """Give the state of a merge request; None where it never held a commit.

    ``source`` is the path of the project that its branch is in. ``diffs`` are None where not all
    of them are known.
    """
    head = told.sha or next((commit.id for commit in commits), None)
    if head is None:
        return None
    merge_sha = told.merge_commit_sha or told.squash_commit_sha
    if merge_sha is None and (not told.squash or len(commits) == 1):
        merge_sha = head  # a fast forward: the branch's own commits are what landed
    lines = None if diffs is None else [_lines(diff) for diff in diffs]
    seen = words.change(
        place,
        told,
        author=words.actor(told.author, pseudonyms),
        head_sha=head,
        head_repository=repository_name(source),
        merge_sha=merge_sha if told.state == "merged" else None,
        merged_at=words.moment_or_none(told.merged_at),
        closed_at=words.moment_or_none(told.closed_at),
        labels=told.labels,
        messages=tuple(commit.message for commit in commits),
        login=told.author.username if told.author else None,
    )
    return replace(
        seen,
        additions=_total(added for added, _ in lines) if lines is not None else None,
        deletions=_total(removed for _, removed in lines) if lines is not None else None,
        changed_files=len(lines) if lines is not None else None,
        commit_count=len(commits),
    )


def commit_seen(
    place: Repository,
    told: Commit,
    files: tuple[FileTouched, ...] | None,
    pseudonyms: Pseudonyms,
    branch: str | None = None,
) -> CommitSeen:
    """Give a commit; ``files`` None where they were not asked for."""
    seen = CommitSeen(
        sha=told.id,
        author=words.committer(told.author_name, told.author_email, pseudonyms),
        authored_at=moment(told.authored_date or told.committed_date),
        committed_at=moment(told.committed_date),
        parents=told.parent_ids,
        files=files,
    )
    return words.commit_seen(
        seen,
        told.message,
        place,
        branch=branch,
        name=told.author_name,
        email=told.author_email,
    )


def pushed(
    place: Repository,
    branch: str,
    before: str | None,
    after: str,
    at: str,
    commits: tuple[CommitSeen, ...],
) -> CommitsPushed:
    """Give the push after which a merge request held these commits.

    It was forced where the branch's head before is no longer among them.
    """
    held = {commit.sha for commit in commits}
    return CommitsPushed(
        repository=place,
        branch=branch,
        before=before or _NO_COMMIT,
        after=after,
        forced=before is not None and before not in held,
        pushed_at=moment(at),
        commits=commits,
    )


def landed(place: Repository, branch: str, commit: CommitSeen) -> CommitsPushed:
    """Give a commit of the default branch as pushed when it was committed: no one tells better."""
    return CommitsPushed(
        repository=place,
        branch=branch,
        before=commit.parents[0] if commit.parents else _NO_COMMIT,
        after=commit.sha,
        forced=False,
        pushed_at=commit.committed_at or commit.authored_at,
        commits=(commit,),
    )


def touched(diffs: Iterable[Diff], pseudonyms: Pseudonyms) -> tuple[FileTouched, ...]:
    """Give the files of a diff with their counts of lines; what is no path is left out."""
    files: dict[str, FileTouched] = {}
    for diff in diffs:
        if file := file_touched(diff.new_path, pseudonyms, *_lines(diff)):
            files[file.file] = file
    return tuple(files.values())


def reviews(
    place: Repository,
    number: int,
    notes: Sequence[Note],
    approvals: Approvals,
    pseudonyms: Pseudonyms,
) -> Iterator[ReviewSeen]:
    """Give comments of people, and verdicts with their times."""
    for note in notes:
        state = _verdict(note.body) if note.system else ReviewState.COMMENTED
        reviewer = words.actor(note.author, pseudonyms)
        if state is None or (reviewer.bot and not note.system):
            continue
        if note.system:
            yield unnumbered_review(place, number, state, reviewer, moment(note.created_at))
            continue
        yield ReviewSeen(
            repository=place,
            number=number,
            review_id=f"comment:{note.id}",
            state=state,
            reviewer=reviewer,
            submitted_at=moment(note.created_at),
        )
    for approval in approvals.approved_by:
        if approval.approved_at:
            reviewer = words.actor(approval.user, pseudonyms)
            at = moment(approval.approved_at)
            yield unnumbered_review(place, number, ReviewState.APPROVED, reviewer, at)


def ties(place: Repository, told: MergeRequest, closed: Iterable[Closed]) -> Iterator[TicketTied]:
    """Give the issues that a merge request closes, by GitLab's own list."""
    for issue in closed:
        tracker, key = words.NAME, issue.references.full.lower() if issue.references else ""
        if isinstance(issue.id, str):
            tracker, key = _JIRA, issue.id
        if key:
            yield TicketTied(
                tracker=tracker,
                key=key,
                kind=TieKind.CHANGE,
                repo=place.name,
                value=str(told.iid),
                relation="closes",
                seen_at=moment(told.updated_at),
            )


def ticket(place: Repository, told: Issue, pseudonyms: Pseudonyms) -> TicketSeen:
    """Give the state of an issue."""
    state = words.ticket_state(told, duplicate=told.links.closed_as_duplicate_of is not None)
    return TicketSeen(
        tracker=words.NAME,
        key=f"{place.name}#{told.iid}",
        project=place.name,
        kind=told.issue_type,
        title=told.title,
        state=state,
        state_name=told.state,
        created_at=moment(told.created_at),
        updated_at=moment(told.updated_at),
        closed_at=words.moment_or_none(told.closed_at) if state is not TicketState.OPEN else None,
        labels=told.labels,
        assignee=words.identities(told.assignees, pseudonyms),
    )


def moves(seen: TicketSeen, events: Iterable[StateEvent]) -> Iterator[TicketMoved]:
    """Give when an issue was closed and reopened; only its last closing may say that it dropped."""
    told = sorted(events, key=lambda event: moment(event.created_at))
    for number, event in enumerate(told, start=1):
        at = moment(event.created_at)
        if event.state == "reopened":
            yield words.moved(seen.key, TicketState.OPEN, at)
        elif event.state == "closed":
            last = number == len(told) and seen.state is not TicketState.OPEN
            yield words.moved(seen.key, seen.state if last else TicketState.DONE, at)


def check(place: Repository, told: Pipeline) -> CheckSeen | None:
    """Give how a pipeline stands; None for a state that means nothing."""
    state = words.CHECK_STATES.get(told.status)
    if state is None:
        return None
    return CheckSeen(
        repository=place,
        sha=told.sha,
        name=words.check_name(told.source),
        state=state,
        at=moment(told.updated_at or told.created_at),
    )


def deployment(place: Repository, told: Deployment, tier: str | None) -> DeploymentSeen | None:
    """Give how a deployment stands; None for a state that means nothing."""
    state = words.DEPLOYMENT_STATES.get(told.status)
    if state is None:
        return None
    return DeploymentSeen(
        repository=place,
        deployment_id=str(told.id),
        sha=told.sha,
        environment=told.environment.name,
        production=words.is_production(told.environment.name, tier),
        state=state,
        at=moment(told.updated_at or told.created_at),
    )


def _verdict(note: str) -> ReviewState | None:
    return next((state for start, state in _VERDICTS.items() if note.startswith(start)), None)


def _lines(told: Diff) -> tuple[int | None, int | None]:
    """Count the lines added and removed; not those of a text that is left out."""
    if told.collapsed or told.too_large:
        return None, None
    added = removed = 0
    inside = False
    for line in told.diff.splitlines():
        inside = inside or line.startswith("@@")
        added += inside and line.startswith("+")
        removed += inside and line.startswith("-")
    return added, removed


def _total(counts: Iterable[int | None]) -> int | None:
    told = list(counts)
    known = [count for count in told if count is not None]
    return sum(known) if len(known) == len(told) else None
