"""What Azure DevOps' webhooks and its REST API have in common: shapes, people, names.

A repository is ``organisation/project/repository``, as its remote says it; where an object does not
hold the remote, the address that it has in the API holds the organisation. A person's unique name
is a mail address, or on servers domain and user. Pull requests are numbered across an organisation
and do not say when they last changed; votes do not say when they were given.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Annotated, TypeAlias
from urllib.parse import quote

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
    CommitSeen,
    Repository,
    ReviewSeen,
    ReviewState,
)

NAME = "azure-devops"
PROVIDER = "Azure DevOps"
BRANCH = "refs/heads/"

_GROUP = "vstfs:///"
_SERVICE_DESCRIPTORS = ("svc.", "s2s.")
# Build\<guid> builds; <guid>@<guid> is a service principal, and no mail address.
_SERVICE = re.compile(r"\ABuild\\|\A[0-9a-f-]{36}@[0-9a-f-]{36}\Z", re.IGNORECASE)
_BUILD_SERVICE = "Build Service ("
# The button "Revert" writes this into the description.
_REVERTS = re.compile(
    r"^[ \t]{0,8}Reverts[ \t]{1,8}!(?P<number>[1-9][0-9]{0,8})(?!\w)", re.MULTILINE | re.IGNORECASE
)
_THREAD = re.compile(r"/threads/(?P<thread>[0-9]{1,10})(?:/|\Z)")

_STATES = {
    "active": ChangeState.OPEN,
    "completed": ChangeState.MERGED,
    "abandoned": ChangeState.CLOSED,
    "notset": ChangeState.OPEN,
}
# https://learn.microsoft.com/rest/api/azure/devops/git/pull-request-reviewers
_VOTES = {
    10: ReviewState.APPROVED,
    5: ReviewState.APPROVED,  # with suggestions
    -5: ReviewState.CHANGES_REQUESTED,  # waits for the author
    -10: ReviewState.CHANGES_REQUESTED,  # rejected
}

Vote: TypeAlias = Annotated[int, msgspec.Meta(ge=-10, le=10)]


class Identity(msgspec.Struct, rename="camel"):
    """A person, a group (``is_container``) or a service."""

    display_name: Text | None = None
    unique_name: Text | None = None
    descriptor: str = ""
    is_container: bool = False


class Reviewer(Identity):
    """Somebody asked for, or who gave, a vote."""

    vote: Vote = 0


class Project(msgspec.Struct):
    """A project of the organisation."""

    name: Text
    id: Text = ""


class RepositoryTold(msgspec.Struct, rename="camel"):
    """A repository; old resource versions have no remote."""

    id: Text
    name: Text
    project: Project
    url: Text = ""
    remote_url: Text | None = None
    web_url: Text | None = None
    default_branch: Text | None = None
    is_disabled: bool = False


class _CommitRef(msgspec.Struct, rename="camel"):
    commit_id: Sha


class _Fork(msgspec.Struct):
    repository: RepositoryTold


class _Label(msgspec.Struct):
    name: Text
    active: bool = True


class PullRequest(msgspec.Struct, rename="camel"):
    """A pull request, as webhooks and REST both tell it."""

    repository: RepositoryTold
    pull_request_id: Number
    status: str
    title: Text
    source_ref_name: Text
    target_ref_name: Text
    creation_date: Instant
    last_merge_source_commit: _CommitRef | None = None
    last_merge_commit: _CommitRef | None = None
    merge_status: str = ""
    created_by: Identity | None = None
    description: str | None = None
    is_draft: bool = False
    closed_date: Instant | None = None
    reviewers: tuple[Reviewer, ...] | None = None
    labels: tuple[_Label, ...] | None = None
    fork_source: _Fork | None = None


class _Signature(msgspec.Struct):
    name: Text | None = None
    email: Text | None = None
    date: Instant | None = None


class CommitTold(msgspec.Struct, rename="camel"):
    """A commit, as pushes and REST both tell it; lists cut its message."""

    commit_id: Sha
    author: _Signature
    committer: _Signature | None = None
    comment: str = ""
    parents: tuple[Sha, ...] | None = None


class _Href(msgspec.Struct):
    href: str = ""


class _CommentLinks(msgspec.Struct):
    self: _Href | None = None
    threads: _Href | None = None


class Comment(msgspec.Struct, rename="camel"):
    """A comment; numbered within its thread. Its text is not read."""

    id: Number
    published_date: Instant
    author: Identity | None = None
    comment_type: str = "text"
    is_deleted: bool = False
    links: _CommentLinks | None = msgspec.field(default=None, name="_links")


def repository(told: RepositoryTold) -> Repository:
    """The repository, under the name that sessions tell."""
    name = _remote_name(told) or addressed_name(told)
    if name is None:
        raise UnreadablePayload("bad_repository", f"{PROVIDER} payload: repository is no name")
    default = told.default_branch
    return Repository(
        forge=NAME, name=name, default_branch=default.removeprefix(BRANCH) if default else None
    )


def _remote_name(told: RepositoryTold) -> str | None:
    return repository_name(told.remote_url) or repository_name(told.web_url)


def addressed_name(told: RepositoryTold) -> str | None:
    """The name by its address in the API: below the organisation the project, or not even that."""
    before, api, _ = told.url.partition("/_apis/")
    if not api:
        return None
    root, _, last = before.rpartition("/")
    project = told.project
    if last.lower() not in (project.id.lower(), quote(project.name).lower()):
        root = before
    return repository_name(f"{root}/{quote(project.name)}/_git/{quote(told.name)}")


def change(told: PullRequest, pseudonyms: Pseudonyms, at: datetime) -> ChangeSeen:
    """A pull request as it stood at ``at``.

    Completed is not merged before the merge has succeeded.
    """
    state = _STATES.get(told.status.lower())
    if state is None:
        raise UnreadablePayload("unknown_value", f"{PROVIDER} payload: status")
    if told.last_merge_source_commit is None:
        message = f"{PROVIDER} payload: no lastMergeSourceCommit"
        raise UnreadablePayload("unreadable_field", message)
    merged = state is ChangeState.MERGED and told.merge_status.lower() == "succeeded"
    if state is ChangeState.MERGED and not merged:
        state = ChangeState.OPEN
    of, number = repository(told.repository), told.pull_request_id
    ended = None if state is ChangeState.OPEN else _utc(told.closed_date or at)
    branch, body = told.source_ref_name.removeprefix(BRANCH), told.description or ""
    home = repository(told.fork_source.repository) if told.fork_source else of
    made = told.last_merge_commit
    labels = None if told.labels is None else tuple(e.name for e in told.labels if e.active)
    return ChangeSeen(
        repository=of,
        number=number,
        state=state,
        draft=told.is_draft,
        title=told.title,
        author=actor(told.created_by, pseudonyms),
        head_ref=branch,
        head_sha=told.last_merge_source_commit.commit_id,
        base_ref=told.target_ref_name.removeprefix(BRANCH),
        head_repository=home.name,
        # While it is active this is a test merge that nobody ever sees.
        merge_sha=made.commit_id if merged and made else None,
        created_at=_utc(told.creation_date),
        updated_at=_utc(at),
        merged_at=ended if merged else None,
        closed_at=ended,
        reverts=tuple(each for each in _undone(body) if each < number),
        tasks=_once(
            references.work_items(told.title),
            references.ticket_keys(told.title),
            references.work_items(references.prose(body)),
            references.branch_ticket_keys(branch),
        ),
        # "#7" is a work item here.
        superseded_by=references.superseding_changes(body.replace("#", " "), of.name),
        tools=markers.tools_of_change(f"{told.title}\n{body}", branch=branch, labels=labels or ()),
        labels=labels,
    )


def _undone(body: str) -> Iterator[int]:
    return iter(dict.fromkeys(int(m["number"]) for m in _REVERTS.finditer(references.prose(body))))


def standing_votes(
    of: ChangeSeen, reviewers: Iterable[Reviewer], pseudonyms: Pseudonyms, at: datetime
) -> tuple[ReviewSeen, ...]:
    """The votes that stand at ``at``. A group's is its members' and not counted again."""
    cast = ((each, _VOTES.get(each.vote)) for each in reviewers if not each.is_container)
    return tuple(
        vote(of, state, each.vote, actor(each, pseudonyms), at) for each, state in cast if state
    )


def vote(
    of: ChangeSeen, state: ReviewState, value: int, reviewer: Actor, at: datetime, again: str = ""
) -> ReviewSeen:
    """A vote: one review for each value that a reviewer gave.

    A webhook tells a standing vote again and again, the first time when it was given; so it is who
    and which value that identify it. ``again`` tells apart the same value given once more.
    """
    who = next(iter(reviewer.identities), "somebody")
    return ReviewSeen(
        repository=of.repository,
        number=of.number,
        review_id=f"vote:{who}:{value}{again}",
        state=state,
        reviewer=reviewer,
        submitted_at=_utc(at),
    )


def vote_state(value: str) -> ReviewState | None:
    """What a vote told as text means; None for no vote, and for what is none."""
    return _VOTES.get(int(value)) if value.lstrip("-").isdecimal() else None


def comment(
    of: ChangeSeen, told: Comment, pseudonyms: Pseudonyms, thread: int | None = None
) -> ReviewSeen | None:
    """A comment, as a review that only comments; None for what the server wrote itself."""
    if told.comment_type != "text" or told.is_deleted:
        return None
    if thread is None and told.links:
        hrefs = (link.href for link in (told.links.self, told.links.threads) if link)
        found = next(filter(None, map(_THREAD.search, hrefs)), None)
        thread = int(found["thread"]) if found else None
    return ReviewSeen(
        repository=of.repository,
        number=of.number,
        review_id=f"comment:{'' if thread is None else thread}.{told.id}",
        state=ReviewState.COMMENTED,
        reviewer=actor(told.author, pseudonyms),
        submitted_at=_utc(told.published_date),
    )


def commit_seen(told: CommitTold, pseudonyms: Pseudonyms) -> CommitSeen:
    """A commit; its message is read for references and dropped."""
    committed = told.committer.date if told.committer else None
    authored = told.author.date or committed
    if authored is None:
        raise UnreadablePayload("unreadable_field", f"{PROVIDER} payload: commit.author.date")
    return CommitSeen(
        sha=told.commit_id,
        author=_commit_author(told.author, pseudonyms),
        authored_at=_utc(authored),
        committed_at=_utc(committed) if committed else None,
        parents=told.parents,
        files=own_files(told.comment, None),
        sessions=references.named_sessions(told.comment),
        reverts=references.reverted_commits(told.comment),
        tasks=_once(
            references.work_items(told.comment),
            references.ticket_keys(told.comment.partition("\n")[0]),
        ),
        tools=markers.tools_of_commit(told.comment, email=told.author.email, name=told.author.name),
    )


def actor(told: Identity | None, pseudonyms: Pseudonyms) -> Actor:
    """Somebody with an account; a group is nobody."""
    if told is None or told.is_container:
        return Actor(identities=())
    unique, spoken = told.unique_name or "", told.display_name or ""
    bot = (
        told.descriptor.startswith(_SERVICE_DESCRIPTORS)
        or bool(_SERVICE.match(unique))
        or _BUILD_SERVICE in spoken
    )
    return Actor(
        identities=tuple(pseudonyms(kind, name) for kind, name in _accounts(unique)),
        bot=bot,
        name=pseudonyms("name", spoken) if spoken else None,
    )


def _accounts(unique: str) -> Iterator[tuple[str, str]]:
    if not unique or unique.startswith(_GROUP):
        return
    # "Windows Live ID\somebody@example.com"
    name = unique.rpartition("\\")[2] if "@" in unique else unique
    yield "azure_login", name
    if "@" in name and not _SERVICE.match(name):
        yield "email", name


def _commit_author(told: _Signature, pseudonyms: Pseudonyms) -> Actor:
    email = told.email or ""
    # Git takes anything for an address; what is none would make one person of many.
    return Actor(
        identities=(pseudonyms("email", email),) if "@" in email else (),
        bot=_BUILD_SERVICE in (told.name or ""),
        name=pseudonyms("name", told.name) if told.name else None,
    )


def text_of(properties: Mapping[str, object], name: str) -> str | None:
    """A property of a thread: the text itself, or wrapped with its type."""
    value = properties.get(name)
    if isinstance(value, Mapping):
        value = value.get("$value")
    return value if isinstance(value, str) else None


def _once(*groups: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for group in groups for key in group))


def _utc(at: datetime) -> datetime:
    return utc(at, PROVIDER)
