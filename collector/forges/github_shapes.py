"""What GitHub's objects hold of what is used here, in webhooks and in the REST API alike.

Fields that only one of the two sends have a default. Objects of the GraphQL API are read in
``github_graph``.
"""

from typing import Annotated, TypeAlias

import msgspec

from collector.forges.reading import Count, Epoch, Instant, Number, Sha, Text

OpenOrClosed: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"\A(?:open|closed)\Z")]


class User(msgspec.Struct):
    """An account; null where it is gone, and then the object says nothing of a person."""

    login: Text
    type: str = ""
    email: Text | None = None


class GitHubRepository(msgspec.Struct):
    """A repository."""

    full_name: Text
    default_branch: Text | None = None


class Label(msgspec.Struct):
    """A label."""

    name: Text


class _Head(msgspec.Struct):
    ref: Text
    sha: Sha
    repo: GitHubRepository | None = None  # null once the fork is deleted


class _Base(msgspec.Struct):
    ref: Text


class PullRequest(msgspec.Struct):
    """A pull request; ``merged`` and the counts are told by webhooks and of a single one only."""

    number: Number
    state: OpenOrClosed
    title: Text
    head: _Head
    base: _Base
    created_at: Instant
    updated_at: Instant
    user: User | None = None
    body: str | None = None
    draft: bool | None = None  # not sent by servers older than drafts
    merged: bool | None = None
    merged_at: Instant | None = None
    closed_at: Instant | None = None
    merge_commit_sha: Sha | None = None
    additions: Count | None = None
    deletions: Count | None = None
    changed_files: Count | None = None
    commits: Count | None = None
    labels: tuple[Label, ...] | None = None


class Review(msgspec.Struct):
    """A review; without ``submitted_at`` while it is its author's draft."""

    id: Count
    state: str
    user: User | None = None
    submitted_at: Instant | None = None


class Comment(msgspec.Struct):
    """A comment on an issue, a pull request, or a line of one."""

    id: Count
    created_at: Instant
    user: User | None = None
    # Of the REST API: which pull request or issue it is of.
    updated_at: Instant | None = None
    html_url: str = ""


class CommitAuthor(msgspec.Struct):
    """Who wrote or made a commit: as git says it, and the account that GitHub knows it to be."""

    name: str | None = None
    email: Text | None = None
    username: Text | None = None


class PushedCommit(msgspec.Struct):
    """A commit of a push; which of its two dates ``timestamp`` is GitHub does not say."""

    id: Sha
    timestamp: Instant
    message: str
    author: CommitAuthor | None = None
    distinct: bool = True
    added: tuple[str, ...] | None = None
    modified: tuple[str, ...] | None = None
    removed: tuple[str, ...] | None = None


class _Signature(msgspec.Struct):
    date: Instant
    name: str | None = None
    email: Text | None = None


class _CommitObject(msgspec.Struct):
    message: str
    author: _Signature
    committer: _Signature | None = None


class _Parent(msgspec.Struct):
    sha: Sha


class _Account(msgspec.Struct):
    login: Text | None = None  # an empty object where GitHub has nobody for the address
    type: str = ""


class File(msgspec.Struct):
    """A file of a commit or change, with counts of lines."""

    filename: Text
    additions: Count | None = None
    deletions: Count | None = None


class Commit(msgspec.Struct):
    """A commit of the REST API; ``files`` where it was asked for alone."""

    sha: Sha
    commit: _CommitObject
    author: _Account | None = None
    parents: tuple[_Parent, ...] = ()
    files: tuple[File, ...] | None = None


class _IssueType(msgspec.Struct):
    name: Text


class _PullRequestOfIssue(msgspec.Struct):
    html_url: str = ""


class Issue(msgspec.Struct):
    """An issue; ``pull_request`` is there where it is one, which the API lists among issues."""

    number: Number
    title: Text
    created_at: Instant
    updated_at: Instant
    closed_at: Instant | None = None
    state: OpenOrClosed | None = None  # webhooks about pins leave it out
    state_reason: str | None = None
    labels: tuple[Label | str, ...] = ()
    assignees: tuple[User, ...] = ()
    type: _IssueType | None = None
    pull_request: _PullRequestOfIssue | None = None


class Deployment(msgspec.Struct):
    """A deployment. ``production_environment`` is what its maker said it is."""

    id: Count
    sha: Sha
    environment: Text
    created_at: Instant
    updated_at: Instant | None = None
    production_environment: bool | None = None


class DeploymentStatus(msgspec.Struct):
    """A state that a deployment took."""

    state: str
    created_at: Instant


class _App(msgspec.Struct):
    name: Text = ""


class CheckRun(msgspec.Struct):
    """One check of a commit, for example a job of a workflow."""

    name: Text
    head_sha: Sha
    status: str
    conclusion: str | None = None
    started_at: Instant | None = None
    completed_at: Instant | None = None


class CheckSuite(msgspec.Struct):
    """All checks that one App makes of a commit."""

    head_sha: Sha
    status: str | None = None
    conclusion: str | None = None
    updated_at: Instant | None = None
    app: _App | None = None


class WorkflowRun(msgspec.Struct):
    """A run of a workflow of GitHub Actions."""

    head_sha: Sha
    updated_at: Instant
    status: str | None = None
    conclusion: str | None = None
    name: Text | None = None
    event: Text = ""


class CommitStatus(msgspec.Struct):
    """A state that another system gave a commit."""

    context: Text
    state: str
    updated_at: Instant | None = None
    created_at: Instant | None = None


class IssueEvent(msgspec.Struct):
    """Something that happened to an issue."""

    event: str
    created_at: Instant
    issue: Issue | None = None
    state_reason: str | None = None


class PushedRepository(GitHubRepository):
    """The repository of a push; a moment or seconds since 1970."""

    pushed_at: Instant | Epoch | None = None
