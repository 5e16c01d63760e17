from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.cost import cost_shares
from domain.labels import Link, Target, TargetKind, Tier


def link(kind: TargetKind, name: str, tier: Tier, probability: float) -> Link:
    target = Target(kind=kind, repo="acme/shop", id=name)
    return Link(target=target, tier=tier, probability=probability, evidence=())


SEVEN = replace(link(TargetKind.CHANGE, "7", Tier.A, 0.99), via=("aaa",))
EIGHT = link(TargetKind.CHANGE, "8", Tier.B, 0.965)
IN_SEVEN = link(TargetKind.COMMIT, "aaa", Tier.A, 0.99)
DIRECT = link(TargetKind.COMMIT, "bbb", Tier.A, 0.99)
PROBABLE = link(TargetKind.CHANGE, "9", Tier.C, 0.6)


def test_without_a_link_all_of_it_is_unlinked() -> None:
    assert cost_shares(1_000, []) == ((None, 1_000),)


def test_weak_links_carry_nothing() -> None:
    assert cost_shares(1_000, [PROBABLE]) == ((None, 1_000),)


def test_a_change_carries_its_commits_cost_once() -> None:
    assert cost_shares(1_000, [IN_SEVEN, SEVEN, PROBABLE]) == ((SEVEN, 1_000),)


def test_changes_and_direct_commits_share_by_probability() -> None:
    assert cost_shares(29_450, [DIRECT, EIGHT, IN_SEVEN, SEVEN]) == (
        (SEVEN, 9_900),
        (EIGHT, 9_650),
        (DIRECT, 9_900),
    )


def test_the_last_nanodollar_goes_to_somebody() -> None:
    assert cost_shares(1, [SEVEN, EIGHT]) == ((SEVEN, 1), (EIGHT, 0))


def test_a_negative_cost_is_refused() -> None:
    with pytest.raises(ValueError, match="not negative"):
        cost_shares(-1, [SEVEN])


LINKS = st.lists(
    st.builds(
        Link,
        target=st.builds(
            Target,
            kind=st.sampled_from(TargetKind),
            repo=st.sampled_from(["acme/shop", "ada/shop"]),
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
COSTS = st.integers(0, 10**15)


@given(COSTS, LINKS)
def test_shares_add_up_to_the_cost(cost: int, links: list[Link]) -> None:
    shares = cost_shares(cost, links)
    assert sum(part for _, part in shares) == cost
    assert all(part >= 0 for _, part in shares)


@given(COSTS, LINKS, st.randoms(use_true_random=False))
def test_shares_do_not_depend_on_the_order_of_links(
    cost: int, links: list[Link], random: Random
) -> None:
    assert cost_shares(cost, random.sample(links, len(links))) == cost_shares(cost, links)


@given(COSTS, LINKS)
def test_only_proof_and_near_proof_carry_cost(cost: int, links: list[Link]) -> None:
    assert {link.tier for link, _ in cost_shares(cost, links) if link} <= {Tier.A, Tier.B}
