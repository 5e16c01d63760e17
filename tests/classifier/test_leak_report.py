"""Leaks once a day, told above the privacy floor, with what came of what was tried."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.retention import forget
from classifier.leak_report import LeakKeeper, keep_leaks, leak_report
from domain.effects import EffectState
from domain.leaks import Group, LeakReport, Watched
from domain.weeks import WEEK
from store import leaks
from store.engine import Database
from tests.conftest import Fresh
from tests.filling import rows
from tests.leaking import CENT, NOW, UNTIL, put, session, tokens

DAY = timedelta(days=1)


def looping(number: int, repo: str = "acme/payments", **told: Any) -> Watched:
    """Half of its calls are the same one failing again."""
    return session(number, repo=repo, repeats=16, again=15, **told)


def report(database: Database, floor: int = 5) -> LeakReport:
    with database.reading() as connection:
        return leak_report(connection, floor)


def measured(database: Database, sessions: Iterable[Watched], now: datetime = NOW) -> LeakReport:
    put(database, sessions)
    assert keep_leaks(database, now)
    return report(database)


def test_nothing_yet(database: Database) -> None:
    assert not keep_leaks(database, NOW)
    told = report(database)
    assert (told.measured, told.found, told.others, told.actions) == (None, [], None, [])
    assert {each.coverage for each in told.detectors} == {None}


def test_once_a_day(database: Database) -> None:
    put(database, [looping(1)])
    assert keep_leaks(database, NOW)
    assert not keep_leaks(database, NOW + DAY - timedelta(seconds=1))
    assert keep_leaks(database, NOW + DAY)
    assert len(rows(database, "leak_measurements")) == 1


def test_a_week_at_a_time_by_one_of_many(database: Database) -> None:
    put(database, [looping(number, weeks_ago=number % 3 + 1) for number in range(9)])
    mine, other = LeakKeeper(database), LeakKeeper(database)
    steps = 0
    while mine.step(NOW):
        steps += 1
        assert not other.step(NOW)
        assert report(database).measured is None
    assert steps == 3
    measured_at = report(database).measured
    assert measured_at is not None
    assert measured_at.sessions == 9
    assert not mine.step(NOW)
    assert mine.step(NOW + DAY)


def test_a_finding_names_its_dearest_sessions(database: Database) -> None:
    row = tokens(cost_nanousd=80 * CENT)
    dear = [looping(number, tokens=(row,)) for number in range(3)]
    told = measured(database, [*dear, *(looping(100 + number) for number in range(20))])
    [found] = told.found
    assert (found.sessions, found.people, found.seen_on) == (23, 10, date(2026, 11, 9))
    assert [each.session_id for each in found.evidence][:3] == ["s0", "s1", "s2"]
    assert len(found.evidence) == 10
    assert told.measured is not None
    assert told.measured.lost == found.lost
    assert (told.measured.since, told.measured.until) == (date(2026, 8, 17), UNTIL.date())


def test_only_whole_weeks_of_a_quarter_are_told(database: Database) -> None:
    told = measured(
        database,
        [
            *(looping(number, weeks_ago=0) for number in range(5)),
            *(looping(10 + number, weeks_ago=13) for number in range(5)),
            *(looping(20 + number, weeks_ago=14) for number in range(5)),
        ],
    )
    assert [each.sessions for each in told.found] == [5]


def test_findings_about_too_few_are_pooled(database: Database) -> None:
    few = [looping(number, "acme/a", person=f"p_{number}") for number in range(3)]
    others = [looping(10 + number, "acme/b", person=f"p_{number + 2}") for number in range(4)]
    many = [looping(20 + number, "acme/c", person=f"p_{number}") for number in range(5)]
    told = measured(database, [*few, *others, *many])
    assert [each.group.repo for each in told.found] == ["acme/c"]
    assert told.others is not None
    # Six different people: one is behind both.
    assert (told.others.findings, told.others.people, told.others.sessions) == (2, 6, 7)
    assert {each.session_id for found in told.found for each in found.evidence} == {
        each.session_id for each in many
    }
    assert [each.group.repo for each in report(database, 1).found] != ["acme/c"]


def test_the_smallest_finding_joins_those_that_are_too_few_even_together(
    database: Database,
) -> None:
    few = [looping(number, "acme/a", person="p_0") for number in range(9)]
    many = [looping(20 + number, "acme/c", person=f"p_{number}") for number in range(6)]
    most = [looping(40 + number, "acme/d", person=f"p_{number}") for number in range(8)]
    told = measured(database, [*few, *many, *most])
    assert [each.group.repo for each in told.found] == ["acme/d"]
    assert told.others is not None
    assert (told.others.findings, told.others.people) == (2, 6)


def test_where_all_are_too_few_nothing_is_told(database: Database) -> None:
    told = measured(database, [looping(number, person=f"p_{number % 4}") for number in range(9)])
    assert (told.found, told.others, told.withheld) == ([], None, True)
    assert told.measured is not None
    assert told.measured.lost.high == 0
    # Whoever names nobody counts for nobody.
    assert report(database, 4).found != []


PEOPLE = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 7)), max_size=16)


@settings(max_examples=15)
@given(PEOPLE, st.integers(1, 6))
def test_nothing_told_is_about_fewer_people(
    fresh: Fresh, told: list[tuple[int, int]], floor: int
) -> None:
    sessions = [
        looping(number, f"acme/r{repo}", person=f"p_{person}")
        for number, (repo, person) in enumerate(told)
    ]
    with fresh() as database:
        put(database, sessions)
        keep_leaks(database, NOW)
        shown = report(database, floor)
    named = {each.group.repo for each in shown.found}
    pooled = {each.person for each in sessions if each.repo not in named}
    assert all(each.people >= floor for each in shown.found)
    assert shown.others is None or shown.others.people == len(pooled) >= floor
    # What is left out altogether is so because there was nobody to join it.
    assert shown.others is not None or not pooled or not shown.found


def by_week(weeks: Iterable[int], share: int, repo: str, first: int = 0) -> list[Watched]:
    """In each of these weeks (ago) ten sessions, so many of them looping."""
    return [
        session(
            first + 100 * ago + number,
            weeks_ago=ago,
            repo=repo,
            repeats=16 if number < share else 0,
            again=15 if number < share else 0,
        )
        for ago in weeks
        for number in range(10)
    ]


GROUP = Group(detector="repeated_failures", tool="claude-code", repo="acme/payments")


def tried(
    database: Database, day: date, note: str = "installed make", group: Group = GROUP
) -> None:
    with database.writing() as connection:
        leaks.mark_tried(connection, group, day, by="local", at=NOW, note=note)


def test_a_fix_that_helped_and_what_the_others_did(database: Database) -> None:
    day = UNTIL.date() - 5 * WEEK + timedelta(days=2)
    tried(database, day)
    told = measured(
        database,
        [
            *by_week(range(5, 10), 8, "acme/payments"),
            *by_week(range(1, 5), 1, "acme/payments"),
            *by_week(range(1, 10), 6, "acme/search", first=5_000),
        ],
    )
    [action] = told.actions
    effect = action.effect
    assert effect is not None
    assert (effect.state, effect.weeks_before, effect.weeks_since) == (EffectState.MEASURED, 4, 4)
    # Half of the cost of eight of ten sessions, and then of one.
    assert (effect.before_share, effect.since_share) == (0.4, 0.05)
    assert effect.beside is not None
    assert (effect.beside.groups, effect.beside.before_share, effect.beside.since_share) == (
        *(1, 0.3, 0.3),
    )
    assert effect.beside.change is not None
    assert effect.beside.change.estimate == pytest.approx(-0.35)
    assert effect.saved_nanousd is not None
    assert round(effect.saved_nanousd.estimate) == 0.35 * 10 * 50 * CENT


def test_a_group_that_no_longer_leaks_is_watched_on(database: Database) -> None:
    put(database, by_week(range(4, 9), 8, "acme/payments"))
    assert keep_leaks(database, NOW - 3 * WEEK)
    tried(database, UNTIL.date() - 4 * WEEK)
    # Twenty weeks on nothing of the window leaks any more, but the measure goes on.
    later = [
        replace(each, pk=each.pk + 50_000) for each in by_week(range(1, 4), 0, "acme/payments")
    ]
    put(database, [replace(each, session_id=f"x{each.pk}") for each in later])
    assert keep_leaks(database, NOW)
    [action] = report(database).actions
    assert action.effect is not None
    assert (action.effect.weeks_since, action.effect.since_share) == (3, 0.0)


def test_a_later_try_takes_over(database: Database) -> None:
    tried(database, UNTIL.date() - 8 * WEEK)
    tried(database, UNTIL.date() - 4 * WEEK, "wrote it down")
    told = measured(database, by_week(range(1, 13), 5, "acme/payments"))
    assert [(each.note, each.effect and each.effect.weeks_since) for each in told.actions] == [
        ("wrote it down", 3),
        ("installed make", 3),
    ]


def test_a_day_holds_one_word_and_can_be_taken_back(database: Database) -> None:
    day = UNTIL.date() - WEEK
    tried(database, day)
    tried(database, day, "another word")
    assert [each.note for each in report(database).actions] == ["another word"]
    with database.writing() as connection:
        assert leaks.withdraw(connection, GROUP.id, day)
        assert not leaks.withdraw(connection, GROUP.id, day)
    assert report(database).actions == []


def test_an_effect_about_too_few_people_is_withheld(database: Database) -> None:
    tried(database, UNTIL.date() - 5 * WEEK)
    sessions = by_week(range(1, 10), 8, "acme/payments")
    told = measured(database, [replace(each, person=f"p_{each.pk % 3}") for each in sessions])
    [action] = told.actions
    assert action.effect is not None
    assert (action.effect.state, action.effect.since_share) == (EffectState.WITHHELD, None)


def test_no_commit_waits_for_final_labels(database: Database) -> None:
    group = Group(detector="no_commit", tool="claude-code", team="payments")
    tried(database, UNTIL.date() - 5 * WEEK, group=group)
    sessions = by_week(range(1, 13), 0, "acme/payments")
    nothing = [
        replace(each, label="wasteful", rule="nothing_came_of_it", final=each.pk >= 500)
        for each in sessions
    ]
    [action] = measured(database, nothing).actions
    assert action.effect is not None
    assert (action.effect.state, action.effect.weeks_since) == (EffectState.TOO_EARLY, 0)


def test_weeks_that_are_being_forgotten_stay_as_they_were(database: Database) -> None:
    put(database, by_week(range(1, 10), 8, "acme/payments"))
    assert keep_leaks(database, NOW)
    before = rows(database, "leak_weeks")
    horizon = UNTIL - 4 * WEEK
    forget(database, sessions_before=horizon, horizon=horizon, now=NOW)
    assert keep_leaks(database, NOW + DAY)
    assert rows(database, "leak_weeks") == before
    [found] = report(database).found
    assert found.sessions == 4 * 8
    kept = {row[0] for row in rows(database, "sessions", "pk")}
    assert {row[0] for row in rows(database, "leak_evidence", "session_pk")} <= kept
