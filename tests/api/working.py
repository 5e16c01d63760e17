"""A change and a ticket for the tests of answers, and the story of both."""

from datetime import UTC, datetime, timedelta
from typing import Any

from domain.tickets import TicketMoved, TicketSeen, TicketState, TicketTied, TieKind
from domain.work import (
    Actor,
    ChangeCommits,
    ChangeSeen,
    ChangeState,
    CheckSeen,
    CheckState,
    CommitSeen,
    CommitsPushed,
    DeploymentSeen,
    DeploymentState,
    Repository,
    ReviewSeen,
    ReviewState,
    WorkFact,
)
from store import work
from store.engine import Database
from tests.identifying import identify

SHA = "445a90bab5bfd76a9a2b1cc335be4f7ced127254"
AT = datetime(2026, 11, 22, 5, tzinfo=UTC)
REPOSITORY = Repository(forge="github", name="acme/payments", default_branch="main")


def change(number: int = 7, **told: Any) -> ChangeSeen:
    """A merged change; ``told`` says what is otherwise."""
    values: dict[str, Any] = {
        "repository": REPOSITORY,
        "state": ChangeState.MERGED,
        "draft": False,
        "title": "feat: PAY-24",
        "author": Actor(identities=("p_1",)),
        "head_ref": "feature/PAY-24",
        "head_sha": SHA,
        "base_ref": "main",
        "head_repository": "acme/payments",
        "merge_sha": "5" * 40,
        "created_at": AT,
        "updated_at": AT,
        "merged_at": AT,
        "closed_at": AT,
    }
    return ChangeSeen(number=number, **(values | told))


def ticket(key: str = "PAY-24", **told: Any) -> TicketSeen:
    """A ticket that is done; ``told`` says what is otherwise."""
    values: dict[str, Any] = {
        "tracker": "jira",
        "project": "PAY",
        "kind": "Story",
        "title": "Pay by card",
        "state": TicketState.DONE,
        "state_name": "Done",
        "created_at": AT,
        "updated_at": AT,
    }
    return TicketSeen(key=key, **(values | told))


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def story(database: Database) -> None:
    """A change with a commit, a review, a check and a deployment; its ticket; and other changes."""
    with database.writing() as connection:
        work.apply(connection, [*_of_changes(), *_of_tickets()])
    while identify(database):
        pass


def _of_changes() -> list[WorkFact]:
    author = Actor(identities=("p_author", "p_mail"))
    commit = CommitSeen(sha=SHA, author=author, authored_at=AT - hours(1))
    return [
        CommitsPushed(
            repository=REPOSITORY,
            branch="feature/PAY-24",
            before="0" * 40,
            after=SHA,
            forced=False,
            pushed_at=AT,
            commits=(commit,),
        ),
        ChangeCommits(repository=REPOSITORY, number=7, seen_at=AT, commits=(commit,)),
        change(
            author=author,
            tasks=("PAY-24",),
            merged_at=AT + hours(3),
            closed_at=AT + hours(3),
            updated_at=AT + hours(3),
            additions=10,
            deletions=2,
            changed_files=1,
            labels=("feature",),
            tools=("claude-code",),
        ),
        change(8, state=ChangeState.OPEN, merged_at=None, closed_at=None, merge_sha=None),
        change(9, state=ChangeState.CLOSED, merged_at=None, created_at=AT - hours(48)),
        ReviewSeen(
            repository=REPOSITORY,
            number=7,
            review_id="r1",
            state=ReviewState.APPROVED,
            reviewer=Actor(identities=("p_reviewer",)),
            submitted_at=AT + hours(2),
        ),
        CheckSeen(
            repository=REPOSITORY, sha=SHA, name="ci", state=CheckState.SUCCESS, at=AT + hours(1)
        ),
        DeploymentSeen(
            repository=REPOSITORY,
            deployment_id="d1",
            sha="5" * 40,
            environment="production",
            production=True,
            state=DeploymentState.SUCCESS,
            at=AT + hours(4),
        ),
    ]


def _of_tickets() -> list[WorkFact]:
    return [
        ticket(updated_at=AT + hours(5), assignee=("p_mail",), created_at=AT - hours(9)),
        TicketMoved(
            tracker="jira",
            key="PAY-24",
            from_state=TicketState.OPEN,
            to_state=TicketState.DONE,
            at=AT + hours(5),
        ),
        TicketTied(
            tracker="jira",
            key="PAY-24",
            kind=TieKind.CHANGE,
            repo=REPOSITORY.name,
            value="8",
            relation="closes",
            seen_at=AT,
        ),
        ticket("acme/payments#31", tracker="github", project="acme/payments"),
    ]
