"""Who works there, with which tools, and how good each tool is at which kind of work."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class WorkType(StrEnum):
    """What a ticket asks for."""

    BUG = "bug"
    FEATURE = "feature"
    MAINTENANCE = "maintenance"
    DOCS = "docs"
    TEST = "test"
    REFACTOR = "refactor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A coding tool of the company.

    ``speaks`` is the telemetry it sends (``simulation.telemetry``), ``name`` what the product calls
    it, ``quality`` the probability that work of a type done with it ends well, and ``thirst`` how
    many tokens it takes for the same work, against 1 for the usual.
    """

    name: str
    speaks: str
    model: str
    quality: Mapping[WorkType, float]
    thirst: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Developer:
    """Somebody at work. ``told`` is whether their tools say who they are."""

    login: str
    email: str
    name: str
    team: str
    told: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A team with its repositories, its mix of work, and how it likes the tools."""

    name: str
    project: str
    repositories: tuple[str, ...]
    work: Mapping[WorkType, float]
    tools: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """All of it. ``squashes`` names the repositories that squash when they merge."""

    seed: int
    tools: Mapping[str, Tool]
    teams: tuple[Team, ...]
    developers: tuple[Developer, ...]
    squashes: frozenset[str]


def _quality(
    bug: float, feature: float, maintenance: float, docs: float, test: float, refactor: float
) -> Mapping[WorkType, float]:
    return MappingProxyType(
        {
            WorkType.BUG: bug,
            WorkType.FEATURE: feature,
            WorkType.MAINTENANCE: maintenance,
            WorkType.DOCS: docs,
            WorkType.TEST: test,
            WorkType.REFACTOR: refactor,
        }
    )


# Claude Code is the better tool at every kind of work than Copilot, and looks worse over all, since
# it is given the hard work: Simpson's paradox. Gemini CLI is good at documentation and tests and at
# nothing else. Qwen Code mostly fails.
USUAL_TOOLS = (
    Tool(
        name="claude-code",
        speaks="claude-code",
        model="claude-sonnet-4-5",
        quality=_quality(0.9, 0.62, 0.92, 0.96, 0.94, 0.64),
    ),
    Tool(
        name="codex",
        speaks="codex",
        model="gpt-5",
        quality=_quality(0.92, 0.58, 0.86, 0.88, 0.86, 0.56),
        thirst=0.9,
    ),
    Tool(
        name="copilot",
        speaks="copilot",
        model="gpt-4.1",
        quality=_quality(0.84, 0.48, 0.88, 0.92, 0.88, 0.5),
        thirst=0.7,
    ),
    Tool(
        name="gemini-cli",
        speaks="gemini-cli",
        model="gemini-2.5-pro",
        quality=_quality(0.25, 0.15, 0.3, 0.92, 0.9, 0.15),
        thirst=1.1,
    ),
    Tool(
        name="qwen-code",
        speaks="qwen-code",
        model="qwen3-coder-plus",
        quality=_quality(0.16, 0.1, 0.2, 0.28, 0.22, 0.1),
        thirst=1.6,
    ),
)

_HARD = (0.12, 0.58, 0.03, 0.02, 0.03, 0.22)
_EVEN = (0.28, 0.24, 0.16, 0.1, 0.12, 0.1)
_EASY = (0.32, 0.02, 0.25, 0.2, 0.2, 0.01)
# Project key, team, mix of work, and how often each of the five tools is taken.
_TEAMS = (
    ("PAY", "payments", _HARD, (8, 2, 0.6, 0.6, 0.6)),
    ("SHOP", "storefront", _HARD, (7, 3, 0.6, 0.6, 0.8)),
    ("PLAT", "platform", _EVEN, (2, 5, 2, 2, 1)),
    ("DATA", "data", _EVEN, (2, 4, 2, 3, 1.5)),
    ("MOB", "mobile", _EASY, (1, 2, 7, 2, 0.8)),
    ("OPS", "operations", _EASY, (0.8, 2, 6, 3, 1)),
)
_GIVEN = "ada ben cleo dan eva finn gus hana ivo jane kim lea max nora otto pia ravi sara tom uma"
_FAMILY = "abel brook chen diaz endo fox gray hill ito jung"
_UNTOLD = 0.1


def found(seed: int, tools: Sequence[Tool] = USUAL_TOOLS, developers: int = 60) -> Company:
    """Found a company. Other tools are liked as the usual ones are, in their order."""
    chance = random.Random(f"company {seed}")
    teams = tuple(_team(row, tools, chance) for row in _TEAMS)
    repositories = sorted(name for team in teams for name in team.repositories)
    return Company(
        seed=seed,
        tools=MappingProxyType({tool.name: tool for tool in tools}),
        teams=teams,
        developers=tuple(_developer(number, teams, chance) for number in range(developers)),
        squashes=frozenset(name for name in repositories if chance.random() < 0.5),  # noqa: PLR2004
    )


def _team(
    row: tuple[str, str, Sequence[float], Sequence[float]],
    tools: Sequence[Tool],
    chance: random.Random,
) -> Team:
    project, name, work, liked = row
    return Team(
        name=name,
        project=project,
        repositories=(f"acme/{name}", f"acme/{name}-{chance.choice(('api', 'jobs', 'web'))}"),
        work=dict(zip(WorkType, work, strict=True)),
        tools={
            tool.name: liked[number % len(liked)] * chance.uniform(0.8, 1.25)
            for number, tool in enumerate(tools)
        },
    )


def _developer(number: int, teams: Sequence[Team], chance: random.Random) -> Developer:
    given, family = _GIVEN.split(), _FAMILY.split()
    first, last = given[number % len(given)], family[(number // len(given) + number) % len(family)]
    login = f"{first}-{last}{number}"
    return Developer(
        login=login,
        email=f"{first}.{last}{number}@acme.example",
        name=f"{first} {last} {number}".title(),
        team=teams[number % len(teams)].name,
        told=chance.random() >= _UNTOLD,
    )
