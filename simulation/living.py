"""From a company to its history: tickets are taken, worked on with a tool, and end somehow."""

import random
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TypeVar

from simulation import calendar, endings
from simulation.company import Company, Developer, Team, Tool, WorkType
from simulation.history import Ending, History, Piece, Request
from simulation.sessions import LINES, Doing, files, session

# Pieces of work and questions a developer and week.
_PIECES, _QUESTIONS = 1.9, 0.6
_WORDS = {
    WorkType.BUG: ("fix", "wrong rounding", "lost update", "crash on empty cart", "stale token"),
    WorkType.FEATURE: ("feat", "refunds", "saved searches", "bulk export", "gift cards"),
    WorkType.MAINTENANCE: ("chore", "bump drivers", "rotate keys", "drop old flags", "tidy config"),
    WorkType.DOCS: ("docs", "runbook", "set-up guide", "API examples", "glossary"),
    WorkType.TEST: ("test", "cover refunds", "contract tests", "flaky suite", "edge cases"),
    WorkType.REFACTOR: ("refactor", "split the service", "one money type", "ports", "queue"),
}
# How work that does not end well ends, and how work that ends well may still differ.
_BAD = {
    Ending.ENDLESS: 0.16,
    Ending.COSTLY: 0.06,
    Ending.REVERTED: 0.16,
    Ending.REJECTED: 0.2,
    Ending.STALLED: 0.14,
    Ending.UNPUSHED: 0.28,
}
_GOOD = {
    Ending.SHIPPED: 0.92,
    Ending.RELANDED: 0.02,
    Ending.SUPERSEDED: 0.03,
    Ending.EXPERIMENT: 0.03,
}
# One agent, one night: hundreds of requests for a call that fails each time.
_RUNAWAY_REQUESTS = 400

_Picked = TypeVar("_Picked")


def live(company: Company, until: datetime, weeks: int = 39) -> History:
    """Let so many weeks pass, the last one ending at ``until``."""
    chance = random.Random(f"history {company.seed}")
    since = (until - timedelta(weeks=weeks)).replace(hour=0, minute=0, second=0, microsecond=0)
    since -= timedelta(days=since.weekday())
    teams = {team.name: team for team in company.teams}
    numbers: defaultdict[str, int] = defaultdict(int)
    pieces: list[Piece] = []
    for week in (since + timedelta(weeks=number) for number in range(weeks + 1)):
        busy = calendar.pace(week, since, until)
        for developer in company.developers:
            team = teams[developer.team]
            for _ in range(_drawn(chance, _PIECES * busy)):
                at = calendar.morning(chance, week)
                numbers[team.project] += 1
                ticket = f"{team.project}-{numbers[team.project]}"
                pieces.append(_piece(chance, company, team, developer, ticket, at))
            for _ in range(_drawn(chance, _QUESTIONS * busy)):
                at = calendar.morning(chance, week)
                pieces.append(_question(chance, company, team, developer, at))
    _run_away(chance, pieces)
    pieces = [piece for piece in pieces if piece.created_at < until]
    endings.number(pieces)
    return History(company=company, since=since, until=until, pieces=pieces)


def _drawn(chance: random.Random, mean: float) -> int:
    """A whole number with this mean and little spread: people do not work by Poisson's law."""
    return int(mean) + (chance.random() < mean % 1)


def _piece(
    chance: random.Random,
    company: Company,
    team: Team,
    developer: Developer,
    ticket: str,
    at: datetime,
) -> Piece:
    kind = _pick(chance, team.work)
    tool = company.tools[_pick(chance, team.tools)]
    good = chance.random() < tool.quality[kind]
    ending = _pick(chance, _GOOD if good else _BAD)
    prefix, *words = _WORDS[kind]
    what = f"{chance.choice(words)} in {chance.choice(('checkout', 'search', 'login', 'billing'))}"
    # Most branches and titles name their ticket; what people forget, they forget now and then.
    named = chance.random() < 0.85  # noqa: PLR2004
    repository = chance.choice(team.repositories)
    median, spread = LINES[kind]
    lines = max(round(median * chance.lognormvariate(0, spread)), 2)
    doing = Doing(
        tool=tool,
        developer=developer,
        repository=repository,
        branch=f"{prefix}/{ticket if named else chance.randrange(10_000)}-{what.replace(' ', '-')}",
        lines=lines,
        files=files(chance, repository, kind, lines),
    )
    return endings.piece(
        chance,
        endings.Task(
            ticket=ticket,
            title=f"{prefix}: {what}" + (f" ({ticket})" if named else ""),
            team=team.name,
            work_type=kind,
            reviewers=tuple(
                each.login
                for each in company.developers
                if each.team == team.name and each is not developer
            ),
            squash=repository in company.squashes,
        ),
        doing,
        ending,
        at,
    )


def _question(
    chance: random.Random, company: Company, team: Team, developer: Developer, at: datetime
) -> Piece:
    tool: Tool = company.tools[_pick(chance, team.tools)]
    doing = Doing(
        tool=tool,
        developer=developer,
        repository=chance.choice(team.repositories),
        branch="main",
        lines=0,
        files=(),
    )
    asked = session(chance, doing, at)
    return Piece(
        ticket=None,
        title="a question",
        team=team.name,
        tool=tool.name,
        work_type=_pick(chance, team.work),
        ending=Ending.QUESTION,
        sessions=[asked],
        changes=[],
        created_at=at,
        settled_at=asked.ended_at,
    )


def _run_away(chance: random.Random, pieces: list[Piece]) -> None:
    """Let one session that came to nothing run all night."""
    unpushed = [piece for piece in pieces if piece.ending is Ending.UNPUSHED]
    if not unpushed:
        return
    wild = chance.choice(unpushed).sessions[0]
    last = wild.requests[-1]
    step = last.after_s / len(wild.requests)
    wild.requests = [
        *wild.requests,
        *(
            Request(
                after_s=last.after_s + step * number,
                input=last.input,
                cache_read=last.cache_read,
                cache_write=last.cache_write,
                output=last.output,
            )
            for number in range(1, _RUNAWAY_REQUESTS)
        ),
    ]
    wild.failures = _RUNAWAY_REQUESTS
    wild.ended_at = wild.started_at + timedelta(seconds=wild.requests[-1].after_s + 30)


def _pick(chance: random.Random, weights: Mapping[_Picked, float]) -> _Picked:
    return chance.choices(list(weights), list(weights.values()))[0]
