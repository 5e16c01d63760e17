"""What reverts what, by whatever forges told of it; on both databases."""

from random import Random

import pytest

from classifier.fates import fates
from classifier.outcomes import Landing
from classifier.thresholds import Thresholds
from domain.outcomes import Route
from domain.work import WorkFact
from store.engine import Database
from tests.classifier.fating import DAY, LATE, affected, fate
from tests.filling import Fresh
from tests.store.working import (
    REPO,
    apply,
    at,
    commit,
    listed,
    merged,
    push,
    sha,
    touching,
)


def test_a_marker_reverts_and_a_revert_of_it_lands_it_again(database: Database) -> None:
    apply(
        database,
        merged(1, 5, merge_sha=sha(77)),
        merged(2, 9, head_ref="revert-1", reverts=(1,)),
    )
    assert (fate(database).reverted.at, fate(database).reverted.weak) == (at(9), False)
    assert affected(database, 2) == {1}
    apply(database, merged(3, 20, head_ref="revert-2", reverts=(2,)))
    assert (fate(database).reverted.at, fate(database).reverted.ever) == (None, True)
    assert fate(database, as_of=at(19)).reverted.at == at(9)
    assert affected(database, 3) == {1, 2}


@pytest.mark.parametrize("length", [7, 12, 40])
def test_a_commit_that_reverts_names_what_landed_of_the_change(
    database: Database, length: int
) -> None:
    apply(
        database,
        listed(1, 4, commit(3), commit(4)),
        merged(1, 5, merge_sha=sha(77)),
        push("main", 9, commit(8, reverts=(sha(77)[:length],))),
    )
    assert fate(database).reverted.at == at(9)


LANDED_AS: dict[str, list[WorkFact]] = {
    "they are": [
        merged(1, 5, merge_sha=sha(77)),
        push("main", 5, commit(3), commit(4), commit(77)),
    ],
    "they are, as far as anybody told": [merged(1, 5, merge_sha=sha(77))],
    "rebased": [
        merged(1, 5, merge_sha=sha(14)),
        push("main", 5, commit(13, authored_at=at(3)), commit(14, authored_at=at(4))),
    ],
    "they are, by fast forward": [
        merged(1, 5, head_sha=sha(4), merge_sha=sha(4)),
        push("main", 5, commit(3), commit(4)),
    ],
}


@pytest.mark.parametrize("how", LANDED_AS)
def test_a_change_is_reverted_with_all_its_commits_and_not_with_some(
    database: Database, how: str
) -> None:
    rebased = 10 if how == "rebased" else 0
    joins = commit(5, parents=(sha(3), sha(90)))
    told = {"they are": [commit(3), joins, commit(4)]}.get(how, [commit(3), commit(4)])
    apply(database, listed(1, 4, *told), *LANDED_AS[how])
    apply(database, push("main", 9, commit(8, reverts=(sha(3 + rebased),))))
    first = fate(database)
    assert (first.reverted.at, first.reverted.ever) == (None, False)
    apply(database, push("main", 10, commit(9, reverts=(sha(4 + rebased),))))
    assert fate(database).reverted.at == at(10)
    assert fate(database, as_of=at(9)).reverted.at is None
    # The second taken back: one piece alone is undone again.
    apply(database, push("main", 11, commit(10, reverts=(sha(9),))))
    assert (fate(database).reverted.at, fate(database).reverted.ever) == (None, True)


@pytest.mark.parametrize(("counted", "stands"), [(2, True), (1, False), (None, False)])
def test_one_commit_of_a_fork_is_not_all_of_a_change_that_has_more(
    database: Database, counted: int | None, stands: bool
) -> None:
    apply(
        database,
        merged(
            1,
            5,
            head_repository="dev/shop",
            head_sha=sha(4),
            merge_sha=sha(77),
            commit_count=counted,
        ),
        push("main", 5, commit(3), commit(4), commit(77)),
        push("main", 9, commit(8, reverts=(sha(4),))),
    )
    assert (fate(database).reverted.at is None) == stands
    apply(database, push("main", 10, commit(9, reverts=(sha(77),))))
    assert fate(database).reverted.at is not None


@pytest.mark.parametrize("pushed", [True, False])
def test_a_squash_that_a_merge_commit_brought_is_all_of_a_change(
    database: Database, pushed: bool
) -> None:
    apply(
        database,
        listed(1, 4, commit(3), commit(4)),
        merged(1, 5, head_sha=sha(4), merge_sha=sha(77), squash_sha=sha(76)),
        *([push("main", 5, commit(76), commit(77))] if pushed else []),
        push("main", 9, commit(8, reverts=(sha(76),))),
    )
    assert fate(database).reverted.at == at(9)


def test_a_revert_that_its_own_change_takes_back_reverts_nothing(database: Database) -> None:
    apply(
        database,
        merged(1, 5, merge_sha=sha(77)),
        listed(2, 8, commit(20, reverts=(sha(77),)), commit(21, reverts=(sha(20),))),
        merged(2, 9, head_ref="two", head_sha=sha(21)),
    )
    assert (fate(database).reverted.at, fate(database).reverted.ever) == (None, False)


def test_a_commit_may_take_back_one_revert_of_a_change_that_did_more(database: Database) -> None:
    apply(
        database,
        merged(1, 5, merge_sha=sha(77)),
        listed(2, 8, commit(20, reverts=(sha(77),)), commit(21)),
        merged(2, 9, head_ref="two", head_sha=sha(21)),
    )
    assert fate(database).reverted.at == at(9)
    apply(database, push("main", 12, commit(30, reverts=(sha(20),))))
    assert (fate(database).reverted.at, fate(database).reverted.ever) == (None, True)
    assert fate(database, 2).reverted.at is None


def test_what_was_picked_again_after_its_revert_stands(database: Database) -> None:
    apply(
        database,
        listed(1, 4, commit(3)),
        merged(1, 5, merge_sha=sha(77)),
        push("main", 5, commit(3), commit(77)),
        push("main", 9, commit(8, reverts=(sha(3),))),
        listed(2, 11, commit(13, authored_at=at(3))),
        merged(2, 12, head_ref="again", merge_sha=sha(78)),
    )
    assert [fate(database, number).reverted.at for number in (1, 2)] == [at(9), None]


def test_a_branch_is_the_buttons_only_with_the_branch_of_the_other(database: Database) -> None:
    apply(
        database,
        merged(1, 5, head_ref="feature/shop"),
        merged(2, 9, head_ref="revert-1-page-styling", title="fix: page as it was"),
    )
    assert (fate(database).reverted.at, fate(database).reverted.ever) == (None, False)
    apply(database, merged(3, 12, head_ref="revert-1-feature/shop", title="It broke"))
    assert (fate(database).reverted.at, fate(database).reverted.weak) == (at(12), False)
    assert affected(database, 3) == {1}
    apply(database, merged(4, 14, head_ref="revert-3-revert-1-feature/shop", title="Again"))
    assert (fate(database).reverted.at, fate(database).reverted.ever) == (None, True)


def test_a_persons_branch_takes_no_meaning_from_a_title(database: Database) -> None:
    apply(
        database,
        merged(1, 5, title="Update packages", head_ref="one"),
        merged(2, 6, title="feat: 1", head_ref="two"),
        merged(3, 12, title='Revert "Update packages"', head_ref="revert-2-of-them"),
    )
    assert [fate(database, number).reverted.at for number in (1, 2)] == [at(12), None]


def test_two_changes_of_one_title_are_told_apart_also_when_asked_together(
    database: Database,
) -> None:
    apply(
        database,
        merged(1, 5, title="Update packages", head_ref="one"),
        merged(2, 9, title="Update packages", head_ref="two"),
        merged(3, 12, title="Revert: Update packages", head_ref="three"),
    )
    with database.reading() as connection:
        asked = [(REPO.name, number) for number in (1, 2)]
        told = fates(connection, asked, Thresholds(), LATE)
    assert [told[change].reverted.at for change in asked] == [None, at(12)]


def test_what_landed_through_another_change_falls_with_it(database: Database) -> None:
    apply(
        database,
        merged(1, 5, base_ref="feature/two", head_ref="feature/one"),
        merged(2, 9, head_ref="feature/two"),
        merged(3, 20, head_ref="three", reverts=(2,)),
    )
    assert [fate(database, number).reverted.at for number in (1, 2)] == [at(20), at(20)]
    assert fate(database, as_of=at(19)).reverted.ever is False
    assert affected(database, 3) == {1, 2}
    apply(database, merged(4, 30, head_ref="four", reverts=(3,)))
    stands = fate(database).reverted
    assert (stands.at, stands.ever, stands.first_at) == (None, True, at(20))


def test_what_its_branch_brought_again_stands(database: Database) -> None:
    apply(
        database,
        merged(1, 5, base_ref="develop", head_ref="feature/one"),
        merged(2, 9, head_ref="develop"),
        merged(3, 20, head_ref="three", reverts=(2,)),
    )
    assert fate(database).reverted.at == at(20)
    apply(database, merged(4, 40, head_ref="develop"))
    assert (fate(database).reverted.at, fate(database).reverted.ever) == (None, True)


def test_a_revert_and_what_took_it_back_are_no_rework(database: Database) -> None:
    again = DAY + 45
    apply(
        database,
        merged(1, 0, head_ref="one"),
        touching(1, 0, "a", "b"),
        merged(2, DAY, head_ref="two", reverts=(1,)),
        touching(2, DAY, "a", "b"),
        merged(3, again, head_ref="three", reverts=(2,)),
        touching(3, again, "a", "b"),
    )
    told = fate(database).rework
    assert told is not None
    assert (told.touched, told.heavy_at) == (0.0, None)
    apply(database, merged(4, 2 * DAY, head_ref="four"), touching(4, 0, "a"))
    told = fate(database).rework
    assert told is not None
    assert (told.touched, told.heavy_at) == (0.5, at(2 * DAY))


@pytest.mark.parametrize("seed", range(3))
def test_the_order_in_which_reverts_are_told_makes_no_difference(seed: int, fresh: Fresh) -> None:
    story: list[WorkFact] = [
        push("feature/shop", 2, commit(3), commit(4)),
        listed(1, 4, commit(3), commit(4)),
        merged(1, 5, base_ref="feature/two", merge_sha=sha(77), squash_sha=sha(76)),
        merged(2, 9, head_ref="feature/two", merge_sha=sha(78)),
        push("main", 9, commit(13, authored_at=at(3)), commit(14, authored_at=at(4)), commit(78)),
        listed(5, 11, commit(20, reverts=(sha(13),)), commit(21, reverts=(sha(20),))),
        merged(5, 12, head_ref="five", head_sha=sha(21)),
        merged(6, 20, head_ref="revert-2-feature/two", title='Revert "feat: shop"'),
        push("main", 25, commit(30, reverts=(sha(206)[:9],))),
        push("main", 26, commit(31, reverts=(sha(14),)), commit(32, reverts=(sha(13)[:8],))),
    ]
    told = []
    for facts in (story, Random(seed).sample(story, len(story))):
        with fresh() as database:
            apply(database, *facts)
            told.append([fate(database, number) for number in (1, 2, 5, 6)])
    assert told[0] == told[1]
    assert [each.reverted.at for each in told[0]] == [at(26), None, None, at(25)]


def test_a_revert_that_is_not_on_the_default_branch_undoes_nothing(database: Database) -> None:
    apply(
        database,
        merged(1, 5),
        merged(2, 9, head_ref="revert-1", base_ref="release/1", reverts=(1,)),
        push("release/1", 9, commit(8, reverts=(sha(201),))),
    )
    assert fate(database).reverted.at is None


def test_a_revert_on_another_branch_counts_once_that_has_landed(database: Database) -> None:
    apply(
        database,
        merged(1, 5, base_ref="develop"),
        merged(2, 9, head_ref="develop"),
        merged(3, 20, head_ref="revert-1", base_ref="develop", reverts=(1,)),
        merged(4, 15, head_ref="hotfix"),
        merged(5, 21, head_ref="revert-4", base_ref="develop", reverts=(4,)),
    )
    assert (fate(database).landing, fate(database).reverted.at) == (
        Landing(at=at(9), route=Route.STACKED),
        None,
    )
    apply(database, merged(6, 30, head_ref="develop"))
    assert [fate(database, number).reverted.at for number in (1, 4)] == [at(30), at(30)]
    assert fate(database, as_of=at(29)).reverted.at is None
    assert {1, 3, 4, 5} <= affected(database, 6)


def test_a_revert_elsewhere_counts_once_its_merge_commit_has_landed(database: Database) -> None:
    undoing = merged(3, 20, head_ref="revert-1", base_ref="develop", reverts=(1,))
    apply(database, merged(1, 5), undoing)
    assert fate(database).reverted.at is None
    apply(database, push("main", 40, commit(203)))
    assert fate(database).reverted.at == at(40)


def test_a_title_reverts_weakly_for_a_while(database: Database) -> None:
    apply(
        database,
        merged(1, 5, title="feat: cart (#1)"),
        merged(2, 9, title='Revert "feat: cart"', head_ref="fix/two"),
    )
    assert (fate(database).reverted.at, fate(database).reverted.weak) == (at(9), True)
    assert affected(database, 2) == {1}
    assert fate(database, revert_title_days=0).reverted.at is None


def test_of_two_changes_of_one_title_the_last_before_the_revert_is_meant(
    database: Database,
) -> None:
    apply(
        database,
        merged(1, 5, title="Update packages", head_ref="one"),
        merged(2, 9, title="Update packages", head_ref="two"),
        merged(3, 12, title="Revert: Update packages", head_ref="three"),
        merged(4, 20, title="Update packages", head_ref="four"),
    )
    assert [fate(database, number).reverted.at for number in (1, 2, 4)] == [None, at(12), None]


def test_a_title_says_nothing_beside_a_marker(database: Database) -> None:
    apply(
        database,
        merged(1, 5, title="Update packages", head_ref="one"),
        merged(2, 9, title="Update packages", head_ref="two"),
        merged(3, 12, title='Revert "Update packages"', head_ref="three", reverts=(1,)),
    )
    assert [fate(database, number).reverted.at for number in (1, 2)] == [at(12), None]
