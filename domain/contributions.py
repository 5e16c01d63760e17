"""What one session adds to the sums that ratios and indicators are made of.

A session belongs to the week in which it ended, with all that it cost, and to the team, repository
and person that most of its spend is booked on. Its parts by model add up to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import ceil, log2
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

COUNTS = (
    "sessions",
    "priced",
    "cost_nanousd",
    "cost_squares",
    "input",
    "cache_read",
    "cache_write",
    "output",
    "tokens_told",
    "prompts_told",
    "requests_tried",
    "failed_requests",
    "requests_told",
    "looping",
    "loops_told",
    "escalated",
    "escalations_told",
    "tasks",
    "changes_landed",
    "changes_standing",
    "changes_reviewed",
    "changes_first_pass",
    "incomplete",
    "lower_bounds",
)
"""What is summed. Names are only ever added, and at the end.

``priced`` are sessions of known cost, ``cost_squares`` the squares of each one's cost in hundredths
of a cent. A name that ends with ``_told`` counts the sessions that tell it: tokens at all; requests
that failed; repeated calls; models with prices. But ``prompts_told`` are the prompt tokens, and
``requests_tried`` the requests, of those that tell their cache and their failures. Changes and
tasks count once in all, with one of their sessions: ``changes_standing`` landed and are neither
reverted nor heavily reworked, ``changes_reviewed`` landed after somebody had reviewed them, of
these ``changes_first_pass`` without a round. ``incomplete`` are sessions of which something is
known to be missing (``domain.completeness``), ``lower_bounds`` those of ``priced`` that cost at
least what is summed: some of their tokens have no cost that is known (``domain.spent``).
"""

Counts: TypeAlias = Mapping[str, int]
"""Sums by these names; what is not in it is zero."""

NOTHING: Counts = MappingProxyType({})
_SQUARED_NANOUSD = 100_000
_MOST_SQUARED = 2**53
_STEPS = 4
_LEAST = -64


class Facet(StrEnum):
    """What sums are kept by, and answers grouped and filtered by."""

    TOOL = "tool"
    TEAM = "team"
    REPO = "repo"
    MODEL = "model"
    WORK_TYPE = "work_type"


class Standing(NamedTuple):
    """The label that a session has, and the rule that gave it. Sums have very many of them."""

    label: str
    maturity: str
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """All that one session adds.

    ``facets`` are its values without the model; what was not told is "". ``person`` is None where
    nobody was told, or only machines that nobody is known for. ``models`` are its parts, by
    model. ``cost_bin`` is where its cost lies (``bin_of``), None while it is not known;
    ``lead_bins`` where the lead times (in hours) of the landed changes lie that count with it.
    """

    week: int
    facets: Mapping[Facet, str]
    person: str | None
    standing: Standing
    counts: Counts
    models: Mapping[str, Counts]
    cost_bin: int | None = None
    lead_bins: tuple[int, ...] = field(default=())


def squared(cost_nanousd: int) -> int:
    """The square of a cost, in hundredths of a cent, as it is summed.

    More than some nine thousand dollars, which are rather a broken tool than a session, count as
    these: the sum of a thousand such squares fits 64 bits.
    """
    return min(round(cost_nanousd / _SQUARED_NANOUSD) ** 2, _MOST_SQUARED)


def bin_of(amount: float) -> int:
    """The bin of an amount: each is a fourth of a doubling wide; all below 2 ** -16 share one."""
    return max(ceil(log2(amount) * _STEPS), _LEAST) if amount > 0 else _LEAST


def upper_end(bin_number: int) -> float:
    """The largest amount of a bin."""
    return float(2 ** (bin_number / _STEPS))
