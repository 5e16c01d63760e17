from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from classifier.rule_table import RULE_SET, RULES
from classifier.rules import known_at, label_session, page
from classifier.thresholds import Thresholds
from domain.labels import Label, Labelled, Maturity, SessionFacts, Tier
from tests.classifier.labelling import (
    BY_HAND,
    CLOSED,
    COMPARED,
    DEFAULTS,
    DIRECT,
    ELSEWHERE,
    ENDLESS,
    MERGED,
    OPEN,
    REJECTED,
    REVERTED,
    REWORKED,
    SESSION,
    STACKED,
    SUPERSEDED,
    TRIED,
    among,
    costly,
    day,
    with_changes,
)

PROVISIONAL, FINAL = Maturity.PROVISIONAL, Maturity.FINAL
Answer = tuple[str, Label, Maturity, datetime | None]


def answer(facts: SessionFacts, at: float) -> Answer:
    labelled = label_session(facts, DEFAULTS, day(at))
    return labelled.rule, labelled.label, labelled.maturity, labelled.due_at


def test_a_label_carries_all_that_a_sceptic_needs() -> None:
    assert label_session(with_changes(COMPARED, REVERTED), DEFAULTS, day(6)) == Labelled(
        label=Label.PRODUCTIVE,
        maturity=PROVISIONAL,
        rule="landed_and_stands",
        reason="Work of this session landed on the default or a release branch and is not "
        "reverted, without endless review, disproportionate cost, takeover or heavy rework, and "
        "tied to a task where its repository works with tasks. Other work of it that failed does "
        "not count against it.",
        facts={
            "landed": ["acme/shop#7"],
            "landed_at": "2026-03-04T00:00:00+00:00",
            "tier": "A",
            "review_rounds": {"acme/shop#7": 0, "acme/shop#10": 0},
            "endless_from": {"acme/shop#7": 4, "acme/shop#10": 4},
            "flaws": {},
            "cost": {
                "acme/shop#7": {
                    "cost_usd": 6.0,
                    "expected_usd": 4.0,
                    "times": 1.5,
                    "percentile": 0.7,
                    "tool_factor": 2.0,
                    "peers": 30,
                    "compared_with": "the same kind of work in its repository",
                },
                "acme/shop#10": None,
            },
            "takeover": {"acme/shop#7": None, "acme/shop#10": None},
            "tasks": {"acme/shop#7": {"tied": True, "tied_share": 0.667, "of_changes": 30}},
            "reworked": [],
            "reverted": ["acme/shop#10"],
            "minor": [],
            "endless_rounds": 4,
            "costly_percentile": 0.9,
            "costly_times": 3,
            "costly_cents": 500,
            "takeover_share": 0.5,
            "minor_share": 0.1,
            "tasks_share": 0.6,
            "tasks_changes": 20,
            "revert_window_days": 30,
        },
        rule_set=RULE_SET,
        as_of=day(6),
        due_at=day(32),
    )


PENDING, UNKNOWN, NEUTRAL = Label.PENDING, Label.UNKNOWN, Label.NEUTRAL
PRODUCTIVE, INEFFICIENT, WASTEFUL = Label.PRODUCTIVE, Label.INEFFICIENT, Label.WASTEFUL

STANDS = "landed_and_stands"
LADDERS: dict[str, tuple[SessionFacts, list[tuple[float, Answer]]]] = {
    "a session without a name": (
        replace(with_changes(MERGED), session_id=None),
        [(3, ("no_session", UNKNOWN, FINAL, None))],
    ),
    "before it began": (
        TRIED,
        [
            (-1, ("not_begun", PENDING, PROVISIONAL, day(13.9))),
            (-0.05, ("work_may_come", PENDING, PROVISIONAL, day(13.95))),
        ],
    ),
    "a question, before it began": (
        replace(SESSION, edits_accepted=0),
        [(-1, ("not_begun", PENDING, PROVISIONAL, day(-0.1)))],
    ),
    "a past task done again": (
        replace(with_changes(MERGED), evaluations=("e1/codex/3",)),
        [(3, ("evaluation", NEUTRAL, FINAL, None))],
    ),
    "opened, merged, matured": (
        with_changes(MERGED),
        [
            (1, ("open_change", PENDING, PROVISIONAL, day(15))),
            (2, (STANDS, PRODUCTIVE, PROVISIONAL, day(32))),
            (31, (STANDS, PRODUCTIVE, PROVISIONAL, day(32))),
            (32, (STANDS, PRODUCTIVE, FINAL, None)),
        ],
    ),
    "pushed to the default branch": (
        replace(TRIED, direct=(DIRECT,)),
        [
            (0.5, ("work_may_come", PENDING, PROVISIONAL, day(14))),
            (1, (STANDS, PRODUCTIVE, PROVISIONAL, day(31))),
            (31, (STANDS, PRODUCTIVE, FINAL, None)),
        ],
    ),
    "merged after endless review": (
        with_changes(ENDLESS),
        [
            (2, ("endless_review", INEFFICIENT, PROVISIONAL, day(32))),
            (32, ("endless_review", INEFFICIENT, FINAL, None)),
        ],
    ),
    "one short and one endless review": (
        with_changes(ENDLESS, replace(MERGED, landed_at=day(9), review_rounds=3)),
        [
            (3, ("endless_review", INEFFICIENT, PROVISIONAL, day(32))),
            (10, (STANDS, PRODUCTIVE, PROVISIONAL, day(39))),
        ],
    ),
    "one landed after the other": (
        with_changes(MERGED, replace(MERGED, number=12, merged_at=day(20), landed_at=day(20))),
        [
            (21, (STANDS, PRODUCTIVE, PROVISIONAL, day(32))),
            (32, (STANDS, PRODUCTIVE, FINAL, None)),
        ],
    ),
    "one reverted after the other": (
        with_changes(REVERTED, replace(REVERTED, number=12, reverted_at=day(9))),
        [(9, ("reverted", WASTEFUL, PROVISIONAL, day(23)))],
    ),
    "merged and reverted": (
        with_changes(REVERTED),
        [
            (4, (STANDS, PRODUCTIVE, PROVISIONAL, day(32))),
            (5, ("reverted", WASTEFUL, PROVISIONAL, day(19))),
            (19, ("reverted", WASTEFUL, FINAL, None)),
        ],
    ),
    "reverted, while another change is open": (
        with_changes(REVERTED, replace(OPEN, opened_at=day(6), active_at=day(7))),
        [
            (5, ("reverted", WASTEFUL, PROVISIONAL, day(19))),
            (7, ("open_change", PENDING, PROVISIONAL, day(21))),
            (21, ("reverted", WASTEFUL, FINAL, None)),
        ],
    ),
    "open and left alone": (
        with_changes(OPEN),
        [
            (14, ("open_change", PENDING, PROVISIONAL, day(15))),
            (15, ("abandoned", WASTEFUL, PROVISIONAL, day(31))),
            (31, ("abandoned", WASTEFUL, FINAL, None)),
        ],
    ),
    "one left alone after the other": (
        with_changes(OPEN, replace(OPEN, number=12, opened_at=day(5), active_at=day(4))),
        [
            (18, ("open_change", PENDING, PROVISIONAL, day(19))),
            (19, ("abandoned", WASTEFUL, PROVISIONAL, day(35))),
        ],
    ),
    "merged into another branch": (
        with_changes(ELSEWHERE),
        [
            (2, ("merged_elsewhere", PENDING, PROVISIONAL, day(32))),
            (32, ("lost_elsewhere", UNKNOWN, FINAL, None)),
        ],
    ),
    "merged into another branch, and another one reverted": (
        with_changes(ELSEWHERE, REVERTED),
        [(40, ("lost_elsewhere", UNKNOWN, FINAL, None))],
    ),
    "closed": (
        with_changes(CLOSED),
        [
            (1, ("open_change", PENDING, PROVISIONAL, day(15))),
            (2, ("closed_unmerged", UNKNOWN, PROVISIONAL, day(16))),
            (16, ("closed_unmerged", UNKNOWN, FINAL, None)),
        ],
    ),
    "closed for another": (
        with_changes(SUPERSEDED),
        [
            (2, ("beside_the_point", NEUTRAL, PROVISIONAL, day(16))),
            (16, ("beside_the_point", NEUTRAL, FINAL, None)),
        ],
    ),
    "rejected": (
        with_changes(REJECTED),
        [
            (2, ("closed_as_failed", WASTEFUL, PROVISIONAL, day(16))),
            (16, ("closed_as_failed", WASTEFUL, FINAL, None)),
        ],
    ),
    "rejected, and another superseded": (
        with_changes(REJECTED, SUPERSEDED),
        [(2, ("closed_as_failed", WASTEFUL, PROVISIONAL, day(16)))],
    ),
    "rejected, and another for whatever reason": (
        with_changes(REJECTED, CLOSED),
        [(2, ("closed_unmerged", UNKNOWN, PROVISIONAL, day(16)))],
    ),
    "superseded, and another for whatever reason": (
        with_changes(SUPERSEDED, CLOSED),
        [(2, ("closed_unmerged", UNKNOWN, PROVISIONAL, day(16)))],
    ),
    "merged into a branch that landed": (
        with_changes(STACKED),
        [
            (3, ("merged_elsewhere", PENDING, PROVISIONAL, day(32))),
            (6, (STANDS, PRODUCTIVE, PROVISIONAL, day(36))),
        ],
    ),
    "closed, but pushed by hand": (
        with_changes(BY_HAND),
        [
            (2, (STANDS, PRODUCTIVE, PROVISIONAL, day(32))),
            (4, (STANDS, PRODUCTIVE, PROVISIONAL, day(32))),
        ],
    ),
    "merged and heavily reworked": (
        with_changes(REWORKED),
        [
            (8, (STANDS, PRODUCTIVE, PROVISIONAL, day(32))),
            (9, ("heavy_rework", INEFFICIENT, PROVISIONAL, day(32))),
            (32, ("heavy_rework", INEFFICIENT, FINAL, None)),
        ],
    ),
    "one reworked, one of endless review": (
        with_changes(REWORKED, ENDLESS),
        [(9, ("laboured", INEFFICIENT, PROVISIONAL, day(32)))],
    ),
    "for three times the usual cost": (
        with_changes(costly()),
        [
            (1, ("open_change", PENDING, PROVISIONAL, day(15))),
            (2, ("disproportionate_cost", INEFFICIENT, PROVISIONAL, day(32))),
            (32, ("disproportionate_cost", INEFFICIENT, FINAL, None)),
        ],
    ),
    "one costly, one not": (
        with_changes(costly(), COMPARED),
        [(2, (STANDS, PRODUCTIVE, PROVISIONAL, day(32)))],
    ),
    "one costly, one of endless review": (
        with_changes(costly(), ENDLESS),
        [(2, ("laboured", INEFFICIENT, PROVISIONAL, day(32)))],
    ),
    "opened by an agent, and half of it made by people": (
        with_changes(replace(MERGED, takeover=0.5)),
        [(2, ("human_takeover", INEFFICIENT, PROVISIONAL, day(32)))],
    ),
    "without a task, where there mostly is one": (
        with_changes(among()),
        [
            (1, ("open_change", PENDING, PROVISIONAL, day(15))),
            (2, ("landed_without_task", UNKNOWN, PROVISIONAL, day(32))),
            (32, ("landed_without_task", UNKNOWN, FINAL, None)),
        ],
    ),
    "one without a task, one with": (
        with_changes(among(), COMPARED),
        [(2, (STANDS, PRODUCTIVE, PROVISIONAL, day(32)))],
    ),
    "without a task, and of endless review": (
        with_changes(replace(among(), review_rounds=4)),
        [(2, ("endless_review", INEFFICIENT, PROVISIONAL, day(32)))],
    ),
    "without a task, and reverted": (
        with_changes(replace(among(), reverted_at=day(5))),
        [(5, ("reverted", WASTEFUL, PROVISIONAL, day(19)))],
    ),
    "one reworked, one as it landed": (
        with_changes(REWORKED, replace(MERGED, landed_at=day(4))),
        [(9, (STANDS, PRODUCTIVE, PROVISIONAL, day(34)))],
    ),
    "closed, and another one abandoned": (
        with_changes(CLOSED, OPEN),
        [(20, ("abandoned", WASTEFUL, PROVISIONAL, day(31)))],
    ),
    "closed, and another one landed": (
        with_changes(CLOSED, MERGED),
        [(20, (STANDS, PRODUCTIVE, PROVISIONAL, day(32)))],
    ),
    "only weak links": (
        with_changes(replace(MERGED, tier=Tier.C), replace(REVERTED, tier=Tier.D)),
        [(40, ("weak_links", UNKNOWN, FINAL, None))],
    ),
    "a weak link beside a strong one": (
        with_changes(replace(MERGED, tier=Tier.D), REVERTED),
        [(6, ("reverted", WASTEFUL, PROVISIONAL, day(19)))],
    ),
    "a conversation beside somebody's commit": (
        replace(SESSION, tool_calls=0, direct=(replace(DIRECT, tier=Tier.D),)),
        [(2, ("no_tools_used", NEUTRAL, FINAL, None))],
    ),
    "no edits told, but possibly a commit": (
        replace(SESSION, edits_accepted=0, direct=(replace(DIRECT, tier=Tier.D),)),
        [(2, ("weak_links", UNKNOWN, FINAL, None))],
    ),
    "tried, and nothing came": (
        TRIED,
        [
            (13, ("work_may_come", PENDING, PROVISIONAL, day(14))),
            (14, ("nothing_came_of_it", WASTEFUL, PROVISIONAL, day(30))),
            (30, ("nothing_came_of_it", WASTEFUL, FINAL, None)),
        ],
    ),
    "tried, by nobody of whom a commit is known": (
        replace(TRIED, author_known=False),
        [
            (13, ("work_may_come", PENDING, PROVISIONAL, day(14))),
            (14, ("author_unknown", UNKNOWN, PROVISIONAL, day(30))),
            (30, ("author_unknown", UNKNOWN, FINAL, None)),
        ],
    ),
    "tried, and nobody can see": (
        replace(SESSION, lines_changed=12, forge_connected=False),
        [(1, ("no_forge", UNKNOWN, FINAL, None))],
    ),
    "files edited, but no edits told": (
        replace(SESSION, files_edited=2, tool_calls=5),
        [(14, ("nothing_came_of_it", WASTEFUL, PROVISIONAL, day(30)))],
    ),
    "committed without edits told": (
        replace(SESSION, commits=1),
        [(1, ("work_may_come", PENDING, PROVISIONAL, day(14)))],
    ),
    "nothing edited": (
        replace(SESSION, edits_accepted=0, tool_calls=5),
        [(1, ("no_edits", NEUTRAL, FINAL, None))],
    ),
    "nothing called, and no forge": (
        replace(SESSION, tool_calls=0, forge_connected=False),
        [(1, ("no_tools_used", NEUTRAL, FINAL, None))],
    ),
    "tools called, edits not told": (
        replace(SESSION, tool_calls=5),
        [(1, ("not_told", UNKNOWN, FINAL, None))],
    ),
    "nothing told": (SESSION, [(1, ("not_told", UNKNOWN, FINAL, None))]),
}


@pytest.mark.parametrize("case", LADDERS)
def test_a_session_climbs_its_ladder(case: str) -> None:
    facts, ladder = LADDERS[case]
    assert [(at, answer(facts, at)) for at, _ in ladder] == ladder


def test_every_rule_decides_some_case() -> None:
    decided = {expected[0] for _, ladder in LADDERS.values() for _, expected in ladder}
    assert decided == {rule.name for rule in RULES}


def test_the_weakest_link_is_told() -> None:
    facts = replace(with_changes(MERGED), direct=(DIRECT,))
    assert label_session(facts, DEFAULTS, day(3)).facts["tier"] == "B"


def test_what_is_later_is_hidden_everywhere() -> None:
    closed_later = replace(CLOSED, active_at=day(2))
    reverted_direct = replace(DIRECT, reverted_at=day(5))
    facts = replace(
        with_changes(MERGED, closed_later, replace(OPEN, number=13, opened_at=day(3))),
        ended_at=day(2),
        direct=(reverted_direct, replace(DIRECT, sha="b" * 40, landed_at=day(3))),
    )
    assert known_at(facts, day(1)) == replace(
        facts,
        ended_at=day(1),
        changes=(OPEN, replace(CLOSED, active_at=day(0), closed_at=None)),
        direct=(DIRECT,),
    )


def test_last_months_answer_comes_again() -> None:
    later = replace(MERGED, reverted_at=day(50))
    grown = replace(with_changes(later, replace(REVERTED, opened_at=day(45))), ended_at=day(46))
    assert label_session(grown, DEFAULTS, day(10)) == label_session(
        with_changes(MERGED), DEFAULTS, day(10)
    )


def test_thresholds_are_the_operators() -> None:
    slow = Thresholds(abandoned_provisional_days=30, abandoned_final_days=60, endless_rounds=9)
    labelled = label_session(with_changes(OPEN), slow, day(31))
    assert (labelled.label, labelled.maturity, labelled.due_at) == (WASTEFUL, PROVISIONAL, day(61))
    assert "30 days" in labelled.reason
    assert label_session(with_changes(ENDLESS), slow, day(3)).label is PRODUCTIVE


def test_the_page_is_what_the_rules_say() -> None:
    written = (Path(__file__).parents[2] / "docs" / "rules.md").read_text(encoding="utf-8")
    assert written == page()
