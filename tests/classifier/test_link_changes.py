from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.link import EvidenceKind, link_of
from classifier.link_changes import change_target, link_changes, link_tickets, ticket_target
from domain.labels import (
    CandidateChange,
    Evidence,
    Link,
    SessionTraces,
    Target,
    TargetKind,
    Tier,
)

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
END = START + timedelta(hours=1)
REPO, FORK = "acme/shop", "ada/shop"
SHA = "4f2a91c" + "0" * 33
ADA = "p_ada"
SESSION = SessionTraces(
    tool="claude-code",
    session_id="s1",
    started_at=START,
    ended_at=END,
    commits={},
    branches={},
    repositories=frozenset(),
    people=frozenset(),
)
ON_BRANCH = replace(SESSION, branches={"basket": START}, repositories=frozenset({REPO}))
CHANGE = CandidateChange(
    repo=REPO,
    number=7,
    head_ref="basket",
    authors=frozenset({ADA}),
    opened_at=START,
    ended_at=None,
)
SEVEN = change_target(REPO, 7)


def evidence(kind: EvidenceKind, value: str, at: datetime = START) -> Evidence:
    return Evidence(kind=kind, value=value, observed_at=at)


def to_commit(sha: str = SHA, kind: EvidenceKind = EvidenceKind.COMMIT_SHA) -> Link:
    target = Target(kind=TargetKind.COMMIT, repo=REPO, id=sha)
    link = link_of(target, [evidence(kind, sha)])
    assert link is not None
    return link


def of_branches(traces: SessionTraces, *changes: CandidateChange) -> tuple[Link, ...]:
    return link_changes(traces, [], {}, changes, {})


def changed(link: Link) -> tuple[Target, Tier, float]:
    return link.target, link.tier, link.probability


def test_a_change_is_linked_through_its_commits_also_where_it_is_not_known_itself() -> None:
    [link] = link_changes(SESSION, [to_commit()], {(REPO, SHA): [7]}, [], {})
    through = evidence(EvidenceKind.THROUGH_COMMIT, f"{REPO}:{SHA} A 0.99")
    assert link == Link(
        target=SEVEN, tier=Tier.A, probability=0.99, evidence=(through,), via=(SHA,)
    )


def test_several_commits_make_a_change_surer() -> None:
    likely = [replace(to_commit(sha), tier=Tier.C, probability=0.6) for sha in ("a" * 40, "b" * 40)]
    held = {(REPO, link.target.id): [7] for link in likely}
    [link] = link_changes(SESSION, likely, held, [], {})
    assert (link.tier, link.probability, link.via) == (Tier.C, 0.84, ("a" * 40, "b" * 40))


def test_the_changes_branch_in_its_repository_is_near_proof() -> None:
    why = evidence(EvidenceKind.BRANCH_AND_REPOSITORY, "acme/shop:basket")
    assert of_branches(ON_BRANCH, CHANGE) == (
        Link(target=SEVEN, tier=Tier.B, probability=0.965, evidence=(why,)),
    )


def test_evidence_is_observed_when_both_sides_exist() -> None:
    [link] = of_branches(ON_BRANCH, replace(CHANGE, opened_at=END))
    assert [piece.observed_at for piece in link.evidence] == [END]


def test_a_branch_that_all_work_on_identifies_nothing() -> None:
    session = replace(ON_BRANCH, branches={"main": START}, people=frozenset({ADA}))
    assert of_branches(session, replace(CHANGE, head_ref="main")) == ()


@pytest.mark.parametrize(
    ("opened_at", "ended_at", "linked"),
    [
        (END + timedelta(days=2), None, True),
        (END + timedelta(days=2, seconds=1), None, False),
        (START - timedelta(days=9), START - timedelta(days=2), True),
        (START - timedelta(days=9), START - timedelta(days=2, seconds=1), False),
    ],
)
def test_a_reused_branch_name_needs_the_time_of_the_change(
    opened_at: datetime, ended_at: datetime | None, linked: bool
) -> None:
    change = replace(CHANGE, opened_at=opened_at, ended_at=ended_at)
    assert bool(of_branches(ON_BRANCH, change)) is linked


def test_a_forks_branch_lives_in_the_fork() -> None:
    change = replace(CHANGE, head_repo=FORK)
    in_fork = replace(ON_BRANCH, repositories=frozenset({FORK}))
    assert [changed(link) for link in of_branches(in_fork, change)] == [(SEVEN, Tier.B, 0.965)]
    assert of_branches(ON_BRANCH, change) == ()


def test_the_branch_and_the_person_are_probable_where_no_repository_was_told() -> None:
    session = replace(ON_BRANCH, repositories=frozenset(), people=frozenset({ADA}))
    assert [changed(link) for link in of_branches(session, CHANGE)] == [(SEVEN, Tier.C, 0.6)]


@pytest.mark.parametrize("repositories", [frozenset({"acme/blog"}), frozenset[str]()])
def test_the_branch_elsewhere_or_alone_is_nothing(repositories: frozenset[str]) -> None:
    people = frozenset({ADA}) if repositories else frozenset[str]()
    session = replace(ON_BRANCH, repositories=repositories, people=people)
    assert of_branches(session, CHANGE) == ()


def test_who_edited_nothing_is_tied_to_their_own_branch_weakly_and_to_anothers_not_at_all() -> None:
    theirs = replace(ON_BRANCH, people=frozenset({"p_bob"}))
    mine = replace(ON_BRANCH, people=frozenset({ADA}))

    def tiers(session: SessionTraces, edited_nothing: bool) -> list[Tier]:
        found = link_changes(session, [], {}, [CHANGE], {}, edited_nothing=edited_nothing)
        return [link.tier for link in found]

    assert [tiers(each, edited_nothing=True) for each in (theirs, mine, ON_BRANCH)] == [
        [],
        [Tier.C],
        [Tier.C],
    ]
    # Somebody else may be an author under an identity that nobody has joined yet.
    assert [tiers(each, edited_nothing=False) for each in (theirs, mine, ON_BRANCH)] == [
        [Tier.B],
        [Tier.B],
        [Tier.B],
    ]


def test_who_reviewed_a_change_is_no_author_of_it_unless_they_are() -> None:
    session = replace(ON_BRANCH, people=frozenset({"p_bob"}))
    reviewed = replace(CHANGE, reviewers=frozenset({ADA, "p_bob"}))
    assert [link.tier for link in of_branches(session, reviewed)] == [Tier.C]
    both = replace(reviewed, authors=frozenset({ADA, "p_bob"}))
    assert [link.tier for link in of_branches(session, both)] == [Tier.B]


@pytest.mark.parametrize(
    ("begun", "ended", "numbers"),
    [(-9, -8, [7]), (-9, -1, [7, 9]), (-1, 1, [9]), (1, 2, [9])],
    ids=["while the first was open", "over its end", "between", "while the second is open"],
)
def test_a_branch_used_again_is_the_next_changes_from_the_end_of_the_first(
    begun: float, ended: float, numbers: list[int]
) -> None:
    merged = replace(
        CHANGE,
        opened_at=START - timedelta(hours=10),
        ended_at=START - timedelta(hours=2),
    )
    again = replace(CHANGE, number=9)
    session = replace(
        ON_BRANCH,
        started_at=START + timedelta(hours=begun),
        ended_at=START + timedelta(hours=ended),
    )
    assert [int(link.target.id) for link in of_branches(session, merged, again)] == numbers
    assert of_branches(session, merged) != ()


def test_a_person_who_rejects_a_link_ends_it_and_one_who_accepts_makes_it() -> None:
    said = (False, "p_lead", END)
    assert link_changes(ON_BRANCH, [], {}, [CHANGE], {SEVEN: said}) == ()
    [link] = link_changes(SESSION, [], {}, [], {SEVEN: (True, "p_lead", END)})
    why = evidence(EvidenceKind.REVIEWED, "p_lead", END)
    assert link == Link(target=SEVEN, tier=Tier.A, probability=0.99, evidence=(why,))


def test_a_ticket_is_linked_through_its_change_once() -> None:
    commit = to_commit()
    [change] = link_changes(SESSION, [commit], {(REPO, SHA): [7]}, [], {})
    tied = {change.target: ["PAY-7"], commit.target: ["PAY-7", "PAY-8"]}
    [link] = link_tickets(SESSION, [commit, change], tied, {})
    why = evidence(EvidenceKind.THROUGH_CHANGE, f"{REPO}:7 A 0.99")
    assert link == Link(
        target=ticket_target("PAY-7"), tier=Tier.A, probability=0.99, evidence=(why,)
    )


def test_a_ticket_that_the_session_told_is_proof() -> None:
    session = replace(SESSION, tickets={"PAY-7": START})
    [link] = link_tickets(session, [], {}, {})
    why = evidence(EvidenceKind.TICKET_TOLD, "PAY-7")
    assert link == Link(
        target=ticket_target("PAY-7"), tier=Tier.A, probability=0.97, evidence=(why,)
    )


CHANGES = st.lists(
    st.builds(
        CandidateChange,
        repo=st.sampled_from([REPO, FORK]),
        number=st.integers(1, 12),
        head_ref=st.sampled_from(["basket", "main", "pay"]),
        authors=st.frozensets(st.sampled_from([ADA, "p_bob"]), max_size=2),
        opened_at=st.integers(-96, 96).map(lambda hours: START + timedelta(hours=hours)),
        ended_at=st.none() | st.integers(-96, 96).map(lambda hours: START + timedelta(hours=hours)),
        reviewers=st.frozensets(st.sampled_from([ADA, "p_bob"]), max_size=2),
    ),
    max_size=5,
    unique_by=lambda change: (change.repo, change.number),
)


@given(CHANGES)
def test_a_branch_that_was_used_again_is_still_somebodys(
    changes: Sequence[CandidateChange],
) -> None:
    alone = {
        change.head_ref
        for change in changes
        if change.repo == REPO and of_branches(ON_BRANCH, change)
    }
    found = of_branches(ON_BRANCH, *changes)
    together = {
        change.head_ref
        for change in changes
        if change_target(change.repo, change.number) in {link.target for link in found}
    }
    assert together == alone


@given(CHANGES, st.randoms(use_true_random=False))
def test_links_do_not_depend_on_the_order_of_candidates(
    changes: Sequence[CandidateChange], random: Random
) -> None:
    session = replace(ON_BRANCH, people=frozenset({ADA}))
    commits = [to_commit("a" * 40), to_commit("b" * 40, EvidenceKind.SESSION_TRAILER)]
    held = {(REPO, link.target.id): [7, 3] for link in commits}
    links = link_changes(session, commits, held, changes, {})
    assert links == link_changes(
        session, commits[::-1], held, random.sample(changes, len(changes)), {}
    )
    assert len({link.target for link in links}) == len(links)
