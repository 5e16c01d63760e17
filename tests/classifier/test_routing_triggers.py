from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.review_risk import risky_repositories
from classifier.routing_triggers import stability, triggers
from classifier.thresholds import RoutingThresholds
from domain.labels import JudgedSession
from domain.routing import Cause, Trigger
from tests.classifier.judging import session

DEFAULTS = RoutingThresholds()
SINCE = datetime(2026, 5, 10, tzinfo=UTC)
LATER = SINCE + timedelta(days=40)
DAY = timedelta(days=1)


def at(day: int, number: int, kind: str, model: str = "gpt-5") -> JudgedSession:
    begun = SINCE + day * DAY
    one = session(number, "codex")
    changes = tuple(replace(each, number=number, work_type=kind) for each in one.changes)
    return replace(one, started_at=begun, ended_at=begun + DAY / 24, changes=changes, model=model)


def free(_tool: str, _model: str, _at: datetime) -> object:
    return 0


def due(
    sessions: list[JudgedSession], priced: object = free, as_of: datetime = LATER
) -> dict[Cause, Trigger]:
    told = triggers(sessions, priced, DEFAULTS, SINCE, as_of)  # type: ignore[arg-type]
    assert [each.cause for each in told] == list(Cause)
    return {each.cause: each for each in told}


def test_a_model_is_new_that_was_first_seen_since() -> None:
    seen = [at(-5, 1, "bug"), at(5, 2, "bug"), at(6, 3, "bug", "gpt-6"), at(50, 4, "bug", "gpt-7")]
    told = due(seen)[Cause.NEW_MODEL]
    assert (told.due, told.names) == (True, ("codex gpt-6",))
    assert due(seen[:2])[Cause.NEW_MODEL].due is False


def test_a_price_has_changed_that_differs_between_then_and_now() -> None:
    def priced(_: str, model: str, when: datetime) -> object:
        return model == "gpt-5" and when > SINCE

    told = due([at(-5, 1, "bug"), at(-5, 2, "bug", "gpt-6")], priced)[Cause.PRICE_CHANGE]
    assert (told.due, told.names) == (True, ("codex gpt-5",))
    assert due([at(-5, 1, "bug")])[Cause.PRICE_CHANGE].due is False


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (["bug", "docs"] * 20, ["bug", "docs"] * 20, False),
        (["bug", "docs"] * 20, ["bug"] * 40, True),
        (["bug", "docs"] * 20, ["docs"] * 29, None),
        (["bug"] * 29, ["docs"] * 60, None),
    ],
)
def test_the_mix_of_work(before: list[str], after: list[str], said: bool | None) -> None:
    sessions = [at(-3, number, kind) for number, kind in enumerate(before)]
    sessions += [at(3, 1_000 + number, kind) for number, kind in enumerate(after)]
    assert due(sessions)[Cause.MIX_SHIFT].due is said


def test_a_change_of_several_sessions_counts_once_in_the_mix() -> None:
    sessions = [at(day, 1, "bug") for day in (-3, 3) for _ in range(50)]
    assert due(sessions)[Cause.MIX_SHIFT].due is None


@pytest.mark.parametrize(
    ("as_of", "over"),
    [
        (datetime(2026, 6, 30, 23, tzinfo=UTC), False),
        (datetime(2026, 7, 1, tzinfo=UTC), True),
        (datetime(2027, 1, 1, tzinfo=UTC), True),
    ],
)
def test_quarters_are_those_of_the_calendar(as_of: datetime, over: bool) -> None:
    assert due([], as_of=as_of)[Cause.QUARTER_OVER].due is over


COUNTS = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 500), min_size=1)


@given(COUNTS, COUNTS)
def test_the_index_is_never_negative_symmetric_and_zero_for_the_same(
    one: dict[str, int], other: dict[str, int]
) -> None:
    assert stability(one, one) == 0
    assert stability(one, other) >= 0
    assert stability(one, other) == pytest.approx(stability(other, one))


def test_the_index_of_a_known_shift() -> None:
    # By hand: (0.3 - 0.5) ln(0.3 / 0.5) + (0.7 - 0.5) ln(0.7 / 0.5) = 0.1695.
    told = stability({"a": 50_000, "b": 50_000}, {"a": 30_000, "b": 70_000})
    assert told == pytest.approx(0.1695, abs=0.0001)


def test_repositories_whose_changes_often_come_back() -> None:
    def of(repo: str, rounds: Sequence[int | None]) -> list[JudgedSession]:
        return [
            replace(
                one,
                changes=tuple(replace(c, repo=repo, review_rounds=each) for c in one.changes),
            )
            for one, each in ((session(n), each) for n, each in enumerate(rounds))
        ]

    sessions = [
        *of("acme/hard", [2] * 5 + [0] * 15),
        *of("acme/easy", [2] * 4 + [1] * 16),
        *of("acme/small", [9] * 19),
        *of("acme/untold", [None] * 40),
    ]
    assert risky_repositories(sessions, DEFAULTS) == ("acme/hard",)
