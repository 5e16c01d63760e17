"""GitHub and GitHub Enterprise Server: webhooks for pull requests, reviews and pushes.

Read of each event, and why:

- ``pull_request``, any action: the object's own state, not the action, is the fact, so a lost or
  late delivery is made good by the next one.
- ``pull_request_review``: the review, and the pull request around it. That object is a short form
  without ``merged`` and counts; it says ``merged_at`` all the same.
- ``push`` to a branch: its commits and the branch's new tip. GitHub lists at most 2,048 commits.

GitHub does not tell: which of a commit's two dates ``timestamp`` is (taken as the author's), when a
review was dismissed (``submitted_at`` stays), an author's e-mail on a pull request, and anything
about an author whose account is gone (``user`` is null: an actor without identities).

https://docs.github.com/en/webhooks/webhook-events-and-payloads
"""

import hmac
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, TypeAlias

import msgspec

from collector.forges import references
from collector.forges.errors import UnreadablePayload
from collector.forges.forge import Forge, Headers, Payload
from collector.forges.reading import Count, Epoch, Instant, Number, Sha, Text, read, utc
from domain.pseudonym import Pseudonyms
from domain.repository import repository_name
from domain.work import (
    Actor,
    ChangeSeen,
    ChangeState,
    CommitSeen,
    CommitsPushed,
    Repository,
    ReviewSeen,
    ReviewState,
    WorkFact,
)

NAME = "github"
_PROVIDER = "GitHub"

_BRANCH = "refs/heads/"
_REVIEW_ACTIONS = frozenset({"submitted", "edited", "dismissed"})
# Both stand for GitHub itself, which commits what is done in the browser.
_WEB_FLOW_LOGIN = "web-flow"
_WEB_FLOW_EMAIL = "noreply@github.com"
_BOT_SUFFIX = "[bot]"
# With the account's number since July 2017, without it before.
_NOREPLY = re.compile(
    r"\A(?:[0-9]+\+)?(?P<login>[a-z0-9_-]+(?:\[bot\])?)@users\.noreply\.github\.com\Z",
    re.IGNORECASE,
)

_State: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"\A(?:open|closed)\Z")]


class _User(msgspec.Struct):
    login: Text
    type: str = ""
    email: Text | None = None


class _Repository(msgspec.Struct):
    full_name: Text
    default_branch: Text | None = None


class _Head(msgspec.Struct):
    ref: Text
    sha: Sha
    repo: _Repository | None = None  # null once the fork is deleted


class _Base(msgspec.Struct):
    ref: Text


class _PullRequest(msgspec.Struct):
    number: Number
    state: _State
    title: Text
    head: _Head
    base: _Base
    created_at: Instant
    updated_at: Instant
    user: _User | None = None
    body: str | None = None
    draft: bool | None = None  # not sent by servers older than drafts
    merged: bool | None = None
    merged_at: Instant | None = None
    closed_at: Instant | None = None
    merge_commit_sha: Sha | None = None
    additions: Count | None = None
    deletions: Count | None = None
    changed_files: Count | None = None
    commits: Count | None = None


class _PullRequestEvent(msgspec.Struct):
    pull_request: _PullRequest
    repository: _Repository


class _Review(msgspec.Struct):
    id: Count
    state: str
    user: _User | None = None
    submitted_at: Instant | None = None


class _ReviewEvent(msgspec.Struct):
    action: str
    review: _Review
    pull_request: _PullRequest
    repository: _Repository


class _CommitAuthor(msgspec.Struct):
    name: str | None = None
    email: Text | None = None
    username: Text | None = None


class _Commit(msgspec.Struct):
    id: Sha
    timestamp: Instant
    message: str
    author: _CommitAuthor | None = None
    distinct: bool = True


class _PushedRepository(_Repository):
    pushed_at: Instant | Epoch | None = None


class _PushEvent(msgspec.Struct):
    ref: Text
    before: Sha
    after: Sha
    repository: _PushedRepository
    deleted: bool = False
    forced: bool = False
    commits: tuple[_Commit, ...] = ()


def signed(secret: str, body: bytes, header: str | None) -> bool:
    """Tell whether ``X-Hub-Signature-256`` is ``sha256=`` and the raw body's HMAC-SHA256 in hex.

    Compared in constant time; false, never an error, for a missing or malformed header. An empty
    secret signs nothing: anybody could make such a signature.
    """
    if not secret or header is None or not header.isascii():
        return False
    try:
        key = secret.encode()
    except UnicodeEncodeError:
        return False
    return hmac.compare_digest(f"sha256={hmac.digest(key, body, 'sha256').hex()}", header)


def parse(
    event: str, payload: Mapping[str, Any], pseudonyms: Pseudonyms, received_at: datetime
) -> tuple[WorkFact, ...]:
    """Read the facts in one delivery; none for an event that is not in ``EVENTS_USED``.

    ``received_at`` stands in for the time of a push that does not tell it. Raises
    ``UnreadablePayload`` where a used event lacks what it must have.
    """
    reader = _READERS.get(event)
    return reader(payload, pseudonyms, received_at) if reader else ()


def _pull_request(
    payload: Mapping[str, Any], pseudonyms: Pseudonyms, _received_at: datetime
) -> tuple[WorkFact, ...]:
    told = read(payload, _PullRequestEvent, _PROVIDER)
    return (_change(_repository(told.repository), told.pull_request, pseudonyms),)


def _pull_request_review(
    payload: Mapping[str, Any], pseudonyms: Pseudonyms, _received_at: datetime
) -> tuple[WorkFact, ...]:
    told = read(payload, _ReviewEvent, _PROVIDER)
    if told.action not in _REVIEW_ACTIONS:
        return ()
    repository = _repository(told.repository)
    change = _change(repository, told.pull_request, pseudonyms)
    state = told.review.state.lower()  # old deliveries shout, as the REST API does
    if state == "pending":  # still the reviewer's own draft
        return (change,)
    if state not in set(ReviewState):
        raise UnreadablePayload("unknown_value", "GitHub payload: unknown value - at review.state")
    if told.review.submitted_at is None:
        raise UnreadablePayload("unreadable_field", "GitHub payload: no review.submitted_at")
    review = ReviewSeen(
        repository=repository,
        number=told.pull_request.number,
        review_id=str(told.review.id),
        state=ReviewState(state),
        reviewer=_actor(told.review.user, pseudonyms),
        submitted_at=_utc(told.review.submitted_at),
    )
    return (change, review)


def _push(
    payload: Mapping[str, Any], pseudonyms: Pseudonyms, received_at: datetime
) -> tuple[WorkFact, ...]:
    told = read(payload, _PushEvent, _PROVIDER)
    if told.deleted or not told.ref.startswith(_BRANCH):
        return ()
    repository = _repository(told.repository)
    branch = told.ref.removeprefix(_BRANCH)
    # ``distinct`` is false for a commit that another branch has had before. On a topic branch that
    # is somebody else's work, merged in to catch up. On the default branch it is how a merge
    # commit, a fast-forward and a merge queue bring work home.
    landing = branch == repository.default_branch
    pushed_at = told.repository.pushed_at
    if isinstance(pushed_at, int):
        pushed_at = datetime.fromtimestamp(pushed_at, UTC)
    return (
        CommitsPushed(
            repository=repository,
            branch=branch,
            before=told.before,
            after=told.after,
            forced=told.forced,
            pushed_at=_utc(pushed_at or received_at),
            commits=tuple(
                _commit(commit, repository.name, pseudonyms)
                for commit in told.commits
                if commit.distinct or landing
            ),
        ),
    )


_Reader: TypeAlias = Callable[[Mapping[str, Any], Pseudonyms, datetime], tuple[WorkFact, ...]]
_READERS: Mapping[str, _Reader] = {
    "pull_request": _pull_request,
    "pull_request_review": _pull_request_review,
    "push": _push,
}

EVENTS_USED: frozenset[str] = frozenset(_READERS)
"""The values of ``X-GitHub-Event`` that may give facts; all others give none."""


def _change(repository: Repository, told: _PullRequest, pseudonyms: Pseudonyms) -> ChangeSeen:
    merged = bool(told.merged) or told.merged_at is not None
    state = ChangeState.MERGED if merged else ChangeState(told.state)
    body = told.body or ""
    head = told.head
    undone = references.reverted_changes(body, head.ref, repository.name)
    return ChangeSeen(
        repository=repository,
        number=told.number,
        state=state,
        draft=bool(told.draft),
        title=told.title,
        author=_actor(told.user, pseudonyms),
        head_ref=head.ref,
        head_sha=head.sha,
        base_ref=told.base.ref,
        head_repository=repository_name(head.repo.full_name) if head.repo else None,
        # While it is open GitHub fills this with a test merge that nobody ever sees.
        merge_sha=told.merge_commit_sha if merged else None,
        created_at=_utc(told.created_at),
        updated_at=_utc(told.updated_at),
        merged_at=_utc(told.merged_at) if told.merged_at else None,
        closed_at=_utc(told.closed_at) if told.closed_at else None,
        additions=told.additions,
        deletions=told.deletions,
        changed_files=told.changed_files,
        commit_count=told.commits,
        # Numbers only grow: what a change undoes was there before it.
        reverts=tuple(number for number in undone if number < told.number),
        tasks=_once(
            references.closed_by_change(told.title, repository.name),
            references.ticket_keys(told.title),
            references.closed_by_change(body, repository.name),
            references.branch_ticket_keys(head.ref),
        ),
    )


def _commit(told: _Commit, repository: str, pseudonyms: Pseudonyms) -> CommitSeen:
    subject = told.message.partition("\n")[0]
    return CommitSeen(
        sha=told.id,
        author=_commit_author(told.author or _CommitAuthor(), pseudonyms),
        authored_at=_utc(told.timestamp),
        sessions=references.named_sessions(told.message),
        reverts=references.reverted_commits(told.message),
        tasks=_once(
            references.closed_issues(told.message, repository), references.ticket_keys(subject)
        ),
    )


def _once(*groups: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for group in groups for key in group))


def _actor(told: _User | None, pseudonyms: Pseudonyms) -> Actor:
    if told is None:
        return Actor(identities=())
    names = tuple(_names(told.login, told.email))
    return _named(names, pseudonyms, bot=told.type == "Bot")


def _commit_author(told: _CommitAuthor, pseudonyms: Pseudonyms) -> Actor:
    names = tuple(_names(told.username, told.email))
    return _named(names, pseudonyms, bot=(told.name or "").endswith(_BOT_SUFFIX))


def _named(names: tuple[tuple[str, str], ...], pseudonyms: Pseudonyms, *, bot: bool) -> Actor:
    return Actor(
        identities=tuple(dict.fromkeys(pseudonyms(kind, name) for kind, name in names)),
        bot=bot or any(kind == "login" and name.endswith(_BOT_SUFFIX) for kind, name in names),
    )


def _names(login: str | None, email: str | None) -> Iterator[tuple[str, str]]:
    """Give kind and value of each identity told; a private e-mail address holds the login too."""
    if login and login != _WEB_FLOW_LOGIN:
        yield "login", login
    # Git takes anything for an address; what is none would make one person of many.
    if email and "@" in email and email != _WEB_FLOW_EMAIL:
        yield "email", email
        if private := _NOREPLY.match(email):
            yield "login", private["login"]


def _repository(told: _Repository) -> Repository:
    name = repository_name(told.full_name)
    if name is None:
        raise UnreadablePayload("bad_repository", "GitHub payload: repository.full_name is no name")
    return Repository(forge=NAME, name=name, default_branch=told.default_branch)


def _utc(at: datetime) -> datetime:
    return utc(at, _PROVIDER)


def _verified(secret: str, body: bytes, headers: Headers) -> bool:
    return signed(secret, body, headers.get("x-hub-signature-256"))


def _delivery_id(headers: Headers, _payload: Payload) -> str | None:
    return headers.get("x-github-delivery")


def _event(headers: Headers, _payload: Payload) -> str | None:
    return headers.get("x-github-event")


FORGE = Forge(
    name=NAME,
    events_used=EVENTS_USED,
    verify=_verified,
    delivery_id=_delivery_id,
    event=_event,
    parse=parse,
)
