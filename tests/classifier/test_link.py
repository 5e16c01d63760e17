from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.link import (
    CEILING,
    STRENGTH,
    EvidenceKind,
    Strength,
    carried,
    is_shared_branch,
    link_at,
    link_of,
    tier_of,
)
from domain.labels import Evidence, Link, Target, TargetKind, Tier

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LATER = START + timedelta(hours=1)
COMMIT = Target(kind=TargetKind.COMMIT, repo="acme/shop", id="4f2a91c" + "0" * 33)
CHANGE = Target(kind=TargetKind.CHANGE, repo="acme/shop", id="7")


def piece(kind: EvidenceKind, value: str, at: datetime = START) -> Evidence:
    return Evidence(kind=kind, value=value, observed_at=at)


NAMED = piece(EvidenceKind.COMMIT_SHA, COMMIT.id, LATER)
TRAILER = piece(EvidenceKind.SESSION_TRAILER, "claude-code/s1")
LIKELY = piece(EvidenceKind.LIKENESS, "0.8712")
IN_TIME = piece(EvidenceKind.PERSON_AND_TIME, "p_ada, sessions at the time: 1")


def test_every_strength_is_below_certainty_and_its_tiers_ceiling() -> None:
    assert all(isinstance(s, Strength) and 0 < s.probability < 1 for s in STRENGTH.values())
    assert all(s.probability <= CEILING[s.tier] for s in STRENGTH.values())


def test_proof_is_worth_what_its_kind_is() -> None:
    assert link_of(COMMIT, [NAMED]) == Link(
        target=COMMIT, tier=Tier.A, probability=0.99, evidence=(NAMED,)
    )


@pytest.mark.parametrize(
    ("told", "tier"),
    [
        ("0.9000", Tier.B),
        ("0.8000", Tier.B),
        ("0.7999", Tier.C),
        ("0.5000", Tier.C),
        ("0.4999", Tier.D),
        ("0.0200", Tier.D),
    ],
)
def test_likeness_is_worth_what_the_model_said(told: str, tier: Tier) -> None:
    said = piece(EvidenceKind.LIKENESS, told)
    link = link_of(COMMIT, [said, piece(EvidenceKind.FILES_EDITED, "3 of 4")])
    assert link is not None
    assert (link.tier, link.probability) == (tier, min(float(told), CEILING[tier]))
    assert tier_of(float(told)) is tier


def test_what_explains_is_worth_nothing_by_itself() -> None:
    assert link_of(COMMIT, [piece(EvidenceKind.FILES_EDITED, "3 of 4")]) is None
    assert link_of(COMMIT, []) is None


def test_sessions_at_one_time_share_what_the_time_is_worth() -> None:
    three = piece(EvidenceKind.PERSON_AND_TIME, "p_ada, sessions at the time: 3")
    link = link_of(COMMIT, [three])
    assert link is not None
    assert (link.tier, link.probability) == (Tier.D, 0.15)


def test_different_kinds_add_up_and_the_same_kind_twice_does_not() -> None:
    branch = piece(EvidenceKind.BRANCH_AND_PERSON, "acme/shop:basket")
    other = piece(EvidenceKind.BRANCH_AND_PERSON, "acme/shop:bag")
    link = link_of(CHANGE, [branch, other, IN_TIME])
    assert link is not None
    assert (link.tier, link.probability) == (Tier.C, 0.78)


def test_what_is_carried_keeps_its_worth() -> None:
    likely = link_of(COMMIT, [LIKELY])
    assert likely is not None
    through = carried(EvidenceKind.THROUGH_COMMIT, likely, START)
    assert through.value == f"acme/shop:{COMMIT.id} B 0.8712"
    assert link_of(CHANGE, [through], [COMMIT.id]) == Link(
        target=CHANGE, tier=Tier.B, probability=0.8712, evidence=(through,), via=(COMMIT.id,)
    )


def test_guesses_never_add_up_to_a_half() -> None:
    guesses = [
        piece(EvidenceKind.THROUGH_COMMIT, f"acme/shop:{number} D 0.45") for number in range(9)
    ]
    link = link_of(CHANGE, guesses)
    assert link is not None
    assert (link.tier, link.probability) == (Tier.D, 0.49)


def test_a_link_goes_back_to_the_evidence_of_its_time() -> None:
    link = link_of(COMMIT, [NAMED, LIKELY])
    assert link is not None
    assert link_at(link, LATER) == link
    assert link_at(link, START) == link_of(COMMIT, [LIKELY])
    assert link_at(link, START - timedelta(seconds=1)) is None


@pytest.mark.parametrize("branch", ["main", "Master", "develop", "trunk", "release/1.2", "HEAD"])
def test_a_branch_that_all_work_on_identifies_nothing(branch: str) -> None:
    assert is_shared_branch(branch)
    assert not is_shared_branch(f"fix/{branch}-basket")


PIECES = st.lists(
    st.one_of(
        st.sampled_from([NAMED, TRAILER, LIKELY, IN_TIME]),
        st.integers(200, 9_999).map(lambda n: piece(EvidenceKind.LIKENESS, f"{n / 10_000:.4f}")),
        st.tuples(st.sampled_from(Tier), st.integers(2, 49)).map(
            lambda told: piece(EvidenceKind.THROUGH_COMMIT, f"a/b:c {told[0]} {told[1] / 100}")
        ),
    ),
    max_size=6,
)


@given(PIECES, st.randoms(use_true_random=False))
def test_a_link_depends_on_its_evidence_and_not_on_its_order(
    told: list[Evidence], random: Random
) -> None:
    one_likeness = {p.kind: p for p in told if p.kind == EvidenceKind.LIKENESS}
    told = [p for p in told if p.kind != EvidenceKind.LIKENESS] + list(one_likeness.values())
    assert link_of(CHANGE, told) == link_of(CHANGE, random.sample(told, len(told)))
    assert link_of(CHANGE, told) == link_of(CHANGE, [*told, *told])


@given(PIECES)
def test_more_evidence_never_makes_a_link_weaker(told: list[Evidence]) -> None:
    link = link_of(CHANGE, told)
    if link is None:
        return
    more = link_of(CHANGE, [*told, replace(TRAILER, value="claude-code/s2")])
    assert more is not None
    assert (more.tier, more.probability) == (Tier.A, 0.99)
    assert link.probability <= CEILING[link.tier]
