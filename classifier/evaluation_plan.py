"""Draws the tasks of an evaluation: past landed changes that stand for all of them.

The changes are put in order by type of work, size and repository, in a random order within these,
and every so-manieth is taken from a random start (systematic sampling). So each kind of work has as
many tasks as it has a part in the whole, to the nearest one, on every one of these levels.
"""

import random
from collections.abc import Sequence
from dataclasses import replace

from domain.evaluations import Task


def draw(population: Sequence[Task], number: int, seed: int) -> tuple[Task, ...]:
    """So many of these, numbered from 1; all of them where there are no more.

    The same population and seed give the same tasks, in whatever order it comes.
    """
    drawing = random.Random(seed)  # noqa: S311
    known = sorted(population, key=lambda task: (task.repo, task.change))
    lots = {(task.repo, task.change): drawing.random() for task in known}
    ordered = sorted(
        known,
        key=lambda task: (
            task.work_type or "",
            task.size or "",
            task.repo,
            lots[task.repo, task.change],
        ),
    )
    if len(ordered) <= number:
        drawn = ordered
    else:
        step = len(ordered) / number
        start = drawing.random() * step
        drawn = [ordered[int(start + step * each)] for each in range(number)]
    return tuple(replace(task, number=at) for at, task in enumerate(drawn, start=1))
