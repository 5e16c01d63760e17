from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import sqrt
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.thresholds import VerdictThresholds
from classifier.verdicts import (
    REQUIREMENTS,
    effective_sample,
    judge_tool,
    wilson,
    work_type_known,
)
from domain.labels import (
    Decision,
    JudgedChange,
    JudgedSession,
    Label,
    Maturity,
    Requirement,
    Verdict,
)

DAY_0 = datetime(2026, 3, 2, tzinfo=UTC)
AS_OF = DAY_0 + timedelta(days=100)
DEFAULTS = VerdictThresholds()
HOUR = timedelta(hours=1)


def session(number: int, tool: str = "codex", label: Label = Label.PRODUCTIVE) -> JudgedSession:
    at = DAY_0 + timedelta(days=number)
    return JudgedSession(
        tool=tool,
        session_id=f"{tool}-{number}",
        person=f"p_{number % 6}",
        started_at=at,
        ended_at=at + HOUR,
        cost_nanousd=1_000,
        label=label,
        maturity=Maturity.FINAL,
        changes=(JudgedChange(repo="acme/shop", number=number, title=f"feat: part {number}"),),
    )


def enough(productive: int) -> list[JudgedSession]:
    """Forty sessions of which so many were productive, and another tool to compare with."""
    mine = [
        session(n, label=Label.PRODUCTIVE if n < productive else Label.WASTEFUL) for n in range(40)
    ]
    return mine + [session(n, tool="gemini-cli") for n in range(30)]


def met(name: str, sentence: str, have: float, need: float) -> Requirement:
    return Requirement(name=name, sentence=sentence, have=have, need=need)


def test_a_verdict_shows_all_it_rests_on() -> None:
    verdict = judge_tool("codex", enough(36), DEFAULTS, AS_OF)
    low, high = wilson(0.9, 40)
    assert verdict == Verdict(
        tool="codex",
        decision=Decision.KEEP,
        reason="The productive share of settled spend lies between 0.77 and 0.96 (95 %), not "
        "adjusted for the type of work; all of it is at or above the bar for keeping, 0.6.",
        requirements=(
            met("settled_sessions", "Sessions with a final label other than neutral.", 40, 30),
            met("distinct_changes", "Different changes that these sessions are linked to.", 40, 20),
            met("people", "Different people behind these sessions.", 6, 5),
            met("coverage", "Share of the tool's spend that has a final label.", 1, 0.5),
            met("spend_known", "Share of its sessions whose cost is known.", 1, 0.9),
            met("history_days", "Days between its first and its last session.", 39 + 1 / 24, 28),
            met(
                "other_tools",
                "Other tools with as many settled sessions, to compare with.",
                1,
                1,
            ),
            met(
                "work_types_known",
                "Share of the changes whose title says what type of work they are.",
                1,
                0.8,
            ),
        ),
        productive_share=0.9,
        interval=(low, high),
        as_of=AS_OF,
    )


@pytest.mark.parametrize(
    ("productive", "decision", "why"),
    [
        (40, Decision.KEEP, "at or above the bar for keeping, 0.6."),
        (31, Decision.KEEP, "at or above the bar for keeping, 0.6."),
        (30, Decision.INSUFFICIENT_EVIDENCE, "neither all at or above 0.6 (keep)"),
        (18, Decision.INSUFFICIENT_EVIDENCE, "neither all at or above 0.6 (keep)"),
        (7, Decision.INSUFFICIENT_EVIDENCE, "nor all below 0.3 (cut)."),
        (6, Decision.CUT, "all of it is below the bar for cutting, 0.3."),
        (0, Decision.CUT, "all of it is below the bar for cutting, 0.3."),
    ],
)
def test_the_whole_interval_must_clear_a_bar(productive: int, decision: Decision, why: str) -> None:
    verdict = judge_tool("codex", enough(productive), DEFAULTS, AS_OF)
    assert verdict.decision is decision
    assert why in verdict.reason


def test_an_interval_over_both_bars_says_so() -> None:
    near = replace(DEFAULTS, cut_below=0.45, keep_from=0.55)
    verdict = judge_tool("codex", enough(20), near, AS_OF)
    assert verdict.decision is Decision.INSUFFICIENT_EVIDENCE
    assert verdict.reason.endswith("it spans both bars, 0.45 and 0.55.")


def only(tool: str) -> list[JudgedSession]:
    return [s for s in enough(36) if s.tool == tool]


ONE_PULL = JudgedChange(repo="acme/shop", number=1, title="feat: all of it")
SHORT: dict[str, list[JudgedSession]] = {
    "settled_sessions": only("codex")[:29] + only("gemini-cli"),
    "distinct_changes": [replace(s, changes=(ONE_PULL,)) for s in enough(36)],
    "people": [replace(s, person=f"p_{n % 4}") for n, s in enumerate(enough(36))],
    "coverage": [
        *enough(36),
        *(replace(session(n), maturity=Maturity.PROVISIONAL) for n in range(41)),
    ],
    "spend_known": [
        replace(s, cost_nanousd=None if n % 9 == 0 else 1_000) for n, s in enumerate(enough(36))
    ],
    "history_days": [
        replace(s, started_at=DAY_0, ended_at=DAY_0 + timedelta(days=27)) for s in enough(36)
    ],
    "other_tools": only("codex") + only("gemini-cli")[:29],
    "work_types_known": [
        replace(s, changes=tuple(replace(c, title=c.title[n % 4 :]) for c in s.changes))
        for n, s in enumerate(enough(36))
    ],
}


@pytest.mark.parametrize("name", [need.name for need in REQUIREMENTS])
def test_one_unmet_requirement_is_enough_for_no_verdict(name: str) -> None:
    verdict = judge_tool("codex", SHORT[name], DEFAULTS, AS_OF)
    assert [r.name for r in verdict.requirements if not r.met] == [name]
    assert verdict.decision is Decision.INSUFFICIENT_EVIDENCE
    assert verdict.reason.startswith(f"Not enough to judge by: {name} ")
    assert verdict.productive_share is None
    assert verdict.interval is None


def test_what_is_missing_is_never_rounded_up() -> None:
    verdict = judge_tool("codex", SHORT["coverage"], DEFAULTS, AS_OF)
    assert verdict.reason == "Not enough to judge by: coverage 0.49 of 0.5."


def test_of_an_unknown_tool_everything_is_missing() -> None:
    verdict = judge_tool("codex", [], DEFAULTS, AS_OF)
    assert verdict.decision is Decision.INSUFFICIENT_EVIDENCE
    assert {r.have for r in verdict.requirements} == {0.0}


def test_young_sessions_are_not_judged_yet() -> None:
    young = [
        replace(s, ended_at=AS_OF - timedelta(days=30) + timedelta(seconds=1)) for s in enough(36)
    ]
    assert judge_tool("codex", young, DEFAULTS, AS_OF) == judge_tool("codex", [], DEFAULTS, AS_OF)


def test_neutral_spend_is_covered_and_not_judged() -> None:
    neutral = [replace(session(n, label=Label.NEUTRAL), changes=()) for n in range(40)]
    verdict = judge_tool("codex", [*enough(36), *neutral], DEFAULTS, AS_OF)
    assert verdict.productive_share == 0.9
    assert [r.have for r in verdict.requirements if r.name == "coverage"] == [1.0]


def test_free_sessions_give_no_share_of_spend() -> None:
    neutral = replace(session(1, label=Label.NEUTRAL), changes=())
    free = [replace(s, cost_nanousd=0) for s in enough(36)]
    verdict = judge_tool("codex", [neutral, *free], DEFAULTS, AS_OF)
    assert verdict.decision is Decision.INSUFFICIENT_EVIDENCE
    assert verdict.reason == "The settled sessions cost nothing."


@pytest.mark.parametrize(
    ("share", "sample", "expected"),
    [(0.5, 10, (0.2366, 0.7634)), (0.9, 30, (0.7438, 0.9654)), (0.0, 20, (0.0, 0.1611))],
)
def test_the_interval_is_wilsons(
    share: float, sample: float, expected: tuple[float, float]
) -> None:
    assert wilson(share, sample) == pytest.approx(expected, abs=5e-5)


def test_of_nothing_everything_is_possible() -> None:
    assert wilson(0.0, 0.0) == (0.0, 1.0)


def on(*numbers: int, cost: int = 1_000) -> JudgedSession:
    changes = tuple(JudgedChange(repo="acme/shop", number=n, title="") for n in numbers)
    return replace(session(0), changes=changes, cost_nanousd=cost)


@pytest.mark.parametrize(
    ("sessions", "sample"),
    [
        ([], 0),
        ([on(1), on(2), on(3)], 3),
        ([on(1), on(1), on(1)], 1),
        ([on(1), on(2), on(1, 2)], 1),
        ([on(1, 2, 3, 4)], 1),
        ([on(1, cost=9_000), on(2)], 100 / 82),
        ([on(1), on(), on()], 1),
        ([on(1, cost=0), on(2, cost=0)], 0),
    ],
)
def test_the_sample_is_pieces_of_work(sessions: list[JudgedSession], sample: float) -> None:
    assert effective_sample(sessions) == pytest.approx(sample)


def test_one_expensive_change_makes_a_small_sample() -> None:
    uneven = [
        replace(s, cost_nanousd=10**6) if s.session_id == "codex-0" else s for s in enough(36)
    ]
    verdict = judge_tool("codex", uneven, DEFAULTS, AS_OF)
    assert verdict.productive_share is not None
    assert verdict.productive_share > 0.99
    assert verdict.decision is Decision.INSUFFICIENT_EVIDENCE


@pytest.mark.parametrize(
    ("title", "known"),
    [
        ("fix: the basket", True),
        ("feat(shop)!: sell", True),
        ("Docs: how to sell", True),
        ("fix the basket", False),
        ("prefix: the basket", False),
        ("fixes: the basket", False),
        ("fix:", False),
        ("", False),
    ],
)
def test_a_conventional_title_tells_the_type_of_work(title: str, known: bool) -> None:
    assert work_type_known(title) is known


def test_the_page_names_every_requirement_with_its_default() -> None:
    written = (Path(__file__).parents[2] / "docs" / "verdicts.md").read_text(encoding="utf-8")
    for need in REQUIREMENTS:
        assert f"| `{need.name}` | {getattr(DEFAULTS, need.name):g} |" in written


# --- laws ---------------------------------------------------------------------------------------

JUDGED = st.builds(
    JudgedSession,
    tool=st.sampled_from(["codex", "gemini-cli"]),
    session_id=st.just("s"),
    person=st.none() | st.integers(0, 6).map(str),
    started_at=st.integers(0, 80).map(lambda n: DAY_0 + timedelta(days=n)),
    ended_at=st.integers(0, 80).map(lambda n: DAY_0 + timedelta(days=n)),
    cost_nanousd=st.none() | st.integers(0, 10_000),
    label=st.sampled_from(Label),
    maturity=st.sampled_from(Maturity),
    changes=st.lists(
        st.integers(1, 9).map(
            lambda n: JudgedChange(repo="acme/shop", number=n, title="fix: it" if n % 3 else "it")
        ),
        max_size=2,
    ).map(tuple),
)
NEEDS = st.builds(
    VerdictThresholds,
    settled_sessions=st.integers(0, 4),
    distinct_changes=st.integers(0, 3),
    people=st.integers(0, 3),
    coverage=st.sampled_from([0.0, 0.5]),
    spend_known=st.sampled_from([0.0, 0.5]),
    history_days=st.integers(0, 28),
    other_tools=st.integers(0, 1),
    work_types_known=st.sampled_from([0.0, 0.5]),
)


@given(st.lists(JUDGED, max_size=12), NEEDS, st.randoms(use_true_random=False))
def test_too_little_evidence_never_decides(
    sessions: list[JudgedSession], thresholds: VerdictThresholds, random: Random
) -> None:
    verdict = judge_tool("codex", sessions, thresholds, AS_OF)
    if verdict.decision is not Decision.INSUFFICIENT_EVIDENCE:
        assert all(requirement.met for requirement in verdict.requirements)
        assert verdict.interval is not None
    assert verdict.decision is not Decision.SCOPE
    shuffled = random.sample(sessions, len(sessions))
    assert judge_tool("codex", shuffled, thresholds, AS_OF) == verdict


@given(st.integers(0, 40), st.integers(0, 40))
def test_fewer_sessions_than_required_never_decide(kept: int, productive: int) -> None:
    sessions = [s for s in enough(productive) if s.tool != "codex"] + enough(productive)[:kept]
    verdict = judge_tool("codex", sessions, DEFAULTS, AS_OF)
    assert kept >= 30 or verdict.decision is Decision.INSUFFICIENT_EVIDENCE


@given(st.floats(0, 1), st.floats(0.5, 1e6))
def test_an_interval_holds_its_share(share: float, sample: float) -> None:
    low, high = wilson(share, sample)
    assert 0 <= low <= share + 1e-9
    assert share - 1e-9 <= high <= 1
    # Wilson's definition: the bounds are where the score test just rejects.
    for bound in (low, high):
        error = 1.959964 * sqrt(bound * (1 - bound) / sample)
        assert abs(share - bound) == pytest.approx(error, abs=1e-6)


@given(st.lists(JUDGED, max_size=12))
def test_the_sample_never_exceeds_the_changes(sessions: list[JudgedSession]) -> None:
    changes = {(c.repo, c.number) for s in sessions for c in s.changes}
    assert 0 <= effective_sample(sessions) <= len(changes)
