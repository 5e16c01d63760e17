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
    is_shared_branch,
    link_at,
    link_session,
)
from domain.labels import (
    CandidateChange,
    CandidateCommit,
    Evidence,
    Link,
    SessionTraces,
    Target,
    TargetKind,
    Tier,
)

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
END = START + timedelta(hours=1)
REPO = "acme/shop"
FORK = "ada/shop"
SHA = "4f2a91c" + "0" * 33
OTHER_SHA = "4f2a91c" + "1" * 33
ADA = "p_ada"

SESSION = SessionTraces(
    tool="claude-code",
    session_id="s1",
    started_at=START,
    ended_at=END,
    commits={},
    branches={},
    repositories=frozenset(),
    identities=frozenset(),
)
COMMIT = CandidateCommit(
    repo=REPO,
    sha=SHA,
    authors=frozenset({ADA}),
    authored_at=START + timedelta(minutes=30),
    named_sessions=frozenset(),
    changes=(),
    on_default_branch_at=None,
)
CHANGE = CandidateChange(
    repo=REPO,
    number=7,
    head_ref="basket",
    authors=frozenset({ADA}),
    opened_at=START,
    ended_at=None,
)


def evidence(kind: EvidenceKind, value: str, at: datetime) -> Evidence:
    return Evidence(kind=kind, value=value, observed_at=at)


def commit_link(
    tier: Tier, probability: float, *why: Evidence, sha: str = SHA, repo: str = REPO
) -> Link:
    target = Target(kind=TargetKind.COMMIT, repo=repo, id=sha)
    return Link(target=target, tier=tier, probability=probability, evidence=why)


def change_link(
    tier: Tier, probability: float, *why: Evidence, via: tuple[str, ...] = (), number: int = 7
) -> Link:
    target = Target(kind=TargetKind.CHANGE, repo=REPO, id=str(number))
    return Link(target=target, tier=tier, probability=probability, evidence=why, via=via)


def test_every_kind_of_evidence_has_a_strength_below_certainty() -> None:
    assert set(STRENGTH) == set(EvidenceKind)
    assert all(isinstance(s, Strength) and 0 < s.probability < 1 for s in STRENGTH.values())
    assert all(s.probability <= CEILING[s.tier] for s in STRENGTH.values())


@pytest.mark.parametrize("told", [SHA, SHA[:7], SHA[:12], SHA[:7].upper()])
def test_a_commit_that_the_telemetry_names_is_proof(told: str) -> None:
    session = replace(SESSION, commits={told: END})
    why = evidence(EvidenceKind.COMMIT_SHA, told, END)
    assert link_session(session, [COMMIT], []) == (commit_link(Tier.A, 0.99, why),)


def test_six_digits_name_no_commit() -> None:
    assert link_session(replace(SESSION, commits={SHA[:6]: END}), [COMMIT], []) == ()


def test_an_abbreviation_of_two_commits_names_neither() -> None:
    session = replace(SESSION, commits={SHA[:7]: END})
    assert link_session(session, [COMMIT, replace(COMMIT, sha=OTHER_SHA)], []) == ()


def test_the_sessions_own_repository_decides_between_two() -> None:
    session = replace(SESSION, commits={SHA[:7]: END}, repositories=frozenset({REPO}))
    elsewhere = replace(COMMIT, sha=OTHER_SHA, repo="acme/blog")
    why = evidence(EvidenceKind.COMMIT_SHA, SHA[:7], END)
    assert link_session(session, [elsewhere, COMMIT], []) == (commit_link(Tier.A, 0.99, why),)


def test_a_commit_in_a_fork_and_upstream_is_one_commit() -> None:
    session = replace(SESSION, commits={SHA[:7]: END}, repositories=frozenset({FORK}))
    upstream = replace(COMMIT, changes=(7,))
    why = evidence(EvidenceKind.COMMIT_SHA, SHA[:7], END)
    assert link_session(session, [replace(COMMIT, repo=FORK), upstream], []) == (
        commit_link(Tier.A, 0.99, why),
        commit_link(Tier.A, 0.99, why, repo=FORK),
        change_link(Tier.A, 0.99, why, via=(SHA,)),
    )


def test_a_trailer_that_names_the_session_is_proof() -> None:
    commit = replace(COMMIT, named_sessions=frozenset({("claude-code", "s1"), ("codex", "s9")}))
    why = evidence(EvidenceKind.SESSION_TRAILER, "claude-code/s1", COMMIT.authored_at)
    assert link_session(SESSION, [commit], []) == (commit_link(Tier.A, 0.99, why),)


def test_a_trailer_of_another_tools_session_of_that_name_is_nothing() -> None:
    commit = replace(COMMIT, named_sessions=frozenset({("codex", "s1")}))
    assert link_session(SESSION, [commit], []) == ()


def test_a_squash_merge_is_linked_by_its_own_commits() -> None:
    session = replace(SESSION, commits={SHA: END}, identities=frozenset({ADA}))
    own = replace(COMMIT, changes=(7,), authored_at=START - timedelta(hours=1))
    squashed = replace(COMMIT, sha="9" * 40, changes=(7,), authored_at=END)
    change = replace(CHANGE, ended_at=END, merge_sha="9" * 40)
    why = evidence(EvidenceKind.COMMIT_SHA, SHA, END)
    assert link_session(session, [own, squashed], [change]) == (
        commit_link(Tier.A, 0.99, why),
        change_link(Tier.A, 0.99, why, via=(SHA,)),
    )


def test_a_trailer_that_survives_the_squash_links_the_change() -> None:
    squashed = replace(COMMIT, sha="9" * 40, named_sessions=frozenset({("claude-code", "s1")}))
    change = replace(CHANGE, ended_at=END, merge_sha="9" * 40)
    why = evidence(EvidenceKind.SESSION_TRAILER, "claude-code/s1", COMMIT.authored_at)
    assert link_session(SESSION, [squashed], [change]) == (
        commit_link(Tier.A, 0.99, why, sha="9" * 40),
        change_link(Tier.A, 0.99, why, via=("9" * 40,)),
    )


ON_BRANCH = replace(SESSION, branches={"basket": START}, repositories=frozenset({REPO}))


def test_the_changes_branch_in_its_repository_is_near_proof() -> None:
    why = evidence(EvidenceKind.BRANCH_AND_REPOSITORY, "acme/shop:basket", START)
    assert link_session(ON_BRANCH, [], [CHANGE]) == (change_link(Tier.B, 0.965, why),)


def test_evidence_is_observed_when_both_sides_exist() -> None:
    later = replace(CHANGE, opened_at=END)
    why = evidence(EvidenceKind.BRANCH_AND_REPOSITORY, "acme/shop:basket", END)
    assert link_session(ON_BRANCH, [], [later]) == (change_link(Tier.B, 0.965, why),)


@pytest.mark.parametrize("branch", ["main", "Master", "develop", "trunk", "release/1.2", "HEAD"])
def test_a_branch_that_all_work_on_identifies_nothing(branch: str) -> None:
    session = replace(ON_BRANCH, branches={branch: START}, identities=frozenset({ADA}))
    assert is_shared_branch(branch)
    assert link_session(session, [], [replace(CHANGE, head_ref=branch)]) == ()


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
    assert bool(link_session(ON_BRANCH, [], [change])) is linked


def test_a_forks_branch_lives_in_the_fork() -> None:
    change = replace(CHANGE, head_repo=FORK)
    in_fork = replace(ON_BRANCH, repositories=frozenset({FORK}))
    why = evidence(EvidenceKind.BRANCH_AND_REPOSITORY, "ada/shop:basket", START)
    assert link_session(in_fork, [], [change]) == (change_link(Tier.B, 0.965, why),)
    assert link_session(ON_BRANCH, [], [change]) == ()


def test_the_branch_and_the_person_are_probable_where_no_repository_was_told() -> None:
    session = replace(ON_BRANCH, repositories=frozenset(), identities=frozenset({ADA}))
    why = evidence(EvidenceKind.BRANCH_AND_PERSON, "acme/shop:basket", START)
    assert link_session(session, [], [CHANGE]) == (change_link(Tier.C, 0.6, why),)


def test_the_branch_and_the_person_in_another_repository_are_nothing() -> None:
    session = replace(ON_BRANCH, repositories=frozenset({"acme/blog"}), identities=frozenset({ADA}))
    assert link_session(session, [], [CHANGE]) == ()


def test_the_branch_alone_is_nothing() -> None:
    assert link_session(replace(ON_BRANCH, repositories=frozenset()), [], [CHANGE]) == ()


BY_ADA = replace(SESSION, identities=frozenset({ADA, "p_ada_at_home"}))


@pytest.mark.parametrize(
    ("authored_at", "linked"),
    [
        (START - timedelta(seconds=1), False),
        (START, True),
        (END + timedelta(minutes=15), True),
        (END + timedelta(minutes=15, seconds=1), False),
    ],
)
def test_the_person_and_the_time_only_propose(authored_at: datetime, linked: bool) -> None:
    why = evidence(EvidenceKind.PERSON_AND_TIME, ADA, authored_at)
    expected = (commit_link(Tier.D, 0.5, why),) if linked else ()
    assert link_session(BY_ADA, [replace(COMMIT, authored_at=authored_at)], []) == expected


def test_the_time_without_the_person_is_nothing() -> None:
    assert link_session(SESSION, [COMMIT], []) == ()


def test_the_person_and_the_time_in_another_repository_are_nothing() -> None:
    session = replace(BY_ADA, repositories=frozenset({"acme/blog"}))
    assert link_session(session, [COMMIT], []) == ()


def test_a_session_left_open_for_days_has_no_time() -> None:
    session = replace(BY_ADA, ended_at=START + timedelta(hours=24, seconds=1))
    assert link_session(session, [COMMIT], []) == ()


def test_evidence_of_different_kinds_adds_up_and_the_same_kind_does_not() -> None:
    session = replace(BY_ADA, branches={"basket": START}, commits={})
    one = replace(COMMIT, changes=(7,))
    two = replace(one, sha="5" * 40)
    in_time = evidence(EvidenceKind.PERSON_AND_TIME, ADA, COMMIT.authored_at)
    on_branch = evidence(EvidenceKind.BRANCH_AND_PERSON, "acme/shop:basket", START)
    assert link_session(session, [one], [CHANGE]) == (
        commit_link(Tier.D, 0.5, in_time),
        change_link(Tier.C, 0.8, on_branch, in_time, via=(SHA,)),
    )
    assert link_session(session, [one, two], [CHANGE])[-1] == change_link(
        Tier.C, 0.9, on_branch, in_time, via=(SHA, "5" * 40)
    )
    assert link_session(BY_ADA, [one, two], [CHANGE])[-1] == change_link(
        Tier.D, 0.7, in_time, via=(SHA, "5" * 40)
    )
    twice = replace(SESSION, commits={SHA: END, SHA[:7]: END})
    assert [link.probability for link in link_session(twice, [COMMIT], [])] == [0.99]


def test_a_link_goes_back_to_the_evidence_of_its_time() -> None:
    trailer = evidence(EvidenceKind.SESSION_TRAILER, "claude-code/s1", START)
    named = evidence(EvidenceKind.COMMIT_SHA, SHA, END)
    in_time = evidence(EvidenceKind.PERSON_AND_TIME, ADA, START)
    link = commit_link(Tier.A, 0.99, named, in_time)
    assert link_at(link, END) == link
    assert link_at(link, START) == commit_link(Tier.D, 0.5, in_time)
    assert link_at(commit_link(Tier.A, 0.99, named, trailer), START) == commit_link(
        Tier.A, 0.99, trailer
    )
    assert link_at(link, START - timedelta(seconds=1)) is None


# --- laws ---------------------------------------------------------------------------------------

REPOS = st.sampled_from([REPO, FORK, "acme/blog"])
SHAS = st.sampled_from([SHA, OTHER_SHA, "a" * 40, "b" * 40])
PEOPLE = st.frozensets(st.sampled_from([ADA, "p_bob", "p_eve"]), max_size=2)
BRANCHES = st.sampled_from(["basket", "main", "pay"])
TIMES = st.integers(-96, 96).map(lambda hours: START + timedelta(hours=hours))
SESSIONS = st.builds(
    SessionTraces,
    tool=st.just("claude-code"),
    session_id=st.just("s1"),
    started_at=st.just(START),
    ended_at=st.integers(0, 30).map(lambda hours: START + timedelta(hours=hours)),
    commits=st.dictionaries(SHAS.flatmap(lambda s: st.sampled_from([s, s[:7], s[:9]])), TIMES),
    branches=st.dictionaries(BRANCHES, TIMES),
    repositories=st.frozensets(REPOS, max_size=2),
    identities=PEOPLE,
)
COMMITS = st.lists(
    st.builds(
        CandidateCommit,
        repo=REPOS,
        sha=SHAS,
        authors=PEOPLE,
        authored_at=TIMES,
        named_sessions=st.sampled_from([frozenset(), frozenset({("claude-code", "s1")})]),
        changes=st.lists(st.integers(1, 3), max_size=2, unique=True).map(tuple),
        on_default_branch_at=st.none(),
    ),
    max_size=5,
    unique_by=lambda commit: (commit.repo, commit.sha),
)
CHANGES = st.lists(
    st.builds(
        CandidateChange,
        repo=REPOS,
        number=st.integers(1, 3),
        head_ref=BRANCHES,
        authors=PEOPLE,
        opened_at=TIMES,
        ended_at=st.none() | TIMES,
        head_repo=st.none() | REPOS,
        merge_sha=st.none() | SHAS,
    ),
    max_size=5,
    unique_by=lambda change: (change.repo, change.number),
)


@given(SESSIONS, COMMITS, CHANGES, st.randoms(use_true_random=False))
def test_links_do_not_depend_on_the_order_of_candidates(
    session: SessionTraces,
    commits: list[CandidateCommit],
    changes: list[CandidateChange],
    random: Random,
) -> None:
    links = link_session(session, commits, changes)
    assert (
        link_session(
            session, random.sample(commits, len(commits)), random.sample(changes, len(changes))
        )
        == links
    )


@given(SESSIONS, COMMITS, CHANGES)
def test_every_link_is_justified(
    session: SessionTraces, commits: list[CandidateCommit], changes: list[CandidateChange]
) -> None:
    links = link_session(session, commits, changes)
    assert len({link.target for link in links}) == len(links)
    for link in links:
        kinds = {EvidenceKind(piece.kind) for piece in link.evidence}
        assert link.tier == min(STRENGTH[kind].tier for kind in kinds)
        best = max(STRENGTH[kind].probability for kind in kinds)
        assert min(best, CEILING[link.tier]) <= link.probability <= CEILING[link.tier]


@given(SESSIONS, COMMITS, CHANGES)
def test_the_time_alone_never_reaches_a_tier_that_decides(
    session: SessionTraces, commits: list[CandidateCommit], changes: list[CandidateChange]
) -> None:
    only_time = replace(session, commits={}, branches={})
    nameless = [replace(commit, named_sessions=frozenset()) for commit in commits]
    assert {link.tier for link in link_session(only_time, nameless, changes)} <= {Tier.D}
