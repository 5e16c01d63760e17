"""What if: a change that somebody considers, and what a month would cost with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from domain.outcomes import WorkType

TRIAL_TOKENS_A_DAY = 2_000_000
"""So many tokens of narrow work a day on a frontier model make a trial of a small one worth it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceChange:
    """Models cost ``factor`` times as much. One ends with ``*`` to name many by their beginning."""

    model: str
    factor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSwitch:
    """The tokens of some models (``*`` as above) go to another one."""

    model: str
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadCount:
    """So many more people (fewer: below 0), or ``factor`` times as many; one of both is None."""

    people: int | None = None
    factor: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheShare:
    """``share`` of all prompt tokens (0 to 1) is read from the cache."""

    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """Each kind of work goes to its model; what has no entry stays where it is."""

    models: Mapping[WorkType, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnHosting:
    """Some models are replaced by one that runs on machines of the company's own.

    They cost ``month_nanousd`` a month whatever is used, and ``mtok_nanousd`` for a million tokens.
    """

    model: str
    month_nanousd: int
    mtok_nanousd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallModelTrial:
    """Narrow work that goes to a frontier model goes to this small one."""

    model: str


Change: TypeAlias = (
    PriceChange | ModelSwitch | HeadCount | CacheShare | Routing | OwnHosting | SmallModelTrial
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioResult:
    """What a month costs now and would cost then, in nano-dollars.

    ``tokens`` is how many a month the change concerns. ``break_even_tokens`` is from how many a
    month it pays, None where that is no question or it never does. ``worth_a_trial`` is None where
    it is no question. ``assumptions`` are what the answer takes for granted, ``missing`` is what it
    leaves out. Where ``unsaid`` gives a reason the costs are None.
    """

    now_nanousd: int | None = None
    then_nanousd: int | None = None
    tokens: int | None = None
    break_even_tokens: int | None = None
    worth_a_trial: bool | None = None
    assumptions: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unsaid: str | None = None

    @property
    def delta_nanousd(self) -> int | None:
        """What a month costs more (less: below 0)."""
        if self.now_nanousd is None or self.then_nanousd is None:
            return None
        return self.then_nanousd - self.now_nanousd
