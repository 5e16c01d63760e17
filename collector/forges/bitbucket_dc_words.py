"""What Bitbucket Data Center's webhooks and its REST API have in common: shapes, people, names.

Times are milliseconds since 1970, or text where a proxy or plugin rewrote them. A user name is
unique within a server, and every account has an e-mail address.
"""

from datetime import UTC, datetime, timedelta
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
    CommitSeen,
    Repository,
    ReviewSeen,
    ReviewState,
)

NAME = "bitbucket-dc"
PROVIDER = "Bitbucket Data Center"
BRANCH = "refs/heads/"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STATES = {
    "OPEN": ChangeState.OPEN,
    "MERGED": ChangeState.MERGED,
    "DECLINED": ChangeState.CLOSED,
}

# Milliseconds since 1970, up to the year 9999.
Moment: TypeAlias = Instant | Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799_999)]


class User(msgspec.Struct, rename="camel"):
    """An account, or of a commit's author whose address no account has, what git holds."""

    name: Text | None = None
    email_address: Text | None = None
    display_name: Text | None = None
    type: str = ""
    id: int | None = None


class _Project(msgspec.Struct):
    key: Text


class RepositoryTold(msgspec.Struct):
    """A repository; a person's own is in the project ``~user``."""

    slug: Text
    project: _Project


class _End(msgspec.Struct, rename="camel"):
    id: Text
    latest_commit: Sha
    repository: RepositoryTold
    display_id: Text = ""

    @property
    def branch(self) -> str:
        return self.id.removeprefix(BRANCH)


class Participant(msgspec.Struct, rename="camel"):
    """Who takes part in a pull request, and what they think of it."""

    user: User
    status: str = ""
    last_reviewed_commit: str = ""


class _MergeCommit(msgspec.Struct):
    id: Sha


class _Properties(msgspec.Struct, rename="camel"):
    merge_commit: _MergeCommit | None = None
    comment_count: int = 0


class PullRequest(msgspec.Struct, rename="camel"):
    """A pull request, as webhooks and REST both tell it."""

    id: Number
    title: Text
    state: str
    created_date: Moment
    updated_date: Moment
    from_ref: _End
    to_ref: _End
    author: Participant | None = None
    description: str | None = None
    draft: bool = False
    closed_date: Moment | None = None
    properties: _Properties | None = None
    version: int = 0
    reviewers: tuple[Participant, ...] = ()


class Comment(msgspec.Struct, rename="camel"):
    """A comment; its text is not read."""

    id: Number
    created_date: Moment
    author: User | None = None


class _Parent(msgspec.Struct):
    id: Sha


class CommitTold(msgspec.Struct, rename="camel"):
    """A commit, as pushes and REST both tell it."""

    id: Sha
    author_timestamp: Moment
    committer_timestamp: Moment | None = None
    author: User | None = None
    message: str = ""
    parents: tuple[_Parent, ...] | None = None


def change(
    told: PullRequest, pseudonyms: Pseudonyms, told_at: datetime | None, *, deleted: bool = False
) -> ChangeSeen:
    """A pull request as it stands; ``told_at`` dates its end where it does not say it itself."""
    state = ChangeState.CLOSED if deleted else _STATES.get(told.state)
    if state is None:
        raise UnreadablePayload("unknown_value", f"{PROVIDER} payload: pullRequest.state")
    of = repository(told.to_ref.repository)
    updated_at, body = moment(told.updated_date), told.description or ""
    ended = None
    if state is not ChangeState.OPEN:
        ended = moment(told.closed_date) if told.closed_date is not None else told_at or updated_at
    made = told.properties.merge_commit if told.properties else None
    merged, branch = state is ChangeState.MERGED, told.from_ref.branch
    return ChangeSeen(
        repository=of,
        number=told.id,
        state=state,
        draft=told.draft,
        title=told.title,
        author=actor(told.author.user if told.author else None, pseudonyms),
        head_ref=branch,
        head_sha=told.from_ref.latest_commit,
        base_ref=told.to_ref.branch,
        head_repository=repository(told.from_ref.repository).name,
        merge_sha=made.id if merged and made else None,
        created_at=moment(told.created_date),
        updated_at=max(updated_at, ended) if deleted and ended else updated_at,
        merged_at=ended if merged else None,
        closed_at=ended,
        # Numbers only grow: what a change undoes was there before it.
        reverts=tuple(
            each for each in references.reverted_changes(body, of.name) if each < told.id
        ),
        tasks=_once(
            references.ticket_keys(told.title),
            references.ticket_keys(body),
            references.branch_ticket_keys(branch),
        ),
        superseded_by=references.superseding_changes(body, of.name),
        tools=markers.tools_of_change(f"{told.title}\n{body}", branch=branch),
    )


def review(
    of: ChangeSeen,
    state: ReviewState,
    reviewer: Actor,
    head: str,
    at: datetime,
    *,
    withdrawn: bool = False,
) -> ReviewSeen:
    """What a reviewer said of a head, or that it no longer holds."""
    who = next(iter(reviewer.identities), "somebody")
    return ReviewSeen(
        repository=of.repository,
        number=of.number,
        review_id=f"{state.value}:{who}:{head[:12]}",
        state=ReviewState.DISMISSED if withdrawn else state,
        reviewer=reviewer,
        submitted_at=at,
    )


def comment(of: ChangeSeen, told: Comment, pseudonyms: Pseudonyms) -> ReviewSeen:
    """A comment, as a review that only comments."""
    return ReviewSeen(
        repository=of.repository,
        number=of.number,
        review_id=f"comment:{told.id}",
        state=ReviewState.COMMENTED,
        reviewer=actor(told.author, pseudonyms),
        submitted_at=moment(told.created_date),
    )


def commit_seen(told: CommitTold, pseudonyms: Pseudonyms) -> CommitSeen:
    """A commit; its message is read for references and dropped."""
    committed, by = told.committer_timestamp, told.author or User()
    return CommitSeen(
        sha=told.id,
        author=actor(told.author, pseudonyms),
        authored_at=moment(told.author_timestamp),
        committed_at=moment(committed) if committed is not None else None,
        parents=None if told.parents is None else tuple(each.id for each in told.parents),
        files=own_files(told.message, None),
        sessions=references.named_sessions(told.message),
        reverts=references.reverted_commits(told.message),
        tasks=references.ticket_keys(told.message.partition("\n")[0]),
        tools=markers.tools_of_commit(told.message, email=by.email_address, name=by.name),
    )


def repository(told: RepositoryTold) -> Repository:
    """The repository, under the name that sessions tell: ``project/slug``, ``~user/slug``."""
    name = repository_name(f"{told.project.key}/{told.slug}")
    if name is None:
        raise UnreadablePayload("bad_repository", f"{PROVIDER} payload: repository is no name")
    return Repository(forge=NAME, name=name)


def actor(told: User | None, pseudonyms: Pseudonyms) -> Actor:
    """Somebody with an account, or (of a commit) with an address only."""
    if told is None:
        return Actor(identities=())
    identities = []
    # An author without an account has a name, but no id; the name is what git holds.
    if told.name and told.id is not None:
        identities.append(pseudonyms("bitbucket_login", told.name))
    # Git takes anything for an address; what is none would make one person of many.
    if told.email_address and "@" in told.email_address:
        identities.append(pseudonyms("email", told.email_address))
    spoken = told.display_name or told.name
    return Actor(
        identities=tuple(identities),
        bot=told.type == "SERVICE",
        name=pseudonyms("name", spoken) if spoken else None,
    )


def moment(told: Moment) -> datetime:
    """A time told as milliseconds since 1970 or as text with its zone."""
    at = _EPOCH + timedelta(milliseconds=told) if isinstance(told, int) else told
    return utc(at, PROVIDER)


def _once(*groups: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for group in groups for key in group))
