"""What the REST API of Gitea and Forgejo answers, read into facts; no calls here.

https://docs.gitea.com/api/
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec

from collector.forges import gitea_words as words
from collector.forges.gitea_words import Author, PullRequest, Repo, User
from collector.forges.reading import Count, Instant, Number, Sha, Text
from collector.forges.touching import file_touched
from collector.forges.unnumbered import unnumbered_review
from domain.pseudonym import Pseudonyms
from domain.tickets import TicketMoved, TicketTied, TieKind
from domain.work import (
    ChangeSeen,
    CheckSeen,
    CommitSeen,
    CommitsPushed,
    FileTouched,
    Repository,
    ReviewSeen,
    ReviewState,
)

_VERDICTS = {
    "APPROVED": ReviewState.APPROVED,
    "REQUEST_CHANGES": ReviewState.CHANGES_REQUESTED,
    "COMMENT": ReviewState.COMMENTED,
}
_NO_COMMIT = "0" * 40
_CLOSES = "closes"


class Listed(msgspec.Struct):
    """A repository as lists have it."""

    full_name: Text
    default_branch: Text | None = None
    empty: bool = False


class _Person(msgspec.Struct):
    date: Instant
    name: Text | None = None
    email: Text | None = None


class _Git(msgspec.Struct):
    message: str
    author: _Person
    committer: _Person | None = None


class _Parent(msgspec.Struct):
    sha: Sha


class _File(msgspec.Struct):
    filename: Text


class Commit(msgspec.Struct):
    """A commit; ``author`` is the account that the address belongs to."""

    sha: Sha
    commit: _Git
    author: User | None = None
    parents: tuple[_Parent, ...] | None = None
    files: tuple[_File, ...] | None = None


class ChangedFile(msgspec.Struct):
    """A file that a pull request touches."""

    filename: Text
    additions: Count | None = None
    deletions: Count | None = None


class Review(msgspec.Struct):
    """A review, or a request for one."""

    id: Count
    state: str
    submitted_at: Instant
    user: User | None = None  # null where a team was asked
    dismissed: bool = False


class Status(msgspec.Struct):
    """A commit status."""

    context: Text
    created_at: Instant
    status: str = ""
    updated_at: Instant | None = None


class _Referring(msgspec.Struct):
    number: Number
    repository: Repo | None = None
    pull_request: dict[str, Any] | None = None


class Event(msgspec.Struct):
    """One entry of an issue's time line."""

    type: str
    created_at: Instant
    ref_action: str | None = None
    ref_issue: _Referring | None = None


def change(
    place: Repository,
    told: PullRequest,
    commits: Sequence[Commit] | None,
    files: Sequence[ChangedFile] | None,
    pseudonyms: Pseudonyms,
) -> ChangeSeen | None:
    """Give the state of a pull request, counted by its lists where it does not count itself."""
    seen = words.change(place, told, pseudonyms)
    if seen is None:
        return None
    return replace(
        seen,
        additions=_either(seen.additions, _total(file.additions for file in files or ())),
        deletions=_either(seen.deletions, _total(file.deletions for file in files or ())),
        changed_files=_either(seen.changed_files, None if files is None else len(files)),
        commit_count=None if commits is None else len(commits),
    )


def commit_seen(place: Repository, told: Commit, pseudonyms: Pseudonyms) -> CommitSeen:
    """Give a commit with the files it touches; those of a merge say nothing."""
    by, git = told.commit.author, told.commit
    login = told.author.login if told.author else None
    parents = None if told.parents is None else tuple(parent.sha for parent in told.parents)
    merge = parents is not None and len(parents) > 1
    files = None if told.files is None or merge else [file.filename for file in told.files]
    return words.commit_seen(
        place,
        told.sha,
        git.message,
        Author(name=by.name, email=by.email, username=login),
        pseudonyms,
        authored_at=by.date,
        committed_at=git.committer.date if git.committer else None,
        parents=parents,
        files=files,
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


def touched(files: Iterable[ChangedFile], pseudonyms: Pseudonyms) -> tuple[FileTouched, ...]:
    """Give the files of a pull request."""
    named = (
        file_touched(file.filename, pseudonyms, file.additions, file.deletions) for file in files
    )
    return tuple(filter(None, named))


def review(
    place: Repository, number: int, told: Review, pseudonyms: Pseudonyms
) -> Iterator[ReviewSeen]:
    """Give a review, and its dismissal; named as webhooks name it, which tell no number."""
    state = _VERDICTS.get(told.state)
    if state is None or told.user is None:  # asked for, or not submitted yet
        return
    reviewer = words.actor(told.user, pseudonyms)
    seen = unnumbered_review(place, number, state, reviewer, words.moment(told.submitted_at))
    yield replace(seen, state=ReviewState.DISMISSED) if told.dismissed else seen


def check(place: Repository, sha: str, told: Status) -> CheckSeen | None:
    """Give a commit status; None for a state that means nothing."""
    state = words.CHECK_STATES.get(told.status)
    if state is None:
        return None
    at = words.moment_or_none(told.updated_at) or words.moment(told.created_at)
    return CheckSeen(repository=place, sha=sha, name=told.context, state=state, at=at)


def history(
    place: Repository, number: int, events: Iterable[Event]
) -> Iterator[TicketMoved | TicketTied]:
    """Give when an issue was closed and reopened, and the pull requests that say they close it."""
    for event in events:
        at = words.moment(event.created_at)
        if event.type in ("close", "reopen"):
            yield words.moved(place, number, closed=event.type == "close", at=at)
        elif event.ref_action == _CLOSES and event.ref_issue:
            yield from _tied(place, number, event.ref_issue, at)


def _tied(place: Repository, number: int, by: _Referring, at: datetime) -> Iterator[TicketTied]:
    if by.pull_request is None:
        return
    repo = words.repository(by.repository).name if by.repository else place.name
    yield TicketTied(
        tracker=words.NAME,
        key=words.key(place, number),
        kind=TieKind.CHANGE,
        repo=repo,
        value=str(by.number),
        relation=_CLOSES,
        seen_at=at,
    )


def _either(told: int | None, counted: int | None) -> int | None:
    return counted if told is None else told


def _total(counts: Iterable[int | None]) -> int | None:
    told = list(counts)
    known = [count for count in told if count is not None]
    return sum(known) if known and len(known) == len(told) else None
