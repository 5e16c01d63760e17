"""All answers that can be asked for about small companies, each subtracted from each other."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.parting import pieces
from domain.contributions import Contribution, Facet, Standing
from domain.efficiency import Asked, Interval, TooFewPeople
from domain.weeks import block_of, monday, quarter_of, week_of
from store import outcomes
from store.engine import Connection, Database
from tests.conftest import Fresh

FLOOR = 2
NOW = datetime(2027, 1, 1, tzinfo=UTC)
FIRST = 2904
# Three weeks of one block, one of the next, and one of another quarter.
WEEKS = tuple(FIRST + week for week in (0, 1, 2, 4, 12))
TOOLS, TEAMS = ("claude-code", "codex", "droid"), ("", "pay", "shop")


@dataclass(frozen=True, slots=True)
class Session:
    week: int
    tool: str
    team: str
    person: str | None


SESSIONS = st.builds(
    Session,
    st.sampled_from(WEEKS),
    st.sampled_from(TOOLS),
    st.sampled_from(TEAMS),
    st.sampled_from([*(f"p_{number}" for number in range(7)), None]),
)
Place = tuple[int, str, str]
"""A week, a tool and a team."""
Row = frozenset[Place]


def keep(database: Database, sessions: list[Session]) -> None:
    told = {
        pk: Contribution(
            week=each.week,
            facets={Facet.TOOL: each.tool, Facet.TEAM: each.team, Facet.REPO: "", **UNTYPED},
            person=each.person,
            standing=Standing(label="productive", maturity="final", rule="so"),
            counts={"sessions": 1},
            models={"sonnet": {"sessions": 1}},
        )
        for pk, each in enumerate(sessions)
    }
    with database.writing() as connection:
        outcomes.keep(connection, told.keys(), told)


UNTYPED = {Facet.WORK_TYPE: ""}


def questions() -> Iterator[Asked]:
    """Every period, grouping and filter; of intervals the one that tells the most apart."""
    groups = (None, Facet.TOOL, Facet.TEAM)
    filters = [None, *((Facet.TOOL, each) for each in TOOLS), *((Facet.TEAM, t) for t in TEAMS)]
    for first, last in product(WEEKS, repeat=2):
        if first <= last:
            for group, only in product(groups, filters):
                yield Asked(
                    group_by=group,
                    only=only,
                    interval=Interval.WEEK,
                    start=monday(first),
                    end=monday(last + 1),
                )


def answers(connection: Connection, asked: Asked) -> Iterator[Row]:
    """The rows that are answered, over all time and by each piece of it, as what they sum."""
    try:
        made = pieces(connection, asked, FLOOR, NOW)
    except TooFewPeople:
        return
    rows: list[list[Row]] = []
    for span in made.spans:
        weeks = made.live[span]
        total = _places(weeks, asked.only)
        of_groups = {
            group: frozenset(total & _places(weeks, (asked.group_by, group)))
            for group in made.shown[span]
            if asked.group_by is not None
        }
        others = total.difference(*of_groups.values())
        rows.append([frozenset(total), *of_groups.values(), frozenset(others)])
        yield from (row for row in rows[-1] if row)
    yield frozenset().union(*(each[0] for each in rows))
    for group in {group for shown in made.shown.values() for group in shown}:
        yield frozenset().union(
            *(
                _places(made.live[span], asked.only)
                & _places(made.live[span], (asked.group_by, group))
                for span in made.spans
                if asked.group_by is not None and group in made.shown[span]
            )
        )


def _places(weeks: tuple[int, ...], only: tuple[Facet | None, str] | None) -> set[Place]:
    facet, value = only or (None, "")
    return {
        place
        for place in product(weeks, TOOLS, TEAMS)
        if facet is None or value == (place[1] if facet is Facet.TOOL else place[2])
    }


@settings(max_examples=10)
@given(st.lists(SESSIONS, min_size=8, max_size=40))
def test_no_two_answers_differ_by_too_few_people(fresh: Fresh, sessions: list[Session]) -> None:
    with fresh() as database:
        keep(database, sessions)
        with database.reading() as connection:
            rows = {row for asked in questions() for row in answers(connection, asked)}
    rows.discard(frozenset())
    held: dict[Place, list[Session]] = {}
    for each in sessions:
        held.setdefault((each.week, each.tool, each.team), []).append(each)

    def enough(row: Row) -> bool:
        there = [each for place in row for each in held.get(place, ())]
        people = {each.person for each in there if each.person is not None}
        return not there or len(people) >= FLOOR

    assert [row for row in rows if not enough(row)] == []
    for row in rows:
        inside = [each for each in rows if each < row]
        assert [each for each in inside if not enough(row - each)] == []
        # And of three: a row less two of its parts.
        for one, other in product(inside, repeat=2):
            if not one & other and one | other < row:
                assert enough(row - one - other)


def company(*sessions: tuple[int, str, str]) -> list[Session]:
    """(week, tool, people) with a session of each of these people."""
    return [
        Session(FIRST + week, tool, "pay", f"p_{person}")
        for week, tool, people in sessions
        for person in people
    ]


def shown(database: Database, asked: Asked) -> list[tuple[int, int, set[str]]]:
    with database.reading() as connection:
        made = pieces(connection, asked, FLOOR, NOW)
    return [(span.week - FIRST, span.weeks, set(made.shown[span])) for span in made.spans]


BY_TOOL = Asked(group_by=Facet.TOOL)
WEEKLY = Asked(group_by=Facet.TOOL, interval=Interval.WEEK)


def test_weeks_are_told_apart_where_each_has_people_enough(database: Database) -> None:
    keep(database, company((0, "codex", "ab"), (1, "codex", "bc")))
    assert shown(database, WEEKLY) == [(0, 1, {"codex"}), (1, 1, {"codex"})]
    assert shown(database, BY_TOOL) == [(0, 4, {"codex"})]


def test_weeks_of_too_few_are_told_with_those_around_them(database: Database) -> None:
    keep(database, company((0, "codex", "ab"), (1, "codex", "c"), (4, "codex", "ab")))
    assert shown(database, WEEKLY) == [(0, 4, {"codex"}), (4, 1, {"codex"})]


def test_a_block_of_which_a_part_is_asked_for_is_left_out_where_weeks_are_too_fine(
    database: Database,
) -> None:
    keep(database, company((0, "codex", "ab"), (1, "codex", "c"), (4, "codex", "ab")))
    since = Asked(group_by=Facet.TOOL, start=monday(FIRST + 1))
    assert shown(database, since) == [(4, 4, {"codex"})]
    with database.reading() as connection:
        period = pieces(connection, since, FLOOR, NOW).period
    assert (period.start, period.weeks, period.narrowed) == (monday(FIRST + 4), 1, True)


def test_a_value_that_is_never_shown_is_refused(database: Database) -> None:
    keep(database, company((0, "codex", "abc"), (0, "droid", "a")))
    with database.reading() as connection:
        for value in ("droid", "never heard of"):
            with pytest.raises(TooFewPeople):
                pieces(connection, Asked(only=(Facet.TOOL, value)), FLOOR, NOW)
    # One tool alone would tell the other, which is too small; so neither is shown.
    assert shown(database, BY_TOOL) == [(0, 4, set())]


def test_times_are_taken_as_whole_weeks(database: Database) -> None:
    keep(database, company((0, "codex", "ab"), (1, "codex", "ab")))
    late = Asked(start=datetime(2025, 8, 27, tzinfo=UTC), end=None)
    assert week_of(datetime(2025, 8, 27, tzinfo=UTC)) == FIRST
    with database.reading() as connection:
        made = pieces(connection, late, FLOOR, NOW)
    assert [span.week for span in made.spans] == [FIRST + 1]
    assert made.period.narrowed


def test_blocks_and_quarters_begin_where_they_always_do() -> None:
    assert (block_of(FIRST + 3), quarter_of(FIRST + 11), quarter_of(FIRST + 12)) == (
        FIRST,
        FIRST,
        FIRST + 12,
    )
