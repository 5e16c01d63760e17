"""``assay evaluation``: do past tasks again with several routes, and compare these."""

import secrets
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from api.schemas.evaluations import EvaluationReport, evaluation_report
from assay.console import Data, DatabaseUrl, end, opened, settings_from
from assay.opening import CannotStart
from assay.threshold_file import read_thresholds
from classifier.evaluate import TooFewTasks, plan_evaluation, report_evaluation
from classifier.thresholds import Thresholds
from domain.evaluations import LEAST_TASKS, MOST_TASKS, Mean, Measure, Plan, Report

app = typer.Typer(help="Compare routes by doing past tasks again.", no_args_is_help=True)


class Format(StrEnum):
    """How a plan or report is written."""

    TEXT = "text"
    JSON = "json"


Written = Annotated[
    Format, typer.Option("--format", help="For people (a plan as Markdown), or as JSON.")
]


@app.callback()
def main() -> None:
    """Compare routes by doing past tasks again: docs/evaluations.md says how."""


@app.command("plan")
def plan(
    tasks: Annotated[
        int, typer.Option(min=LEAST_TASKS, max=MOST_TASKS, help="How many tasks to draw.")
    ] = 30,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0, max=2**32, help="Draw the same tasks again.", show_default="another each time"
        ),
    ] = None,
    format_: Written = Format.TEXT,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Draw past landed changes that stand for all of them, and keep them as an evaluation."""
    drawn_with = secrets.randbelow(2**32) if seed is None else seed
    rules = _rules(data, database_url)
    with opened(data, database_url) as database:
        try:
            drawn = plan_evaluation(database, datetime.now(UTC), tasks, drawn_with, rules)
        except TooFewTasks as error:
            end(str(error))
        if format_ is Format.TEXT:
            typer.echo(_plan(drawn))
            return
        with database.reading() as connection:
            report = report_evaluation(connection, drawn.id, datetime.now(UTC), rules)
    if report is not None:
        _print(evaluation_report(report))


@app.command("report")
def report(
    evaluation: Annotated[str, typer.Argument(help="The evaluation's id, from its plan.")],
    format_: Written = Format.TEXT,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Compare the routes on cost, quality and time, from the sessions tagged so far."""
    rules = _rules(data, database_url)
    with opened(data, database_url) as database, database.reading() as connection:
        found = report_evaluation(connection, evaluation, datetime.now(UTC), rules)
    if found is None:
        end(f"There is no evaluation {evaluation}.")
    if format_ is Format.JSON:
        _print(evaluation_report(found))
    else:
        _show(found)


def _rules(data: object, database_url: object) -> Thresholds:
    settings = settings_from(data=data, database_url=database_url)
    try:
        return read_thresholds(settings.thresholds).told.rules
    except CannotStart as error:
        end(str(error))


def _print(told: EvaluationReport) -> None:
    typer.echo(told.model_dump_json(indent=2))


def _plan(drawn: Plan) -> str:
    lines = [
        f"# Evaluation {drawn.id}",
        "",
        f"{len(drawn.tasks)} of {drawn.population} landed changes, drawn with the seed"
        f" {drawn.seed}. For each task and route check out the base commit, do the task, and tell"
        " the tool before it starts:",
        "",
        f"    export OTEL_RESOURCE_ATTRIBUTES=assay.evaluation={drawn.id},assay.route=<name>,"
        "assay.task=<number>",
        "",
        "| task | repository | change | title | type | size | base commit |",
        "|--:|---|--:|---|---|---|---|",
    ]
    for task in drawn.tasks:
        title = task.title.replace("|", "\\|").replace("\n", " ")
        base = task.base_sha or (f"{task.merge_sha}^1" if task.merge_sha else "not told")
        kind, size = task.work_type or "not known", task.size or "not known"
        lines.append(
            f"| {task.number} | {task.repo} | {task.change} | {title} | {kind} | {size} | {base} |"
        )
    return "\n".join(lines)


def _show(found: Report) -> None:
    if not found.routes:
        typer.echo("No session was tagged with this evaluation yet.")
        return
    table = Table("route", "tasks", "sessions", *(measure.value for measure in Measure))
    for route in found.routes:
        means = (_mean(route.means[measure]) for measure in Measure)
        table.add_row(route.route, str(route.tasks), str(route.sessions), *means)
    Console().print(table)
    for each in found.comparisons:
        said = f"{each.better} is better" if each.better else f"cannot say. {each.reason}"
        typer.echo(f"{each.measure.value}, {each.one} and {each.other}: {said}")
    if found.unknown_tasks:
        typer.echo(f"{found.unknown_tasks} task numbers were told that the plan does not have.")


def _mean(told: Mean) -> str:
    if told.mean is None or told.interval is None:
        return f"cannot say ({told.tasks})"
    low, high = told.interval
    return f"{told.mean:.2f} ({low:.2f} to {high:.2f})"
