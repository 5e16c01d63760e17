"""GitLab (GitLab.com and self-managed): webhooks of projects and groups, and system hooks.

Read of each event (``object_kind`` of the body, since headers of system hooks all say the same):

- ``merge_request``, any action: the object's own state. GitLab tells there who acted, and of the
  author only the number; what the action adds is a verdict (``approved``, a reviewer who now
  requests changes) and the time of a merge or close, which the object does not hold. So only the
  action that ended it tells that it ended: what is said of it later would lose that time.
- ``note``: a person's comment on a merge request, as feedback; those on anything else give
  nothing.
- ``push`` to a branch: its newest 20 commits and the branch's new tip.
- ``issue``, ``work_item``: the issue, and its closing or reopening.
- ``project_rename``, ``project_transfer`` (system hooks): that a project has another path.
- ``pipeline``: how it stands. ``deployment``: how it stands, and whether it is production.

Jobs, tags and releases are counted only. GitLab does not tell: when a push came (the time of
receipt is taken), whether it was forced, which of a commit's two dates ``timestamp`` is (taken as
the author's), counts of lines, and the squashed commit of a fast-forward merge: there the REST API
has to be asked.

https://docs.gitlab.com/user/project/integrations/webhook_events/
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeAlias

import msgspec

from collector.forges import gitlab_words as words
from collector.forges.gitlab_moves import project_moved
from collector.forges.gitlab_words import Label, Moment, User, moment
from collector.forges.reading import Count, Number, Sha, Text, read
from collector.forges.unnumbered import unnumbered_review
from collector.provider import Headers, Payload, Provider, same_text, standard_webhook
from domain.pseudonym import Pseudonyms
from domain.repository import repository_name
from domain.tickets import TicketSeen, TicketState
from domain.work import (
    Actor,
    CheckSeen,
    CommitSeen,
    CommitsPushed,
    DeploymentSeen,
    FileTouched,
    Repository,
    ReviewSeen,
    ReviewState,
    WorkFact,
)

_BRANCH = "refs/heads/"
_COMMIT_URL = re.compile(r"/commit/(?P<sha>[0-9a-f]{40}|[0-9a-f]{64})\Z")
_VERDICTS = {
    "approved": ReviewState.APPROVED,
    "approval": ReviewState.APPROVED,  # one of several that are needed
    "unapproved": ReviewState.DISMISSED,
    "unapproval": ReviewState.DISMISSED,
}
_CHANGES_REQUESTED = "requested_changes"


class _Project(msgspec.Struct):
    path_with_namespace: Text
    default_branch: Text | None = None


class _Commit(msgspec.Struct):
    id: Sha
    message: str = ""


class _Attributes(words.MergeRequest, kw_only=True):
    target: _Project
    source: _Project | None = None
    last_commit: _Commit | None = None  # null where the branch holds nothing
    author_id: Count | None = None
    action: str = ""
    system: bool = False
    labels: tuple[Label, ...] | None = None


class _Reviewer(User):
    state: str = ""


class _Before(msgspec.Struct):
    previous: tuple[_Reviewer, ...] = ()
    current: tuple[_Reviewer, ...] = ()


class _Changes(msgspec.Struct):
    reviewers: _Before | tuple[tuple[_Reviewer, ...], tuple[_Reviewer, ...]] | None = None


class _MergeRequestEvent(msgspec.Struct):
    object_attributes: _Attributes
    user: User | None = None
    labels: tuple[Label, ...] | None = None
    changes: _Changes = msgspec.field(default_factory=_Changes)
    assignees: tuple[User, ...] = ()
    reviewers: tuple[User, ...] = ()


class _Note(msgspec.Struct):
    id: Count
    noteable_type: str
    created_at: Moment
    author_id: Count | None = None
    system: bool = False


class _Numbered(msgspec.Struct):
    iid: Number


class _NoteEvent(msgspec.Struct):
    object_attributes: _Note
    project: _Project
    user: User | None = None
    merge_request: _Numbered | None = None


class _PushAuthor(msgspec.Struct):
    name: Text | None = None
    email: Text | None = None


class _PushedCommit(msgspec.Struct):
    id: Sha
    message: str
    timestamp: Moment
    author: _PushAuthor | None = None
    added: tuple[Text, ...] = ()
    modified: tuple[Text, ...] = ()
    removed: tuple[Text, ...] = ()


class _PushEvent(msgspec.Struct):
    ref: Text
    before: Sha
    after: Sha
    project: _Project
    commits: tuple[_PushedCommit, ...] = ()


class _IssueAttributes(words.Issue, kw_only=True):
    action: str = ""
    type: Text | None = None


class _IssueEvent(msgspec.Struct):
    object_kind: str
    object_attributes: _IssueAttributes
    project: _Project | None = None  # an epic belongs to a group
    labels: tuple[Label, ...] = ()
    assignees: tuple[User, ...] = ()
    assignee: User | None = None
    user: User | None = None


class _Pipeline(msgspec.Struct):
    sha: Sha
    status: str
    created_at: Moment
    finished_at: Moment | None = None
    source: Text | None = None


class _PipelineEvent(msgspec.Struct):
    object_attributes: _Pipeline
    project: _Project


class _DeploymentEvent(msgspec.Struct):
    status: str
    environment: Text
    commit_url: str
    project: _Project
    deployment_id: Count | None = None
    environment_tier: str | None = None
    status_changed_at: Moment | None = None


def parse(
    event: str, payload: Mapping[str, Any], pseudonyms: Pseudonyms, received_at: datetime
) -> tuple[WorkFact, ...]:
    """Read the facts in one delivery; none for an event that is not in ``EVENTS_USED``.

    ``received_at`` stands in for the time of a push, which GitLab does not tell. Raises
    ``UnreadablePayload`` where a used event lacks what it must have.
    """
    reader = _READERS.get(event)
    return tuple(reader(payload, pseudonyms, received_at)) if reader else ()


def _merge_request(
    payload: Mapping[str, Any], pseudonyms: Pseudonyms, _received_at: datetime
) -> Iterator[WorkFact]:
    told = read(payload, _MergeRequestEvent, words.PROVIDER)
    attributes = told.object_attributes
    place = words.repository(
        attributes.target.path_with_namespace, attributes.target.default_branch
    )
    known = (told.user, *told.assignees, *told.reviewers)
    yield from words.same_people(known, pseudonyms)
    touched_at = moment(attributes.updated_at)
    head = attributes.last_commit
    labels = told.labels if told.labels is not None else attributes.labels
    source = attributes.source
    # When it was closed only the closing tells. Merged it stays: the first time told is that.
    closed_before = attributes.state == "closed" and attributes.action != "close"
    if head and not closed_before:
        yield words.change(
            place,
            attributes,
            author=_by_number(attributes.author_id, known, pseudonyms),
            head_sha=head.id,
            head_repository=repository_name(source.path_with_namespace) if source else None,
            merge_sha=attributes.merge_commit_sha or attributes.squash_commit_sha,
            # The object does not hold these times; the moment it was touched is theirs.
            merged_at=touched_at if attributes.action == "merge" else None,
            closed_at=touched_at if attributes.action == "close" else None,
            labels=None if labels is None else tuple(label.title for label in labels),
            messages=(head.message,),
        )
    verdict = _VERDICTS.get(attributes.action)
    # Approvals that GitLab itself resets when somebody pushes are told under the pusher's name.
    if verdict and told.user and not attributes.system:
        reviewer = words.actor(told.user, pseudonyms)
        yield unnumbered_review(place, attributes.iid, verdict, reviewer, touched_at)
    for unhappy in _requesting_changes(told.changes):
        reviewer = words.actor(unhappy, pseudonyms)
        yield unnumbered_review(
            place, attributes.iid, ReviewState.CHANGES_REQUESTED, reviewer, touched_at
        )


def _requesting_changes(changes: _Changes) -> Iterator[_Reviewer]:
    """Give the reviewers who request changes now and did not before."""
    if isinstance(changes.reviewers, _Before):
        previous, current = changes.reviewers.previous, changes.reviewers.current
    else:
        previous, current = changes.reviewers or ((), ())
    before = {reviewer.id: reviewer.state for reviewer in previous}
    for reviewer in current:
        if _CHANGES_REQUESTED == reviewer.state != before.get(reviewer.id):
            yield reviewer


def _by_number(number: int | None, known: tuple[User | None, ...], pseudonyms: Pseudonyms) -> Actor:
    """Name an account of which only the number is told, by all the payload says of it elsewhere."""
    told = next((user for user in known if user and number and user.id == number), None)
    return words.actor(told or User(id=number), pseudonyms)


def _note(
    payload: Mapping[str, Any], pseudonyms: Pseudonyms, _received_at: datetime
) -> Iterator[WorkFact]:
    told = read(payload, _NoteEvent, words.PROVIDER)
    note = told.object_attributes
    if note.noteable_type != "MergeRequest" or note.system or told.merge_request is None:
        return
    # Somebody else may edit a comment. Payloads before 13.0 have no numbers of users.
    writer = told.user
    if writer and writer.id and note.author_id and writer.id != note.author_id:
        writer = User(id=note.author_id)
    reviewer = words.actor(writer, pseudonyms)
    if reviewer.bot:
        return
    yield from words.same_people([told.user], pseudonyms)
    yield ReviewSeen(
        repository=words.repository(told.project.path_with_namespace, told.project.default_branch),
        number=told.merge_request.iid,
        review_id=f"comment:{note.id}",
        state=ReviewState.COMMENTED,
        reviewer=reviewer,
        submitted_at=moment(note.created_at),
    )


def _push(
    payload: Mapping[str, Any], pseudonyms: Pseudonyms, received_at: datetime
) -> Iterator[WorkFact]:
    told = read(payload, _PushEvent, words.PROVIDER)
    if not told.ref.startswith(_BRANCH) or not told.after.strip("0"):
        return
    place = words.repository(told.project.path_with_namespace, told.project.default_branch)
    branch = told.ref.removeprefix(_BRANCH)
    yield CommitsPushed(
        repository=place,
        branch=branch,
        before=told.before,
        after=told.after,
        forced=False,
        pushed_at=received_at,
        commits=tuple(_commit(each, place, branch, pseudonyms) for each in told.commits),
    )


def _commit(
    told: _PushedCommit, place: Repository, branch: str, pseudonyms: Pseudonyms
) -> CommitSeen:
    author = told.author or _PushAuthor()
    named = map(pseudonyms.file, (*told.added, *told.modified, *told.removed))
    seen = CommitSeen(
        sha=told.id,
        author=words.committer(author.name, author.email, pseudonyms),
        authored_at=moment(told.timestamp),
        files=tuple(FileTouched(file=file) for file in dict.fromkeys(named) if file),
    )
    return words.commit_seen(
        seen, told.message, place, branch=branch, name=author.name, email=author.email
    )


def _issue(
    payload: Mapping[str, Any], pseudonyms: Pseudonyms, _received_at: datetime
) -> Iterator[WorkFact]:
    told = read(payload, _IssueEvent, words.PROVIDER)
    attributes = told.object_attributes
    if told.project is None:
        return
    place = words.repository(told.project.path_with_namespace, told.project.default_branch)
    key = f"{place.name}#{attributes.iid}"
    assignees = told.assignees or ((told.assignee,) if told.assignee else ())
    yield from words.same_people((told.user, *assignees), pseudonyms)
    state = words.ticket_state(attributes)
    touched_at = moment(attributes.updated_at)
    closed_at = words.moment_or_none(attributes.closed_at)
    kind = attributes.type or told.object_kind
    yield TicketSeen(
        tracker=words.NAME,
        key=key,
        project=place.name,
        kind=kind.lower().replace(" ", "_"),
        title=attributes.title,
        state=state,
        state_name=attributes.state,
        created_at=moment(attributes.created_at),
        updated_at=touched_at,
        closed_at=closed_at if state is not TicketState.OPEN else None,
        labels=tuple(label.title for label in told.labels),
        assignee=words.identities(assignees, pseudonyms),
    )
    if attributes.action == "close" and state is not TicketState.OPEN:
        yield words.moved(key, state, closed_at or touched_at)
    elif attributes.action == "reopen" and state is TicketState.OPEN:
        yield words.moved(key, state, touched_at)


def _pipeline(
    payload: Mapping[str, Any], _pseudonyms: Pseudonyms, _received_at: datetime
) -> Iterator[WorkFact]:
    told = read(payload, _PipelineEvent, words.PROVIDER)
    pipeline = told.object_attributes
    state = words.CHECK_STATES.get(pipeline.status)
    if state is None:
        return
    yield CheckSeen(
        repository=words.repository(told.project.path_with_namespace, told.project.default_branch),
        sha=pipeline.sha,
        name=words.check_name(pipeline.source),
        state=state,
        at=moment(pipeline.finished_at or pipeline.created_at),
    )


def _deployment(
    payload: Mapping[str, Any], _pseudonyms: Pseudonyms, received_at: datetime
) -> Iterator[WorkFact]:
    told = read(payload, _DeploymentEvent, words.PROVIDER)
    state = words.DEPLOYMENT_STATES.get(told.status)
    commit = _COMMIT_URL.search(told.commit_url)
    # Before 14.5 it has no number by which later states of the same one could be known.
    if state is None or commit is None or told.deployment_id is None:
        return
    yield DeploymentSeen(
        repository=words.repository(told.project.path_with_namespace, told.project.default_branch),
        deployment_id=str(told.deployment_id),
        sha=commit["sha"],
        environment=told.environment,
        production=words.is_production(told.environment, told.environment_tier),
        state=state,
        at=words.moment_or_none(told.status_changed_at) or received_at,
    )


_Reader: TypeAlias = Callable[[Mapping[str, Any], Pseudonyms, datetime], Iterator[WorkFact]]
_READERS: Mapping[str, _Reader] = {
    "merge_request": _merge_request,
    "note": _note,
    "push": _push,
    "issue": _issue,
    "work_item": _issue,
    "pipeline": _pipeline,
    "deployment": _deployment,
    "project_rename": project_moved,
    "project_transfer": project_moved,
}

EVENTS_USED: frozenset[str] = frozenset(_READERS)
"""The values of ``object_kind``, or ``event_name``, that may give facts; all others give none."""


def _verified(secret: str, body: bytes, headers: Headers, now: datetime) -> bool:
    """Tell whether the delivery is signed with the signing token, or names the secret token.

    Either proves who sent it: nobody else knows the secret. Only the signature proves that it is
    no replay.
    """
    if not secret:
        return False
    signed = standard_webhook(secret, body, headers, now)
    return signed or same_text(secret, headers.get("x-gitlab-token"))


def _delivery_id(headers: Headers, _payload: Payload) -> str | None:
    # Not X-Gitlab-Event-UUID: all events that one webhook set off share it.
    return headers.get("idempotency-key") or headers.get("webhook-id")


def _event(_headers: Headers, payload: Payload) -> str | None:
    # System hooks that are of no project, say of a new user, have only the latter.
    told = payload.get("object_kind") or payload.get("event_name")
    return told if isinstance(told, str) else None


FORGE = Provider(
    name=words.NAME,
    events_used=EVENTS_USED,
    verify=_verified,
    delivery_id=_delivery_id,
    event=_event,
    parse=parse,
)
