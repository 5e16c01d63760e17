"""What the forge and the tracker deliver, as webhooks of GitHub and Jira, in the order of time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from simulation.company import Developer, WorkType
from simulation.history import Change, Commit, Ending, History, Piece, Push, Review
from simulation.otlp import iso

Json = dict[str, Any]

_MAIN = "main"
_NOBODY = "0" * 40
_TICKETS = {
    WorkType.BUG: "Bug",
    WorkType.FEATURE: "Story",
    WorkType.MAINTENANCE: "Maintenance",
    WorkType.DOCS: "Documentation",
    WorkType.TEST: "Task",
    WorkType.REFACTOR: "Technical debt",
}
_SHIPPED = frozenset(
    {Ending.SHIPPED, Ending.RELANDED, Ending.ENDLESS, Ending.COSTLY, Ending.SUPERSEDED}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One webhook: the provider, the event's name, and the body."""

    provider: str
    event: str
    at: datetime
    body: Json


def deliveries(history: History) -> list[Delivery]:
    """Everything that was delivered until the history ends."""
    people = {each.login: each for each in history.company.developers}
    told: list[Delivery] = []
    for piece in history.pieces:
        told += _ticket(piece)
        for change in piece.changes:
            told += _change(change, people, squash=change.repository in history.company.squashes)
        told += (_pushed(push, people) for push in piece.pushes)
    told += _deployments(change for piece in history.pieces for change in piece.changes)
    told = [each for each in told if each.at <= history.until]
    return sorted(told, key=lambda each: each.at)


def _ticket(piece: Piece) -> Iterator[Delivery]:
    if piece.ticket is None:
        return
    opened_at = piece.created_at - timedelta(hours=20)
    yield _issue(piece, "jira:issue_created", opened_at, ("To Do", "new"), None)
    yield _issue(
        piece, "jira:issue_updated", piece.created_at, ("In Progress", "indeterminate"), "To Do"
    )
    if piece.ending in _SHIPPED and piece.settled_at:
        done_at = piece.settled_at + timedelta(hours=2)
        yield _issue(piece, "jira:issue_updated", done_at, ("Done", "done"), "In Progress")


def _issue(
    piece: Piece, event: str, at: datetime, status: tuple[str, str], before: str | None
) -> Delivery:
    name, category = status
    done = category == "done"
    fields: Json = {
        "summary": piece.title,
        "issuetype": {"name": _TICKETS[piece.work_type]},
        "project": {"key": str(piece.ticket).partition("-")[0]},
        "status": {"name": name, "statusCategory": {"key": category}},
        "resolution": {"name": "Done"} if done else None,
        "resolutiondate": _jira(at) if done else None,
        "labels": [],
        "created": _jira(piece.created_at - timedelta(hours=20)),
        "updated": _jira(at),
    }
    body: Json = {
        "timestamp": int(at.timestamp() * 1000),
        "webhookEvent": event,
        "issue": {"key": piece.ticket, "fields": fields},
    }
    if before:
        moved = {"field": "status", "fromString": before, "toString": name}
        body["changelog"] = {"items": [moved]}
    return Delivery(provider="jira", event=event, at=at, body=body)


def _jira(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}+0000"


def _change(change: Change, people: Mapping[str, Developer], *, squash: bool) -> Iterator[Delivery]:
    before = _NOBODY
    for number, (at, commits) in enumerate(change.pushes):
        if change.fork is None:
            to, forced = (change.repository, change.branch), number in change.forced
            yield _push(to, before, commits, at, people, forced=forced)
        before = commits[-1].sha
        if number and at < (change.closed_at or at + timedelta(1)):
            yield _pull_request(change, "synchronize", at + timedelta(seconds=2), people, "open")
    for since, _ in change.bases[1:]:
        if since is not None:
            edited = _pull_request(change, "edited", since, people, "open")
            edited.body["changes"] = {"base": {"ref": {"from": _base(change, since, before=True)}}}
            yield edited
    yield _pull_request(change, "opened", change.opened_at, people, "open")
    for number, review in enumerate(change.reviews):
        yield _review(change, review, number, people)
    if change.merged_at and change.merge:
        merge = change.merge
        landed = change.landed
        if landed is None:
            landed = [] if squash else change.held()
        named = Commit(
            sha=merge.sha,
            author=merge.author,
            authored_at=merge.authored_at,
            message=merge.message.format(change.number),
            files=merge.files,
            parent=merge.parent,
        )
        at = change.merged_at + timedelta(seconds=1)
        to = change.repository, _base(change, at)
        commits = landed if any(each.sha == merge.sha for each in landed) else [*landed, named]
        yield _push(to, merge.parent, commits, at, people)
    if change.closed_at:
        at = change.closed_at + timedelta(seconds=2)
        yield _pull_request(change, "closed", at, people, "closed")


def _base(change: Change, at: datetime, *, before: bool = False) -> str:
    """The branch that the change was to be merged into then, or until then."""
    refs = [ref for since, ref in change.bases if since is None or since <= at]
    return refs[-2] if before else refs[-1]


def _pushed(push: Push, people: Mapping[str, Developer]) -> Delivery:
    to, before = (push.repository, push.branch), push.before or push.commits[0].parent
    told = _push(to, before, push.commits, push.at, people, forced=push.before is not None)
    if push.after:
        told.body["after"] = push.after
    return told


def _repository(name: str) -> Json:
    return {"full_name": name, "default_branch": _MAIN}


def _user(login: str) -> Json:
    return {"login": login, "type": "User"}


def _pull_request(
    change: Change, action: str, at: datetime, people: Mapping[str, Developer], state: str
) -> Delivery:
    return Delivery(
        provider="github",
        event="pull_request",
        at=at,
        body={
            "action": action,
            "number": change.number,
            "pull_request": _request(change, at, state),
            "repository": _repository(change.repository),
            "sender": _user(people[change.author].login),
        },
    )


def _request(change: Change, at: datetime, state: str) -> Json:
    commits = _held(change, at)
    ended = state == "closed"
    mentioned = change.mentions.number if change.mentions else ""
    return {
        "number": change.number,
        "state": state,
        "title": change.title,
        "body": change.body.format(mentioned) if ended or "Reverts" in change.body else change.body,
        "draft": False,
        "user": _user(change.author),
        "head": {
            "ref": change.branch,
            "sha": commits[-1].sha,
            "repo": {"full_name": change.fork or change.repository},
        },
        "base": {"ref": _base(change, at)},
        "created_at": iso(change.opened_at),
        "updated_at": iso(at),
        "closed_at": iso(change.closed_at) if ended and change.closed_at else None,
        "merged": ended and change.merged_at is not None,
        "merged_at": iso(change.merged_at) if ended and change.merged_at else None,
        "merge_commit_sha": change.merge.sha if ended and change.merge else None,
        "additions": change.lines,
        "deletions": change.lines // 4,
        "changed_files": len({path for each in commits for path in each.files}),
        "commits": len(commits),
        "labels": [],
    }


def _held(change: Change, at: datetime) -> list[Commit]:
    """What its branch held then: at the least what was pushed first."""
    pushed = [number for number, (when, _) in enumerate(change.pushes) if when <= at] or [0]
    since = max((each for each in change.forced if each in pushed), default=0)
    return [each for number in pushed if number >= since for each in change.pushes[number][1]]


def _review(
    change: Change, review: Review, number: int, people: Mapping[str, Developer]
) -> Delivery:
    return Delivery(
        provider="github",
        event="pull_request_review",
        at=review.at,
        body={
            "action": "submitted",
            "review": {
                "id": change.number * 1000 + number,
                "state": review.state,
                "user": _user(review.reviewer),
                "submitted_at": iso(review.at),
            },
            "pull_request": _request(change, review.at, "open"),
            "repository": _repository(change.repository),
            "sender": _user(people[review.reviewer].login),
        },
    )


def _push(
    to: tuple[str, str],
    before: str,
    commits: Sequence[Commit],
    at: datetime,
    people: Mapping[str, Developer],
    *,
    forced: bool = False,
) -> Delivery:
    repository, branch = to
    return Delivery(
        provider="github",
        event="push",
        at=at,
        body={
            "ref": f"refs/heads/{branch}",
            "before": before,
            "after": commits[-1].sha if commits else _NOBODY,
            "forced": forced,
            "created": before == _NOBODY,
            "deleted": False,
            "repository": {**_repository(repository), "pushed_at": int(at.timestamp())},
            "commits": [_commit(each, people) for each in commits],
        },
    )


def _commit(commit: Commit, people: Mapping[str, Developer]) -> Json:
    author = people[commit.author]
    return {
        "id": commit.sha,
        "message": commit.message,
        "timestamp": iso(commit.authored_at),
        "author": {"name": author.name, "email": author.email, "username": author.login},
        "distinct": commit.distinct,
        "added": [],
        "removed": [],
        "modified": list(commit.files),
    }


def _deployments(changes: Iterable[Change]) -> Iterator[Delivery]:
    """What a repository's afternoon deploys: the last that was merged, with all before it."""
    last: dict[tuple[str, datetime], Change] = {}
    for change in changes:
        if change.merged_at and _base(change, change.merged_at) == _MAIN:
            train = (change.repository, _afternoon(change.merged_at))
            before = last.get(train)
            if before is None or before.merged_at is None or change.merged_at > before.merged_at:
                last[train] = change
    for (_, at), change in last.items():
        yield _deployment(change, at)


def _afternoon(merged_at: datetime) -> datetime:
    """The first deployment after a merge: each day at four."""
    at = merged_at.replace(hour=16, minute=0, second=0, microsecond=0)
    return at if merged_at < at else at + timedelta(days=1)


def _deployment(change: Change, at: datetime) -> Delivery:
    number = change.number
    sha = change.merge.sha if change.merge else _NOBODY
    deployment = {
        "id": number,
        "sha": sha,
        "environment": "production",
        "production_environment": True,
        "created_at": iso(at),
        "updated_at": iso(at),
    }
    status = {
        "id": number,
        "state": "success",
        "environment": "production",
        "created_at": iso(at),
        "updated_at": iso(at),
    }
    body = {
        "action": "created",
        "deployment": deployment,
        "deployment_status": status,
        "repository": _repository(change.repository),
    }
    return Delivery(provider="github", event="deployment_status", at=at, body=body)
