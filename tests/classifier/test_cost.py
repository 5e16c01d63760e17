from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.cost import cost_shares, ticket_shares
from domain.labels import Link, Target, TargetKind, Tier

REPO = "acme/shop"
NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)


def link(kind: TargetKind, name: str, tier: Tier, probability: float) -> Link:
    target = Target(kind=kind, repo=REPO, id=name)
    return Link(target=target, tier=tier, probability=probability, evidence=())


SEVEN = replace(link(TargetKind.CHANGE, "7", Tier.A, 0.99), via=("aaa",))
EIGHT = link(TargetKind.CHANGE, "8", Tier.B, 0.965)
IN_SEVEN = link(TargetKind.COMMIT, "aaa", Tier.A, 0.99)
DIRECT = link(TargetKind.COMMIT, "bbb", Tier.A, 0.99)
PROBABLE = link(TargetKind.CHANGE, "9", Tier.C, 0.6)


def at(hours: float) -> datetime:
    return NINE + timedelta(hours=hours)


def hours(*costs: tuple[float, int]) -> list[tuple[datetime, int]]:
    return [(at(hour), cost) for hour, cost in costs]


AT_ONCE = hours((0, 1_000))
ONE_HOUR = {(REPO, "aaa"): at(0.5), (REPO, "bbb"): at(0.9)}


@pytest.mark.parametrize("links", [[], [PROBABLE]])
def test_without_proof_all_of_it_is_unlinked(links: list[Link]) -> None:
    assert cost_shares(AT_ONCE, links, {}) == {None: 1_000}


def test_a_change_carries_its_commits_cost_once() -> None:
    links = [IN_SEVEN, SEVEN, PROBABLE]
    assert cost_shares(AT_ONCE, links, ONE_HOUR) == {SEVEN.target: 1_000}


def test_what_was_made_in_one_hour_shares_by_probability() -> None:
    shares = cost_shares(hours((0, 29_450)), [DIRECT, EIGHT, IN_SEVEN, SEVEN], ONE_HOUR)
    assert shares == {SEVEN.target: 9_900, EIGHT.target: 9_650, DIRECT.target: 9_900}


def test_the_last_nanodollar_goes_to_somebody() -> None:
    shares = cost_shares(hours((0, 1)), [SEVEN, EIGHT], {})
    assert shares == {SEVEN.target: 1, EIGHT.target: 0}


def test_a_long_session_is_cut_at_its_commits() -> None:
    spent = hours((0, 100), (1, 20), (2, 3), (5, 1_000))
    moments = {(REPO, "aaa"): at(1.9), (REPO, "bbb"): at(5.1)}
    assert cost_shares(spent, [SEVEN, DIRECT], moments) == {
        SEVEN.target: 120,
        DIRECT.target: 1_003,
    }


def test_a_change_of_several_commits_takes_what_led_to_each() -> None:
    change = replace(SEVEN, via=("aaa", "ccc"))
    moments = {(REPO, "aaa"): at(0), (REPO, "bbb"): at(1), (REPO, "ccc"): at(2)}
    spent = hours((0, 1), (1, 10), (2, 100))
    assert cost_shares(spent, [change, DIRECT], moments) == {SEVEN.target: 101, DIRECT.target: 10}


def test_what_lies_far_from_every_commit_is_unlinked() -> None:
    spent = hours((0, 1), (24 * 7, 10), (24 * 8, 100), (24 * 8 + 1, 1_000))
    assert cost_shares(spent, [DIRECT], {(REPO, "bbb"): at(24 * 7 + 0.5)}) == {
        None: 1_000,
        DIRECT.target: 111,
    }
    early = {(REPO, "bbb"): at(24 * 7 + 1)}
    assert cost_shares(hours((0, 1)), [DIRECT], early) == {None: 1}


def test_a_change_without_a_commit_has_no_time_of_its_own() -> None:
    spent = hours((0, 200), (48, 100))
    assert cost_shares(spent, [EIGHT, DIRECT], {(REPO, "bbb"): at(0)}) == {
        EIGHT.target: 199,
        DIRECT.target: 101,
    }


def test_an_hour_below_zero_is_evened_out_by_the_others() -> None:
    moments = {(REPO, "aaa"): at(0), (REPO, "bbb"): at(9)}
    shares = cost_shares(hours((0, -50), (9, 150)), [SEVEN, DIRECT], moments)
    assert shares == {SEVEN.target: 50, DIRECT.target: 50}
    with pytest.raises(ValueError, match="not negative"):
        cost_shares(hours((0, -1)), [SEVEN], moments)


def test_a_ticket_costs_what_its_changes_cost() -> None:
    shares = {SEVEN.target: 101, DIRECT.target: 10, None: 1_000}
    tied = {SEVEN.target: ["PAY-8", "PAY-7"], DIRECT.target: ["PAY-7"]}
    assert ticket_shares(shares, [SEVEN, DIRECT], tied) == {"PAY-7": 61, "PAY-8": 50}


def test_a_ticket_that_the_session_told_takes_all_of_it() -> None:
    told = Link(
        target=Target(kind=TargetKind.TICKET, repo="", id="PAY-9"),
        tier=Tier.A,
        probability=0.97,
        evidence=(),
    )
    shares = {SEVEN.target: 101, None: 1_000}
    assert ticket_shares(shares, [SEVEN, told], {SEVEN.target: ["PAY-7"]}) == {"PAY-9": 1_101}


LINKS = st.lists(
    st.builds(
        Link,
        target=st.builds(
            Target,
            kind=st.sampled_from(TargetKind),
            repo=st.sampled_from([REPO, "ada/shop"]),
            id=st.integers(1, 5).map(str),
        ),
        tier=st.sampled_from(Tier),
        probability=st.integers(0, 9_900).map(lambda n: n / 10_000),
        evidence=st.just(()),
        via=st.lists(st.integers(1, 5).map(str), max_size=2).map(tuple),
    ),
    max_size=8,
    unique_by=lambda link: link.target,
)
HOURS = st.lists(
    st.tuples(st.integers(0, 400).map(at), st.integers(0, 10**15)),
    max_size=12,
    unique_by=lambda told: told[0],
)
MOMENTS = st.dictionaries(
    st.tuples(st.sampled_from([REPO, "ada/shop"]), st.integers(1, 5).map(str)),
    st.integers(0, 400 * 60).map(lambda minutes: NINE + timedelta(minutes=minutes)),
)
Hours = Sequence[tuple[datetime, int]]
Moments = dict[tuple[str, str], datetime]


@given(HOURS, LINKS, MOMENTS)
def test_shares_add_up_to_the_cost_to_the_last_nanodollar(
    spent: Hours, links: list[Link], moments: Moments
) -> None:
    shares = cost_shares(spent, links, moments)
    assert sum(shares.values()) == sum(cost for _, cost in spent)
    assert all(share >= 0 for share in shares.values())


@given(HOURS, LINKS, MOMENTS, st.randoms(use_true_random=False))
def test_shares_do_not_depend_on_any_order(
    spent: Hours, links: list[Link], moments: Moments, random: Random
) -> None:
    shares = cost_shares(spent, links, moments)
    shuffled = random.sample(list(spent), len(spent))
    assert cost_shares(shuffled, random.sample(links, len(links)), moments) == shares


@given(HOURS, LINKS, MOMENTS)
def test_only_proof_and_near_proof_carry_cost(
    spent: Hours, links: list[Link], moments: Moments
) -> None:
    carrying = {link.target for link in links if link.tier in (Tier.A, Tier.B)}
    targets = cost_shares(spent, links, moments).keys() - {None}
    assert targets <= carrying
    assert {target.kind for target in targets if target} <= {TargetKind.COMMIT, TargetKind.CHANGE}


@given(HOURS, LINKS, MOMENTS)
def test_tickets_never_cost_more_than_the_session(
    spent: Hours, links: list[Link], moments: Moments
) -> None:
    shares = cost_shares(spent, links, moments)
    tied = {link.target: ["PAY-7", "PAY-8"] for link in links}
    told = ticket_shares(shares, links, tied)
    assert 0 <= sum(told.values()) <= sum(shares.values())
