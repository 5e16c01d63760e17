"""What one session does: its requests with growing context, the files it edits, its commit."""

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from simulation.company import Developer, Tool, WorkType
from simulation.history import Commit, Request, Session

# Lines that a piece of work of this type changes: median and spread of a lognormal.
LINES = {
    WorkType.BUG: (24, 0.9),
    WorkType.FEATURE: (170, 0.8),
    WorkType.MAINTENANCE: (40, 0.9),
    WorkType.DOCS: (45, 0.7),
    WorkType.TEST: (90, 0.7),
    WorkType.REFACTOR: (130, 0.8),
}
# Requests for 100 lines; they grow more slowly than lines do (an exponent of 0.8 was measured).
_REQUESTS, _GROWTH, _NOISE = 9.0, 0.8, 0.45
_MOST_REQUESTS = 120
_PROMPT, _STEP = 14_000, 2_600
_CONTEXT = 160_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Doing:
    """Who does what with which tool on which branch; ``lines`` is this session's part."""

    tool: Tool
    developer: Developer
    repository: str
    branch: str
    lines: int
    files: Sequence[str]


def session(chance: random.Random, doing: Doing, at: datetime, *, waste: float = 1.0) -> Session:
    """Draw a session that starts at ``at``; ``waste`` multiplies the requests it takes."""
    usual = _REQUESTS * (max(doing.lines, 4) / 100) ** _GROWTH * doing.tool.thirst
    drawn = usual * chance.lognormvariate(0, _NOISE) * waste
    requests = _requests(chance, min(max(round(drawn), 2), round(_MOST_REQUESTS * waste)))
    ended_at = at + timedelta(seconds=requests[-1].after_s + chance.uniform(20, 90))
    return Session(
        id=str(uuid.UUID(int=chance.getrandbits(128), version=4)),
        tool=doing.tool.name,
        developer=doing.developer.login,
        started_at=at,
        ended_at=ended_at,
        repository=doing.repository,
        branch=doing.branch,
        requests=requests,
        files=tuple(doing.files),
        lines=doing.lines,
        failures=chance.choice((0, 0, 0, 1, 1, 2)),
    )


def _requests(chance: random.Random, number: int) -> list[Request]:
    """Requests whose context grows with each turn, read from the cache, until it is compacted."""
    told: list[Request] = []
    context, after = 0, chance.uniform(2, 20)
    for _ in range(number):
        fresh = round(_STEP * chance.lognormvariate(0, 0.5))
        if context == 0 or context > _CONTEXT:
            context, fresh = 0, _PROMPT + fresh
        output = round(420 * chance.lognormvariate(0, 0.7))
        told.append(
            Request(
                after_s=after,
                input=fresh // 8,
                cache_read=context,
                cache_write=fresh,
                output=output,
            )
        )
        context += fresh + output
        after += chance.uniform(6, 70)
    return told


def commit(chance: random.Random, done: Session, message: str, parent: str) -> Commit:
    """The commit that a session ends with, written while it still ran."""
    made = Commit(
        sha=f"{chance.getrandbits(160):040x}",
        author=done.developer,
        authored_at=(done.ended_at - timedelta(seconds=10)).replace(microsecond=0),
        message=message,
        files=done.files,
        parent=parent,
    )
    done.commits.append(made)
    return made


def files(chance: random.Random, repository: str, kind: WorkType, lines: int) -> list[str]:
    """The paths that a piece of work touches; hot files are touched more often than others."""
    suffix = {WorkType.DOCS: ".md", WorkType.TEST: "_test.py"}.get(kind, ".py")
    folder = {WorkType.DOCS: "docs", WorkType.TEST: "tests"}.get(kind, "src")
    wanted = 1 + min(round(lines / 60), 8)
    # Squared: the first of a repository's 400 files are the hot ones.
    numbers = {int(400 * chance.random() ** 2) for _ in range(wanted)}
    base = repository.rpartition("/")[2].replace("-", "_")
    return [f"{folder}/{base}/part{number % 20}/unit{number}{suffix}" for number in sorted(numbers)]
