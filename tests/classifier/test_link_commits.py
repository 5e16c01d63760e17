"""Which sessions made a commit: proof, the weighing of rivals, and what only proposes."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.link import EvidenceKind
from classifier.link_commits import link_commits
from domain.labels import Around, CandidateCommit, Link, SessionTraces, Tier, Worked
from domain.pseudonym import Pseudonyms

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
END = START + timedelta(hours=1)
REPO = "acme/shop"
SHA = "4f2a91c" + "0" * 33
OLD_SHA = "77" * 20
ADA = "p_ada"
NAME = Pseudonyms(b"0123456789abcdef").file


def file(path: str) -> str:
    name = NAME(path)
    assert name is not None
    return name


BASKET, PAY = file("src/shop/basket.py"), file("src/shop/pay.py")
HERE = "/Users/ada/src/acme/"


def edits(*paths: str, at: datetime = END) -> dict[str, Worked]:
    return {file(HERE + path): Worked(at, at) for path in paths}


SESSION = SessionTraces(
    tool="claude-code",
    session_id="s1",
    started_at=START,
    ended_at=END,
    commits={},
    branches={},
    repositories=frozenset(),
    people=frozenset({ADA}),
    files=edits("src/shop/basket.py", "src/shop/pay.py"),
)
COMMIT = CandidateCommit(
    repo=REPO,
    sha=SHA,
    authors=frozenset({ADA}),
    authored_at=END + timedelta(minutes=5),
    files=frozenset({BASKET, PAY}),
)


def around(
    sessions: Mapping[int, SessionTraces] | None = None,
    commit: CandidateCommit = COMMIT,
    **told: Any,
) -> Around:
    known = {1: SESSION} if sessions is None else sessions
    values: dict[str, Any] = {
        "sessions": known,
        "near": {(commit.repo, commit.sha): frozenset(known)},
        "named": {},
        "committed": {},
        "reviews": {},
    }
    return Around(**(values | told))


def links(of: Around, commit: CandidateCommit = COMMIT) -> dict[int, Link]:
    return link_commits([commit], of)[commit.repo, commit.sha]


def shown(link: Link) -> dict[str, str]:
    return {str(piece.kind): piece.value for piece in link.evidence}


def test_who_edited_all_of_it_last_made_it() -> None:
    [link] = links(around()).values()
    assert (link.tier, link.probability) == (Tier.B, 0.98)
    assert shown(link) == {
        "likeness": "0.9967",
        "person": ADA,
        "hours_apart": "0.08",
        "files_edited": "2 of 2",
        "files_fresh": "2 of 2",
        "files_latest": "2 of 2",
        "share_of_session": "2 of 2",
    }
    assert {piece.observed_at for piece in link.evidence} == {COMMIT.authored_at}


def test_of_two_sessions_the_one_that_edited_later_is_the_likelier() -> None:
    other = replace(SESSION, session_id="s2", files=edits("src/shop/basket.py", at=START))
    found = links(around({1: SESSION, 2: other}))
    assert found[1].tier is Tier.B
    assert found[2].tier is Tier.D
    assert shown(found[2])["rival"] == "2 of 2"


def test_two_sessions_may_have_made_one_commit() -> None:
    one = replace(SESSION, files=edits("src/shop/basket.py"))
    two = replace(SESSION, session_id="s2", files=edits("src/shop/pay.py"))
    found = links(around({1: one, 2: two}))
    assert set(found) == {1, 2}
    assert found[1].probability == found[2].probability > 0.5


def test_edits_that_somebody_committed_since_are_used_up() -> None:
    since = [END + timedelta(minutes=1)]
    told = {(ADA, REPO, BASKET): since, (ADA, REPO, PAY): since}
    [fresh], [used] = links(around()).values(), links(around(committed=told)).values()
    assert shown(used)["files_used_up"] == "2 of 2"
    assert used.probability == 0.8037 < fresh.probability


@pytest.mark.parametrize("moment", [END, COMMIT.authored_at])
def test_a_commit_at_the_very_moment_uses_nothing_up(moment: datetime) -> None:
    told = {(ADA, REPO, file): [moment] for file in (BASKET, PAY)}
    assert links(around(committed=told)) == links(around())


def test_an_edit_that_came_after_the_commit_is_no_part_of_it() -> None:
    late = replace(SESSION, files=edits("src/shop/basket.py", at=END + timedelta(minutes=9)))
    assert "files_fresh" not in shown(links(around({1: late}))[1])
    # The call that made the commit may report its edit a little later.
    just = replace(SESSION, files=edits("src/shop/basket.py", at=END + timedelta(minutes=7)))
    assert shown(links(around({1: just}))[1])["files_fresh"] == "1 of 2"


def test_a_path_is_told_from_another_root_or_from_inside_the_repository() -> None:
    inside = {file("shop/basket.py"): Worked(END, END)}
    assert shown(links(around({1: replace(SESSION, files=inside)}))[1])["files_edited"] == "1 of 2"
    # One name alone is shared by too many files.
    alone = {file("basket.py"): Worked(END, END)}
    assert links(around({1: replace(SESSION, files=alone)})) == {}


def test_the_branch_speaks_for_a_session_or_against_it() -> None:
    half = replace(SESSION, files=edits("src/shop/basket.py"))
    commit = replace(COMMIT, heads=frozenset({"basket", "main"}))
    found = {}
    for branch in ("basket", "pay", "main"):
        told = replace(half, branches={branch: START})
        found[branch] = links(around({1: told}, commit), commit)[1]
    assert found["pay"].probability < found["main"].probability < found["basket"].probability
    assert shown(found["basket"])["same_branch"] == "basket"
    assert shown(found["pay"])["other_branch"] == "basket"
    assert "same_branch" not in shown(found["main"])


def test_that_it_was_pushed_to_another_branch_as_well_says_nothing() -> None:
    commit = replace(COMMIT, branches=frozenset({"integration"}))
    told = replace(SESSION, branches={"basket": START})
    assert links(around({1: told}, commit), commit) == links(around())


def test_an_agents_marker_and_a_ticket_tell_two_alike_apart() -> None:
    other = replace(SESSION, session_id="s2", tool="codex")
    commit = replace(COMMIT, tools=frozenset({"codex"}))
    found = links(around({1: SESSION, 2: other}, commit), commit)
    assert found[2].probability > found[1].probability
    told = replace(SESSION, tickets={"PAY-7": START})
    ticket = replace(COMMIT, tickets=frozenset({"PAY-7"}))
    found = links(around({1: told, 2: replace(SESSION, session_id="s2")}, ticket), ticket)
    assert found[1].probability > found[2].probability
    assert shown(found[1])["same_ticket"] == "PAY-7"


@pytest.mark.parametrize(
    "told",
    [
        {"authors": frozenset({"p_bob"})},
        {"authored_at": END + timedelta(days=7, seconds=1)},
        {"authored_at": START - timedelta(hours=1, seconds=1)},
        {"joins": True},
        {"authored_at": None},
    ],
)
def test_whom_or_when_it_cannot_have_been(told: dict[str, Any]) -> None:
    commit = replace(COMMIT, **told)
    assert links(around(commit=commit), commit) == {}


def test_a_session_of_another_repository_made_nothing_here() -> None:
    elsewhere = replace(SESSION, repositories=frozenset({"acme/blog"}))
    assert links(around({1: elsewhere})) == {}


def test_without_files_the_person_and_the_time_only_propose() -> None:
    blind = replace(SESSION, files={})
    found = links(around({1: blind, 2: replace(blind, session_id="s2")}))
    assert {(link.tier, link.probability) for link in found.values()} == {(Tier.D, 0.225)}
    late = replace(COMMIT, authored_at=END + timedelta(minutes=15, seconds=1))
    assert links(around({1: blind}, late), late) == {}
    left_open = replace(blind, ended_at=START + timedelta(hours=25))
    assert links(around({1: left_open})) == {}


def test_a_commit_without_files_only_proposes() -> None:
    commit = replace(COMMIT, files=None)
    [link] = links(around(commit=commit), commit).values()
    assert (link.tier, link.probability) == (Tier.D, 0.45)


def test_telemetry_that_names_the_commit_ends_the_search() -> None:
    other = replace(SESSION, session_id="s2", files={})
    found = links(around({1: SESSION, 2: other}, named={(REPO, SHA): [(2, SHA[:7], END)]}))
    assert {key: (link.tier, shown(link)) for key, link in found.items()} == {
        2: (Tier.A, {"commit_sha": SHA[:7]})
    }


def test_the_old_name_of_a_rewritten_commit_is_proof_as_well() -> None:
    [link] = links(around(named={(REPO, SHA): [(1, OLD_SHA, END)]})).values()
    assert (link.tier, link.probability, shown(link)) == (
        Tier.A,
        0.97,
        {"commit_rewritten": OLD_SHA},
    )


def test_a_trailer_that_names_the_session_is_proof() -> None:
    commit = replace(COMMIT, named_sessions=frozenset({("claude-code", "s1"), ("codex", "s9")}))
    [link] = links(around(commit=commit), commit).values()
    assert (link.tier, shown(link)) == (Tier.A, {"session_trailer": "claude-code/s1"})
    other_tool = replace(COMMIT, named_sessions=frozenset({("codex", "s1")}))
    assert links(around(commit=other_tool), other_tool)[1].tier is Tier.B


def test_what_a_person_says_stands() -> None:
    other = replace(SESSION, session_id="s2", files={})
    sessions = {1: SESSION, 2: other}
    accepted = {(2, REPO, SHA): (True, "p_lead", END)}
    found = links(around(sessions, reviews=accepted))
    assert {key: shown(link) for key, link in found.items()} == {2: {"reviewed": "p_lead"}}
    rejected = {(1, REPO, SHA): (False, "p_lead", END)}
    assert set(links(around(sessions, reviews=rejected))) == {2}


# --- laws ---------------------------------------------------------------------------------------

PATHS = ["src/shop/basket.py", "src/shop/pay.py", "src/shop/tax.py", "README.md"]
HOURS = st.integers(-30, 200).map(lambda hours: START + timedelta(hours=hours))
SESSIONS = st.builds(
    lambda started_at, hours, told: replace(
        SESSION,
        started_at=started_at,
        ended_at=started_at + timedelta(hours=hours),
        files={file(HERE + path): Worked(at, at + timedelta(hours=2)) for path, at in told.items()},
    ),
    HOURS,
    st.integers(0, 40),
    st.dictionaries(st.sampled_from(PATHS), HOURS, max_size=4),
)
COMMITS = st.lists(
    st.builds(
        lambda number, at, told: replace(
            COMMIT, sha=f"{number:040x}", authored_at=at, files=frozenset(map(file, told))
        ),
        st.integers(0, 2**100),
        HOURS,
        st.lists(st.sampled_from(PATHS), min_size=1, max_size=4),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda commit: commit.sha,
)


def surrounding(commits: list[CandidateCommit], sessions: Mapping[int, SessionTraces]) -> Around:
    committed: dict[tuple[str, str, str], list[datetime]] = {}
    for commit in sorted(commits, key=lambda commit: commit.authored_at or START):
        for each in commit.files or ():
            committed.setdefault((ADA, REPO, each), []).append(commit.authored_at or START)
    near = {(commit.repo, commit.sha): frozenset(sessions) for commit in commits}
    return around(sessions, near=near, committed=committed)


@given(COMMITS, st.lists(SESSIONS, max_size=4), st.randoms(use_true_random=False))
def test_every_commit_is_decided_for_itself_whatever_the_order(
    commits: list[CandidateCommit], sessions: list[SessionTraces], random: Random
) -> None:
    known = dict(enumerate(sessions))
    of = surrounding(commits, known)
    together = link_commits(random.sample(commits, len(commits)), of)
    keys = random.sample(list(known), len(known))
    shuffled = replace(of, sessions={key: known[key] for key in keys})
    for commit in commits:
        alone = link_commits([commit], shuffled)
        assert alone[commit.repo, commit.sha] == together[commit.repo, commit.sha]


@given(COMMITS, st.lists(SESSIONS, max_size=4))
def test_nobody_is_held_for_proof_by_likeness(
    commits: list[CandidateCommit], sessions: list[SessionTraces]
) -> None:
    for found in link_commits(commits, surrounding(commits, dict(enumerate(sessions)))).values():
        for link in found.values():
            assert link.tier is not Tier.A
            assert 0.02 <= link.probability <= 0.98
            kinds = {EvidenceKind(piece.kind) for piece in link.evidence}
            assert kinds & {EvidenceKind.LIKENESS, EvidenceKind.PERSON_AND_TIME}


BOB, LONG_AGO = frozenset({"p_bob"}), START - timedelta(days=200)


@pytest.mark.parametrize(
    ("told", "repository", "commit", "named"),
    [
        (SHA[:7], REPO, {"authors": BOB, "authored_at": LONG_AGO}, True),
        (SHA[:7], "dev/shop", {"authors": BOB, "homes": frozenset({REPO, "dev/shop"})}, True),
        (SHA[:7], "acme/blog", {"authors": BOB}, False),
        (SHA[:7], "acme/blog", {"authored_at": LONG_AGO}, False),
        (SHA[:7], "acme/blog", {"authored_at": END + timedelta(hours=2)}, False),
        (SHA[:7], "acme/blog", {"authored_at": None}, False),
        (SHA[:7], "acme/blog", {}, True),
        (SHA, "acme/blog", {"authors": BOB, "authored_at": LONG_AGO}, True),
        (SHA[:7], "", {"authors": BOB, "authored_at": LONG_AGO}, False),
        (SHA[:7], "", {"authors": BOB, "authored_at": END}, True),
        (SHA[:7], "", {"authored_at": LONG_AGO}, True),
        (SHA[:7], "", {"authors": BOB, "authored_at": None}, True),
        (OLD_SHA[:7], "", {"authors": BOB, "authored_at": END + timedelta(days=3)}, True),
    ],
)
def test_a_short_sha_means_a_commit_of_the_sessions_repository_or_person_or_time(
    told: str, repository: str, commit: dict[str, Any], *, named: bool
) -> None:
    repositories = frozenset({repository} - {""})
    session = replace(SESSION, repositories=repositories, files={})
    asked = replace(COMMIT, same=frozenset({OLD_SHA}), **commit)
    of = around({1: session}, asked, named={(REPO, SHA): [(1, told, END)]})
    found = [link for link in links(of, asked).values() if link.tier is Tier.A]
    assert bool(found) is named
