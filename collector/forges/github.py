"""GitHub and GitHub Enterprise Server: webhooks for changes, commits, issues, checks, deployments.

Read of each event, and why:

- ``pull_request``, any action: the object's own state, not the action, is the fact, so a lost or
  late delivery is made good by the next one.
- ``pull_request_review``: the review, and the pull request around it. That object is a short form
  without ``merged`` and counts; it says ``merged_at`` all the same.
- ``pull_request_review_comment``, and ``issue_comment`` on a pull request: that a person gave
  feedback. On an issue the comment says nothing, the issue its state.
- ``push`` to a branch: its commits with the files they touch, and the branch's new tip. GitHub
  lists at most 2,048 commits.
- ``issues``: the issue's state, and for ``closed`` and ``reopened`` that it moved.
- ``deployment``, ``deployment_status``: what was put where, and how it went.
- ``check_run``, ``check_suite``, ``workflow_run``, ``status``: how a commit was judged.
- ``repository``: that it has another name now.

GitHub does not tell: which of a commit's two dates ``timestamp`` is (taken as the author's), when a
review was dismissed (``submitted_at`` stays), an author's e-mail on a pull request, what a reopened
issue had been closed as, and anything about an author whose account is gone (``user`` is null: an
actor without identities).

https://docs.github.com/en/webhooks/webhook-events-and-payloads
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

import msgspec

from collector.forges import github_facts as facts
from collector.forges.github_moves import repository_event
from collector.forges.github_people import same_person
from collector.forges.github_shapes import (
    CheckRun,
    CheckSuite,
    Comment,
    CommitAuthor,
    CommitStatus,
    Deployment,
    DeploymentStatus,
    GitHubRepository,
    Issue,
    PullRequest,
    PushedCommit,
    PushedRepository,
    Review,
    WorkflowRun,
)
from collector.forges.reading import Sha, Text, read
from collector.provider import Headers, Payload, Provider, hmac_sha256_hex
from domain.pseudonym import Pseudonyms
from domain.tickets import TicketMoved, TicketState
from domain.work import ChangeSeen, CommitsPushed, WorkFact

NAME = facts.NAME

_BRANCH = "refs/heads/"
_REVIEW_ACTIONS = frozenset({"submitted", "edited", "dismissed"})
_COMMENT_ACTIONS = frozenset({"created", "edited"})


class _PullRequestEvent(msgspec.Struct):
    pull_request: PullRequest
    repository: GitHubRepository


class _ReviewEvent(msgspec.Struct):
    action: str
    review: Review
    pull_request: PullRequest
    repository: GitHubRepository


class _ReviewCommentEvent(msgspec.Struct):
    action: str
    comment: Comment
    pull_request: PullRequest
    repository: GitHubRepository


class _IssueCommentEvent(msgspec.Struct):
    action: str
    comment: Comment
    issue: Issue
    repository: GitHubRepository


class _IssueEvent(msgspec.Struct):
    action: str
    issue: Issue
    repository: GitHubRepository


class _PushEvent(msgspec.Struct):
    ref: Text
    before: Sha
    after: Sha
    repository: PushedRepository
    deleted: bool = False
    forced: bool = False
    commits: tuple[PushedCommit, ...] = ()


class _DeploymentEvent(msgspec.Struct):
    deployment: Deployment
    repository: GitHubRepository
    deployment_status: DeploymentStatus | None = None


class _CheckEvent(msgspec.Struct):
    repository: GitHubRepository
    check_run: CheckRun | None = None
    check_suite: CheckSuite | None = None
    workflow_run: WorkflowRun | None = None


class _StatusEvent(CommitStatus, kw_only=True):
    sha: Sha
    repository: GitHubRepository


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
    told = read(payload, _PullRequestEvent, facts.PROVIDER)
    return (_change(told.repository, told.pull_request, pseudonyms),)


def _pull_request_review(
    payload: Mapping[str, Any], pseudonyms: Pseudonyms, _received_at: datetime
) -> tuple[WorkFact, ...]:
    told = read(payload, _ReviewEvent, facts.PROVIDER)
    if told.action not in _REVIEW_ACTIONS:
        return ()
    change = _change(told.repository, told.pull_request, pseudonyms)
    review = facts.review(change.repository, change.number, told.review, pseudonyms)
    return (change, review) if review else (change,)


def _review_comment(
    payload: Mapping[str, Any], pseudonyms: Pseudonyms, _received_at: datetime
) -> tuple[WorkFact, ...]:
    told = read(payload, _ReviewCommentEvent, facts.PROVIDER)
    if told.action not in _COMMENT_ACTIONS:
        return ()
    change = _change(told.repository, told.pull_request, pseudonyms)
    comment = facts.comment(change.repository, change.number, told.comment, pseudonyms)
    return (change, comment) if comment else (change,)


def _issue_comment(
    payload: Mapping[str, Any], pseudonyms: Pseudonyms, _received_at: datetime
) -> tuple[WorkFact, ...]:
    told = read(payload, _IssueCommentEvent, facts.PROVIDER)
    repository = facts.repository(told.repository)
    if told.issue.pull_request is None:
        return (facts.ticket(repository, told.issue, pseudonyms),)
    if told.action not in _COMMENT_ACTIONS:
        return ()
    comment = facts.comment(repository, told.issue.number, told.comment, pseudonyms)
    return (comment,) if comment else ()


def _issues(
    payload: Mapping[str, Any], pseudonyms: Pseudonyms, _received_at: datetime
) -> tuple[WorkFact, ...]:
    told = read(payload, _IssueEvent, facts.PROVIDER)
    if told.action in ("deleted", "transferred"):  # it is no longer there under this number
        return ()
    repository = facts.repository(told.repository)
    seen = facts.ticket(repository, told.issue, pseudonyms)
    if told.action == "closed" and seen.closed_at:
        came_from, at = TicketState.OPEN, seen.closed_at
    elif told.action == "reopened":
        came_from, at = None, seen.updated_at
    else:
        return (seen,)
    moved = TicketMoved(
        tracker=NAME, key=seen.key, from_state=came_from, to_state=seen.state, at=at
    )
    return (seen, moved)


def _push(
    payload: Mapping[str, Any], pseudonyms: Pseudonyms, received_at: datetime
) -> tuple[WorkFact, ...]:
    told = read(payload, _PushEvent, facts.PROVIDER)
    if told.deleted or not told.ref.startswith(_BRANCH):
        return ()
    repository = facts.repository(told.repository)
    branch = told.ref.removeprefix(_BRANCH)
    # ``distinct`` is false for a commit that another branch has had before. On a topic branch that
    # is somebody else's work, merged in to catch up. On the default branch it is how a merge
    # commit, a fast-forward and a merge queue bring work home.
    landing = branch == repository.default_branch
    commits = [commit for commit in told.commits if commit.distinct or landing]
    pushed_at = told.repository.pushed_at
    if isinstance(pushed_at, int):
        pushed_at = datetime.fromtimestamp(pushed_at, UTC)
    pushed = CommitsPushed(
        repository=repository,
        branch=branch,
        before=told.before,
        after=told.after,
        forced=told.forced,
        pushed_at=facts.moment(pushed_at or received_at),
        commits=tuple(facts.pushed_commit(repository, each, pseudonyms) for each in commits),
    )
    people = (same_person(each.author or CommitAuthor(), pseudonyms) for each in commits)
    return (pushed, *dict.fromkeys(same for same in people if same))


def _deployment(
    payload: Mapping[str, Any], _pseudonyms: Pseudonyms, _received_at: datetime
) -> tuple[WorkFact, ...]:
    told = read(payload, _DeploymentEvent, facts.PROVIDER)
    repository = facts.repository(told.repository)
    return (facts.deployment(repository, told.deployment, told.deployment_status),)


def _check(
    payload: Mapping[str, Any], _pseudonyms: Pseudonyms, _received_at: datetime
) -> tuple[WorkFact, ...]:
    told = read(payload, _CheckEvent, facts.PROVIDER)
    repository = facts.repository(told.repository)
    seen = (
        told.check_run and facts.check_run(repository, told.check_run),
        told.workflow_run and facts.workflow_run(repository, told.workflow_run),
        # Of a check run its suite is told too, in short.
        not told.check_run and told.check_suite and facts.check_suite(repository, told.check_suite),
    )
    return tuple(each for each in seen if each)


def _status(
    payload: Mapping[str, Any], _pseudonyms: Pseudonyms, _received_at: datetime
) -> tuple[WorkFact, ...]:
    told = read(payload, _StatusEvent, facts.PROVIDER)
    seen = facts.commit_status(facts.repository(told.repository), told.sha, told)
    return (seen,) if seen else ()


_Reader: TypeAlias = Callable[[Mapping[str, Any], Pseudonyms, datetime], tuple[WorkFact, ...]]
_READERS: Mapping[str, _Reader] = {
    "check_run": _check,
    "check_suite": _check,
    "deployment": _deployment,
    "deployment_status": _deployment,
    "issue_comment": _issue_comment,
    "issues": _issues,
    "pull_request": _pull_request,
    "pull_request_review": _pull_request_review,
    "pull_request_review_comment": _review_comment,
    "push": _push,
    "repository": repository_event,
    "status": _status,
    "workflow_run": _check,
}

EVENTS_USED: frozenset[str] = frozenset(_READERS)
"""The values of ``X-GitHub-Event`` that may give facts; all others give none."""


def _change(of: GitHubRepository, told: PullRequest, pseudonyms: Pseudonyms) -> ChangeSeen:
    return facts.change(facts.repository(of), told, pseudonyms)


def _verified(secret: str, body: bytes, headers: Headers, _now: datetime) -> bool:
    return hmac_sha256_hex(secret, body, headers.get("x-hub-signature-256"))


def _delivery_id(headers: Headers, _payload: Payload) -> str | None:
    return headers.get("x-github-delivery")


def _event(headers: Headers, _payload: Payload) -> str | None:
    return headers.get("x-github-event")


FORGE = Provider(
    name=NAME,
    events_used=EVENTS_USED,
    verify=_verified,
    delivery_id=_delivery_id,
    event=_event,
    parse=parse,
)
