"""Rates of the past: of what had settled by then, and nothing else."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.past_rates import Past, past_rates, standing
from classifier.settling import settled_at
from domain.labels import Label
from domain.predictions import OUTCOMES

START = datetime(2026, 3, 2, tzinfo=UTC)
TOOLS = ("codex", "copilot")


def day(number: float) -> datetime:
    return START + timedelta(days=number)


PAST = st.builds(
    lambda at, label, tool: Past(settled_at=day(at), label=label, keys=frozenset({("tool", tool)})),
    st.integers(0, 60),
    st.sampled_from(OUTCOMES),
    st.sampled_from(TOOLS),
)


@given(st.lists(PAST), st.lists(PAST), st.integers(0, 60), st.sampled_from(TOOLS))
def test_what_settles_later_changes_nothing(
    past: list[Past], more: list[Past], at: int, tool: str
) -> None:
    later = [each for each in more if each.settled_at > day(at)]
    key = ("tool", tool)
    assert past_rates(past).rates(key, day(at)) == past_rates([*past, *later]).rates(key, day(at))


@given(st.lists(PAST), st.integers(0, 60), st.sampled_from((*TOOLS, "unheard of")))
def test_rates_are_probabilities_and_never_sure(past: list[Past], at: int, tool: str) -> None:
    rates = past_rates(past).rates(("tool", tool), day(at))
    assert sum(rates) == pytest.approx(1)
    assert all(0 < rate < 1 for rate in rates)


@given(st.lists(PAST, min_size=1), st.sampled_from(TOOLS))
def test_what_is_taken_along_says_the_same_from_then_on(past: list[Past], tool: str) -> None:
    rates = past_rates(past)
    taken = standing(rates.latest, day(60))
    assert taken.rates(("tool", tool), day(61)) == rates.rates(("tool", tool), day(61))


def test_few_sessions_of_a_key_say_little() -> None:
    bad = Past(settled_at=day(1), label=Label.WASTEFUL, keys=frozenset({("tool", "codex")}))
    good = [
        Past(settled_at=day(1), label=Label.PRODUCTIVE, keys=frozenset({("tool", "copilot")}))
        for _ in range(100)
    ]
    one = past_rates([bad, *good]).rates(("tool", "codex"), day(2))
    many = past_rates([*[bad] * 100, *good]).rates(("tool", "codex"), day(2))
    assert one[2] < 0.1
    assert many[2] > 0.8


def test_a_label_is_final_when_its_facts_made_it_so() -> None:
    landed = {"landed_at": day(0).isoformat(), "revert_window_days": 30, "review_rounds": 1}
    ended = {"ended_at": day(2).isoformat(), "unlinked_final_days": 30}
    reverted = {"reverted_at": day(5).isoformat(), "reland_days": 14}
    assert settled_at(landed, day(200)) == day(30)
    assert settled_at(ended, day(200)) == day(32)
    assert settled_at(reverted, day(200)) == day(19)
    # Nobody can have known later than it was worked out.
    assert settled_at(landed, day(10)) == day(10)
    assert settled_at({"overruled_by": "p_1"}, day(7)) == day(7)
