"""Commits on the default branch that a change brought, though its forge never named them."""

from datetime import datetime
from random import Random

import pytest

from classifier.run import classify
from domain.events import Trace
from domain.folded import Folded, SessionKey, SessionSums
from domain.work import ReviewState, SessionTrailer, WorkFact
from store import sessions
from store.engine import Database
from tests.filling import Fresh, rows
from tests.store.working import (
    FORK,
    REVIEWER,
    apply,
    at,
    change,
    commit,
    listed,
    merged,
    push,
    review,
    sha,
)

HOUR, DAY = 60, 24 * 60
NOW = at(90 * DAY)
BRANCH = "feature/shop"
REVERT = merged(2, 2 * DAY, head_ref=f"revert-1-{BRANCH}", title="It broke", reverts=(1,))
HEAD = {"head_ref": BRANCH, "head_sha": sha(12), "created_at": at(20)}
WORK = (commit(11), commit(12))

BROUGHT: dict[str, list[WorkFact]] = {
    "rebased": [
        push(BRANCH, 15, *WORK),
        listed(1, 50, *WORK),
        merged(1, HOUR, merge_sha=sha(22), **HEAD),
        push("main", HOUR, commit(21, authored_at=at(11)), commit(22, authored_at=at(12))),
    ],
    "from a fork whose pushes nobody told": [
        merged(1, HOUR, merge_sha=sha(30), head_repository=FORK.name, **HEAD),
        push("main", HOUR, *WORK, commit(30, authored_at=at(HOUR))),
    ],
    "squashed, with a merge": [
        push(BRANCH, 15, *WORK),
        merged(1, HOUR, merge_sha=sha(30), squash_sha=sha(31), **HEAD),
        push(
            "main",
            HOUR,
            commit(
                31,
                authored_at=at(HOUR),
                sessions=(SessionTrailer(tool="claude-code", session_id="s1"),),
            ),
            commit(30, authored_at=at(HOUR)),
        ),
    ],
}


def work(database: Database) -> None:
    """A session that made both commits on the branch."""
    sums = SessionSums(at(0), at(14), usage_rank=0, active=True)
    told = [(Trace.COMMIT, each.sha) for each in WORK]
    told += [(Trace.BRANCH, BRANCH), (Trace.IDENTITY, "p_dev"), (Trace.REPOSITORY, "acme/shop")]
    sums.traces = dict.fromkeys(told, at(10))
    sums.last_traced = dict.fromkeys(told, at(14))
    with database.writing() as connection:
        sessions.apply(connection, Folded({SessionKey("claude-code", "s1", ""): sums}))


def label(database: Database, as_of: datetime = NOW) -> tuple[str, str]:
    while classify(database, as_of):
        pass
    ((_, said, rule),) = rows(database, "labels WHERE current", "session_pk, label, rule")
    return said, rule


@pytest.mark.parametrize("how", BROUGHT)
def test_it_falls_with_the_change(database: Database, how: str) -> None:
    work(database)
    apply(database, *BROUGHT[how])
    assert label(database) == ("productive", "landed_and_stands")
    apply(database, REVERT)
    assert label(database) == ("wasteful", "reverted")
    apply(database, merged(3, 3 * DAY, head_ref="three", reverts=(2,)))
    assert label(database) == ("productive", "landed_and_stands")


@pytest.mark.parametrize("how", BROUGHT)
def test_what_speaks_against_the_change_speaks_against_it(embedded: Database, how: str) -> None:
    work(embedded)
    apply(embedded, *BROUGHT[how], *_endless())
    assert label(embedded) == ("inefficient", "endless_review")


def _endless() -> list[WorkFact]:
    """Four rounds of review before the merge, each answered by a push."""
    told: list[WorkFact] = [change(1, 25, **HEAD)]
    for number in range(4):
        told.append(review(f"r{number}", ReviewState.COMMENTED, 30 + 5 * number, reviewer=REVIEWER))
        pushed = commit(40 + number, authored_at=at(32 + 5 * number))
        told.append(push(BRANCH, 32 + 5 * number, pushed))
        fork = push(BRANCH, 32 + 5 * number, pushed, repository=FORK)
        told.append(fork)
    return told


def test_what_was_picked_again_after_the_revert_stands_for_itself(embedded: Database) -> None:
    work(embedded)
    picked = push("main", 4 * DAY, commit(51, authored_at=at(11)))
    apply(embedded, *BROUGHT["rebased"], REVERT, picked)
    assert label(embedded) == ("productive", "landed_and_stands")


def test_what_a_closed_change_did_not_bring_is_direct(embedded: Database) -> None:
    work(embedded)
    told = change(1, HOUR, closed_at=None, **HEAD)
    apply(embedded, push(BRANCH, 15, *WORK), told)
    apply(embedded, push("main", 2 * HOUR, commit(21, authored_at=at(11))))
    assert label(embedded, at(DAY)) == ("productive", "landed_and_stands")


@pytest.mark.parametrize("how", BROUGHT)
def test_a_revert_pushed_commit_by_commit(embedded: Database, how: str) -> None:
    work(embedded)
    landed = {"rebased": (21, 22), "squashed, with a merge": (31,)}.get(how, (11, 12))
    apply(embedded, *BROUGHT[how])
    for place, number in enumerate(landed, start=1):
        assert label(embedded) == ("productive", "landed_and_stands")
        apply(embedded, push("main", DAY + place, commit(60 + place, reverts=(sha(number),))))
    assert label(embedded) == ("wasteful", "reverted")


@pytest.mark.parametrize("how", BROUGHT)
@pytest.mark.parametrize("seed", range(2))
def test_the_order_of_what_is_told_makes_no_difference(how: str, seed: int, fresh: Fresh) -> None:
    back = push("main", 2 * DAY + HOUR, commit(70, reverts=(sha(202)[:9],)))
    story = [*BROUGHT[how], REVERT, back]
    random = Random(seed)
    for facts in (story[:-1], story):
        told = set()
        for mixed in (facts, random.sample(facts, len(facts))):
            with fresh() as database:
                work(database)
                for fact in mixed:
                    apply(database, fact)
                    label(database)
                told.add(label(database))
        assert len(told) == 1, told


def test_a_commit_on_the_default_branch_stands_though_its_pick_fell_on_a_release(
    database: Database,
) -> None:
    picks = (commit(21, authored_at=at(11)), commit(22, authored_at=at(12)))
    work(database)
    apply(database, push("main", 15, *WORK))
    standing = label(database)
    apply(
        database,
        listed(1, 50, *picks),
        merged(1, HOUR, base_ref="release/1.0", head_ref="pick-1", merge_sha=sha(30)),
        push("release/1.0", 2 * DAY, commit(40, reverts=(sha(30),))),
    )
    assert label(database) == standing
    assert standing[0] != "wasteful"
