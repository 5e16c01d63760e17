"""What Bitbucket Cloud's webhooks and its REST API have in common: shapes, people, names.

Pull requests name commits by their first twelve digits, everything else by all forty; the store
resolves the former against whole ones that it knows. Accounts are Atlassian's, so one person's is
the same in Jira; nicknames are not unique and are not read. A commit has one date, its committer's.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, TypeAlias

import msgspec

from collector.forges import markers, references
from collector.forges.errors import UnreadablePayload
from collector.forges.reading import Instant, Number, Sha, Text, utc
from collector.forges.touching import own_files
from domain.pseudonym import Pseudonyms
from domain.repository import repository_name
from domain.work import (
    Actor,
    ChangeSeen,
    ChangeState,
    CheckSeen,
    CheckState,
    CommitSeen,
    Repository,
    ReviewSeen,
    ReviewState,
)

NAME = "bitbucket-cloud"
PROVIDER = "Bitbucket Cloud"

ShortSha: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{12,64}\Z")]

_RAW_AUTHOR = re.compile(r"\A(?P<name>[^<]*)<(?P<email>[^<>]*)>")
# The branch that the button "Revert" makes.
_REVERT_BRANCH = re.compile(r"\Arevert-pr-(?P<number>[1-9][0-9]{0,8})\Z")
# Of a link to a commit, where a status holds no commit.
_COMMIT_LINK = re.compile(r"/commit/(?P<sha>[0-9a-f]{40})\Z")

_STATES = {
    "OPEN": ChangeState.OPEN,
    "MERGED": ChangeState.MERGED,
    "DECLINED": ChangeState.CLOSED,
    "SUPERSEDED": ChangeState.CLOSED,
}
_CHECKS = {
    "SUCCESSFUL": CheckState.SUCCESS,
    "FAILED": CheckState.FAILURE,
    "INPROGRESS": CheckState.RUNNING,
    "STOPPED": CheckState.NEUTRAL,
}


class Account(msgspec.Struct):
    """Who did something: a person, an app, or (of old) a team."""

    account_id: Text | None = None
    username: Text | None = None  # not told since 2019
    display_name: Text | None = None
    type: str = "user"


class _Named(msgspec.Struct):
    name: Text


class RepositoryTold(msgspec.Struct):
    """A repository; only REST tells its main branch."""

    full_name: Text
    mainbranch: _Named | None = None


class _Commit(msgspec.Struct):
    hash: ShortSha


class _End(msgspec.Struct):
    branch: _Named
    commit: _Commit | None = None
    repository: RepositoryTold | None = None  # null once the fork is deleted


class PullRequest(msgspec.Struct):
    """A pull request, as webhooks and REST both tell it."""

    id: Number
    title: Text
    state: str
    source: _End
    destination: _End
    created_on: Instant
    updated_on: Instant
    author: Account | None = None
    description: str | None = None
    draft: bool = False
    merge_commit: _Commit | None = None


class Opinion(msgspec.Struct):
    """An approval or a request for changes."""

    date: Instant
    user: Account


class Comment(msgspec.Struct):
    """A comment on a pull request; its text is not read."""

    id: Number
    created_on: Instant
    user: Account | None = None
    deleted: bool = False


class _Author(msgspec.Struct):
    raw: Text | None = None
    user: Account | None = None


class _Parent(msgspec.Struct):
    hash: Sha


class CommitTold(msgspec.Struct):
    """A commit, as pushes and REST both tell it."""

    hash: Sha
    date: Instant
    message: str = ""
    author: _Author | None = None
    parents: tuple[_Parent, ...] | None = None


class _WholeCommit(msgspec.Struct):
    hash: Sha


class _Link(msgspec.Struct):
    href: str = ""


class _StatusLinks(msgspec.Struct):
    commit: _Link | None = None


class Status(msgspec.Struct):
    """What a build says of a commit; ``key`` is the build's own name for itself."""

    key: Text
    state: str
    updated_on: Instant
    commit: _WholeCommit | None = None
    links: _StatusLinks | None = None


def state(told: PullRequest) -> ChangeState:
    """Where a pull request says that it stands."""
    known = _STATES.get(told.state)
    if known is None:
        raise UnreadablePayload("unknown_value", f"{PROVIDER} payload: pullrequest.state")
    return known


def change(
    of: Repository,
    told: PullRequest,
    state: ChangeState,
    pseudonyms: Pseudonyms,
    ended_at: datetime | None = None,
) -> ChangeSeen:
    """A pull request in this state; ``ended_at`` is when it was merged or declined, if known."""
    source, body = told.source, told.description or ""
    if source.commit is None:
        raise UnreadablePayload("unreadable_field", f"{PROVIDER} payload: no source.commit")
    merged = state is ChangeState.MERGED
    ended = _utc(ended_at) if ended_at and state is not ChangeState.OPEN else None
    branch = source.branch.name
    return ChangeSeen(
        repository=of,
        number=told.id,
        state=state,
        draft=told.draft,
        title=told.title,
        author=actor(told.author, pseudonyms),
        head_ref=branch,
        head_sha=source.commit.hash,
        base_ref=told.destination.branch.name,
        head_repository=repository_name(source.repository.full_name) if source.repository else None,
        merge_sha=told.merge_commit.hash if merged and told.merge_commit else None,
        created_at=_utc(told.created_on),
        updated_at=_utc(told.updated_on),
        merged_at=ended if merged else None,
        closed_at=ended,
        # Numbers only grow: what a change undoes was there before it.
        reverts=tuple(each for each in _undone(body, branch, of.name) if each < told.id),
        tasks=_once(
            references.closed_by_change(told.title, of.name),
            references.ticket_keys(told.title),
            references.closed_by_change(body, of.name),
            references.branch_ticket_keys(branch),
        ),
        superseded_by=references.superseding_changes(body, of.name),
        tools=markers.tools_of_change(f"{told.title}\n{body}", branch=branch),
    )


def _undone(body: str, branch: str, name: str) -> tuple[int, ...]:
    numbers = references.reverted_changes(body, name)
    button = _REVERT_BRANCH.match(branch)
    return tuple(dict.fromkeys((*numbers, int(button["number"])))) if button else numbers


def review(
    of: Repository,
    number: int,
    told: Opinion,
    state: ReviewState,
    pseudonyms: Pseudonyms,
    *,
    withdrawn: bool = False,
) -> ReviewSeen:
    """An approval or a request for changes, or that it was withdrawn."""
    reviewer, at = actor(told.user, pseudonyms), _utc(told.date)
    who = next(iter(reviewer.identities), "somebody")
    return ReviewSeen(
        repository=of,
        number=number,
        review_id=f"{state.value}:{who}:{at:%Y%m%dT%H%M%S.%f}",
        state=ReviewState.DISMISSED if withdrawn else state,
        reviewer=reviewer,
        submitted_at=at,
    )


def comment(
    of: Repository, number: int, told: Comment, by: Account | None, pseudonyms: Pseudonyms
) -> ReviewSeen:
    """A comment, as a review that only comments."""
    return ReviewSeen(
        repository=of,
        number=number,
        review_id=f"comment:{told.id}",
        state=ReviewState.COMMENTED,
        reviewer=actor(by, pseudonyms),
        submitted_at=_utc(told.created_on),
    )


def commit_seen(told: CommitTold, name: str, pseudonyms: Pseudonyms) -> CommitSeen:
    """A commit; its message is read for references and dropped."""
    at = _utc(told.date)
    told_by = told.author or _Author()
    raw = _RAW_AUTHOR.match(told_by.raw or "")
    spoken, email = (raw["name"].strip(), raw["email"].strip()) if raw else ("", "")
    return CommitSeen(
        sha=told.hash,
        author=_commit_author(told_by.user, spoken, email, pseudonyms),
        authored_at=at,
        committed_at=at,
        parents=None if told.parents is None else tuple(each.hash for each in told.parents),
        files=own_files(told.message, None),
        sessions=references.named_sessions(told.message),
        reverts=references.reverted_commits(told.message),
        tasks=_once(
            references.closed_issues(told.message, name),
            references.ticket_keys(told.message.partition("\n")[0]),
        ),
        tools=markers.tools_of_commit(told.message, email=email, name=spoken),
    )


def check(of: Repository, told: Status) -> CheckSeen:
    """The status of a build."""
    link = told.links.commit.href if told.links and told.links.commit else ""
    linked = _COMMIT_LINK.search(link)
    sha = told.commit.hash if told.commit else linked["sha"] if linked else None
    if sha is None:
        raise UnreadablePayload("unreadable_field", f"{PROVIDER} payload: commit_status.commit")
    state = _CHECKS.get(told.state)
    if state is None:
        raise UnreadablePayload("unknown_value", f"{PROVIDER} payload: commit_status.state")
    return CheckSeen(repository=of, sha=sha, name=told.key, state=state, at=_utc(told.updated_on))


def repository(told: RepositoryTold) -> Repository:
    """The repository, under the name that sessions tell."""
    name = repository_name(told.full_name)
    if name is None:
        message = f"{PROVIDER} payload: repository.full_name is no name"
        raise UnreadablePayload("bad_repository", message)
    main = told.mainbranch.name if told.mainbranch else None
    return Repository(forge=NAME, name=name, default_branch=main)


def actor(told: Account | None, pseudonyms: Pseudonyms) -> Actor:
    """Somebody with an account; nobody where it is gone."""
    if told is None:
        return Actor(identities=())
    named = pseudonyms("name", told.display_name) if told.display_name else None
    return Actor(
        identities=tuple(pseudonyms(kind, value) for kind, value in _accounts(told)),
        bot=told.type == "app_user",
        name=named,
    )


def _commit_author(told: Account | None, name: str, email: str, pseudonyms: Pseudonyms) -> Actor:
    account = actor(told, pseudonyms)
    # Git takes anything for an address; what is none would make one person of many.
    emails = (pseudonyms("email", email),) if "@" in email else ()
    return Actor(
        identities=tuple(dict.fromkeys((*account.identities, *emails))),
        bot=account.bot,
        name=pseudonyms("name", name) if name else account.name,
    )


def _accounts(told: Account) -> Iterator[tuple[str, str]]:
    if told.account_id:
        yield "jira_account", told.account_id
    if told.username:
        yield "bitbucket_login", told.username


def _once(*groups: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for group in groups for key in group))


def _utc(at: datetime) -> datetime:
    return utc(at, PROVIDER)
