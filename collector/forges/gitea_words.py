"""What the webhooks and the REST API of Gitea and Forgejo have in common: people, changes, issues.

Forgejo began as a copy of Gitea and speaks the same words. Both keep pull requests and issues in
one sequence of numbers and close issues by GitHub's words.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Annotated

import msgspec

from collector.forges import markers, references
from collector.forges.errors import UnreadablePayload
from collector.forges.reading import Count, Instant, Number, Sha, Text, utc
from collector.forges.touching import own_files
from domain.pseudonym import Pseudonyms
from domain.repository import repository_name
from domain.tickets import TicketMoved, TicketSeen, TicketState
from domain.work import (
    Actor,
    ChangeSeen,
    ChangeState,
    CheckState,
    CommitSeen,
    FileTouched,
    Repository,
    ReviewSeen,
    ReviewState,
)

NAME = "gitea"
PROVIDER = "Gitea"

# What Gitea makes of a hidden address: the login at a host that the operator chooses.
_PRIVATE = re.compile(
    r"\A(?:[0-9]{1,18}\+)?(?P<login>[\w.-]{1,255})@(?:[\w-]+\.)?noreply\.[\w.-]+\Z", re.ASCII
)
# Everybody's addresses: each would make one person of many.
_NOBODY = ("noreply@", "no-reply@")
_BOT = re.compile(r"\[bot\]\Z|[-_.]bot\Z|\A(?:gitea|forgejo)-actions\Z", re.IGNORECASE)
# Before drafts had a field of their own (1.22), and still what makes one.
_DRAFT = re.compile(r"\A\s*(?:\[WIP\]|WIP:)", re.IGNORECASE)
# Go's way of writing that a time is not set.
_UNSET = 1
_PULL_REF = "refs/pull/"
CHECK_STATES = {
    "pending": CheckState.RUNNING,
    "success": CheckState.SUCCESS,
    "warning": CheckState.SUCCESS,  # passed, with something to say
    "failure": CheckState.FAILURE,
    "error": CheckState.FAILURE,
    "skipped": CheckState.NEUTRAL,
}
"""What the states of a commit status mean; one that is not here means nothing."""


class User(msgspec.Struct):
    """An account; null where it is gone."""

    login: Text | None = None
    username: Text | None = None
    full_name: Text | None = None
    email: Text | None = None


class Author(msgspec.Struct):
    """The author of a commit; the login is told where the address is an account's."""

    name: Text | None = None
    email: Text | None = None
    username: Text | None = None


class Label(msgspec.Struct):
    """A label."""

    name: Text


class Repo(msgspec.Struct):
    """A repository."""

    full_name: Text
    default_branch: Text | None = None


class Branch(msgspec.Struct):
    """One end of a pull request; once the branch is gone only ``label`` still names it."""

    ref: Text
    sha: Annotated[str, msgspec.Meta(pattern=r"\A(?:[0-9a-f]{40}|[0-9a-f]{64})?\Z")] = ""
    label: Text = ""
    repo: Repo | None = None  # null once the fork is deleted


class PullRequest(msgspec.Struct):
    """A pull request."""

    number: Number
    state: Annotated[str, msgspec.Meta(pattern=r"\A(?:open|closed)\Z")]
    title: Text
    head: Branch
    base: Branch
    created_at: Instant
    updated_at: Instant
    user: User | None = None
    body: str | None = None
    labels: tuple[Label, ...] | None = None
    draft: bool | None = None
    merged: bool | None = None
    merged_at: Instant | None = None
    closed_at: Instant | None = None
    merge_commit_sha: Sha | None = None
    additions: Count | None = None  # since 1.21
    deletions: Count | None = None
    changed_files: Count | None = None


class _Pull(msgspec.Struct):
    merged: bool | None = None


class Issue(msgspec.Struct):
    """An issue, or a pull request as an issue: then ``pull_request`` is not null."""

    number: Number
    state: Annotated[str, msgspec.Meta(pattern=r"\A(?:open|closed)\Z")]
    title: Text
    created_at: Instant
    updated_at: Instant
    closed_at: Instant | None = None
    labels: tuple[Label, ...] | None = None
    assignee: User | None = None
    assignees: tuple[User, ...] | None = None
    pull_request: _Pull | None = None


class Comment(msgspec.Struct):
    """A comment."""

    id: Count
    created_at: Instant
    user: User | None = None


def repository(told: Repo) -> Repository:
    """Name a repository; raises ``UnreadablePayload`` where that is no name."""
    name = repository_name(told.full_name)
    if name is None:
        message = f"{PROVIDER} payload: repository.full_name is no name"
        raise UnreadablePayload("bad_repository", message)
    return Repository(forge=NAME, name=name, default_branch=told.default_branch)


def moment(at: datetime) -> datetime:
    """Give a time in UTC."""
    return utc(at, PROVIDER)


def moment_or_none(at: datetime | None) -> datetime | None:
    """Give a time in UTC, None where it is not told or not set."""
    return moment(at) if at and at.year != _UNSET else None


def actor(told: User | None, pseudonyms: Pseudonyms) -> Actor:
    """Name somebody with an account."""
    told = told or User()
    return _named(told.login or told.username, told.full_name, told.email, pseudonyms)


def change(place: Repository, told: PullRequest, pseudonyms: Pseudonyms) -> ChangeSeen | None:
    """Give the state of a pull request; None where it has no head (all its branch is gone)."""
    if not told.head.sha:
        return None
    merged = bool(told.merged) or told.merged_at is not None
    body = told.body or ""
    head_ref = _branch(told.head)
    undone = references.reverted_changes(body, place.name)
    replacing = references.superseding_changes(body, place.name)
    labels = None if told.labels is None else tuple(label.name for label in told.labels)
    return ChangeSeen(
        repository=place,
        number=told.number,
        state=ChangeState.MERGED if merged else ChangeState(told.state),
        draft=bool(told.draft) or bool(_DRAFT.match(told.title)),
        title=told.title,
        author=actor(told.user, pseudonyms),
        head_ref=head_ref,
        head_sha=told.head.sha,
        base_ref=_branch(told.base),
        head_repository=repository_name(told.head.repo.full_name) if told.head.repo else None,
        merge_sha=told.merge_commit_sha if merged else None,
        created_at=moment(told.created_at),
        updated_at=moment(told.updated_at),
        merged_at=moment_or_none(told.merged_at),
        closed_at=moment_or_none(told.closed_at),
        additions=told.additions,
        deletions=told.deletions,
        changed_files=told.changed_files,
        # Numbers only grow: what a change undoes was there before it.
        reverts=tuple(number for number in undone if number < told.number),
        superseded_by=tuple(number for number in replacing if number != told.number),
        tasks=_once(
            references.closed_by_change(told.title, place.name),
            references.ticket_keys(told.title),
            references.closed_by_change(body, place.name),
            references.branch_ticket_keys(head_ref),
        ),
        tools=markers.tools_of_change(
            f"{told.title}\n{body}",
            branch=head_ref,
            login=told.user.login if told.user else None,
            labels=labels or (),
        ),
        labels=labels,
    )


def commit_seen(
    place: Repository,
    sha: str,
    message: str,
    author: Author,
    pseudonyms: Pseudonyms,
    *,
    authored_at: datetime,
    committed_at: datetime | None = None,
    parents: tuple[str, ...] | None = None,
    files: Iterable[str] | None = None,
) -> CommitSeen:
    """Give a commit with what its message refers to; ``files`` are paths."""
    subject = message.partition("\n")[0]
    named = None if files is None else dict.fromkeys(map(pseudonyms.file, files))
    touched = None if named is None else tuple(FileTouched(file=each) for each in named if each)
    return CommitSeen(
        sha=sha,
        author=_named(author.username, author.name, author.email, pseudonyms),
        authored_at=moment(authored_at),
        committed_at=moment_or_none(committed_at),
        parents=parents,
        files=own_files(message, touched),
        sessions=references.named_sessions(message),
        reverts=references.reverted_commits(message),
        tasks=_once(references.closed_issues(message, place.name), references.ticket_keys(subject)),
        tools=markers.tools_of_commit(
            message, email=author.email, name=author.name, login=author.username
        ),
    )


def comment(
    place: Repository, number: int, told: Comment, at: datetime, pseudonyms: Pseudonyms
) -> ReviewSeen | None:
    """Give a person's comment on a pull request as feedback; a bot's is none.

    ``at`` stands in for a time that is not set.
    """
    reviewer = actor(told.user, pseudonyms)
    if reviewer.bot:
        return None
    return ReviewSeen(
        repository=place,
        number=number,
        review_id=f"comment:{told.id}",
        state=ReviewState.COMMENTED,
        reviewer=reviewer,
        submitted_at=moment_or_none(told.created_at) or at,
    )


def ticket(place: Repository, told: Issue, pseudonyms: Pseudonyms) -> TicketSeen:
    """Give the state of an issue; Gitea has no types of issues and does not say why one closed."""
    done = told.state == "closed"
    people = told.assignees or ((told.assignee,) if told.assignee else ())
    return TicketSeen(
        tracker=NAME,
        key=key(place, told.number),
        project=place.name,
        kind=None,
        title=told.title,
        state=TicketState.DONE if done else TicketState.OPEN,
        state_name=told.state,
        created_at=moment_or_none(told.created_at),
        updated_at=moment(told.updated_at),
        closed_at=moment_or_none(told.closed_at) if done else None,
        labels=tuple(label.name for label in told.labels or ()),
        assignee=_once(*(actor(person, pseudonyms).identities for person in people)),
    )


def key(place: Repository, number: int) -> str:
    """Spell the key of an issue."""
    return f"{place.name}#{number}"


def moved(place: Repository, number: int, *, closed: bool, at: datetime) -> TicketMoved:
    """Say that an issue was closed or reopened; times are told in whole seconds."""
    open_, done = TicketState.OPEN, TicketState.DONE
    return TicketMoved(
        tracker=NAME,
        key=key(place, number),
        from_state=open_ if closed else done,
        to_state=done if closed else open_,
        at=at.replace(microsecond=0),
    )


def _branch(told: Branch) -> str:
    return told.label if told.label and told.ref.startswith(_PULL_REF) else told.ref


def _named(login: str | None, name: str | None, email: str | None, pseudonyms: Pseudonyms) -> Actor:
    identities = tuple(
        dict.fromkeys(pseudonyms(kind, value) for kind, value in _identities(login, email))
    )
    return Actor(
        identities=identities,
        bot=any(_BOT.search(told) for told in (login or "", name or "")),
        name=pseudonyms("name", name) if name else None,
    )


def _identities(login: str | None, email: str | None) -> Iterator[tuple[str, str]]:
    if login:
        yield "gitea_login", login
    # Git takes anything for an address; what is none would make one person of many.
    if email and "@" in email and not email.lower().startswith(_NOBODY):
        yield "email", email
        if private := _PRIVATE.match(email):
            yield "gitea_login", private["login"]


def _once(*groups: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for group in groups for each in group))
