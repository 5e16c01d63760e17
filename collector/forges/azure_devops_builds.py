"""Azure Pipelines: what a build says of a commit, in webhooks and REST alike.

A build of a pull request is of a merge that nobody sees; the commit that it judges stands beside.
Pipelines build repositories of other forges too: what they say then is of those forges' commits.

https://learn.microsoft.com/rest/api/azure/devops/build/builds/get
"""

import re

import msgspec

from collector.forges.azure_devops_words import (
    NAME,
    PROVIDER,
    Project,
    RepositoryTold,
    addressed_name,
)
from collector.forges.reading import Count, Instant, Text, utc
from domain.repository import repository_name
from domain.work import CheckSeen, CheckState, Repository

_PULL = "refs/pull/"
_SHA = re.compile(r"\A[0-9a-f]{40}\Z")
_RESULTS = {
    "succeeded": CheckState.SUCCESS,
    "failed": CheckState.FAILURE,
    "partiallysucceeded": CheckState.NEUTRAL,
    "canceled": CheckState.NEUTRAL,
    "stopped": CheckState.NEUTRAL,
    "none": CheckState.NEUTRAL,
}
# Azure Pipelines builds repositories of other forges too; their names are those forges'.
_FORGES = {"github": "github", "githubenterprise": "github", "bitbucket": "bitbucket-cloud"}


class _Definition(msgspec.Struct):
    name: Text


class BuiltRepository(msgspec.Struct):
    """What a build says of its repository; ``id`` is the name where another forge has it."""

    id: Text = ""
    type: str = ""
    name: Text | None = None
    url: Text | None = None


class Build(msgspec.Struct, rename="camel"):
    """A run of a pipeline. A pull request's is of a merge that nobody sees."""

    id: Count
    status: str
    definition: _Definition
    repository: BuiltRepository | None = None
    project: Project | None = None
    url: Text = ""
    result: str | None = None
    source_branch: str | None = None
    source_version: str | None = None
    trigger_info: dict[str, str] | None = None
    queue_time: Instant | None = None
    start_time: Instant | None = None
    finish_time: Instant | None = None


def check(told: Build, known: Repository | None = None) -> CheckSeen | None:
    """What a build says of a commit; None where it says of which repository or commit not.

    ``known`` is the repository where it was asked for its builds.
    """
    of, sha = built(told)
    of = known or of
    at = told.finish_time or told.start_time or told.queue_time
    if of is None or sha is None or at is None:
        return None
    # The first resource version tells the result as status.
    ended = (told.result or told.status).lower()
    return CheckSeen(
        repository=of,
        sha=sha,
        name=told.definition.name,
        state=_RESULTS.get(ended, CheckState.RUNNING),
        at=utc(at, PROVIDER),
    )


def built(told: Build) -> tuple[Repository | None, str | None]:
    """The repository and the commit that were built, where told."""
    sha = told.source_version
    if (told.source_branch or "").startswith(_PULL):
        sha = (told.trigger_info or {}).get("pr.sourceSha", sha)
    return _built_repository(told), sha if sha and _SHA.match(sha) else None


def _built_repository(told: Build) -> Repository | None:
    of = told.repository
    if of is None:
        return None
    forge = _FORGES.get(of.type.lower())
    if forge is not None:
        name = repository_name(of.id) or repository_name(of.url)
        return Repository(forge=forge, name=name) if name else None
    if of.type.lower() not in ("tfsgit", "git"):
        return None
    name = repository_name(of.url)
    if name is None and of.name and told.project:
        own = RepositoryTold(id=of.id, name=of.name, project=told.project, url=told.url)
        name = addressed_name(own)
    return Repository(forge=NAME, name=name) if name else None
