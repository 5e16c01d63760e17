"""The shapes of real teams' histories: each is there, told as GitHub tells it; the truth stays."""

from collections import Counter
from functools import cache
from typing import Any

import pytest

from collector.forges import github
from collector.trackers import jira
from domain.work import CommitsPushed, RepositoryRenamed
from simulation.company import found
from simulation.deliveries import Delivery, deliveries
from simulation.history import Ending, History, Piece
from simulation.living import live
from simulation.shapes import SHAPES, shaped
from simulation.truth import truth
from simulation.unsteady import renamed, unsteady
from tests.simulation.test_simulation import PSEUDONYMS, UNTIL, history

PARSE = {"github": github.parse, "jira": jira.parse}


@cache
def company(seed: int = 1) -> History:
    return shaped(live(found(seed), UNTIL, 12))


@cache
def told() -> list[Delivery]:
    return renamed(deliveries(company()), company().renamings)


def pieces(shape: str) -> list[Piece]:
    return [piece for piece in company().pieces if shape in piece.shapes]


def facts(each: Delivery) -> tuple[Any, ...]:
    return PARSE[each.provider](each.event, each.body, PSEUDONYMS, UNTIL)


def of(piece: Piece, event: str) -> list[dict[str, Any]]:
    """What was delivered of a piece's changes, but of the renamed repository."""
    numbers = {(change.repository, change.number) for change in piece.changes}
    return [
        each.body
        for each in told()
        if each.event == event
        and (each.body["repository"]["full_name"], each.body.get("number")) in numbers
    ]


def test_a_seed_has_the_same_shapes() -> None:
    assert truth(shaped(live(found(1), UNTIL, 12))) == truth(company())
    assert deliveries(company()) == deliveries(shaped(live(found(1), UNTIL, 12)))


@pytest.mark.parametrize("shape", [name for name, _, _ in SHAPES])
def test_each_shape_is_there(shape: str) -> None:
    assert pieces(shape)


def test_what_came_of_the_work_is_what_it_was() -> None:
    plain = {each["session_id"]: each["label"] for each in truth(history())["sessions"]}
    assert {each["session_id"]: each["label"] for each in truth(company())["sessions"]} == plain


def test_every_delivery_is_understood() -> None:
    silent = Counter(each.event for each in told() if not facts(each))
    # A repository whose default branch is renamed tells that with everything else as well.
    assert silent == {"repository": 1}
    assert sum(isinstance(f, RepositoryRenamed) for each in told() for f in facts(each)) == 1


def test_a_rebase_lands_the_same_work_under_other_names() -> None:
    for piece in pieces("rebased"):
        change = piece.changes[0]
        if change.landed:
            own = change.held()
            assert len(change.landed) == len([each for each in own if each.files])
            assert {each.authored_at for each in change.landed} <= {e.authored_at for e in own}
            assert not {each.sha for each in change.landed} & {each.sha for each in own}


def test_of_a_fork_no_push_is_told() -> None:
    branches = {
        change.branch for piece in pieces("from_a_fork") for change in piece.changes if change.fork
    }
    pushed = {
        fact.branch for each in told() for fact in facts(each) if isinstance(fact, CommitsPushed)
    }
    assert branches
    assert not branches & pushed


def test_a_stack_lands_one_by_one_or_through_the_lowest() -> None:
    bases = {
        body["pull_request"]["base"]["ref"] in ("main", "trunk")
        for piece in pieces("stacked")
        for body in of(piece, "pull_request")
        if body["action"] == "closed"
    }
    assert bases == {True, False}


def test_reverts_are_of_reverted_work_alone_but_for_parts() -> None:
    for name in ("reverted_by_hand", "taken_out_by_force"):
        assert {piece.ending for piece in pieces(name)} == {Ending.REVERTED}
    assert {piece.ending for piece in pieces("reverted_in_part")} == {Ending.SHIPPED}
    buttons = [
        change.branch == f"revert-{change.mentions.number}-{change.mentions.branch}"
        for piece in pieces("reverted_by_button")
        for change in piece.changes
        if change.mentions
    ]
    assert any(buttons)


def test_on_their_way_some_come_late_twice_or_never() -> None:
    sent = told()
    arrived = unsteady(sent, 1)
    assert arrived == sorted(arrived, key=lambda each: each.at)
    bodies = Counter(id(each.body) for each in arrived)
    assert 0 < len(sent) - len(bodies) < 0.01 * len(sent)
    assert max(bodies.values()) == 2
    assert unsteady(sent, 1) == arrived
