"""Gitea and Forgejo: webhooks of repositories, organisations and the whole server.

Read of each event, and why (the finer name of ``X-Gitea-Event-Type`` counts, ``X-Gitea-Event`` is
the family):

- ``pull_request`` and its kin (``…_sync``: a push to one; ``…_label``, ``…_assign``,
  ``…_milestone``, ``…_review_request``): the object's own state, not the action, is the fact.
- ``pull_request_review_approved``, ``…_rejected``, ``…_comment``: the review, which has no number
  and no time here, and the pull request around it.
- ``pull_request_comment``, ``issue_comment``: a person's comment on a pull request, as feedback.
- ``push`` to a branch: its commits (by default the newest five) and the branch's new tip.
- ``issues`` and its kin: the issue, and its closing or reopening.
- ``status``: how a check of a commit stands; Actions tell theirs so too.

Gitea does not tell: when a push came (the time of receipt is taken), whether it was forced, and
anything about deployments.

https://docs.gitea.com/usage/repository/webhooks
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeAlias

import msgspec

from collector.forges import gitea_words as words
from collector.forges.errors import UnreadablePayload
from collector.forges.gitea_words import Author, Comment, Issue, PullRequest, Repo, User
from collector.forges.reading import Instant, Sha, Text, read
from collector.forges.unnumbered import unnumbered_review
from collector.provider import Headers, Payload, Provider, hmac_sha256_hex
from domain.pseudonym import Pseudonyms
from domain.work import (
    CheckSeen,
    CommitSeen,
    CommitsPushed,
    Repository,
    ReviewState,
    WorkFact,
)

_BRANCH = "refs/heads/"
# The word at the end of the review's type, which had a shorter beginning before 1.16.
_VERDICTS = {
    "approved": ReviewState.APPROVED,
    "rejected": ReviewState.CHANGES_REQUESTED,
    "comment": ReviewState.COMMENTED,
}


class _Review(msgspec.Struct):
    type: str


class _PullRequestEvent(msgspec.Struct):
    pull_request: PullRequest
    repository: Repo
    review: _Review | None = None
    sender: User | None = None


class _CommentEvent(msgspec.Struct):
    action: str
    issue: Issue
    comment: Comment
    repository: Repo
    is_pull: bool = False


class _IssueEvent(msgspec.Struct):
    action: str
    issue: Issue
    repository: Repo


class _Commit(msgspec.Struct):
    id: Sha
    message: str
    timestamp: Instant
    author: Author | None = None
    added: tuple[Text, ...] | None = None
    removed: tuple[Text, ...] | None = None
    modified: tuple[Text, ...] | None = None


class _PushEvent(msgspec.Struct):
    ref: Text
    before: Sha
    after: Sha
    repository: Repo
    commits: tuple[_Commit, ...] | None = None


class _StatusEvent(msgspec.Struct):
    sha: Sha
    context: Text
    state: str
    repository: Repo
    created_at: Instant
    updated_at: Instant | None = None


def parse(
    event: str, payload: Mapping[str, Any], pseudonyms: Pseudonyms, received_at: datetime
) -> tuple[WorkFact, ...]:
    """Read the facts in one delivery; none for an event that is not in ``EVENTS_USED``.

    ``received_at`` stands in for times that are not told. Raises ``UnreadablePayload`` where a
    used event lacks what it must have.
    """
    reader = _READERS.get(event)
    return tuple(reader(payload, pseudonyms, received_at)) if reader else ()


def _pull_request(
    payload: Mapping[str, Any], pseudonyms: Pseudonyms, _received_at: datetime
) -> Iterator[WorkFact]:
    told = read(payload, _PullRequestEvent, words.PROVIDER)
    place = words.repository(told.repository)
    if change := words.change(place, told.pull_request, pseudonyms):
        yield change
    if told.review is None:
        return
    state = _VERDICTS.get(told.review.type.rpartition("_")[2])
    if state is None:
        message = f"{words.PROVIDER} payload: unknown value - at review.type"
        raise UnreadablePayload("unknown_value", message)
    yield unnumbered_review(
        place,
        told.pull_request.number,
        state,
        words.actor(told.sender, pseudonyms),
        words.moment(told.pull_request.updated_at),
    )


def _comment(
    payload: Mapping[str, Any], pseudonyms: Pseudonyms, received_at: datetime
) -> Iterator[WorkFact]:
    told = read(payload, _CommentEvent, words.PROVIDER)
    # ``is_pull`` came later than the other. That a comment was deleted is no feedback.
    if told.action != "deleted" and (told.is_pull or told.issue.pull_request is not None):
        place = words.repository(told.repository)
        number = told.issue.number
        if seen := words.comment(place, number, told.comment, received_at, pseudonyms):
            yield seen


def _comment_or_review(
    payload: Mapping[str, Any], pseudonyms: Pseudonyms, received_at: datetime
) -> Iterator[WorkFact]:
    """Read what has one name: a comment by its type, a review by its family."""
    reader = _pull_request if "pull_request" in payload else _comment
    yield from reader(payload, pseudonyms, received_at)


def _issue(
    payload: Mapping[str, Any], pseudonyms: Pseudonyms, _received_at: datetime
) -> Iterator[WorkFact]:
    told = read(payload, _IssueEvent, words.PROVIDER)
    if told.issue.pull_request is not None:
        return
    place = words.repository(told.repository)
    seen = words.ticket(place, told.issue, pseudonyms)
    yield seen
    if told.action in ("closed", "reopened"):
        closed = told.action == "closed"
        at = seen.closed_at if closed and seen.closed_at else seen.updated_at
        yield words.moved(place, told.issue.number, closed=closed, at=at)


def _push(
    payload: Mapping[str, Any], pseudonyms: Pseudonyms, received_at: datetime
) -> Iterator[WorkFact]:
    told = read(payload, _PushEvent, words.PROVIDER)
    if not told.ref.startswith(_BRANCH) or not told.after.strip("0"):
        return
    place = words.repository(told.repository)
    yield CommitsPushed(
        repository=place,
        branch=told.ref.removeprefix(_BRANCH),
        before=told.before,
        after=told.after,
        forced=False,
        pushed_at=received_at,
        commits=tuple(_pushed(place, each, pseudonyms) for each in told.commits or ()),
    )


def _pushed(place: Repository, told: _Commit, pseudonyms: Pseudonyms) -> CommitSeen:
    return words.commit_seen(
        place,
        told.id,
        told.message,
        told.author or Author(),
        pseudonyms,
        authored_at=told.timestamp,
        files=(*(told.added or ()), *(told.modified or ()), *(told.removed or ())),
    )


def _status(
    payload: Mapping[str, Any], _pseudonyms: Pseudonyms, _received_at: datetime
) -> Iterator[WorkFact]:
    told = read(payload, _StatusEvent, words.PROVIDER)
    state = words.CHECK_STATES.get(told.state)
    if state is None:
        return
    yield CheckSeen(
        repository=words.repository(told.repository),
        sha=told.sha,
        name=told.context,
        state=state,
        at=words.moment_or_none(told.updated_at) or words.moment(told.created_at),
    )


_Reader: TypeAlias = Callable[[Mapping[str, Any], Pseudonyms, datetime], Iterator[WorkFact]]
_READERS: Mapping[str, _Reader] = {
    **dict.fromkeys(
        (
            "pull_request",
            "pull_request_assign",
            "pull_request_label",
            "pull_request_milestone",
            "pull_request_sync",
            "pull_request_review_request",
            "pull_request_review_approved",
            "pull_request_review_rejected",
            "pull_request_review_comment",
            # Their families' names.
            "pull_request_approved",
            "pull_request_rejected",
        ),
        _pull_request,
    ),
    "pull_request_comment": _comment_or_review,
    "issue_comment": _comment,
    **dict.fromkeys(("issues", "issue_assign", "issue_label", "issue_milestone"), _issue),
    "push": _push,
    "status": _status,
}

EVENTS_USED: frozenset[str] = frozenset(_READERS)
"""The names of events that may give facts; all others give none."""

_SIGNATURES = ("x-forgejo-signature", "x-gitea-signature", "x-gogs-signature")
_HUB_SIGNATURE = "x-hub-signature-256"
# Forgejo sends its own headers beside Gitea's, and both those of Gogs, their forebear.
_BRANDS = ("forgejo", "gitea", "gogs")


def _verified(secret: str, body: bytes, headers: Headers, _now: datetime) -> bool:
    """Tell whether the first signature there is fits; others that may stand beside it agree."""
    for name in _SIGNATURES:
        if name in headers:
            return hmac_sha256_hex(secret, body, headers[name], prefix="")
    return hmac_sha256_hex(secret, body, headers.get(_HUB_SIGNATURE))


def _delivery_id(headers: Headers, _payload: Payload) -> str | None:
    return _first(headers, "delivery")


def _event(headers: Headers, _payload: Payload) -> str | None:
    return _first(headers, "event-type") or _first(headers, "event")


def _first(headers: Headers, name: str) -> str | None:
    return next((told for brand in _BRANDS if (told := headers.get(f"x-{brand}-{name}"))), None)


FORGE = Provider(
    name=words.NAME,
    events_used=EVENTS_USED,
    verify=_verified,
    delivery_id=_delivery_id,
    event=_event,
    parse=parse,
)
