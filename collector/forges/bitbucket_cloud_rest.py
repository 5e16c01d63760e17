"""What only Bitbucket Cloud's REST API tells: activity, files touched, deployments."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from collector.client import Client
from collector.client_answer import Answer
from collector.client_errors import NotThere
from collector.forges import bitbucket_cloud_words as words
from collector.forges.reading import Count, Instant, Sha, Text, utc
from collector.forges.touching import file_touched
from collector.source import readable
from domain.pseudonym import Pseudonyms
from domain.work import DeploymentSeen, DeploymentState, FileTouched, Repository

PAGE = 50
"""How many things a page holds; some lists refuse to give more."""

_PRODUCTION = "production"
_DEPLOYED = {
    "SUCCESSFUL": DeploymentState.SUCCESS,
    "FAILED": DeploymentState.FAILURE,
    "STOPPED": DeploymentState.INACTIVE,
}


class _ShortCommit(msgspec.Struct):
    hash: words.ShortSha


class _Source(msgspec.Struct):
    commit: _ShortCommit | None = None


class Update(msgspec.Struct):
    """A pull request became this: its state, and the tip of its branch."""

    date: Instant
    state: str = ""
    source: _Source | None = None


class Activity(msgspec.Struct):
    """One entry of a pull request's history; exactly one of these is told."""

    update: Update | None = None
    approval: words.Opinion | None = None
    changes_requested: words.Opinion | None = None
    comment: words.Comment | None = None


class _Path(msgspec.Struct):
    path: Text


class FileChange(msgspec.Struct):
    """One file of a diff; ``new`` is null where it was deleted."""

    new: _Path | None = None
    old: _Path | None = None
    lines_added: Count | None = None
    lines_removed: Count | None = None


class _StatusName(msgspec.Struct):
    name: str


class _DeploymentState(msgspec.Struct):
    name: str
    status: _StatusName | None = None
    started_on: Instant | None = None
    completed_on: Instant | None = None


class _EnvironmentRef(msgspec.Struct):
    uuid: Text


class _WholeCommit(msgspec.Struct):
    hash: Sha


class _Release(msgspec.Struct):
    commit: _WholeCommit | None = None


class Deployment(msgspec.Struct):
    """A deployment of Bitbucket Pipelines; its environment is told by number only."""

    uuid: Text
    state: _DeploymentState
    environment: _EnvironmentRef
    release: _Release

    @property
    def began_at(self) -> datetime | None:
        """When it was begun; none where it waits."""
        return self.state.started_on


class Environment(msgspec.Struct):
    """An environment, and what it is for: test, staging or production."""

    uuid: Text
    name: Text
    environment_type: _StatusName | None = None


def following(answer: Answer) -> str | None:
    """The address of the next page, which stands in the body."""
    told = answer.json()
    link = told.get("next") if isinstance(told, dict) else None
    return link if isinstance(link, str) else None


def whole_commit(client: Client, root: str, sha: str) -> words.CommitTold | None:
    """The commit that a short SHA stands for; None where it is gone."""
    try:
        answer = client.get(f"{root}/commit/{sha}")
    except NotThere:
        return None
    return next(readable([answer.json()], words.CommitTold, words.PROVIDER, []), None)


def touched(told: Iterable[FileChange], pseudonyms: Pseudonyms) -> tuple[FileTouched, ...]:
    """The files of a diff, each once."""
    files: dict[str, FileTouched] = {}
    for each in told:
        where = each.new or each.old
        if where and (
            file := file_touched(where.path, pseudonyms, each.lines_added, each.lines_removed)
        ):
            files[file.file] = file
    return tuple(files.values())


def deployment(
    of: Repository, told: Deployment, environments: Mapping[str, Environment]
) -> DeploymentSeen | None:
    """How a deployment stands; None while it has not begun, or where no commit is told."""
    began_at, commit = told.began_at, told.release.commit
    if began_at is None or commit is None:
        return None
    there = environments.get(told.environment.uuid)
    kind = there.environment_type.name if there and there.environment_type else ""
    status = told.state.status.name if told.state.status else ""
    return DeploymentSeen(
        repository=of,
        deployment_id=told.uuid.strip("{}"),
        sha=commit.hash,
        environment=there.name if there else told.environment.uuid,
        production=kind.lower() == _PRODUCTION,
        state=_DEPLOYED.get(status, DeploymentState.RUNNING),
        at=utc(told.state.completed_on or began_at, words.PROVIDER),
    )
