"""What forges told, however little, and what has become of the changes by it; on both databases."""

from typing import Any

import pytest

from classifier.outcomes import Landing
from domain.closing import ClosedReason
from domain.outcomes import Route
from domain.work import Actor, ChangeFiles, CheckState, FileTouched, ReviewState, WorkFact
from store.engine import Database
from tests.classifier.fating import DAY, affected, fate
from tests.store.working import (
    DEV,
    FORK,
    REPO,
    REVIEWER,
    apply,
    at,
    change,
    check,
    closed,
    commit,
    files,
    listed,
    merged,
    push,
    review,
    rewritten,
    sha,
    touching,
)

HOUR = 60
BOT = Actor(identities=("p_bot",), bot=True)


def touch(name: str, additions: int | None, deletions: int | None) -> FileTouched:
    return FileTouched(file=f"f_{name}", additions=additions, deletions=deletions)


def test_a_merge_into_the_default_branch_lands(database: Database) -> None:
    apply(database, merged(1, 5))
    assert fate(database).landing == Landing(at=at(5), route=Route.MERGED)
    assert fate(database, as_of=at(4)).landing is None


def test_a_release_branch_is_one_of_those_told(database: Database) -> None:
    apply(database, merged(1, 5, base_ref="release/2.1"))
    assert fate(database).landing == Landing(at=at(5), route=Route.MERGED)
    assert fate(database, release_branches=("rel-*",)).landing is None


def test_a_stack_lands_with_its_lowest_change(database: Database) -> None:
    apply(
        database,
        merged(1, 5, base_ref="feature/two", head_ref="feature/one"),
        merged(2, 9, base_ref="feature/three", head_ref="feature/two"),
    )
    assert fate(database).landing is None
    apply(database, merged(3, 20, head_ref="feature/three"))
    assert fate(database).landing == Landing(at=at(20), route=Route.STACKED)
    assert fate(database, 2, as_of=at(19)).landing is None
    assert affected(database, 3) == {1, 2}


SIZES: dict[str, tuple[int | None, dict[str, Any], list[FileTouched]]] = {
    "all files are listed": (
        200,
        {"additions": 16_180, "deletions": 20, "changed_files": 2},
        [touch("a", 180, 20), touch("lock", 0, 0)],
    ),
    "nobody tells how many there are": (
        8,
        {"additions": 3, "deletions": 9},
        [touch("a", 3, 5), touch("lock", 0, 0)],
    ),
    "it holds nothing else": (
        0,
        {"additions": 9_000, "deletions": 7_000, "changed_files": 1},
        [touch("lock", 0, 0)],
    ),
    "no totals are told": (8, {}, [touch("a", 3, 5)]),
    "one file is not listed": (
        90,
        {"additions": 50, "deletions": 40, "changed_files": 2},
        [touch("a", 3, 5)],
    ),
    "the lines of one are not told": (
        90,
        {"additions": 50, "deletions": 40, "changed_files": 2},
        [touch("a", 3, 5), touch("image", None, None)],
    ),
    "the list is of more lines": (
        90,
        {"additions": 50, "deletions": 40, "changed_files": 1},
        [touch("a", 60, 40)],
    ),
    "no files are listed": (90, {"additions": 50, "deletions": 40, "changed_files": 2}, []),
    "nothing is told": (None, {}, []),
}


@pytest.mark.parametrize("told", SIZES)
def test_lines_are_those_of_its_files_where_all_are_listed(database: Database, told: str) -> None:
    lines, totals, listing = SIZES[told]
    of = ChangeFiles(repository=REPO, number=1, seen_at=at(2), files=tuple(listing))
    apply(database, change(1, 1, **totals), of)
    assert fate(database).history.lines == lines


def test_what_was_merged_before_is_not_carried_by_a_branch_merged_earlier(
    database: Database,
) -> None:
    apply(
        database,
        merged(2, 3, head_ref="feature/two"),
        merged(1, 5, base_ref="feature/two", head_ref="feature/one"),
    )
    assert fate(database).landing is None


def test_branches_merged_into_each_other_lead_nowhere(database: Database) -> None:
    apply(
        database,
        merged(1, 5, base_ref="b", head_ref="a"),
        merged(2, 6, base_ref="a", head_ref="b"),
        merged(3, 7, base_ref="b", head_ref="a"),
    )
    assert fate(database).landing is None


def test_a_merge_commit_that_reaches_the_default_branch_has_landed(database: Database) -> None:
    apply(
        database,
        merged(1, 5, base_ref="develop", merge_sha=sha(77)),
        push("main", 30, commit(77), commit(78)),
    )
    assert fate(database).landing == Landing(at=at(30), route=Route.STACKED)


@pytest.mark.parametrize("told", ["as it is", "rewritten", "copied"])
def test_a_closed_change_whose_head_was_pushed_by_hand_has_landed(
    database: Database, told: str
) -> None:
    apply(database, closed(1, 40, head_sha=sha(7)), push("feature/shop", 2, commit(7)))
    assert fate(database).landing is None
    if told == "as it is":
        apply(database, push("main", 30, commit(7)))
    elif told == "rewritten":
        apply(database, rewritten(7, 8, 29), push("main", 30, commit(8)))
    else:
        # A rebase keeps author and time of the work.
        apply(database, push("main", 30, commit(8, authored_at=at(7))))
    assert fate(database).landing == Landing(at=at(30), route=Route.MANUAL)
    assert fate(database).closed_reason is None
    assert fate(database, as_of=at(29)).landing is None


def test_an_open_change_whose_head_is_on_the_default_branch_has_landed(database: Database) -> None:
    apply(database, change(1, 5, head_sha=sha(7)), push("feature/shop", 2, commit(7)))
    # A copy may have been picked from it, and what was there before is no work of it.
    apply(database, push("main", 20, commit(8, authored_at=at(7))))
    apply(database, change(2, 5, head_sha=sha(9)), push("main", -5, commit(9)))
    assert [fate(database, number).landing for number in (1, 2)] == [None, None]
    apply(database, push("main", 30, commit(7), commit(10)))
    assert fate(database).landing == Landing(at=at(30), route=Route.MANUAL)
    assert fate(database, as_of=at(29)).landing is None
    apply(database, merged(1, 40, head_sha=sha(7)))
    assert fate(database).landing == Landing(at=at(40), route=Route.MERGED)
    assert fate(database, as_of=at(35)).landing == Landing(at=at(30), route=Route.MANUAL)


def test_a_change_from_the_default_branch_has_not_landed_by_what_lands_there(
    database: Database,
) -> None:
    apply(database, push("main", 9, commit(7)))
    apply(database, change(1, 10, head_ref="main", base_ref="production", head_sha=sha(7)))
    assert fate(database).landing is None


def test_rounds_are_counted_by_commits_where_no_pushes_are_told(database: Database) -> None:
    asked = review("r1", ReviewState.CHANGES_REQUESTED, 10)
    apply(
        database,
        change(1, 1),
        asked,
        listed(1, 30, commit(5), commit(20), commit(21), commit(25, parents=(sha(1), sha(2)))),
    )
    assert fate(database).review_rounds == 1
    assert fate(database).active_at == at(21)
    assert fate(database, as_of=at(19)).review_rounds == 0


MERGES: dict[str, dict[str, Any]] = {
    "it has two parents": {"parents": (sha(1), sha(2)), "files": files("a")},
    "it holds nothing": {"files": ()},
}


@pytest.mark.parametrize("told", MERGES)
def test_a_push_of_a_merge_alone_answers_nobody(database: Database, told: str) -> None:
    merge = MERGES[told]
    apply(database, change(1, 1), push("feature/shop", 2, commit(7, files=files("a"))))
    for minute in (10, 20, 30, 40):
        apply(
            database,
            review(f"r{minute}", ReviewState.COMMENTED, minute),
            push("feature/shop", minute + 5, commit(minute, **merge)),
        )
    assert (fate(database).review_rounds, fate(database).active_at) == (0, at(2))
    apply(database, push("feature/shop", 50, commit(50, **merge), commit(51, files=files("a"))))
    assert (fate(database).review_rounds, fate(database).active_at) == (1, at(50))


@pytest.mark.parametrize("told", [{}, {"parents": (sha(1),)}, {"files": files("a")}])
def test_a_push_of_whatever_else_is_work(database: Database, told: dict[str, Any]) -> None:
    asked = review("r1", ReviewState.COMMENTED, 10)
    apply(database, change(1, 1), asked, push("feature/shop", 20, commit(20, **told)))
    assert fate(database).review_rounds == 1
    apply(database, review("r2", ReviewState.COMMENTED, 30), push("feature/shop", 40))
    assert fate(database).review_rounds == 2


def test_the_author_answering_is_at_work_and_no_reviewer(database: Database) -> None:
    apply(
        database,
        change(1, 1),
        review("r1", ReviewState.COMMENTED, 10, reviewer=DEV),
        review("r2", ReviewState.COMMENTED, 20, reviewer=REVIEWER),
        push("feature/shop", 15, commit(7)),
    )
    assert (fate(database).active_at, fate(database).review_rounds) == (at(15), 0)
    apply(database, review("r3", ReviewState.COMMENTED, 25, reviewer=DEV))
    assert fate(database).active_at == at(25)


CLOSED_BECAUSE: dict[str, tuple[ClosedReason, list[WorkFact]]] = {
    "it says so": (
        ClosedReason.SUPERSEDED,
        [
            closed(1, 9, superseded_by=(2,)),
            check("unit", CheckState.FAILURE, 5),
            change(2, 10, head_ref="two"),
        ],
    ),
    "what it names is an issue, or a change that nobody told of": (
        ClosedReason.CI_FAILURE,
        [closed(1, 9, superseded_by=(2,)), check("unit", CheckState.FAILURE, 5)],
    ),
    "another of its fork's branch was merged": (
        ClosedReason.SUPERSEDED,
        [
            closed(1, 9, head_repository=FORK.name),
            merged(2, 3 * DAY, created_at=at(20), head_repository=FORK.name),
        ],
    ),
    "nobody knows; another fork's branch of that name was merged": (
        ClosedReason.UNKNOWN,
        [
            closed(1, 9, head_repository=FORK.name),
            merged(2, 3 * DAY, created_at=at(20), head_repository="bob/shop"),
            merged(3, 3 * DAY, created_at=at(20)),
        ],
    ),
    "another of its branch was merged": (
        ClosedReason.SUPERSEDED,
        [closed(1, 9), merged(2, 3 * DAY, created_at=at(20))],
    ),
    "another of its ticket was merged": (
        ClosedReason.SUPERSEDED,
        [
            closed(1, 9, tasks=("PAY-1",)),
            merged(2, 3 * DAY, head_ref="two", tasks=("PAY-1",), created_at=at(5)),
        ],
    ),
    "another of its files was merged": (
        ClosedReason.SUPERSEDED,
        [
            closed(1, 9),
            touching(1, 9, "a", "b"),
            merged(2, 3 * DAY, head_ref="two", created_at=at(5)),
            touching(2, 9, "b", "c"),
        ],
    ),
    "nobody knows; the other came too late": (
        ClosedReason.UNKNOWN,
        [closed(1, 9), merged(2, 15 * DAY, created_at=at(20))],
    ),
    "nobody knows; the other was there before": (
        ClosedReason.UNKNOWN,
        [closed(1, 9, created_at=at(1)), merged(2, 3 * DAY)],
    ),
    "nobody knows; the other shares little": (
        ClosedReason.UNKNOWN,
        [
            closed(1, 9),
            touching(1, 9, "a", "b", "c"),
            merged(2, 3 * DAY, head_ref="two", created_at=at(5)),
            touching(2, 9, "a"),
        ],
    ),
    "a label says duplicate": (ClosedReason.DUPLICATE, [closed(1, 9, labels=("Duplicate",))]),
    "its checks fail": (
        ClosedReason.CI_FAILURE,
        [
            closed(1, 9),
            check("unit", CheckState.FAILURE, 5),
            check("lint", CheckState.SUCCESS, 5),
            review("r1", ReviewState.CHANGES_REQUESTED, 6),
        ],
    ),
    "nobody knows; its checks passed at last": (
        ClosedReason.UNKNOWN,
        [
            closed(1, 9),
            check("unit", CheckState.SUCCESS, 6),
            check("unit", CheckState.FAILURE, 5),
            check("unit", CheckState.FAILURE, 5, of=9),
        ],
    ),
    "a reviewer's last word": (
        ClosedReason.REJECTED_CODE,
        [
            closed(1, 9, title="WIP: cart"),
            review("r1", ReviewState.APPROVED, 5),
            review("r2", ReviewState.CHANGES_REQUESTED, 6),
            review("r3", ReviewState.COMMENTED, 7),
        ],
    ),
    "nobody knows; only a bot and the author said no": (
        ClosedReason.UNKNOWN,
        [
            closed(1, 9),
            review("r1", ReviewState.CHANGES_REQUESTED, 6, reviewer=BOT),
            review("r2", ReviewState.CHANGES_REQUESTED, 6, reviewer=DEV),
        ],
    ),
    "a label says it is not wanted": (
        ClosedReason.SCOPE_DECLINED,
        [closed(1, 9, labels=("wontfix",))],
    ),
    "a label says it is stale": (ClosedReason.STALE_AUTO, [closed(1, 9, labels=("stale",))]),
    "it was an experiment": (
        ClosedReason.TEST_OR_EXPERIMENT,
        [closed(1, 9, title="[WIP] do not look")],
    ),
    "nobody knows; it added tests": (
        ClosedReason.UNKNOWN,
        [closed(1, 9, title="test(cart): cover refunds")],
    ),
    "the agent failed": (ClosedReason.AGENT_ERROR, [closed(1, 9, labels=("agent-error",))]),
}


@pytest.mark.parametrize("because", CLOSED_BECAUSE)
def test_the_first_reason_that_anything_speaks_for(database: Database, because: str) -> None:
    reason, story = CLOSED_BECAUSE[because]
    apply(database, *story)
    told = fate(database)
    assert (told.landing, told.closed_reason) == (None, reason)


def test_a_successor_concerns_those_that_it_may_replace(database: Database) -> None:
    apply(
        database,
        closed(1, 9),
        closed(2, 9, head_ref="two", tasks=("PAY-1",)),
        closed(3, 9, head_ref="three"),
        merged(4, DAY, tasks=("PAY-1",)),
    )
    assert affected(database, 4) == {1, 2}


def test_what_a_text_names_concerns_it_whenever_that_is_told(database: Database) -> None:
    apply(
        database,
        closed(1, 9, superseded_by=(7,)),
        closed(2, 9, head_ref="two", superseded_by=(70,)),
        change(3, 9, head_ref="three", superseded_by=(7,)),
        change(7, 10, head_ref="seven"),
    )
    assert affected(database, 7) == {1}
    assert fate(database, as_of=at(9)).closed_reason is ClosedReason.SUPERSEDED
    apply(database, change(7, 10, head_ref="seven", created_at=at(10)))
    assert fate(database, as_of=at(9)).closed_reason is ClosedReason.UNKNOWN


def test_rework_is_what_goes_beyond_the_usual(database: Database) -> None:
    apply(
        database,
        merged(1, 0, head_ref="one"),
        touching(1, 0, "a", "b", "hot", lines=40),
        merged(2, 2 * DAY, head_ref="two"),
        touching(2, 0, "a"),
        merged(3, 3 * DAY, head_ref="three"),
        touching(3, 0, "b", "hot"),
        merged(4, 22 * DAY, head_ref="four"),
        touching(4, 0, "a"),
        merged(5, 3 * DAY, head_ref="five", base_ref="release/1"),
        touching(5, 0, "b"),
    )
    told = fate(database).rework
    assert told is not None
    assert (told.files, told.touched, told.usual, told.complete) == (3, 1.0, 0.0, True)
    assert told.heavy_at == at(3 * DAY)
    early = fate(database, as_of=at(2 * DAY)).rework
    assert early is not None
    assert (early.touched, early.complete, early.heavy_at) == (1 / 3, False, None)
    assert affected(database, 2) == {1}
    assert affected(database, 4) == {1, 2}


def test_files_that_everybody_touches_are_no_rework(database: Database) -> None:
    story: list[WorkFact] = [merged(1, 80 * DAY, head_ref="one"), touching(1, 0, "hot")]
    for number, days in enumerate([*range(0, 80, 8), 85], start=2):
        story += [merged(number, days * DAY, head_ref=f"b{number}"), touching(number, 0, "hot")]
    apply(database, *story)
    told = fate(database).rework
    assert told is not None
    assert (told.touched, round(told.usual, 3), told.heavy_at) == (1.0, 0.903, None)


@pytest.mark.parametrize(("deleted", "heavy"), [(None, True), (30, True), (19, False), (8, False)])
def test_few_lines_rewritten_are_no_heavy_rework(
    database: Database, deleted: int | None, heavy: bool
) -> None:
    again = touching(2, 0, "a")
    apply(
        database,
        merged(1, 0, head_ref="one"),
        touching(1, 0, "a", lines=90),
        merged(2, DAY, head_ref="two"),
        again.__class__(
            repository=REPO,
            number=2,
            seen_at=at(0),
            files=tuple(each.__class__(file=each.file, deletions=deleted) for each in files("a")),
        ),
    )
    told = fate(database).rework
    assert told is not None
    assert (told.heavy_at == at(DAY)) is heavy
    assert told.lines_at_most == (None if deleted is None else deleted / 90)
