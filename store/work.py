"""Writing what forges said. Every fact may come again, late, or out of order.

Of two states of a change the one with the later ``updated_at`` stands. Which commits belong to a
change is not written here but derived when read (``store.evidence``), so that the order in which a
push and its change arrive makes no difference.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, case, func, or_, select
from sqlalchemy.sql.elements import ColumnElement

from domain.work import (
    ChangeSeen,
    ChangeState,
    CommitSeen,
    CommitsPushed,
    Repository,
    ReviewSeen,
    WorkFact,
)
from store import tables as t
from store.dirty import WorkMark, mark_unknown, mark_work
from store.upsert import Row, earliest, either, first_told, insert_into, merge_into

_REPLACED = (
    "state",
    "draft",
    "title",
    "head_ref",
    "base_ref",
    "merge_sha",
    "merged_at",
    "closed_at",
    "updated_at",
    "tasks",
)
# A fork or an account that is deleted later is still where the change came from.
_KEPT_IF_UNTOLD = ("author", "head_repo", "additions", "deletions", "changed_files")
_STATE_ORDER = {"open": 0, "closed": 1, "merged": 2}


@dataclass(slots=True)
class _Rows:
    """What one call writes, by table."""

    repositories: list[Row] = field(default_factory=list)
    changes: list[Row] = field(default_factory=list)
    change_people: list[Row] = field(default_factory=list)
    change_commits: list[Row] = field(default_factory=list)
    commits: list[Row] = field(default_factory=list)
    commit_people: list[Row] = field(default_factory=list)
    commit_sessions: list[Row] = field(default_factory=list)
    pushes: list[Row] = field(default_factory=list)
    reverts: list[Row] = field(default_factory=list)
    reviews: list[Row] = field(default_factory=list)
    dirty: list[WorkMark] = field(default_factory=list)


def apply(connection: Connection, facts: Sequence[WorkFact]) -> None:
    """Write these facts and mark what they touch for classification."""
    rows = _Rows()
    for fact in facts:
        if isinstance(fact, ChangeSeen):
            _change(rows, fact)
        elif isinstance(fact, CommitsPushed):
            _push(rows, fact)
        else:
            _review(rows, fact)
    if not facts:
        return
    told = {row["repo"] for row in rows.repositories}
    known = select(t.repositories.c.repo).where(t.repositories.c.repo.in_(sorted(told)))
    if told - set(connection.execute(known).scalars()):
        # Until now nothing could be said of sessions that worked in these repositories.
        mark_unknown(connection)
    merge_into(connection, t.repositories, rows.repositories, {"default_branch": first_told})
    _write_changes(connection, rows.changes)
    merge_into(connection, t.change_people, rows.change_people, {})
    merge_into(connection, t.change_commits, rows.change_commits, {"seen_at": earliest})
    merge_into(connection, t.commits, rows.commits, {})
    merge_into(connection, t.commit_people, rows.commit_people, {})
    merge_into(connection, t.commit_sessions, rows.commit_sessions, {})
    merge_into(connection, t.pushes, rows.pushes, {"pushed_at": earliest, "tip": either})
    merge_into(connection, t.reverts, rows.reverts, {})
    merge_into(connection, t.reviews, rows.reviews, {"state": _dismissed_stays})
    mark_work(connection, rows.dirty)


def _dismissed_stays(old: ColumnElement[Any], new: ColumnElement[Any]) -> ColumnElement[Any]:
    """A dismissal ends a review; an older delivery of its submission changes nothing."""
    return case((old == "dismissed", old), else_=new)


def _repository(rows: _Rows, repository: Repository) -> None:
    rows.repositories.append(
        {
            "forge": repository.forge,
            "repo": repository.name,
            "default_branch": repository.default_branch,
        }
    )


def _change(rows: _Rows, seen: ChangeSeen) -> None:
    _repository(rows, seen.repository)
    key = {"repo": seen.repository.name, "number": seen.number}
    rows.changes.append(
        {
            **key,
            "state": seen.state.value,
            "draft": seen.draft,
            "title": seen.title,
            "author": next(iter(seen.author.identities), None),
            "author_is_bot": seen.author.bot,
            "head_ref": seen.head_ref,
            "head_repo": seen.head_repository,
            "base_ref": seen.base_ref,
            "merge_sha": seen.merge_sha,
            "created_at": seen.created_at,
            "updated_at": seen.updated_at,
            "merged_at": _merged_at(seen),
            "closed_at": seen.closed_at,
            "additions": seen.additions,
            "deletions": seen.deletions,
            "changed_files": seen.changed_files,
            "tasks": "\n".join(seen.tasks),
        }
    )
    rows.change_people += [{**key, "identity": each} for each in seen.author.identities]
    rows.change_commits.append({**key, "sha": seen.head_sha, "seen_at": seen.updated_at})
    rows.reverts += [
        {
            "repo": seen.repository.name,
            "reverting": f"change:{seen.number}",
            "reverted": f"change:{number}",
        }
        for number in seen.reverts
    ]
    _touch(rows, "change", seen.repository.name, map(str, (seen.number, *seen.reverts)))


def _merged_at(seen: ChangeSeen) -> datetime | None:
    """When it was merged; some payloads say that it was and not when."""
    if seen.state is not ChangeState.MERGED:
        return seen.merged_at
    return seen.merged_at or seen.closed_at or seen.updated_at


def _push(rows: _Rows, push: CommitsPushed) -> None:
    _repository(rows, push.repository)
    repo = push.repository.name
    for commit in push.commits:
        _commit(rows, repo, commit)
    shas = dict.fromkeys([*(commit.sha for commit in push.commits), push.after])
    rows.pushes += [
        {
            "repo": repo,
            "branch": push.branch,
            "sha": sha,
            "pushed_at": push.pushed_at,
            "tip": sha == push.after,
        }
        for sha in shas
    ]
    _touch(rows, "commit", repo, shas)


def _commit(rows: _Rows, repo: str, commit: CommitSeen) -> None:
    key = {"repo": repo, "sha": commit.sha}
    rows.commits.append(
        {**key, "authored_at": commit.authored_at, "author_is_bot": commit.author.bot}
    )
    rows.commit_people += [{**key, "identity": each} for each in commit.author.identities]
    rows.commit_sessions += [
        {**key, "tool": trailer.tool, "session_id": trailer.session_id}
        for trailer in commit.sessions
    ]
    rows.reverts += [
        {"repo": repo, "reverting": f"commit:{commit.sha}", "reverted": f"commit:{sha}"}
        for sha in commit.reverts
    ]
    _touch(rows, "revert", repo, commit.reverts)


def _review(rows: _Rows, review: ReviewSeen) -> None:
    _repository(rows, review.repository)
    rows.reviews.append(
        {
            "repo": review.repository.name,
            "number": review.number,
            "review_id": review.review_id,
            "state": review.state.value,
            "reviewer": next(iter(review.reviewer.identities), None),
            "bot": review.reviewer.bot,
            "submitted_at": review.submitted_at,
        }
    )
    _touch(rows, "change", review.repository.name, [str(review.number)])


def _touch(rows: _Rows, kind: str, repo: str, ids: Iterable[str]) -> None:
    rows.dirty += [WorkMark(kind, repo, each) for each in ids]


def _write_changes(connection: Connection, rows: Sequence[Row]) -> None:
    if not rows:
        return
    insert = insert_into(connection, t.changes)
    old, new = t.changes.c, insert.excluded
    newer = or_(
        new["updated_at"] > old.updated_at,
        and_(
            new["updated_at"] == old.updated_at,
            case(_STATE_ORDER, value=new["state"]) >= case(_STATE_ORDER, value=old.state),
        ),
    )
    updates: dict[str, ColumnElement[Any]] = {
        name: case((newer, new[name]), else_=old[name]) for name in _REPLACED
    }
    for name in _KEPT_IF_UNTOLD:
        updates[name] = case(
            (newer, func.coalesce(new[name], old[name])),
            else_=func.coalesce(old[name], new[name]),
        )
    updates["author_is_bot"] = either(old.author_is_bot, new["author_is_bot"])
    key = ["repo", "number"]
    connection.execute(insert.on_conflict_do_update(index_elements=key, set_=updates), list(rows))
