"""Facts about work for the tests of the store: small ones, made by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

from domain.work import (
    Actor,
    ChangeSeen,
    ChangeState,
    CommitSeen,
    CommitsPushed,
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
DEV, REVIEWER = Actor(identities=("p_dev",)), Actor(identities=("p_reviewer",))
TABLES = {
    "changes": "*",
    "change_people": "*",
    "change_commits": "*",
    "commits": "*",
    "commit_people": "*",
    "commit_sessions": "*",
    "dirty_work": "kind, repo, target_id",
    "pushes": "*",
    "repositories": "*",
    "reverts": "*",
    "reviews": "*",
}


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


def apply(database: Database, *facts: WorkFact) -> None:
    """Write facts, each as a delivery of its own."""
    for fact in facts:
        with database.writing() as connection:
            work.apply(connection, [fact])


def written(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables of work; how often something was marked does not matter."""
    return {table: rows(database, table, columns) for table, columns in TABLES.items()}
