"""Drawing an evaluation from what is in a database, and reporting on the sessions tagged."""

from datetime import timedelta

import pytest

from classifier.evaluate import TooFewTasks, plan_evaluation, report_evaluation
from classifier.judge import USUAL, policy_now, read
from domain.evaluations import Measure, Plan, Report
from domain.labels import JudgedSession
from store import evaluations
from store.engine import Database
from tests.classifier.judging import UNTIL
from tests.classifier.tagging import tag


def report(database: Database, plan: Plan) -> Report:
    with database.reading() as connection:
        found = report_evaluation(connection, plan.id, UNTIL)
    assert found is not None
    return found


def merged(database: Database) -> list[JudgedSession]:
    with database.reading() as connection:
        found = read(connection, UNTIL, USUAL)
    return [each for each in found if any(change.survives for change in each.changes)]


def test_tasks_are_landed_changes_with_where_to_begin(small: Database) -> None:
    plan = plan_evaluation(small, UNTIL, 20, seed=5)
    assert [task.number for task in plan.tasks] == list(range(1, 21))
    assert plan.population > 50
    for task in plan.tasks:
        assert task.landed_at <= UNTIL - timedelta(days=30)
        assert task.merge_sha is not None
        assert task.lines
        assert task.work_type is not None
        assert task.cost_nanousd is not None
    assert {task.survives for task in plan.tasks} <= {True, False}
    again = plan_evaluation(small, UNTIL, 20, seed=5)
    assert (again.tasks, again.id != plan.id) == (plan.tasks, True)
    with small.reading() as connection:
        assert evaluations.plan(connection, plan.id) == plan
        assert {each.id for each in evaluations.plans(connection)} == {plan.id, again.id}
        assert evaluations.last_drawn(connection, UNTIL) == UNTIL
        assert evaluations.last_drawn(connection, UNTIL - timedelta(days=1)) is None


@pytest.mark.parametrize("number", [19, 51])
def test_an_evaluation_has_20_to_50_tasks(number: int, small: Database) -> None:
    with pytest.raises(ValueError, match="20 to 50"):
        plan_evaluation(small, UNTIL, number, seed=5)


def test_too_few_landed_changes_are_no_evaluation(embedded: Database) -> None:
    with pytest.raises(TooFewTasks, match="0 changes"):
        plan_evaluation(embedded, UNTIL, 20, seed=5)
    with embedded.reading() as connection:
        assert report_evaluation(connection, "nothing", UNTIL) is None


def test_routes_are_compared_from_tagged_sessions(small: Database) -> None:
    plan = plan_evaluation(small, UNTIL, 20, seed=5)
    assert (report(small, plan).routes, report(small, plan).comparisons) == ((), ())
    done = merged(small)[:21]
    for number, session in enumerate(done[:20]):
        tag(small, session, f"{plan.id}/{('new', 'old')[number % 2]}/{number // 2 + 1}")
    tag(small, done[20], f"{plan.id}/new/99")
    told = report(small, plan)
    assert [(each.route, each.tasks, each.sessions) for each in told.routes] == [
        ("new", 10, 10),
        ("old", 10, 10),
    ]
    assert told.unknown_tasks == 1
    spent = [session.cost_nanousd for session in done[0:20:2]]
    cost = told.routes[0].means[Measure.COST_USD]
    assert None not in spent
    assert cost.mean == pytest.approx(sum(each or 0 for each in spent) / 10 / 1e9)
    assert told.routes[0].means[Measure.SURVIVES].mean == 1.0
    assert [each.measure for each in told.comparisons] == list(Measure)
    assert {each.tasks for each in told.comparisons} == {10}
    # Whatever was done again is none of the landed work to draw from, nor is another evaluation's.
    later = plan_evaluation(small, UNTIL, 20, seed=5)
    assert later.population < plan.population
    assert report(small, later).routes == ()


def test_a_policy_counts_as_looked_at_once_an_evaluation_was_drawn(small: Database) -> None:
    with small.reading() as connection:
        sessions = read(connection, UNTIL, USUAL)
        before = policy_now(connection, sessions, UNTIL, USUAL)
    later = UNTIL + timedelta(days=2)
    plan_evaluation(small, UNTIL + timedelta(days=1), 20, seed=5)
    with small.reading() as connection:
        after = policy_now(connection, sessions, later, USUAL)
    assert before.reviewed_at == UNTIL
    assert after.reviewed_at == max(after.valid_from, UNTIL + timedelta(days=1))
