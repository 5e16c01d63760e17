"""From GitHub's objects to facts; texts are read for references and dropped."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from collector.forges import markers, references
from collector.forges.errors import UnreadablePayload
from collector.forges.github_people import actor, commit_author
from collector.forges.github_shapes import (
    CheckRun,
    CheckSuite,
    Comment,
    Commit,
    CommitAuthor,
    CommitStatus,
    Deployment,
    DeploymentStatus,
    File,
    GitHubRepository,
    Issue,
    PullRequest,
    PushedCommit,
    Review,
    WorkflowRun,
)
from collector.forges.production import flagged_production
from collector.forges.reading import utc
from collector.forges.touching import file_touched, own_files
from domain.pseudonym import Pseudonyms
from domain.repository import repository_name
from domain.tickets import TicketSeen, TicketState
from domain.work import (
    Actor,
    ChangeSeen,
    ChangeState,
    CheckSeen,
    CheckState,
    CommitSeen,
    DeploymentSeen,
    DeploymentState,
    FileTouched,
    Repository,
    ReviewSeen,
    ReviewState,
)

NAME = "github"
PROVIDER = "GitHub"

_CHECKS = {
    "success": CheckState.SUCCESS,
    "failure": CheckState.FAILURE,
    "timed_out": CheckState.FAILURE,
    "startup_failure": CheckState.FAILURE,
    "error": CheckState.FAILURE,
    "pending": CheckState.RUNNING,
}
_DEPLOYMENTS = {
    "success": DeploymentState.SUCCESS,
    "failure": DeploymentState.FAILURE,
    "error": DeploymentState.FAILURE,
    "inactive": DeploymentState.INACTIVE,
}
_DROPPED = frozenset({"not_planned", "duplicate"})


def repository(told: GitHubRepository) -> Repository:
    """Give the repository; raises UnreadablePayload where its name is none."""
    name = repository_name(told.full_name)
    if name is None:
        raise UnreadablePayload("bad_repository", "GitHub payload: repository.full_name is no name")
    return Repository(forge=NAME, name=name, default_branch=told.default_branch)


def moment(at: datetime) -> datetime:
    """Give the moment in UTC."""
    return utc(at, PROVIDER)


def change(of: Repository, told: PullRequest, pseudonyms: Pseudonyms) -> ChangeSeen:
    """Give the state of a pull request."""
    merged = bool(told.merged) or told.merged_at is not None
    body, head = told.body or "", told.head
    undone = references.reverted_changes(body, of.name)
    replacing = references.superseding_changes(body, of.name)
    labels = None if told.labels is None else tuple(label.name for label in told.labels)
    return ChangeSeen(
        repository=of,
        number=told.number,
        state=ChangeState.MERGED if merged else ChangeState(told.state),
        draft=bool(told.draft),
        title=told.title,
        author=actor(told.user, pseudonyms),
        head_ref=head.ref,
        head_sha=head.sha,
        base_ref=told.base.ref,
        head_repository=repository_name(head.repo.full_name) if head.repo else None,
        # While it is open GitHub fills this with a test merge that nobody ever sees.
        merge_sha=told.merge_commit_sha if merged else None,
        created_at=moment(told.created_at),
        updated_at=moment(told.updated_at),
        merged_at=moment(told.merged_at) if told.merged_at else None,
        closed_at=moment(told.closed_at) if told.closed_at else None,
        additions=told.additions,
        deletions=told.deletions,
        changed_files=told.changed_files,
        commit_count=told.commits,
        # Numbers only grow: what a change undoes was there before it.
        reverts=tuple(number for number in undone if number < told.number),
        superseded_by=tuple(number for number in replacing if number != told.number),
        tasks=_once(
            references.closed_by_change(told.title, of.name),
            references.ticket_keys(told.title),
            references.closed_by_change(body, of.name),
            references.branch_ticket_keys(head.ref),
        ),
        tools=markers.tools_of_change(
            f"{told.title}\n{body}",
            branch=head.ref,
            login=told.user.login if told.user else None,
            labels=labels or (),
        ),
        labels=labels,
    )


def review(of: Repository, number: int, told: Review, pseudonyms: Pseudonyms) -> ReviewSeen | None:
    """Give a review; None while it is its author's draft."""
    state = told.state.lower()  # the REST API and old deliveries shout
    if state == "pending":
        return None
    if state not in set(ReviewState):
        raise UnreadablePayload("unknown_value", "GitHub payload: unknown value - at review.state")
    if told.submitted_at is None:
        raise UnreadablePayload("unreadable_field", "GitHub payload: no review.submitted_at")
    return ReviewSeen(
        repository=of,
        number=number,
        review_id=str(told.id),
        state=ReviewState(state),
        reviewer=actor(told.user, pseudonyms),
        submitted_at=moment(told.submitted_at),
    )


def comment(
    of: Repository, number: int, told: Comment, pseudonyms: Pseudonyms
) -> ReviewSeen | None:
    """Give a person's comment as a review that says neither yes nor no; a bot's is none."""
    who = actor(told.user, pseudonyms)
    if who.bot:
        return None
    return ReviewSeen(
        repository=of,
        number=number,
        review_id=f"comment:{told.id}",
        state=ReviewState.COMMENTED,
        reviewer=who,
        submitted_at=moment(told.created_at),
    )


def pushed_commit(of: Repository, told: PushedCommit, pseudonyms: Pseudonyms) -> CommitSeen:
    """Give a commit of a push."""
    author = told.author or CommitAuthor()
    paths = (told.added, told.modified, told.removed)
    files = None
    if any(each is not None for each in paths):
        files = touched((File(filename=path) for some in paths for path in some or ()), pseudonyms)
    return _commit(
        of,
        told.id,
        told.message,
        author,
        commit_author(author, pseudonyms),
        authored_at=told.timestamp,
        committed_at=None,
        parents=None,
        files=files,
    )


def author_of(told: Commit) -> CommitAuthor:
    """Give a commit's author with the account that GitHub knows them to be."""
    signed = told.commit.author
    login = told.author.login if told.author else None
    return CommitAuthor(name=signed.name, email=signed.email, username=login)


def commit_seen(
    of: Repository,
    told: Commit,
    pseudonyms: Pseudonyms,
    files: Iterable[File] | None = None,
) -> CommitSeen:
    """Give a commit of the REST API, with these files or its own."""
    author = author_of(told)
    known = told.files if files is None else tuple(files)
    committer = told.commit.committer
    who = commit_author(author, pseudonyms)
    if told.author and told.author.type == "Bot":
        who = Actor(identities=who.identities, bot=True)
    return _commit(
        of,
        told.sha,
        told.commit.message,
        author,
        who,
        authored_at=told.commit.author.date,
        committed_at=committer.date if committer else None,
        parents=tuple(parent.sha for parent in told.parents),
        files=None if known is None else touched(known, pseudonyms),
    )


def _commit(
    of: Repository,
    sha: str,
    message: str,
    author: CommitAuthor,
    who: Actor,
    *,
    authored_at: datetime,
    committed_at: datetime | None,
    parents: tuple[str, ...] | None,
    files: tuple[FileTouched, ...] | None,
) -> CommitSeen:
    subject = message.partition("\n")[0]
    return CommitSeen(
        sha=sha,
        author=who,
        authored_at=moment(authored_at),
        committed_at=moment(committed_at) if committed_at else None,
        parents=parents,
        files=own_files(message, files),
        sessions=references.named_sessions(message),
        reverts=references.reverted_commits(message),
        tasks=_once(references.closed_issues(message, of.name), references.ticket_keys(subject)),
        tools=markers.tools_of_commit(
            message, email=author.email, name=author.name, login=author.username
        ),
    )


def touched(files: Iterable[File], pseudonyms: Pseudonyms) -> tuple[FileTouched, ...]:
    """Give the files under names that can be compared with those of sessions, each once."""
    found: dict[str, FileTouched] = {}
    for told in files:
        file = file_touched(told.filename, pseudonyms, told.additions, told.deletions)
        if file is not None:
            found[file.file] = file
    return tuple(found.values())


def issue_key(of: Repository, number: int) -> str:
    """Give an issue's key as people write it from elsewhere."""
    return f"{of.name}#{number}"


def closed_state(reason: str | None) -> TicketState:
    """Give what a closed issue is; done where no reason is told, as GitHub closes by default."""
    return TicketState.DROPPED if reason in _DROPPED else TicketState.DONE


def ticket(of: Repository, told: Issue, pseudonyms: Pseudonyms) -> TicketSeen:
    """Give the state of an issue."""
    called = told.state or ("closed" if told.closed_at else "open")
    state = closed_state(told.state_reason) if called == "closed" else TicketState.OPEN
    people = (actor(user, pseudonyms) for user in told.assignees)
    labels = (label if isinstance(label, str) else label.name for label in told.labels)
    return TicketSeen(
        tracker=NAME,
        key=issue_key(of, told.number),
        project=of.name,
        kind=told.type.name if told.type else None,
        title=told.title,
        state=state,
        state_name=called,
        created_at=moment(told.created_at),
        updated_at=moment(told.updated_at),
        closed_at=moment(told.closed_at) if told.closed_at else None,
        labels=tuple(labels),
        assignee=tuple(dict.fromkeys(name for who in people for name in who.identities)),
    )


def deployment(
    of: Repository, told: Deployment, status: DeploymentStatus | None = None
) -> DeploymentSeen:
    """Give a deployment in the state of this status; without one it has only begun."""
    state = DeploymentState.RUNNING
    if status is not None:
        state = _DEPLOYMENTS.get(status.state, DeploymentState.RUNNING)
    return DeploymentSeen(
        repository=of,
        deployment_id=str(told.id),
        sha=told.sha,
        environment=told.environment,
        production=flagged_production(told.environment, told.production_environment),
        state=state,
        at=moment(status.created_at if status else told.created_at),
    )


def check_run(of: Repository, told: CheckRun) -> CheckSeen | None:
    """Give a check; None where no time is told."""
    at = told.completed_at or told.started_at
    return _check(of, told.head_sha, told.name, _checked(told.status, told.conclusion), at)


def check_suite(of: Repository, told: CheckSuite) -> CheckSeen | None:
    """Give all checks of one App as one."""
    name = f"suite {told.app.name if told.app else ''}".rstrip()
    return _check(of, told.head_sha, name, _checked(told.status, told.conclusion), told.updated_at)


def workflow_run(of: Repository, told: WorkflowRun) -> CheckSeen | None:
    """Give a run of a workflow; runs for a push and for a pull request are two."""
    name = " ".join(filter(None, ("workflow", told.name, f"({told.event})" if told.event else "")))
    return _check(of, told.head_sha, name, _checked(told.status, told.conclusion), told.updated_at)


def commit_status(of: Repository, sha: str, told: CommitStatus) -> CheckSeen | None:
    """Give the state that another system gave a commit."""
    state = _CHECKS.get(told.state, CheckState.NEUTRAL)
    return _check(of, sha, told.context, state, told.updated_at or told.created_at)


def _checked(status: str | None, conclusion: str | None) -> CheckState:
    if conclusion is None:
        return CheckState.NEUTRAL if status == "completed" else CheckState.RUNNING
    return _CHECKS.get(conclusion, CheckState.NEUTRAL)


def _check(
    of: Repository, sha: str, name: str, state: CheckState, at: datetime | None
) -> CheckSeen | None:
    if at is None:
        return None
    return CheckSeen(repository=of, sha=sha, name=name, state=state, at=moment(at))


def _once(*groups: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for group in groups for key in group))
