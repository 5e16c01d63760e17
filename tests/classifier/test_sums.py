"""What is remembered of sums: an answer is what a process that remembers nothing would give."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.schemas.efficiency import efficiency_answer, kpi_answer
from api.schemas.shape import Shape
from classifier import presence
from classifier.efficiency import efficiency
from classifier.kpis import kpis
from classifier.tally import TALLIED, Tally, tally, together
from domain.contributions import Facet, Standing
from domain.efficiency import Asked, Interval, TooFewPeople
from domain.weeks import block_of, monday
from store import report_outcomes
from store.engine import Connection
from store.outcomes import EVERYTHING
from store.remembered import Remembered
from tests.conftest import Fresh
from tests.contributing import FIRST, Made, put

FLOOR = 1
# Over a half-year and some: what is read of it comes in both parts.
WEEKS = (0, 1, 5, 9, 13, 23, 24, 27, 30)
NOW: datetime = monday(FIRST + WEEKS[-1] + 1)
SESSION = st.builds(
    Made,
    week=st.sampled_from(WEEKS),
    tool=st.sampled_from(("codex", "droid")),
    team=st.sampled_from(("", "pay", "shop")),
    work_type=st.sampled_from(("", "bug", "docs")),
    label=st.sampled_from(("productive", "wasteful", "neutral", "pending")),
    maturity=st.sampled_from(("final", "provisional")),
    person=st.sampled_from(("p_1", "p_2", None)),
    usd=st.sampled_from((None, 0.5, 3.0)),
    lead_hours=st.sampled_from(((), (2.0,), (9.0, 50.0))),
)
ASKED = st.builds(
    Asked,
    group_by=st.sampled_from((None, Facet.TOOL, Facet.TEAM, Facet.MODEL)),
    only=st.sampled_from((None, (Facet.TEAM, "pay"), (Facet.TOOL, "codex"))),
    interval=st.sampled_from(Interval),
    limit=st.sampled_from((1, 50)),
)


@contextmanager
def remembering_nothing() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(presence, "_REMEMBERED", Remembered())
        patch.setattr(presence, "_SUMS", Remembered())
        yield


def answers(connection: Connection, asked: Asked) -> tuple[Shape, Shape] | None:
    try:
        ratios = efficiency(connection, asked, NOW, FLOOR)
        indicators = kpis(connection, asked, NOW, FLOOR)
    except TooFewPeople:
        return None
    return efficiency_answer(ratios, asked, FLOOR), kpi_answer(indicators, asked, FLOOR)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(SESSION, min_size=1, max_size=12), min_size=2, max_size=4),
    st.lists(ASKED, min_size=1, max_size=3),
)
def test_what_is_remembered_is_what_is_true(
    fresh: Fresh, states: list[list[Made]], questions: list[Asked]
) -> None:
    with fresh() as database:
        for sessions in states:
            # Sessions change their week, label and cost; those beyond the list before are new.
            put(database, sessions)
            with database.reading() as connection:
                for asked in questions:
                    told = answers(connection, asked)
                    with remembering_nothing():
                        assert answers(connection, asked) == told


@settings(max_examples=40, deadline=None)
@given(st.lists(SESSION, min_size=1, max_size=12))
def test_a_tally_is_the_same_summed_by_the_database_and_of_sums(
    fresh: Fresh, sessions: list[Made]
) -> None:
    of_all: dict[Standing, Counter[str]] = defaultdict(Counter)
    for each in sessions:
        of_all[each.contribution().standing].update(each.contribution().counts)
    with fresh() as database:
        put(database, sessions)
        blocks = {block_of(FIRST + each.week) for each in sessions}
        with database.reading() as connection:
            read = report_outcomes.by_value(connection, EVERYTHING, blocks, TALLIED)
    assert together([Tally(*read[block][""]) for block in blocks]) == tally(of_all)


def test_large_values_take_the_room_of_many() -> None:
    held = Remembered(most=10)
    held.put("first", "small")
    held.put("second", "large", 9)
    assert held.get("first") == "small"
    held.put("third", "small")
    assert held.get("second") is None, "asked for the longest ago"
    held.put("first", "grown", 9)
    assert (held.get("first"), held.get("third")) == ("grown", "small")
    assert held.made("fourth", lambda: "huge", lambda _: 11) == "huge"
    assert held.get("fourth") is None, "larger than all room"
