"""What only Azure DevOps' REST API tells: threads, iterations, pushes, files, environments.

Every call names the version of the API that servers from 2020 on have. Long lists go on with a
token in a header, some with a number to skip.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from collector.client_answer import Answer
from collector.forges import azure_devops_words as words
from collector.forges.reading import Count, Instant, Number, Sha, Text, utc
from domain.pseudonym import Pseudonyms
from domain.work import (
    ChangeSeen,
    DeploymentSeen,
    DeploymentState,
    FileTouched,
    Repository,
    ReviewSeen,
)

VERSION: Mapping[str, str | int] = {"api-version": "6.0"}
PREVIEW: Mapping[str, str | int] = {"api-version": "6.0-preview.1"}
TOP = 100

_TOKEN_HEADER, _TOKEN = "x-ms-continuationtoken", "continuationToken"
_VOTE = "VoteUpdate"
_DEPLOYED = {
    "succeeded": DeploymentState.SUCCESS,
    "succeededwithissues": DeploymentState.SUCCESS,
    "failed": DeploymentState.FAILURE,
    "canceled": DeploymentState.INACTIVE,
    "skipped": DeploymentState.INACTIVE,
    "abandoned": DeploymentState.INACTIVE,
}


class Thread(msgspec.Struct, rename="camel"):
    """A thread of comments, or what the server notes in the form of one."""

    id: Count
    published_date: Instant
    last_updated_date: Instant
    comments: tuple[words.Comment, ...] = ()
    properties: dict[str, Any] | None = None
    identities: dict[str, words.Identity] | None = None
    is_deleted: bool = False


class _CommitRef(msgspec.Struct, rename="camel"):
    commit_id: Sha


class Iteration(msgspec.Struct, rename="camel"):
    """One push to a pull request."""

    id: Number
    created_date: Instant
    source_ref_commit: _CommitRef
    reason: str = ""


class CommitListed(words.CommitTold):
    """A commit in a list, where a long message is cut."""

    comment_truncated: bool = False


class _Item(msgspec.Struct, rename="camel"):
    path: Text = ""
    is_folder: bool = False
    git_object_type: str = "blob"


class FileChange(msgspec.Struct):
    """One file of a diff."""

    item: _Item


class WorkItemRef(msgspec.Struct):
    """A work item that is linked to a pull request."""

    id: str


class _RefUpdate(msgspec.Struct, rename="camel"):
    name: Text
    old_object_id: Sha
    new_object_id: Sha


class Push(msgspec.Struct, rename="camel"):
    """A push, with the branches that it moved."""

    push_id: Count
    date: Instant
    ref_updates: tuple[_RefUpdate, ...] = ()


class Environment(msgspec.Struct):
    """What pipelines deploy to."""

    id: Count
    name: Text


class _Run(msgspec.Struct):
    id: Count


class DeploymentRecord(msgspec.Struct, rename="camel"):
    """A stage or job of a build that put something into an environment."""

    id: Count
    owner: _Run
    stage_name: str = ""
    result: str | None = None
    start_time: Instant | None = None
    finish_time: Instant | None = None


def following(answer: Answer) -> str | None:
    """The address of the next page: the same with the token that the header holds."""
    token = answer.headers.get(_TOKEN_HEADER)
    if not token:
        return None
    path, _, query = answer.url.partition("?")
    kept = [part for part in query.split("&") if part and not part.startswith(f"{_TOKEN}=")]
    kept.append(f"{_TOKEN}={quote(token, safe='')}")
    return f"{path}?{'&'.join(kept)}"


def reviews(
    of: ChangeSeen, threads: Iterable[Thread], pseudonyms: Pseudonyms
) -> Iterator[ReviewSeen]:
    """Votes, dated by the threads that note them, and comments."""
    cast: set[str] = set()
    for thread in sorted(threads, key=lambda each: each.id):
        if thread.is_deleted:
            continue
        properties = thread.properties or {}
        if words.text_of(properties, "CodeReviewThreadType") == _VOTE:
            value = words.text_of(properties, "CodeReviewVoteResult") or ""
            state = words.vote_state(value)
            voter = words.text_of(properties, "CodeReviewVotedByIdentity") or ""
            who = (thread.identities or {}).get(voter)
            if state is None or who is None or who.is_container:
                continue
            reviewer, at = words.actor(who, pseudonyms), thread.published_date
            said = words.vote(of, state, int(value), reviewer, at)
            if said.review_id in cast:
                said = words.vote(of, state, int(value), reviewer, at, f":{thread.id}")
            cast.add(said.review_id)
            yield said
        else:
            told = (words.comment(of, each, pseudonyms, thread.id) for each in thread.comments)
            yield from filter(None, told)


def touched(told: Iterable[FileChange], pseudonyms: Pseudonyms) -> tuple[FileTouched, ...]:
    """The files of a diff, each once; the API counts no lines."""
    items = (each.item for each in told)
    paths = (i.path for i in items if not i.is_folder and i.git_object_type == "blob")
    files = dict.fromkeys(filter(None, map(pseudonyms.file, paths)))
    return tuple(FileTouched(file=file) for file in files)


def deployment(
    of: Repository, sha: str, environment: str, production: bool, told: DeploymentRecord
) -> DeploymentSeen | None:
    """How a deployment to an environment stands; None while it has not begun."""
    at = told.finish_time or told.start_time
    if at is None:
        return None
    return DeploymentSeen(
        repository=of,
        deployment_id=f"environment:{told.id}",
        sha=sha,
        environment=environment,
        production=production,
        state=_DEPLOYED.get((told.result or "").lower(), DeploymentState.RUNNING),
        at=utc(at, words.PROVIDER),
    )
