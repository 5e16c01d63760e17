"""Azure DevOps: webhooks for pull requests, comments, pushes, work items, builds and releases.

Service hooks are not signed. They can be told to send a user and password (Basic), or a header
``Authorization: Bearer …``; the secret is that password or token.

Read of each event, and why:

- ``git.pullrequest.*``: the object's own state, not the event, is the fact: ``merged`` only says
  that a merge was tried. It does not say when it last changed; the event's own time does.
- Votes stand in the pull request, without their times. The first delivery that shows one is that of
  the vote itself, and its time stands.
- ``ms.vss-code.git-pullrequest-comment-event``: a review that only comments.
- ``git.push``: each branch's new tip; its commits where one branch was pushed.
- ``workitem.*``: the work item's own state; of a change of state the move.
- ``build.complete``: the result of a pipeline for a commit.
- ``ms.vss-release.deployment-completed-event``: a commit put into an environment, where the release
  says which: those of builds do.

Azure DevOps does not tell: counts of lines and files, whether a push was forced, and in resources
sent as "minimal" anything at all: choose "all" for resource details.

https://learn.microsoft.com/azure/devops/service-hooks/events
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, TypeAlias

import msgspec

from collector.forges import azure_devops_boards as boards
from collector.forges import azure_devops_builds as builds
from collector.forges import azure_devops_words as words
from collector.forges.errors import UnreadablePayload
from collector.forges.production import named_production
from collector.forges.reading import Count, Instant, Sha, Text, read, utc
from collector.provider import Headers, Payload, Provider, bearer_or_basic
from domain.pseudonym import Pseudonyms
from domain.repository import repository_name
from domain.work import CommitsPushed, DeploymentSeen, DeploymentState, Repository, WorkFact

_NO_COMMIT = "0" * 40
_SHA = re.compile(r"\A[0-9a-f]{40}\Z")
_DEPLOYED = {
    "succeeded": DeploymentState.SUCCESS,
    "partiallysucceeded": DeploymentState.SUCCESS,
    "rejected": DeploymentState.FAILURE,
    "failed": DeploymentState.FAILURE,
    "canceled": DeploymentState.INACTIVE,
}
_STATE, _REASON = "System.State", "System.Reason"


class _PullRequestEvent(msgspec.Struct, rename="camel"):
    resource: words.PullRequest
    created_date: Instant


class _CommentResource(msgspec.Struct, rename="camel"):
    comment: words.Comment
    pull_request: words.PullRequest


class _CommentEvent(msgspec.Struct, rename="camel"):
    resource: _CommentResource
    created_date: Instant


class _RefUpdate(msgspec.Struct, rename="camel"):
    name: Text
    old_object_id: Sha
    new_object_id: Sha


class _PushResource(msgspec.Struct, rename="camel"):
    repository: words.RepositoryTold
    ref_updates: tuple[_RefUpdate, ...]
    date: Instant
    commits: tuple[words.CommitTold, ...] = ()


class _PushEvent(msgspec.Struct):
    resource: _PushResource


class _WorkItemEvent(msgspec.Struct):
    resource: boards.WorkItem


class _Change(msgspec.Struct, rename="camel"):
    old_value: Any = None
    new_value: Any = None


class _Relations(msgspec.Struct):
    added: tuple[boards.Relation, ...] = ()


class _UpdateResource(msgspec.Struct, rename="camel"):
    revision: boards.WorkItem
    fields: dict[str, _Change] = {}
    relations: _Relations | None = None


class _WorkItemUpdatedEvent(msgspec.Struct, rename="camel"):
    resource: _UpdateResource
    created_date: Instant


class _BuildEvent(msgspec.Struct):
    resource: builds.Build


class _Reference(msgspec.Struct):
    id: Text | None = None
    name: Text | None = None


class _Artifact(msgspec.Struct, rename="camel"):
    definition_reference: dict[str, _Reference | None] = {}


class _Release(msgspec.Struct):
    artifacts: tuple[_Artifact, ...] = ()


class _Environment(msgspec.Struct):
    name: Text
    status: str


class _Deployment(msgspec.Struct, rename="camel"):
    id: Count
    release: _Release | None = None
    completed_on: Instant | None = None


class _DeploymentResource(msgspec.Struct):
    environment: _Environment
    deployment: _Deployment | None = None


class _Container(msgspec.Struct, rename="camel"):
    base_url: Text | None = None


class _DeploymentEvent(msgspec.Struct, rename="camel"):
    resource: _DeploymentResource
    created_date: Instant
    resource_containers: dict[str, _Container] = {}


def parse(
    event: str, payload: Payload, pseudonyms: Pseudonyms, _received_at: datetime
) -> tuple[WorkFact, ...]:
    """Read the facts in one delivery; none for an event that is not in ``EVENTS_USED``.

    Raises ``UnreadablePayload`` where a used event lacks what it must have.
    """
    reader = _READERS.get(event)
    return reader(payload, pseudonyms) if reader else ()


def _pull_request(payload: Payload, pseudonyms: Pseudonyms) -> tuple[WorkFact, ...]:
    told = read(payload, _PullRequestEvent, words.PROVIDER)
    at = told.created_date
    seen = words.change(told.resource, pseudonyms, at)
    return (seen, *words.standing_votes(seen, told.resource.reviewers or (), pseudonyms, at))


def _commented(payload: Payload, pseudonyms: Pseudonyms) -> tuple[WorkFact, ...]:
    told = read(payload, _CommentEvent, words.PROVIDER)
    seen = words.change(told.resource.pull_request, pseudonyms, told.created_date)
    said = words.comment(seen, told.resource.comment, pseudonyms)
    return (seen, said) if said else (seen,)


def _pushed(payload: Payload, pseudonyms: Pseudonyms) -> tuple[WorkFact, ...]:
    told = read(payload, _PushEvent, words.PROVIDER).resource
    of = words.repository(told.repository)
    commits = tuple(words.commit_seen(each, pseudonyms) for each in told.commits)
    alone = len(told.ref_updates) == 1
    return tuple(
        CommitsPushed(
            repository=of,
            branch=each.name.removeprefix(words.BRANCH),
            before=each.old_object_id,
            after=each.new_object_id,
            forced=False,
            pushed_at=utc(told.date, words.PROVIDER),
            commits=commits if alone else (),
        )
        for each in told.ref_updates
        if each.name.startswith(words.BRANCH) and each.new_object_id != _NO_COMMIT
    )


def _work_item(payload: Payload, pseudonyms: Pseudonyms) -> tuple[WorkFact, ...]:
    told = read(payload, _WorkItemEvent, words.PROVIDER).resource
    seen = boards.ticket(told, pseudonyms)
    return (seen, *boards.ties(told.id, told.relations or (), {}, seen.updated_at))


def _deleted_work_item(payload: Payload, pseudonyms: Pseudonyms) -> tuple[WorkFact, ...]:
    told = read(payload, _WorkItemEvent, words.PROVIDER).resource
    return (boards.ticket(told, pseudonyms, deleted=True),)


def _work_item_updated(payload: Payload, pseudonyms: Pseudonyms) -> tuple[WorkFact, ...]:
    told = read(payload, _WorkItemUpdatedEvent, words.PROVIDER).resource
    now = told.revision
    seen = boards.ticket(now, pseudonyms)
    added = told.relations.added if told.relations else ()
    before, after = _words(told.fields, now, "old_value"), _words(told.fields, now, "new_value")
    moves = boards.moved(now.id, before, after, seen.updated_at) if _STATE in told.fields else ()
    return (seen, *moves, *boards.ties(now.id, added, {}, seen.updated_at))


def _words(fields: dict[str, _Change], now: boards.WorkItem, which: str) -> tuple[str, str]:
    """State and reason before or after; what did not change is as it is now."""
    told = []
    for name in (_STATE, _REASON):
        value = getattr(fields[name], which) if name in fields else now.fields.get(name)
        told.append(value if isinstance(value, str) else "")
    return told[0], told[1]


def _built(payload: Payload, _pseudonyms: Pseudonyms) -> tuple[WorkFact, ...]:
    seen = builds.check(read(payload, _BuildEvent, words.PROVIDER).resource)
    return (seen,) if seen else ()


def _deployed(payload: Payload, _pseudonyms: Pseudonyms) -> tuple[WorkFact, ...]:
    told = read(payload, _DeploymentEvent, words.PROVIDER)
    deployment, environment = told.resource.deployment, told.resource.environment
    state = _DEPLOYED.get(environment.status.lower())
    if state is None:
        raise UnreadablePayload("unknown_value", f"{words.PROVIDER} payload: environment.status")
    if deployment is None or deployment.release is None:
        return ()
    roots = [each.base_url for each in told.resource_containers.values() if each.base_url]
    return tuple(
        DeploymentSeen(
            repository=of,
            deployment_id=f"release:{deployment.id}",
            sha=sha,
            environment=environment.name,
            production=named_production(environment.name),
            state=state,
            at=utc(deployment.completed_on or told.created_date, words.PROVIDER),
        )
        for of, sha in _sources(deployment.release, roots[0] if roots else "")
    )


def _sources(release: _Release, root: str) -> Iterator[tuple[Repository, str]]:
    """Repository and commit of each artifact that names both."""
    for artifact in release.artifacts:
        told = artifact.definition_reference
        sha, of, project = (told.get(each) for each in ("sourceVersion", "repository", "project"))
        if sha and sha.id and _SHA.match(sha.id) and of and of.name and project and project.name:
            remote = f"{root.rstrip('/')}/{project.name}/_git/{of.name}"
            if name := repository_name(remote):
                yield Repository(forge=words.NAME, name=name), sha.id


_Reader: TypeAlias = Callable[[Payload, Pseudonyms], tuple[WorkFact, ...]]
_READERS: dict[str, _Reader] = {
    "git.pullrequest.created": _pull_request,
    "git.pullrequest.updated": _pull_request,
    "git.pullrequest.merged": _pull_request,
    "ms.vss-code.git-pullrequest-comment-event": _commented,
    "git.push": _pushed,
    "workitem.created": _work_item,
    "workitem.restored": _work_item,
    "workitem.commented": _work_item,
    "workitem.deleted": _deleted_work_item,
    "workitem.updated": _work_item_updated,
    "build.complete": _built,
    "ms.vss-release.deployment-completed-event": _deployed,
}

EVENTS_USED: frozenset[str] = frozenset(_READERS)
"""The values of ``eventType`` that may give facts; all others give none."""


def _verified(secret: str, _body: bytes, headers: Headers, _now: datetime) -> bool:
    return bearer_or_basic(secret, headers)


def _delivery_id(_headers: Headers, payload: Payload) -> str | None:
    """A subscription numbers what it sends; the event's id is the same for all subscriptions."""
    subscription, number = payload.get("subscriptionId"), payload.get("notificationId")
    if isinstance(subscription, str) and isinstance(number, int):
        return f"{subscription}:{number}"
    told = payload.get("id")
    return told if isinstance(told, str) else None


def _event(_headers: Headers, payload: Payload) -> str | None:
    told = payload.get("eventType")
    return told if isinstance(told, str) else None


FORGE = Provider(
    name=words.NAME,
    events_used=EVENTS_USED,
    verify=_verified,
    delivery_id=_delivery_id,
    event=_event,
    parse=parse,
)
