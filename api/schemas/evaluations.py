"""Past tasks done again with several routes, and what came of each."""

from datetime import datetime
from typing import Any

from pydantic import Field

from api.schemas.shape import Shape
from domain.evaluations import Comparison, Mean, Measure, Plan, Report, RouteResult, Task

_NANO = 1e9
_UNIT = "US dollars, minutes, shares from 0 to 1, or rounds, as the measure is"
_MEASURE = (
    "`cost_usd` and `minutes` of sessions, `landed`, `survives`, or `review_rounds`, each a task."
)


class TaskRow(Shape):
    """A change that landed, to be made again."""

    number: int = Field(description="The task's number, for `assay.task`.")
    repo: str = Field(description="Repository, as owner/name.")
    change: int = Field(description="The change's number.")
    title: str = Field(description="The change's title.")
    work_type: str | None = Field(description="Its type of work; null: not known.")
    size: str | None = Field(description="`small`, `medium` or `large`; null: not known.")
    lines: int | None = Field(description="Lines added and deleted; null: not told.")
    files: int | None = Field(description="Files changed; null: not told.")
    base_sha: str | None = Field(
        description="The commit to begin at; null: take the first parent of `merge_sha`."
    )
    merge_sha: str | None = Field(description="The commit that it landed as; null: not told.")
    landed_at: datetime = Field(description="When it landed, UTC.")
    survives: bool = Field(description="Whether it is neither reverted nor heavily reworked.")
    review_rounds: int = Field(description="Review rounds that it took.")
    cost_usd: float | None = Field(
        description="What sessions spent on it, in US dollars; null: not known."
    )


class EvaluationRow(Shape):
    """An evaluation that was drawn."""

    id: str = Field(description="Its id, for `assay.evaluation`.")
    created_at: datetime = Field(description="When it was drawn, UTC.")
    seed: int = Field(description="The seed it was drawn with.")
    population: int = Field(description="Landed changes that it was drawn from.")
    task_count: int = Field(description="How many tasks it has.")


class Span(Shape):
    """A 95 % interval, in the unit of its measure."""

    low: float = Field(description="Lower end.")
    high: float = Field(description="Upper end.")


class MeanRow(Shape):
    """The mean of one measure over the tasks that a route did."""

    measure: Measure = Field(description=_MEASURE)
    tasks: int = Field(description="Tasks that tell it.")
    mean: float | None = Field(description=f"The mean, in {_UNIT}; null: too few tasks.")
    interval: Span | None = Field(description="How sure the mean is; null: too few tasks.")


class RouteResultRow(Shape):
    """What one route did."""

    route: str = Field(description="Its name, from `assay.route`.")
    tasks: int = Field(description="Tasks that it was tried at.")
    sessions: int = Field(description="Sessions that tried.")
    means: list[MeanRow] = Field(description="Each measure's mean.")
    labels: dict[str, int] = Field(description="How many sessions have which label.")


class ComparisonRow(Shape):
    """Two routes by one measure, task by task."""

    measure: Measure = Field(description=_MEASURE)
    one: str = Field(description="A route.")
    other: str = Field(description="Another route.")
    tasks: int = Field(description="Tasks that both did and that tell it.")
    difference: float | None = Field(
        description=f"Mean of one minus other, in {_UNIT}; null: too few tasks."
    )
    interval: Span | None = Field(description="How sure the difference is; null: too few tasks.")
    sign_test: float | None = Field(
        description="Probability of so one-sided a result if neither were better; null: too few."
    )
    better: str | None = Field(description="The route that is better; null: it can't be said.")
    reason: str = Field(description="Why, as a sentence.")


class EvaluationList(Shape):
    """All evaluations."""

    rows: list[EvaluationRow] = Field(description="The newest first.")


class EvaluationReport(EvaluationRow):
    """An evaluation with its tasks and what came of each route so far."""

    as_of: datetime = Field(description="The time that it is told for, UTC.")
    tasks: list[TaskRow] = Field(description="The tasks by number.")
    routes: list[RouteResultRow] = Field(description="The routes that were tried, by name.")
    comparisons: list[ComparisonRow] = Field(description="Every two routes by every measure.")
    unknown_tasks: int = Field(description="Numbers that sessions told and that are no task.")


def evaluation_row(plan: Plan) -> EvaluationRow:
    """A plan as it is listed."""
    return EvaluationRow(**_about(plan))


def evaluation_report(report: Report) -> EvaluationReport:
    """A report as it is answered."""
    return EvaluationReport(
        **_about(report.plan),
        as_of=report.as_of,
        tasks=[task_row(task) for task in report.plan.tasks],
        routes=[_route(each) for each in report.routes],
        comparisons=[_comparison(each) for each in report.comparisons],
        unknown_tasks=report.unknown_tasks,
    )


def task_row(task: Task) -> TaskRow:
    """A task as it is answered."""
    cost = task.cost_nanousd
    return TaskRow(
        number=task.number,
        repo=task.repo,
        change=task.change,
        title=task.title,
        work_type=task.work_type,
        size=task.size,
        lines=task.lines,
        files=task.files,
        base_sha=task.base_sha,
        merge_sha=task.merge_sha,
        landed_at=task.landed_at,
        survives=task.survives,
        review_rounds=task.review_rounds,
        cost_usd=None if cost is None else cost / _NANO,
    )


def _about(plan: Plan) -> dict[str, Any]:
    return {
        "id": plan.id,
        "created_at": plan.created_at,
        "seed": plan.seed,
        "population": plan.population,
        "task_count": len(plan.tasks),
    }


def _route(told: RouteResult) -> RouteResultRow:
    return RouteResultRow(
        route=told.route,
        tasks=told.tasks,
        sessions=told.sessions,
        means=[_mean(measure, mean) for measure, mean in told.means.items()],
        labels=dict(told.labels),
    )


def _mean(measure: Measure, told: Mean) -> MeanRow:
    return MeanRow(measure=measure, tasks=told.tasks, mean=told.mean, interval=_span(told.interval))


def _comparison(told: Comparison) -> ComparisonRow:
    return ComparisonRow(
        measure=told.measure,
        one=told.one,
        other=told.other,
        tasks=told.tasks,
        difference=told.difference,
        interval=_span(told.interval),
        sign_test=told.sign_test,
        better=told.better,
        reason=told.reason,
    )


def _span(told: tuple[float, float] | None) -> Span | None:
    return Span(low=told[0], high=told[1]) if told else None
