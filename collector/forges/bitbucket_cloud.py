"""Bitbucket Cloud: webhooks for pull requests, reviews, pushes and build statuses.

Read of each event, and why:

- ``pullrequest:created``, ``:updated``: the object's own state, not the event, is the fact.
- ``pullrequest:fulfilled``, ``:rejected``: its end. A pull request does not say when it was merged
  or declined, only when it last changed; so once it is closed only these are taken, and what is
  said of it later (a comment) moves nothing.
- approvals, requests for changes, their removal, and comments: one review each. An approval has no
  id; who and when identify it.
- ``repo:push``: each branch's new tip and its last five commits; older ones are not told.
- ``repo:commit_status_*``: the status of a build, by its key.

Bitbucket does not tell: whole SHAs in pull requests, when a push was made (the time of receipt
stands in), counts of lines and files, and e-mail addresses of accounts.

https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

import msgspec

from collector.forges import bitbucket_cloud_words as words
from collector.forges.errors import UnreadablePayload
from collector.forges.reading import Sha, Text, read
from collector.provider import Headers, Payload, Provider, hmac_sha256_hex
from domain.pseudonym import Pseudonyms
from domain.work import ChangeState, CommitsPushed, ReviewState, WorkFact

_NO_COMMIT = "0" * 40


class _PullRequestEvent(msgspec.Struct):
    pullrequest: words.PullRequest
    repository: words.RepositoryTold


class _ReviewEvent(_PullRequestEvent):
    approval: words.Opinion | None = None
    changes_request: words.Opinion | None = None


class _CommentEvent(_PullRequestEvent):
    comment: words.Comment
    actor: words.Account | None = None


class _Target(msgspec.Struct):
    hash: Sha


class _Ref(msgspec.Struct):
    type: str
    name: Text
    target: _Target


class _RefChange(msgspec.Struct):
    new: _Ref | None = None
    old: _Ref | None = None
    forced: bool = False
    commits: tuple[words.CommitTold, ...] = ()


class _Push(msgspec.Struct):
    changes: tuple[_RefChange, ...]


class _PushEvent(msgspec.Struct):
    push: _Push
    repository: words.RepositoryTold


class _StatusEvent(msgspec.Struct):
    commit_status: words.Status
    repository: words.RepositoryTold


def parse(
    event: str, payload: Payload, pseudonyms: Pseudonyms, received_at: datetime
) -> tuple[WorkFact, ...]:
    """Read the facts in one delivery; none for an event that is not in ``EVENTS_USED``.

    ``received_at`` is the time of a push. Raises ``UnreadablePayload`` where a used event lacks
    what it must have.
    """
    reader = _READERS.get(event)
    return reader(payload, pseudonyms, received_at) if reader else ()


def _open_change(
    payload: Payload, pseudonyms: Pseudonyms, _received_at: datetime
) -> tuple[WorkFact, ...]:
    told = read(payload, _PullRequestEvent, words.PROVIDER)
    words.state(told.pullrequest)
    return _while_open(told, pseudonyms)


def _while_open(told: _PullRequestEvent, pseudonyms: Pseudonyms) -> tuple[WorkFact, ...]:
    if told.pullrequest.state != "OPEN":
        return ()
    of = words.repository(told.repository)
    return (words.change(of, told.pullrequest, ChangeState.OPEN, pseudonyms),)


def _ended_change(state: ChangeState) -> "_Reader":
    def reader(
        payload: Payload, pseudonyms: Pseudonyms, _received_at: datetime
    ) -> tuple[WorkFact, ...]:
        told = read(payload, _PullRequestEvent, words.PROVIDER)
        of, ended_at = words.repository(told.repository), told.pullrequest.updated_on
        return (words.change(of, told.pullrequest, state, pseudonyms, ended_at),)

    return reader


def _reviewed(state: ReviewState, *, withdrawn: bool = False) -> "_Reader":
    def reader(
        payload: Payload, pseudonyms: Pseudonyms, _received_at: datetime
    ) -> tuple[WorkFact, ...]:
        told = read(payload, _ReviewEvent, words.PROVIDER)
        name = "approval" if state is ReviewState.APPROVED else "changes_request"
        opinion: words.Opinion | None = getattr(told, name)
        if opinion is None:
            raise UnreadablePayload("unreadable_field", f"{words.PROVIDER} payload: no {name}")
        of = words.repository(told.repository)
        said = words.review(
            of, told.pullrequest.id, opinion, state, pseudonyms, withdrawn=withdrawn
        )
        return (*_while_open(told, pseudonyms), said)

    return reader


def _commented(
    payload: Payload, pseudonyms: Pseudonyms, _received_at: datetime
) -> tuple[WorkFact, ...]:
    told = read(payload, _CommentEvent, words.PROVIDER)
    of, number = words.repository(told.repository), told.pullrequest.id
    # Payloads older than 2017 leave the comment's author to the event's.
    by = told.comment.user or told.actor
    said = words.comment(of, number, told.comment, by, pseudonyms)
    return (*_while_open(told, pseudonyms), said)


def _pushed(
    payload: Payload, pseudonyms: Pseudonyms, received_at: datetime
) -> tuple[WorkFact, ...]:
    told = read(payload, _PushEvent, words.PROVIDER)
    of = words.repository(told.repository)
    return tuple(
        CommitsPushed(
            repository=of,
            branch=each.new.name,
            before=each.old.target.hash if each.old else _NO_COMMIT,
            after=each.new.target.hash,
            forced=each.forced,
            pushed_at=received_at.astimezone(UTC),
            commits=tuple(words.commit_seen(one, of.name, pseudonyms) for one in each.commits),
        )
        for each in told.push.changes
        if each.new is not None and each.new.type == "branch"
    )


def _checked(
    payload: Payload, _pseudonyms: Pseudonyms, _received_at: datetime
) -> tuple[WorkFact, ...]:
    told = read(payload, _StatusEvent, words.PROVIDER)
    return (words.check(words.repository(told.repository), told.commit_status),)


_Reader: TypeAlias = Callable[[Payload, Pseudonyms, datetime], tuple[WorkFact, ...]]
_READERS: dict[str, _Reader] = {
    "pullrequest:created": _open_change,
    "pullrequest:updated": _open_change,
    "pullrequest:fulfilled": _ended_change(ChangeState.MERGED),
    "pullrequest:rejected": _ended_change(ChangeState.CLOSED),
    "pullrequest:approved": _reviewed(ReviewState.APPROVED),
    "pullrequest:unapproved": _reviewed(ReviewState.APPROVED, withdrawn=True),
    "pullrequest:changes_request_created": _reviewed(ReviewState.CHANGES_REQUESTED),
    "pullrequest:changes_request_removed": _reviewed(ReviewState.CHANGES_REQUESTED, withdrawn=True),
    "pullrequest:comment_created": _commented,
    "repo:push": _pushed,
    "repo:commit_status_created": _checked,
    "repo:commit_status_updated": _checked,
}

EVENTS_USED: frozenset[str] = frozenset(_READERS)
"""The values of ``X-Event-Key`` that may give facts; all others give none."""


def _verified(secret: str, body: bytes, headers: Headers, _now: datetime) -> bool:
    # The old header's name holds the newer digest.
    return hmac_sha256_hex(secret, body, headers.get("x-hub-signature"))


def _delivery_id(headers: Headers, _payload: Payload) -> str | None:
    return headers.get("x-request-uuid")


def _event(headers: Headers, _payload: Payload) -> str | None:
    return headers.get("x-event-key")


FORGE = Provider(
    name=words.NAME,
    events_used=EVENTS_USED,
    verify=_verified,
    delivery_id=_delivery_id,
    event=_event,
    parse=parse,
)
