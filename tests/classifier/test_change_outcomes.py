"""The whole outcome of a change, from what forges and trackers told; on both databases."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from classifier.change_outcomes import change_outcomes
from classifier.thresholds import Thresholds
from domain.labels import Maturity
from domain.outcomes import (
    ChangeOutcome,
    Deployed,
    Deployment,
    KindOfWork,
    Rework,
    Route,
    SizeBucket,
    TiedTask,
    TieSource,
    WorkType,
    WorkTypeSource,
)
from domain.tickets import TicketState, TieKind
from domain.work import Actor, ChangeSeen, DeploymentState, ReviewState, WorkFact
from store.engine import Database
from tests.store.working import (
    REPO,
    START,
    apply,
    at,
    change,
    closed,
    commit,
    deployment,
    listed,
    merged,
    moved,
    push,
    review,
    sha,
    ticket,
    tied,
    touching,
)

DAY = 24 * 60
LATE = at(400 * DAY)
OPEN, DOING, DONE = TicketState.OPEN, TicketState.IN_PROGRESS, TicketState.DONE
SUCCESS = DeploymentState.SUCCESS


def outcome(database: Database, number: int = 1, as_of: datetime = LATE) -> ChangeOutcome:
    with database.reading() as connection:
        told = change_outcomes(connection, [(REPO.name, number)], Thresholds(), as_of)
    return told[REPO.name, number]


def story() -> list[WorkFact]:
    """A change from its first commit to production, and everything in between."""
    mine = commit(1, authored_at=at(-60), tools=("codex",))
    return [
        listed(1, 100, mine, commit(2, authored_at=at(40))),
        review("r1", ReviewState.CHANGES_REQUESTED, 30),
        review("r2", ReviewState.APPROVED, 90),
        merged(
            1,
            120,
            title="Refund at once",
            head_ref="fix/refund",
            tasks=("PAY-1",),
            additions=30,
            deletions=12,
            merge_sha=sha(50),
        ),
        touching(1, 100, "a", "b", lines=15),
        push("main", 121, commit(50)),
        deployment("d1", SUCCESS, 180, of=50),
        ticket("PAY-1", 0, OPEN, kind="Story"),
        moved("PAY-1", DOING, DONE, 200),
        moved("PAY-1", DONE, DOING, 3 * DAY),
    ]


def test_the_whole_outcome(database: Database) -> None:
    apply(database, *story())
    told = outcome(database)
    assert told == ChangeOutcome(
        repo=REPO.name,
        number=1,
        title="Refund at once",
        opened_at=START,
        merged_at=at(120),
        closed_at=at(120),
        landed_at=at(120),
        route=Route.MERGED,
        deployment=Deployment(state=Deployed.YES, at=at(180)),
        reverted_at=None,
        revert_is_weak=False,
        relanded=False,
        rework=Rework(
            files=2,
            touched=0.0,
            usual=0.0,
            lines_at_most=0.0,
            complete=True,
            heavy_at=None,
        ),
        review_rounds=1,
        first_review_at=at(30),
        unreviewed=False,
        lines=42,
        size=SizeBucket.UNDER_50,
        first_commit_at=at(-60),
        abandoned=None,
        closed_reason=None,
        tasks=(
            TiedTask(
                key="PAY-1",
                source=TieSource.NAMED,
                validated=True,
                done_at=at(200),
                reopened_at=at(3 * DAY),
            ),
        ),
        takeover=None,
        kind=KindOfWork(work_type=WorkType.FEATURE, source=WorkTypeSource.TRACKER),
    )
    assert told.time_to_first_review == timedelta(minutes=30)
    assert told.time_to_merge == timedelta(minutes=120)
    assert told.lead_time == timedelta(minutes=180)
    assert told.time_to_deploy == timedelta(minutes=60)


def test_an_outcome_looks_at_nothing_later(database: Database) -> None:
    apply(database, *story())
    before = outcome(database, as_of=at(119))
    assert (before.merged_at, before.landed_at, before.deployment) == (None, None, None)
    assert (before.unreviewed, before.rework, before.time_to_merge) == (None, None, None)
    assert before.tasks[0].done_at is None
    landed = outcome(database, as_of=at(150))
    assert landed.deployment == Deployment(state=Deployed.NOT_TOLD)
    assert outcome(database, as_of=at(DAY)).tasks[0].reopened_at is None
    with database.reading() as connection:
        early = at(-1)
        assert change_outcomes(connection, [(REPO.name, 1)], Thresholds(), early) == {}


def test_nobody_is_taken_for_slow_because_clocks_contradict(database: Database) -> None:
    apply(database, *story(), review("r0", ReviewState.COMMENTED, -5))
    assert outcome(database).time_to_first_review is None


def deployed(database: Database, *facts: WorkFact) -> Deployment | None:
    apply(database, merged(1, 10, merge_sha=sha(50)), *facts)
    return outcome(database).deployment


YES_AT_60 = Deployment(state=Deployed.YES, at=at(60))
UNKNOWN, NOT_YET = Deployment(state=Deployed.UNKNOWN), Deployment(state=Deployed.NOT_YET)
DEPLOYMENTS: dict[str, tuple[Deployment, list[WorkFact]]] = {
    "nothing told": (Deployment(state=Deployed.NOT_TOLD), []),
    "the merge itself": (YES_AT_60, [deployment("d", SUCCESS, 60, of=50)]),
    "not to production": (
        Deployment(state=Deployed.NOT_TOLD),
        [deployment("d", SUCCESS, 60, of=50, production=False)],
    ),
    "failed at first": (
        YES_AT_60,
        [
            deployment("d", DeploymentState.FAILURE, 30, of=50),
            deployment("e", SUCCESS, 60, of=50),
        ],
    ),
    "a later push": (
        YES_AT_60,
        [
            push("main", 11, commit(50)),
            push("main", 20, commit(51)),
            deployment("d", SUCCESS, 60, of=51),
        ],
    ),
    "an earlier push, deployed late": (
        NOT_YET,
        [
            push("main", 11, commit(50)),
            push("main", 5, commit(49)),
            deployment("d", SUCCESS, 60, of=49),
        ],
    ),
    "the tip of the same push": (
        YES_AT_60,
        [push("main", 11, commit(50), commit(51)), deployment("d", SUCCESS, 60, of=51)],
    ),
    "a later merge, of which no push was told": (
        YES_AT_60,
        [merged(2, 20, merge_sha=sha(51), head_ref="two"), deployment("d", SUCCESS, 60, of=51)],
    ),
    "an earlier merge": (
        NOT_YET,
        [merged(2, 5, merge_sha=sha(49), head_ref="two"), deployment("d", SUCCESS, 60, of=49)],
    ),
    "after a forced push in between": (
        UNKNOWN,
        [
            push("main", 11, commit(50)),
            push("main", 20, commit(51), forced=True),
            deployment("d", SUCCESS, 60, of=51),
        ],
    ),
    "by its ancestors": (
        YES_AT_60,
        [
            listed(9, 50, commit(60, parents=(sha(61),)), commit(61, parents=(sha(50),))),
            deployment("d", SUCCESS, 60, of=60),
        ],
    ),
    "by what its ancestors contain": (
        YES_AT_60,
        [
            push("main", 11, commit(50)),
            push("main", 20, commit(51)),
            listed(9, 50, commit(60, parents=(sha(51),))),
            deployment("d", SUCCESS, 60, of=60),
        ],
    ),
    "of a commit that nobody told of": (UNKNOWN, [deployment("d", SUCCESS, 60, of=99)]),
    "maybe before already": (
        UNKNOWN,
        [deployment("d", SUCCESS, 30, of=99), deployment("e", SUCCESS, 60, of=50)],
    ),
    "before it was merged": (NOT_YET, [deployment("d", SUCCESS, 5, of=99)]),
}


@pytest.mark.parametrize("case", DEPLOYMENTS)
def test_a_deployment_counts_by_what_it_contains(database: Database, case: str) -> None:
    expected, facts = DEPLOYMENTS[case]
    assert deployed(database, *facts) == expected


def tasks(database: Database, *facts: WorkFact) -> list[tuple[str, TieSource, bool]]:
    apply(database, *facts)
    return [(task.key, task.source, task.validated) for task in outcome(database).tasks]


TIES: dict[str, tuple[list[tuple[str, TieSource, bool]], list[WorkFact]]] = {
    "none": ([], [merged(1, 10)]),
    "of no tracker with such keys": (
        [("UTC-5", TieSource.NAMED, False)],
        [
            merged(1, 10, tasks=("UTC-5",)),
            ticket("acme/blog#1", 0, project="acme/blog", tracker="github"),
        ],
    ),
    "of a project that the tracker with such keys did not tell of": (
        [],
        [merged(1, 10, tasks=("UTC-5",)), ticket("SHOP-1", 0)],
    ),
    "the same, tied by a tracker": (
        [("UTC-5", TieSource.PROVIDER, True)],
        [merged(1, 10), tied("UTC-5", TieKind.CHANGE, "1"), ticket("SHOP-1", 0)],
    ),
    "an issue of a repository that told of none": (
        [("acme/shop#7", TieSource.NAMED, False)],
        [merged(1, 10, tasks=("#7",)), ticket("SHOP-1", 0)],
    ),
    "of a project without such a ticket": (
        [],
        [merged(1, 10, tasks=("PAY-1",)), ticket("PAY-2", 0)],
    ),
    "an issue of the repository": (
        [("acme/shop#7", TieSource.NAMED, True)],
        [
            merged(1, 10, tasks=("#7",)),
            ticket("acme/shop#7", 0, project="acme/shop", tracker="github"),
        ],
    ),
    "made after the merge": (
        [],
        [merged(1, 10, tasks=("PAY-1",)), ticket("PAY-1", 11, created_at=at(11))],
    ),
    "told by the tracker, and named": (
        [("PAY-1", TieSource.PROVIDER, True)],
        [
            merged(1, 10, tasks=("PAY-1",)),
            ticket("PAY-1", 0),
            tied("PAY-1", TieKind.CHANGE, "1"),
        ],
    ),
    "told by the tracker, which told nothing else": (
        [("PAY-1", TieSource.PROVIDER, True)],
        [merged(1, 10), tied("PAY-1", TieKind.BRANCH, "feature/shop"), ticket("PAY-2", 0)],
    ),
    "named by a commit": (
        [("PAY-1", TieSource.COMMIT, True)],
        [merged(1, 10), listed(1, 9, commit(3, tasks=("PAY-1",))), ticket("PAY-1", 0)],
    ),
    "a commit that the tracker links": (
        [("PAY-1", TieSource.PROVIDER, True)],
        [
            merged(1, 10),
            listed(1, 9, commit(3)),
            ticket("PAY-1", 0),
            tied("PAY-1", TieKind.COMMIT, sha(3)),
        ],
    ),
    "in lower case in the branch, of a ticket that is known": (
        [("PAY-1", TieSource.NAMED, True)],
        [merged(1, 10, head_ref="dev/pay-1-fix-2"), ticket("PAY-1", 0), ticket("SHOP-1", 0)],
    ),
    "in lower case in the branch, where no tracker tells anything": (
        [],
        [merged(1, 10, head_ref="pay-1-fix")],
    ),
    "of Azure Boards": (
        [],
        [
            merged(1, 10, tasks=("AB#7",)),
            ticket("AB#9", 0, project="Payments", tracker="azure-devops"),
        ],
    ),
}


@pytest.mark.parametrize("case", TIES)
def test_a_task_counts_if_there_is_one(database: Database, case: str) -> None:
    expected, facts = TIES[case]
    assert tasks(database, *facts) == expected


@pytest.mark.parametrize(
    ("moves", "done", "reopened"),
    [
        ([(OPEN, DOING, 5), (DOING, DONE, 20)], 20, None),
        ([(OPEN, DONE, 5)], 5, None),
        ([(OPEN, DONE, 5), (DONE, DOING, 8), (DOING, DONE, 20)], 20, None),
        ([(OPEN, DONE, 15 * DAY)], None, None),
        ([(OPEN, DONE, 20), (DONE, OPEN, 29 * DAY)], 20, 29 * DAY),
        ([(OPEN, DONE, 20), (DONE, OPEN, 31 * DAY)], 20, None),
        ([(None, DONE, 20), (None, DOING, 30)], 20, 30),
        ([(OPEN, DONE, 20), (DONE, TicketState.DROPPED, 30)], 20, None),
        ([(OPEN, TicketState.DROPPED, 20)], None, None),
    ],
)
def test_a_ticket_is_done_and_stays_so_or_not(
    database: Database,
    moves: list[tuple[TicketState | None, TicketState, int]],
    done: int | None,
    reopened: int | None,
) -> None:
    apply(database, merged(1, 10, tasks=("PAY-1",)), ticket("PAY-1", 0))
    apply(database, *(moved("PAY-1", before, after, minute) for before, after, minute in moves))
    [task] = outcome(database).tasks
    assert task.done_at == (None if done is None else at(done))
    assert task.reopened_at == (None if reopened is None else at(reopened))


def test_a_ticket_whose_moves_nobody_told_was_done_when_it_was_closed(database: Database) -> None:
    apply(database, merged(1, 10, tasks=("PAY-1",)), ticket("PAY-1", 60, DONE, closed_at=at(50)))
    assert outcome(database).tasks[0].done_at == at(50)


@pytest.mark.parametrize(
    ("reviews", "unreviewed"),
    [
        ([], None),
        ([review("r", ReviewState.APPROVED, 3, number=2)], True),
        ([review("r", ReviewState.APPROVED, 3)], False),
        ([review("r", ReviewState.APPROVED, 30)], True),
        ([review("r", ReviewState.APPROVED, 3, reviewer=Actor(identities=("p",), bot=True))], True),
        ([review("r", ReviewState.COMMENTED, 3, reviewer=Actor(identities=("p_dev",)))], True),
    ],
)
def test_nobody_is_blamed_for_no_review_where_none_are_told(
    database: Database, reviews: list[WorkFact], unreviewed: bool | None
) -> None:
    apply(database, merged(1, 10), *reviews)
    assert outcome(database).unreviewed is unreviewed


BOT = Actor(identities=("p_bot",), bot=True)


@pytest.mark.parametrize(("author", "share"), [(BOT, 0.5), (Actor(identities=("p_dev",)), None)])
def test_people_take_over_what_an_agent_began(
    database: Database, author: Actor, share: float | None
) -> None:
    apply(
        database,
        change(1, 9, author=author),
        listed(
            1,
            9,
            commit(1, author=BOT),
            commit(2),
            commit(3),
            commit(4, tools=("claude-code",)),
            commit(5, parents=(sha(1), sha(2))),
        ),
    )
    assert outcome(database).takeover == share
    assert outcome(database, as_of=at(1)).takeover == (None if share is None else 0.0)


def test_who_leaves_a_change_open_abandons_it(database: Database) -> None:
    apply(database, change(1, 5), push("feature/shop", 4 * DAY, commit(3)))
    told = [outcome(database, as_of=at(days * DAY)).abandoned for days in (17, 18, 33, 34)]
    assert told == [None, Maturity.PROVISIONAL, Maturity.PROVISIONAL, Maturity.FINAL]
    apply(database, closed(1, 40 * DAY))
    assert outcome(database).abandoned is None


def kind(database: Database, seen: ChangeSeen, *facts: WorkFact) -> KindOfWork | None:
    apply(database, seen, *facts)
    return outcome(database).kind


def test_who_decided_on_purpose_says_what_kind_of_work_it_is(database: Database) -> None:
    seen = change(
        1,
        1,
        title="docs(cart): explain",
        labels=("kind/bug", "ui"),
        head_ref="refactor/cart",
        tasks=("PAY-1",),
    )
    minute = iter(range(2, 9))

    def again(**told: Any) -> KindOfWork | None:
        return kind(database, replace(seen, updated_at=at(next(minute)), **told))

    tracker = kind(database, seen, ticket("PAY-1", 0, kind="Tech Debt"))
    assert tracker == KindOfWork(work_type=WorkType.REFACTOR, source=WorkTypeSource.TRACKER)
    label = again(tasks=())
    assert label == KindOfWork(work_type=WorkType.BUG, source=WorkTypeSource.LABEL)
    title = again(tasks=(), labels=())
    assert title == KindOfWork(work_type=WorkType.DOCS, source=WorkTypeSource.TITLE)
    branch = again(tasks=(), labels=(), title="Explain the cart")
    assert branch == KindOfWork(work_type=WorkType.REFACTOR, source=WorkTypeSource.BRANCH)
    assert again(tasks=(), labels=(), title="Explain", head_ref="explain") is None
