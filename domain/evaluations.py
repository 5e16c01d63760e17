"""Doing past tasks again with several routes: which tasks, and what came of each route.

A route is whatever people compare, by a name of their own: a tool with a model, a setting, a person
alone. Sessions say which task of which evaluation they do, and by which route.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

LEAST_TASKS, MOST_TASKS = 20, 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A change that landed, to be made again from the commit before it.

    ``base_sha`` is that commit; None where the forge did not tell, or where several come before:
    then it is the first parent of ``merge_sha``. ``lines`` and ``files`` are its size, ``survives``
    what became of it, ``cost_nanousd`` what sessions spent on it, None where not known.
    """

    number: int
    repo: str
    change: int
    title: str
    work_type: str | None
    size: str | None
    lines: int | None
    files: int | None
    base_sha: str | None
    merge_sha: str | None
    landed_at: datetime
    survives: bool
    review_rounds: int
    cost_nanousd: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The tasks of one evaluation, drawn from ``population`` landed changes with this seed."""

    id: str
    created_at: datetime
    seed: int
    population: int
    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """What a session says of its part in an evaluation."""

    evaluation: str
    route: str
    task: int


def tag_of(value: str) -> Tag:
    """Read a tag as it is kept: id/route/task. Raises ValueError for anything else."""
    evaluation, route, task = value.split("/")
    return Tag(evaluation=evaluation, route=route, task=int(task))


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One task done by one route, all its sessions together.

    ``minutes`` is the time that its sessions lasted. ``landed`` and ``survives`` are None where no
    change is linked to them, ``review_rounds`` too; ``cost_nanousd`` where a session has none.
    """

    route: str
    task: int
    sessions: int
    cost_nanousd: int | None
    minutes: float
    landed: bool | None
    survives: bool | None
    review_rounds: int | None
    labels: Mapping[str, int]


class Measure(StrEnum):
    """What routes are compared by. More is better of landed and survives, less of the others."""

    COST_USD = "cost_usd"
    MINUTES = "minutes"
    LANDED = "landed"
    SURVIVES = "survives"
    REVIEW_ROUNDS = "review_rounds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """The mean of a measure over so many tasks with its 95 % interval; None over too few."""

    tasks: int
    mean: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteResult:
    """What one route did: of how many tasks and sessions, each measure's mean, and labels."""

    route: str
    tasks: int
    sessions: int
    means: Mapping[Measure, Mean]
    labels: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two routes by one measure, over the tasks that both did and that tell it.

    ``difference`` is the mean of ``one`` minus ``other`` with its 95 % ``interval``, ``sign_test``
    the probability of so one-sided a result if neither were better (ties left out). ``better`` is
    the route that is, None where it can't be said; ``reason`` says why.
    """

    measure: Measure
    one: str
    other: str
    tasks: int
    difference: float | None
    interval: tuple[float, float] | None
    sign_test: float | None
    better: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of an evaluation so far. ``unknown_tasks`` counts tags of no task of the plan."""

    plan: Plan
    as_of: datetime
    routes: tuple[RouteResult, ...]
    comparisons: tuple[Comparison, ...]
    attempts: tuple[Attempt, ...]
    unknown_tasks: int
