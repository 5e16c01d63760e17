"""Evaluations from what is in the database: drawn and kept, and reported from tagged sessions."""

import secrets
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from classifier.change_outcomes import change_outcomes
from classifier.cohort import size_of
from classifier.evaluation_plan import draw
from classifier.evaluation_report import comparisons, results
from classifier.judged_work import survives
from classifier.thresholds import Thresholds
from domain.evaluations import LEAST_TASKS, MOST_TASKS, Attempt, Plan, Report, Task
from domain.outcomes import ChangeOutcome
from store import evaluations
from store.engine import Connection, Database
from store.evaluations import LinkedChange, TaggedSession
from store.membership import ChangeId

# Of older changes code and tools have moved on too far to be tried again.
_WINDOW = timedelta(days=365)
_DEFAULTS = Thresholds()


class TooFewTasks(Exception):
    """There are fewer settled landed changes than an evaluation takes; the text says how many."""


def plan_evaluation(
    database: Database,
    now: datetime,
    number: int,
    seed: int,
    thresholds: Thresholds = _DEFAULTS,
) -> Plan:
    """Draw tasks and keep them. Raises ValueError for too many or few, TooFewTasks."""
    if not LEAST_TASKS <= number <= MOST_TASKS:
        raise ValueError(f"an evaluation takes {LEAST_TASKS} to {MOST_TASKS} tasks")
    with database.reading() as connection:
        population = _population(connection, now, thresholds)
        if len(population) < LEAST_TASKS:
            raise TooFewTasks(
                f"{len(population)} changes of the last year landed, are settled and have sessions"
                f" linked to them; an evaluation takes {LEAST_TASKS}."
            )
        plan = Plan(
            id=secrets.token_hex(4),
            created_at=now,
            seed=seed,
            population=len(population),
            tasks=draw(population, number, seed),
        )
    with database.writing() as connection:
        evaluations.keep_plan(connection, plan)
    return plan


def report_evaluation(
    connection: Connection,
    evaluation: str,
    as_of: datetime,
    thresholds: Thresholds = _DEFAULTS,
) -> Report | None:
    """What came of an evaluation by now; None where there is none of this id."""
    plan = evaluations.plan(connection, evaluation)
    if plan is None:
        return None
    sessions = evaluations.tagged(connection, evaluation)
    ids = {change for session in sessions for change in session.changes}
    outcomes = change_outcomes(connection, ids, thresholds, as_of)
    known = {task.number for task in plan.tasks}
    attempts = _attempts([each for each in sessions if each.tag.task in known], outcomes)
    return Report(
        plan=plan,
        as_of=as_of,
        routes=results(attempts),
        comparisons=comparisons(attempts),
        attempts=attempts,
        unknown_tasks=len({each.tag.task for each in sessions} - known),
    )


def _population(connection: Connection, now: datetime, thresholds: Thresholds) -> list[Task]:
    """Landed changes whose fate is settled, as tasks without numbers."""
    until = now - timedelta(days=thresholds.revert_window_days)
    merged = evaluations.merged_changes(connection, now - _WINDOW, until)
    commits = {(each.repo, each.merge_sha) for each in merged if each.merge_sha}
    bases = evaluations.only_parents(connection, commits)
    ids = [(each.repo, each.number) for each in merged]
    outcomes = change_outcomes(connection, ids, thresholds, now)
    return [
        _task(change, outcomes[id_], bases.get((change.repo, change.merge_sha or "")))
        for change, id_ in zip(merged, ids, strict=True)
        if id_ in outcomes and outcomes[id_].landed_at is not None
    ]


def _task(change: LinkedChange, outcome: ChangeOutcome, base: str | None) -> Task:
    return Task(
        number=0,
        repo=change.repo,
        change=change.number,
        title=change.title,
        work_type=outcome.kind.work_type.value if outcome.kind else None,
        size=size_of(change.lines),
        lines=change.lines,
        files=change.files,
        base_sha=base,
        merge_sha=change.merge_sha,
        landed_at=outcome.landed_at or outcome.opened_at,
        survives=survives(outcome),
        review_rounds=outcome.review_rounds,
        cost_nanousd=change.cost_nanousd,
    )


def _attempts(
    sessions: Iterable[TaggedSession], outcomes: Mapping[ChangeId, ChangeOutcome]
) -> tuple[Attempt, ...]:
    held: defaultdict[tuple[str, int], list[TaggedSession]] = defaultdict(list)
    for session in sessions:
        held[session.tag.route, session.tag.task].append(session)
    return tuple(
        _attempt(route, task, theirs, outcomes) for (route, task), theirs in sorted(held.items())
    )


def _attempt(
    route: str,
    task: int,
    sessions: Sequence[TaggedSession],
    outcomes: Mapping[ChangeId, ChangeOutcome],
) -> Attempt:
    ids = sorted({change for session in sessions for change in session.changes})
    known = [outcomes[change] for change in ids if change in outcomes]
    costs = [session.cost_nanousd for session in sessions]
    return Attempt(
        route=route,
        task=task,
        sessions=len(sessions),
        cost_nanousd=None if None in costs else sum(each or 0 for each in costs),
        minutes=sum((each.last_at - each.first_at) / timedelta(minutes=1) for each in sessions),
        landed=any(each.landed_at is not None for each in known) if known else None,
        survives=any(survives(each) for each in known) if known else None,
        review_rounds=max(each.review_rounds for each in known) if known else None,
        labels=Counter(each.label or "none yet" for each in sessions),
    )
