"""Facts about work for the tests of the store: small ones, made by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

from domain.tickets import TicketMoved, TicketSeen, TicketState, TicketTied, TieKind
from domain.work import (
    Actor,
    ChangeCommits,
    ChangeFiles,
    ChangeSeen,
    ChangeState,
    CheckSeen,
    CheckState,
    CommitRewritten,
    CommitSeen,
    CommitsPushed,
    DeploymentSeen,
    DeploymentState,
    FileTouched,
    Repository,
    ReviewSeen,
    ReviewState,
    WorkFact,
)
from store import work
from store.engine import Database
from tests.filling import rows

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
REPO = Repository(forge="github", name="acme/shop", default_branch="main")
FORK = Repository(forge="github", name="dev/shop", default_branch="main")
RENAMED = Repository(forge="github", name="acme/shop", default_branch="trunk")
DEV, REVIEWER = Actor(identities=("p_dev",)), Actor(identities=("p_reviewer",))
# Whatever forges and trackers write; how often something was marked does not matter.
TABLES = dict.fromkeys(
    (
        *("changes", "change_people", "change_tasks", "change_listings", "change_commits"),
        *("change_files", "commits", "commit_people", "commit_sessions", "commit_tools"),
        *("commit_tasks", "commit_parents", "commit_files", "commit_aliases", "pushes"),
        *(
            "forced_pushes",
            "repositories",
            "default_branches",
            "reverts",
            "reviews",
            "checks",
            "deployments",
        ),
        *("tickets", "ticket_moves", "ticket_ties", "same_person", "display_names"),
    ),
    "*",
) | {"dirty_work": "kind, repo, target_id"}


def at(minutes: float) -> datetime:
    """So many minutes after the start of the story."""
    return START + timedelta(minutes=minutes)


def sha(number: int) -> str:
    """A commit's name."""
    return f"{number:x}".zfill(2) * 20


def change(number: int = 1, minute: float = 0, **told: Any) -> ChangeSeen:
    """A change as it stood at that minute: open since the start, unless told otherwise."""
    values: dict[str, Any] = {
        "repository": REPO,
        "state": ChangeState.OPEN,
        "draft": False,
        "title": "feat: shop",
        "author": DEV,
        "head_ref": "feature/shop",
        "head_sha": sha(number),
        "base_ref": "main",
        "head_repository": REPO.name,
        "merge_sha": None,
        "created_at": START,
        "merged_at": None,
        "closed_at": None,
    }
    return ChangeSeen(number=number, updated_at=at(minute), **(values | told))


def merged(number: int = 1, minute: float = 0, **told: Any) -> ChangeSeen:
    """A change that was merged at that minute."""
    values = {
        "state": ChangeState.MERGED,
        "merged_at": at(minute),
        "closed_at": at(minute),
        "merge_sha": sha(200 + number),
    }
    return change(number, minute, **(values | told))


def closed(number: int = 1, minute: float = 0, **told: Any) -> ChangeSeen:
    """A change that was closed without a merge at that minute."""
    return change(number, minute, **({"state": ChangeState.CLOSED, "closed_at": at(minute)} | told))


def commit(number: int, **told: Any) -> CommitSeen:
    """A commit."""
    values: dict[str, Any] = {"author": DEV, "authored_at": at(number)}
    return CommitSeen(sha=sha(number), **(values | told))


def push(branch: str, minute: float, *commits: CommitSeen, **told: Any) -> CommitsPushed:
    """A push of these commits; the last one is the branch's new tip."""
    values: dict[str, Any] = {
        "repository": REPO,
        "before": "0" * 40,
        "after": commits[-1].sha if commits else sha(0),
        "forced": False,
    }
    return CommitsPushed(branch=branch, pushed_at=at(minute), commits=commits, **(values | told))


def review(review_id: str, state: ReviewState, minute: float, **told: Any) -> ReviewSeen:
    """A review by somebody else."""
    values: dict[str, Any] = {"repository": REPO, "number": 1, "reviewer": REVIEWER}
    return ReviewSeen(review_id=review_id, state=state, submitted_at=at(minute), **(values | told))


def files(*names: str, lines: int | None = None) -> tuple[FileTouched, ...]:
    """Files that something touches, each with so many lines added."""
    return tuple(FileTouched(file=f"f_{name}", additions=lines) for name in names)


def listed(number: int, minute: float, *commits: CommitSeen) -> ChangeCommits:
    """The forge's list of a change's commits."""
    return ChangeCommits(repository=REPO, number=number, seen_at=at(minute), commits=commits)


def touching(number: int, minute: float, *names: str, lines: int | None = None) -> ChangeFiles:
    """The forge's list of a change's files."""
    touched = files(*names, lines=lines)
    return ChangeFiles(repository=REPO, number=number, seen_at=at(minute), files=touched)


def check(name: str, state: CheckState, minute: float, of: int = 1) -> CheckSeen:
    """A check of a commit."""
    return CheckSeen(repository=REPO, sha=sha(of), name=name, state=state, at=at(minute))


def deployment(
    deployment_id: str, state: DeploymentState, minute: float, of: int = 1, **told: Any
) -> DeploymentSeen:
    """A state of a deployment of a commit, to production unless told otherwise."""
    values: dict[str, Any] = {"repository": REPO, "environment": "prod", "production": True}
    return DeploymentSeen(
        deployment_id=deployment_id, sha=sha(of), state=state, at=at(minute), **(values | told)
    )


def rewritten(old: int, new: int, minute: float) -> CommitRewritten:
    """A commit made anew."""
    return CommitRewritten(repository=REPO, old_sha=sha(old), new_sha=sha(new), seen_at=at(minute))


def ticket(
    key: str, minute: float, state: TicketState = TicketState.OPEN, **told: Any
) -> TicketSeen:
    """A ticket of Jira as it stood at that minute."""
    values: dict[str, Any] = {
        "tracker": "jira",
        "project": key.partition("-")[0],
        "kind": "Bug",
        "title": "It breaks",
        "state_name": state.value,
        "created_at": START,
    }
    return TicketSeen(key=key, state=state, updated_at=at(minute), **(values | told))


def moved(key: str, before: TicketState | None, after: TicketState, minute: float) -> TicketMoved:
    """A move of a ticket of Jira."""
    return TicketMoved(tracker="jira", key=key, from_state=before, to_state=after, at=at(minute))


def tied(key: str, kind: TieKind, value: str, minute: float = 0, relation: str = "") -> TicketTied:
    """What Jira ties a ticket to."""
    repo = None if kind is TieKind.TICKET else REPO.name
    return TicketTied(
        tracker="jira",
        key=key,
        kind=kind,
        repo=repo,
        value=value,
        relation=relation,
        seen_at=at(minute),
    )


def apply(database: Database, *facts: WorkFact) -> None:
    """Write facts, each as a delivery of its own."""
    for fact in facts:
        with database.writing() as connection:
            work.apply(connection, [fact])


def written(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables of work."""
    return {table: rows(database, table, columns) for table, columns in TABLES.items()}
