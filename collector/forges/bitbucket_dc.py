"""Bitbucket Data Center and Server: webhooks for pull requests, reviews, comments and pushes.

Read of each event, and why:

- ``pr:*``: the object's own state, not the event, is the fact. One that is deleted is closed.
- ``pr:reviewer:*``: the review; who, what and on which head identify it, since it has no id. Giving
  it up dismisses what was said before (``previousStatus``).
- ``pr:comment:added``: a review that only comments.
- ``repo:refs_changed``: each branch's new tip; servers from 7.18 on also list the commits.

Bitbucket does not tell: the default branch, counts of lines and files, whether a push was forced,
which commits belong to which branch where several were pushed at once, and, on older servers, any
commit of a push.

https://confluence.atlassian.com/bitbucketserver/event-payload-938025882.html
"""

from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias

import msgspec

from collector.forges import bitbucket_dc_words as words
from collector.forges.reading import Sha, Text, read
from collector.provider import Headers, Payload, Provider, hmac_sha256_hex
from domain.pseudonym import Pseudonyms
from domain.work import ChangeSeen, CommitsPushed, ReviewState, WorkFact

# Asking whether the address answers, with ``{"test": true}`` as body.
_PING = "diagnostics:ping"
_OPINIONS = {
    "APPROVED": ReviewState.APPROVED,
    "NEEDS_WORK": ReviewState.CHANGES_REQUESTED,
    "CHANGES_REQUESTED": ReviewState.CHANGES_REQUESTED,
}


class _PullRequestEvent(msgspec.Struct, rename="camel"):
    date: words.Moment
    pull_request: words.PullRequest


class _ReviewerEvent(_PullRequestEvent):
    participant: words.Participant
    previous_status: str = ""


class _CommentEvent(_PullRequestEvent):
    comment: words.Comment


class _Ref(msgspec.Struct):
    type: str = ""


class _RefChange(msgspec.Struct, rename="camel"):
    ref_id: Text
    from_hash: Sha
    to_hash: Sha
    type: str
    ref: _Ref | None = None


class _PushEvent(msgspec.Struct, rename="camel"):
    date: words.Moment
    repository: words.RepositoryTold
    changes: tuple[_RefChange, ...]
    commits: tuple[words.CommitTold, ...] = ()
    to_commit: words.CommitTold | None = None


def parse(
    event: str, payload: Payload, pseudonyms: Pseudonyms, _received_at: datetime
) -> tuple[WorkFact, ...]:
    """Read the facts in one delivery; none for an event that is not in ``EVENTS_USED``.

    Raises ``UnreadablePayload`` where a used event lacks what it must have.
    """
    reader = _READERS.get(event)
    return reader(payload, pseudonyms) if reader else ()


def _changed(payload: Payload, pseudonyms: Pseudonyms) -> tuple[WorkFact, ...]:
    return (_seen(read(payload, _PullRequestEvent, words.PROVIDER), pseudonyms),)


def _deleted(payload: Payload, pseudonyms: Pseudonyms) -> tuple[WorkFact, ...]:
    told = read(payload, _PullRequestEvent, words.PROVIDER)
    at = words.moment(told.date)
    return (words.change(told.pull_request, pseudonyms, at, deleted=True),)


def _seen(told: _PullRequestEvent, pseudonyms: Pseudonyms) -> ChangeSeen:
    return words.change(told.pull_request, pseudonyms, words.moment(told.date))


def _reviewed(payload: Payload, pseudonyms: Pseudonyms) -> tuple[WorkFact, ...]:
    told = read(payload, _ReviewerEvent, words.PROVIDER)
    seen = _seen(told, pseudonyms)
    given, before = _opinion(told.participant.status), _opinion(told.previous_status)
    state = given or before
    if state is None:
        return (seen,)
    reviewer = words.actor(told.participant.user, pseudonyms)
    at, head = words.moment(told.date), told.pull_request.from_ref.latest_commit
    said = words.review(seen, state, reviewer, head, at, withdrawn=given is None)
    return (seen, said)


def _opinion(status: str) -> ReviewState | None:
    return _OPINIONS.get(status)


def _commented(payload: Payload, pseudonyms: Pseudonyms) -> tuple[WorkFact, ...]:
    told = read(payload, _CommentEvent, words.PROVIDER)
    seen = _seen(told, pseudonyms)
    return (seen, words.comment(seen, told.comment, pseudonyms))


def _pushed(payload: Payload, pseudonyms: Pseudonyms) -> tuple[WorkFact, ...]:
    told = read(payload, _PushEvent, words.PROVIDER)
    of, pushed_at = words.repository(told.repository), words.moment(told.date)
    branches = [each for each in told.changes if each.ref_id.startswith(words.BRANCH)]
    commits = told.commits or ((told.to_commit,) if told.to_commit else ())
    alone = len(told.changes) == 1
    return tuple(
        CommitsPushed(
            repository=of,
            branch=each.ref_id.removeprefix(words.BRANCH),
            before=each.from_hash,
            after=each.to_hash,
            forced=False,
            pushed_at=pushed_at,
            commits=tuple(words.commit_seen(one, pseudonyms) for one in commits if alone),
        )
        for each in branches
        if each.type != "DELETE"
    )


_Reader: TypeAlias = Callable[[Payload, Pseudonyms], tuple[WorkFact, ...]]
_READERS: dict[str, _Reader] = {
    "pr:opened": _changed,
    "pr:modified": _changed,
    "pr:from_ref_updated": _changed,
    "pr:to_ref_updated": _changed,
    "pr:merged": _changed,
    "pr:declined": _changed,
    "pr:deleted": _deleted,
    "pr:reviewer:approved": _reviewed,
    "pr:reviewer:needs_work": _reviewed,
    "pr:reviewer:changes_requested": _reviewed,
    "pr:reviewer:unapproved": _reviewed,
    "pr:comment:added": _commented,
    "repo:refs_changed": _pushed,
}

EVENTS_USED: frozenset[str] = frozenset(_READERS)
"""The values of ``X-Event-Key`` that may give facts; all others give none."""


def _verified(secret: str, body: bytes, headers: Headers, _now: datetime) -> bool:
    return hmac_sha256_hex(secret, body, headers.get("x-hub-signature"))


def _delivery_id(headers: Headers, _payload: Payload) -> str | None:
    return headers.get("x-request-id")


def _event(headers: Headers, payload: Payload) -> str | None:
    if payload.get("test") is True:
        return _PING
    return headers.get("x-event-key")


FORGE = Provider(
    name=words.NAME,
    events_used=EVENTS_USED,
    verify=_verified,
    delivery_id=_delivery_id,
    event=_event,
    parse=parse,
)
