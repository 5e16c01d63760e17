"""Judging what is in a database: what a small company told through the real way of a record."""

from datetime import timedelta

from classifier.judge import USUAL, judge_tools, keep_verdicts, read, routing_policy
from domain.judgement import By
from domain.labels import JudgedSession
from domain.routing import Cause
from simulation.history import History
from store import verdicts
from store.engine import Database
from tests.classifier.judging import UNTIL, survivor
from tests.classifier.tagging import tag
from tests.filling import rows

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def sessions(database: Database) -> list[JudgedSession]:
    with database.reading() as connection:
        return read(connection, UNTIL, USUAL)


def test_sessions_know_their_model_and_what_became_of_their_changes(
    small: Database, small_history: History
) -> None:
    truth = {
        (change.repository, change.number): change is survivor(piece)
        for piece in small_history.pieces
        for change in piece.changes
        if not change.title.startswith("Revert")
    }
    found = sessions(small)
    told = {
        (change.repo, change.number): change
        for session in found
        for change in session.changes
        if (change.repo, change.number) in truth
    }
    assert len(told) > 100
    assert None not in {change.survives for change in told.values()}
    right = sum(change.survives is truth[key] for key, change in told.items())
    assert right >= 0.95 * len(told)
    models = {(session.tool, session.model) for session in found if session.cost_nanousd}
    assert {tool for tool, _ in models} == {"claude-code", "codex", "copilot"}
    assert len(models) == 3
    assert None not in {model for _, model in models}


def test_what_was_judged_is_kept_and_answered(small: Database) -> None:
    with small.reading() as connection:
        live = {by: judge_tools(connection, UNTIL, by) for by in By}
        policy = routing_policy(connection, UNTIL)
    assert keep_verdicts(small, UNTIL)
    with small.reading() as connection:
        for by in By:
            assert judge_tools(connection, UNTIL + 9 * DAY, by) == live[by]
            assert judge_tools(connection, UNTIL - MINUTE, by).judged_at is None
            assert judge_tools(connection, UNTIL - MINUTE, by).verdicts == ()
        assert routing_policy(connection, UNTIL + DAY) == policy
        assert routing_policy(connection, UNTIL - MINUTE) is None
        history = verdicts.history(connection, "codex")
    assert {each.by for each in history} == set(By)
    assert all(each.sensitivity for each in live[By.TOOL].verdicts if each.interval)
    assert policy is not None
    assert [each.cause for each in policy.triggers] == list(Cause)


def test_it_is_judged_anew_after_a_day_at_the_latest(small: Database) -> None:
    assert keep_verdicts(small, UNTIL)
    assert not keep_verdicts(small, UNTIL + timedelta(seconds=59))
    assert keep_verdicts(small, UNTIL + DAY)
    kept = rows(small, "judgements", "kind, day")
    assert len(kept) == 6
    # Nothing has changed: verdicts and rules stand as they were given.
    assert len(rows(small, "verdicts")) == 6
    with small.reading() as connection:
        policy = routing_policy(connection, UNTIL + DAY)
    assert policy is not None
    assert policy.valid_from == UNTIL


def test_nothing_to_judge_is_not_kept(embedded: Database) -> None:
    assert not keep_verdicts(embedded, UNTIL)
    with embedded.reading() as connection:
        assert judge_tools(connection, UNTIL).verdicts == ()
        policy = routing_policy(connection, UNTIL)
    assert policy is not None
    assert policy.rules == ()


def test_sessions_that_do_a_task_again_are_not_judged(small: Database) -> None:
    before = sessions(small)
    tag(small, before[0], "abc123/new/1")
    left = {each.session_id for each in sessions(small)}
    assert {each.session_id for each in before} - left == {before[0].session_id}


def test_sessions_of_more_than_a_year_ago_are_not_read(small: Database) -> None:
    with small.reading() as connection:
        assert read(connection, UNTIL + timedelta(days=600), USUAL) == []
