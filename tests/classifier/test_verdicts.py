import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.cohort import REQUIREMENTS, pieces, size_of
from classifier.posterior import Stratum
from classifier.scopes import named, scoped
from classifier.thresholds import VerdictThresholds
from classifier.verdicts import judge_tools
from domain.judgement import By
from domain.labels import (
    Decision,
    JudgedChange,
    JudgedSession,
    Label,
    Maturity,
    Requirement,
    Tier,
    Use,
    Verdict,
)
from simulation.company import USUAL_TOOLS
from tests.classifier.judging import AS_OF, DAY_0, UNTIL, company, enough, judged, session, using

DEFAULTS = VerdictThresholds()


def verdict(
    sessions: list[JudgedSession],
    thresholds: VerdictThresholds = DEFAULTS,
    before: Decision | None = None,
) -> Verdict:
    given_before = {} if before is None else {"codex": before}
    by_tool = {each.tool: each for each in judge_tools(sessions, thresholds, AS_OF, given_before)}
    return by_tool["codex"]


def met(name: str, sentence: str, have: float, need: float) -> Requirement:
    return Requirement(name=name, sentence=sentence, have=have, need=need)


def test_a_verdict_shows_all_it_rests_on() -> None:
    found = verdict(enough(54))
    assert found.decision is Decision.KEEP
    assert found.reason == (
        "Over the company's mix of work its productive share would lie between 82 % and 95 %"
        " (95 %), the company's is 74 %; it reaches the bar for keeping, 50 %."
    )
    assert found.requirements == (
        met("settled_sessions", "Sessions with a final label other than neutral.", 60, 30),
        met("distinct_changes", "Different changes that these sessions are linked to.", 60, 20),
        met("people", "Different people behind these sessions.", 6, 5),
        met("coverage", "Share of the tool's spend that has a final label.", 1, 0.5),
        met("spend_known", "Share of its sessions whose cost is known.", 1, 0.9),
        met("history_days", "Days between its first and its last session.", 59 + 1 / 24, 28),
        met("other_tools", "Other tools with as many settled sessions, to compare with.", 1, 1),
        met("work_types_known", "Share of the changes whose type of work is known.", 1, 0.8),
    )
    assert found.productive_share == 0.9
    assert found.interval is not None
    assert found.standardised_share == pytest.approx(0.87, abs=0.03)
    assert found.good == 1.0
    assert found.bad == 0.0
    assert [(each.work_type, each.use, each.weight) for each in found.by_work_type] == [
        ("bug", Use.KEEP, 0.5),
        ("feature", Use.KEEP, 0.5),
    ]
    assert [(each.changed, each.decision) for each in found.sensitivity] == [
        ("bars at 0.4 and 0.2", Decision.KEEP),
        ("bars at 0.6 and 0.4", Decision.KEEP),
        ("without the largest piece of work", Decision.KEEP),
        ("only links by tier A evidence", Decision.KEEP),
    ]


@pytest.mark.parametrize(
    ("productive", "decision"),
    [
        (60, Decision.KEEP),
        (42, Decision.KEEP),
        (30, Decision.INSUFFICIENT_EVIDENCE),
        (18, Decision.INSUFFICIENT_EVIDENCE),
        (4, Decision.CUT),
        (0, Decision.CUT),
    ],
)
def test_the_probability_must_be_high(productive: int, decision: Decision) -> None:
    assert verdict(enough(productive)).decision is decision


def by_type(bug: Label, feature: Label) -> list[JudgedSession]:
    mine = [session(n, label=feature if n % 2 else bug) for n in range(80)]
    return mine + enough(0, of=0)


def test_a_tool_that_is_good_at_one_thing_only_is_kept_for_that() -> None:
    found = verdict(by_type(Label.PRODUCTIVE, Label.WASTEFUL))
    assert found.decision is Decision.SCOPE
    assert found.reason.endswith("Keep it for bug; stop using it for feature.")
    assert {each.work_type: each.use for each in found.by_work_type} == {
        "bug": Use.KEEP,
        "feature": Use.STOP,
    }


def test_a_verdict_stands_until_it_is_more_likely_wrong() -> None:
    unsure = enough(34)
    assert verdict(unsure).decision is Decision.INSUFFICIENT_EVIDENCE
    assert verdict(unsure, before=Decision.KEEP).decision is Decision.KEEP
    # Neither a cut, which never was likely, nor what the facts now speak against stands on.
    assert verdict(unsure, before=Decision.CUT).decision is Decision.INSUFFICIENT_EVIDENCE
    assert verdict(enough(24), before=Decision.KEEP).decision is Decision.INSUFFICIENT_EVIDENCE
    assert verdict(enough(2), before=Decision.KEEP).decision is Decision.CUT


def test_no_tool_is_cut_that_does_as_well_as_the_company() -> None:
    poor = [replace(each, label=Label.WASTEFUL) for each in enough(0)]
    found = verdict(poor)
    assert found.baseline is not None
    assert found.standardised_share is not None
    assert found.standardised_share < found.baseline + 0.01 < DEFAULTS.cut_below
    assert found.decision is not Decision.CUT


ONE_PULL = JudgedChange(repo="acme/shop", number=1, title="all of it", work_type="bug")


def only(tool: str) -> list[JudgedSession]:
    return [s for s in enough(54) if s.tool == tool]


SHORT: dict[str, list[JudgedSession]] = {
    "settled_sessions": only("codex")[:29] + only("gemini-cli"),
    "distinct_changes": [replace(s, changes=(ONE_PULL,)) for s in enough(54)],
    "people": [replace(s, person=f"p_{n % 4}") for n, s in enumerate(enough(54))],
    "coverage": [
        *enough(54),
        *(replace(session(n), maturity=Maturity.PROVISIONAL) for n in range(61)),
    ],
    "spend_known": [
        replace(s, cost_nanousd=None if n % 9 == 0 else 1_000) for n, s in enumerate(enough(54))
    ],
    "history_days": [
        replace(s, started_at=DAY_0, ended_at=DAY_0 + timedelta(days=27)) for s in enough(54)
    ],
    "other_tools": only("codex") + only("gemini-cli")[:29],
    "work_types_known": [
        replace(s, changes=tuple(replace(c, work_type=None) for c in s.changes))
        if n % 4 == 0
        else s
        for n, s in enumerate(enough(54))
    ],
}


@pytest.mark.parametrize("name", [need.name for need in REQUIREMENTS])
def test_one_unmet_requirement_is_enough_for_no_verdict(name: str) -> None:
    found = verdict(SHORT[name])
    assert [r.name for r in found.requirements if not r.met] == [name]
    assert found.decision is Decision.INSUFFICIENT_EVIDENCE
    # In words: names are codes, and stand in ``requirements``.
    assert re.fullmatch(
        r"Not enough to judge by: \d+ (of \d+|% of) [a-z ]+(, \d+ % are needed)?\.", found.reason
    )
    assert (found.productive_share, found.standardised_share, found.interval) == (None, None, None)


def test_what_is_missing_is_never_rounded_up() -> None:
    assert verdict(SHORT["coverage"]).reason == (
        "Not enough to judge by: 49 % of spend has a final label, 50 % are needed."
    )


def test_young_sessions_are_not_judged_yet() -> None:
    end = AS_OF - timedelta(days=30) + timedelta(seconds=1)
    found = verdict([replace(each, ended_at=end) for each in enough(54)])
    assert {r.have for r in found.requirements} == {0.0}


def test_neutral_spend_is_covered_and_not_judged() -> None:
    neutral = [replace(session(n, label=Label.NEUTRAL), changes=()) for n in range(40)]
    found = verdict([*enough(54), *neutral])
    assert found.productive_share == 0.9
    assert [r.have for r in found.requirements if r.name == "coverage"] == [1.0]


def test_free_sessions_give_no_share_of_spend() -> None:
    found = verdict([replace(each, cost_nanousd=0) for each in enough(54)])
    assert found.decision is Decision.INSUFFICIENT_EVIDENCE
    assert found.reason == (
        "Not enough to judge by: 0 % of spend has a final label, 50 % are needed."
    )
    free = replace(DEFAULTS, coverage=0.0)
    assert verdict([replace(each, cost_nanousd=0) for each in enough(54)], free).reason == (
        "The settled sessions cost nothing."
    )


def on(*numbers: int, cost: int = 1_000, label: Label = Label.PRODUCTIVE) -> JudgedSession:
    changes = tuple(
        JudgedChange(repo="acme/shop", number=n, title="", work_type="bug", lines=30)
        for n in numbers
    )
    return replace(session(0, label=label), changes=changes, cost_nanousd=cost)


@pytest.mark.parametrize(
    ("sessions", "spends"),
    [
        ([], []),
        ([on(1), on(2), on(3)], [1_000] * 3),
        ([on(1), on(1), on(1)], [3_000]),
        ([on(1), on(2), on(1, 2)], [3_000]),
        ([on(1), on(), on()], [1_000] * 3),
    ],
)
def test_sessions_that_share_a_change_are_one_piece(
    sessions: list[JudgedSession], spends: list[int]
) -> None:
    assert [piece.spend for piece in pieces(sessions)] == spends


def test_a_piece_is_of_the_type_and_size_of_its_changes() -> None:
    [piece] = pieces([on(1, 2), on(2, cost=500, label=Label.WASTEFUL)])
    assert piece.stratum == Stratum("bug", "medium")
    assert (piece.spend, piece.productive) == (1_500, 1_000)
    assert [size_of(lines) for lines in (None, 0, 49, 50, 199, 200)] == [
        None,
        *("small", "small", "medium", "medium", "large"),
    ]


def test_one_expensive_change_is_little_evidence() -> None:
    uneven = [
        replace(s, cost_nanousd=10**6) if s.session_id == "codex-0" else s for s in enough(36)
    ]
    found = verdict(uneven)
    assert found.productive_share is not None
    assert found.productive_share > 0.9
    assert found.decision is Decision.INSUFFICIENT_EVIDENCE


def test_links_of_less_than_tier_a_show_what_hangs_on_them() -> None:
    weak = [
        replace(s, changes=tuple(replace(c, tier=Tier.B) for c in s.changes))
        if s.label is Label.PRODUCTIVE and s.tool == "codex"
        else s
        for s in enough(54)
    ]
    surest = verdict(weak).sensitivity[-1]
    assert surest.changed == "only links by tier A evidence"
    assert surest.decision is not Decision.KEEP


def test_the_page_names_every_requirement_with_its_default() -> None:
    written = (Path(__file__).parents[2] / "docs" / "verdicts.md").read_text(encoding="utf-8")
    for need in REQUIREMENTS:
        assert f"| `{need.name}` | {getattr(DEFAULTS, need.name):g} |" in written


# --- on simulated companies, where the truth is known -------------------------------------------


@pytest.mark.parametrize("seed", range(2))
def test_on_a_simulated_company_the_verdicts_are_right(seed: int) -> None:
    found = {each.tool: each for each in judge_tools(judged(company(seed)), DEFAULTS, UNTIL)}
    assert found["qwen-code"].decision is Decision.CUT
    assert found["gemini-cli"].decision is Decision.SCOPE
    good = {each.work_type for each in found["gemini-cli"].by_work_type if each.use is Use.KEEP}
    assert good == {"docs", "test"}
    for tool in ("claude-code", "codex", "copilot"):
        assert found[tool].decision in (Decision.KEEP, Decision.INSUFFICIENT_EVIDENCE)
    claude, copilot = found["claude-code"], found["copilot"]
    assert claude.productive_share is not None
    assert claude.standardised_share is not None
    assert copilot.productive_share is not None
    assert copilot.standardised_share is not None
    # Given the hard work, the better tool looks worse until both are compared over the same work.
    assert claude.productive_share < copilot.productive_share
    assert claude.standardised_share > copilot.standardised_share


@pytest.mark.parametrize("seed", range(5, 8))
def test_two_tools_that_are_the_same_get_no_different_verdicts(seed: int) -> None:
    codex = USUAL_TOOLS[1]
    twins = (replace(codex, name="one"), replace(codex, name="other"), *USUAL_TOOLS[3:])
    sessions = judged(using(seed, twins))
    found = {e.tool: e for e in judge_tools(sessions, DEFAULTS, UNTIL, sensitive=False)}
    # That one of the two has too little evidence is no verdict.
    said = {found["one"].decision, found["other"].decision} - {Decision.INSUFFICIENT_EVIDENCE}
    assert len(said) <= 1


def test_a_model_is_judged_as_a_tool_of_its_own() -> None:
    """One model of a tool does well and the other badly: the tool as a whole tells neither."""
    large = [replace(s, model="large") for s in enough(57) if s.tool == "codex"]
    small = [
        replace(
            s,
            model="small",
            session_id=f"{s.session_id}-small",
            changes=tuple(replace(c, repo="acme/web") for c in s.changes),
        )
        for s in enough(2)
        if s.tool == "codex"
    ]
    others = [s for s in enough(0) if s.tool != "codex"]
    sessions = scoped([*large, *small, *others], By.TOOL_MODEL)
    found = [named(each, By.TOOL_MODEL) for each in judge_tools(sessions, DEFAULTS, AS_OF)]
    told = {(each.tool, each.model): each.decision for each in found}
    assert told["codex", "large"] is Decision.KEEP
    assert told["codex", "small"] is Decision.CUT
    assert verdict([*large, *small, *others]).decision is Decision.INSUFFICIENT_EVIDENCE
    assert {model for _, model in told} == {"large", "small", "gemini-cli-model"}


def test_a_surviving_change_has_its_cost_only_where_there_is_enough() -> None:
    cost = verdict(enough(54)).per_change
    assert cost is not None
    assert cost.actual_nanousd == round(60_000 / cost.surviving)
    assert cost.interval_nanousd[0] <= cost.standardised_nanousd <= cost.interval_nanousd[1]
    assert verdict(SHORT["people"]).per_change is None
    untold = [
        replace(s, changes=tuple(replace(c, survives=None) for c in s.changes)) for s in enough(54)
    ]
    assert verdict(untold).decision is Decision.KEEP
    assert verdict(untold).per_change is None


def test_sessions_of_more_than_a_year_ago_are_not_judged() -> None:
    late = AS_OF + timedelta(days=400)
    assert {each.decision for each in judge_tools(enough(54), DEFAULTS, late)} == {
        Decision.INSUFFICIENT_EVIDENCE
    }


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
            lambda n: JudgedChange(
                repo="acme/shop", number=n, title="", work_type=("bug", "docs", None)[n % 3]
            )
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
def test_too_little_evidence_never_decides_and_order_never_matters(
    sessions: list[JudgedSession], thresholds: VerdictThresholds, random: Random
) -> None:
    found = judge_tools(sessions, thresholds, AS_OF)
    for each in found:
        if each.decision is not Decision.INSUFFICIENT_EVIDENCE:
            assert all(requirement.met for requirement in each.requirements)
            assert each.interval is not None
    shuffled = random.sample(sessions, len(sessions))
    told = [(v.tool, v.decision, v.standardised_share, v.interval) for v in found]
    again = judge_tools(shuffled, thresholds, AS_OF)
    assert [(v.tool, v.decision, v.standardised_share, v.interval) for v in again] == told


@given(st.integers(0, 29), st.integers(0, 60))
def test_fewer_sessions_than_required_never_decide(kept: int, productive: int) -> None:
    others = [s for s in enough(productive) if s.tool != "codex"]
    mine = [s for s in enough(productive) if s.tool == "codex"][:kept]
    if mine:
        assert verdict(others + mine).decision is Decision.INSUFFICIENT_EVIDENCE
