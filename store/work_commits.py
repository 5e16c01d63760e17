"""Rows of commits and of what is done with them: pushes, rewrites, checks, deployments."""

from datetime import UTC, datetime

from domain.tickets import ticket_key
from domain.work import (
    CheckSeen,
    CheckState,
    CommitRewritten,
    CommitSeen,
    CommitsPushed,
    DeploymentSeen,
)
from store import tables as t
from store.standing import version
from store.work_rows import WorkRows

# Of two states of one second: what has ended is later than what runs, and a failure is no success.
_FURTHER = {
    CheckState.RUNNING: 0,
    CheckState.NEUTRAL: 1,
    CheckState.SUCCESS: 2,
    CheckState.FAILURE: 3,
}

# Git dates a commit as its author's clock, or a script, says. What lies days before or after it is
# looked for, and near the ends of the calendar that would be no date.
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def push_rows(rows: WorkRows, push: CommitsPushed) -> None:
    """A push: its commits, and the branch's new tip."""
    repo = push.repository.name
    for commit in push.commits:
        commit_rows(rows, repo, commit)
    shas = dict.fromkeys([*(commit.sha for commit in push.commits), push.after])
    for sha in shas:
        rows.add(
            t.pushes,
            repo=repo,
            branch=push.branch,
            sha=sha,
            pushed_at=push.pushed_at,
            tip=sha == push.after,
        )
    if push.forced:
        rows.add(
            t.forced_pushes,
            repo=repo,
            branch=push.branch,
            pushed_at=push.pushed_at,
            before=push.before,
            after=push.after,
        )
    rows.mark("commit", repo, shas)


def commit_rows(rows: WorkRows, repo: str, commit: CommitSeen) -> None:
    """A commit with its author, files, parents, and what its message names."""
    key = {"repo": repo, "sha": commit.sha}
    authored_at, committed_at = _dated(commit.authored_at), commit.committed_at
    rows.add(
        t.commits,
        **key,
        authored_at=authored_at,
        committed_at=committed_at and _dated(committed_at),
        author_name=commit.author.name,
        author_is_bot=commit.author.bot,
        files_told=commit.files is not None,
        parents_told=commit.parents is not None,
    )
    for identity in commit.author.identities:
        rows.add(t.commit_people, **key, identity=identity, authored_at=authored_at)
    for trailer in commit.sessions:
        rows.add(t.commit_sessions, **key, tool=trailer.tool, session_id=trailer.session_id)
    for tool in commit.tools:
        rows.add(t.commit_tools, **key, tool=tool)
    for task in commit.tasks:
        rows.add(t.commit_tasks, **key, key=ticket_key(repo, task))
    for parent in commit.parents or ():
        rows.add(t.commit_parents, **key, parent=parent)
    for touched in commit.files or ():
        rows.add(
            t.commit_files,
            **key,
            file=touched.file,
            additions=touched.additions,
            deletions=touched.deletions,
        )
    for sha in commit.reverts:
        rows.add(t.reverts, repo=repo, reverting=f"commit:{commit.sha}", reverted=f"commit:{sha}")
    rows.name(repo, commit.author)
    rows.mark("revert", repo, commit.reverts)


def _dated(at: datetime) -> datetime:
    return min(max(at, _FIRST), _LAST)


def rewrite_rows(rows: WorkRows, rewritten: CommitRewritten) -> None:
    """One commit made anew as another."""
    repo = rewritten.repository.name
    rows.add(
        t.commit_aliases,
        repo=repo,
        old_sha=rewritten.old_sha,
        new_sha=rewritten.new_sha,
        seen_at=rewritten.seen_at,
    )
    rows.mark("commit", repo, (rewritten.old_sha, rewritten.new_sha))


def check_rows(rows: WorkRows, check: CheckSeen) -> None:
    """A check's state; ``work`` marks the changes that it matters to."""
    said = {"state": check.state.value, "at": check.at}
    rows.add(
        t.checks,
        repo=check.repository.name,
        sha=check.sha,
        name=check.name,
        version=version(check.at, said, _FURTHER[check.state]),
        **said,
    )


def deployment_rows(rows: WorkRows, deployment: DeploymentSeen) -> None:
    """A state of a deployment. Labels do not depend on it, so nothing is marked."""
    rows.add(
        t.deployments,
        repo=deployment.repository.name,
        deployment_id=deployment.deployment_id,
        state=deployment.state.value,
        sha=deployment.sha,
        environment=deployment.environment,
        production=deployment.production,
        at=deployment.at,
    )
