"""How a landed change compares with others of the company.

The others are those that landed before the week (``domain.weeks``) in which it did, so that nothing
that happens later changes the answer. While a company is young there are too few of these: then its
cost is compared with those of the weeks after it as well, as far as they end before its label is
final.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType


class Scope(StrEnum):
    """With whose cost a change is compared, the nearest first."""

    REPO_AND_TYPE = "repo_and_type"
    TYPE = "type"
    REPO = "repo"
    COMPANY = "company"


SCOPES: Mapping[Scope, str] = MappingProxyType(
    {
        Scope.REPO_AND_TYPE: "the same kind of work in its repository",
        Scope.TYPE: "the same kind of work in the company",
        Scope.REPO: "all work in its repository",
        Scope.COMPANY: "all work in the company",
    }
)
"""The same in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostNorm:
    """What a change was expected to cost, by ``peers`` others of this ``scope``.

    ``percentile`` is the share of the peers that exceed their own expectation by at most as much.
    ``tool_factor`` is what its tool usually costs beside all others for as many lines: 2 is twice
    as much. It is in the expectation: that a tool is dear is not held against a piece of work.
    ``slope`` is by which power of its lines the expectation grows, up to ``most_lines``, those of
    the company's largest change then; ``upper_times`` how many times their own expectation the
    dearest of the peers cost, but for those that a threshold leaves out.
    ``known_at`` is when the last of them had landed; None: before its week.
    """

    scope: Scope
    peers: int
    expected_nanousd: int
    percentile: float
    tool_factor: float
    slope: float
    most_lines: int
    upper_times: float
    known_at: datetime | None = None

    def expected_of(self, lines: int, known: int) -> float:
        """What one with so many lines was expected to cost; ``known`` are those of this one."""
        more = min(lines, self.most_lines) / min(known, self.most_lines)
        return self.expected_nanousd * math.pow(more, self.slope)


@dataclass(frozen=True, slots=True, kw_only=True)
class Norms:
    """A change beside others. ``cost`` is None where there are too few, or nothing to compare.

    ``usual_rounds`` is the 95th percentile (or whichever is set) of the review rounds of
    ``rounds_peers`` changes of its size, None where there are too few. ``tied_share`` is the share
    of the ``tied_peers`` changes by people in its repository that were tied to a task, None
    without any.
    """

    cost: CostNorm | None = None
    usual_rounds: int | None = None
    rounds_peers: int = 0
    tied_share: float | None = None
    tied_peers: int = 0

    def as_of(self, moment: datetime) -> "Norms":
        """The same as it was known at a moment."""
        known_at = self.cost.known_at if self.cost else None
        return self if known_at is None or known_at <= moment else replace(self, cost=None)
