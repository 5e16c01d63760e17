"""How a landed change compares with others: what it should have cost, how many rounds are usual.

A change is never judged by tokens per line: these fall with size by themselves. What it should have
cost is read off a line through its peers, log of cost over log of lines. The line's slope is that
of least squares, and never falls: a larger change is not expected to cost less. Its level is the
median, so that half of the peers cost more than expected whatever the others do. Theil and Sen's
slope would stand more outliers, but takes a hundred times as long; on logs, with the level by the
median, outliers move the line little.

The line ends at the company's largest change: whoever claims more lines is expected to cost as much
as that would have, no more. To end it at the largest of the peers proper made labels worse: of some
thirty one in thirty is larger than all before.

Tools differ in price by more than work does. So every cost is first divided by what its tool
usually costs beside all others for as many lines. Without, whatever was done with the dearest tool
would be called disproportionate; whether a tool is worth its price is what its verdict says.
"""

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from statistics import median
from typing import NamedTuple, TypeVar

from classifier.thresholds import Thresholds
from domain.landed import LandedChange
from domain.norms import CostNorm, Norms, Scope
from domain.outcomes import SizeBucket, WorkType
from domain.weeks import monday, week_of
from store import landed
from store.engine import Connection
from store.landed import Span

_Number = TypeVar("_Number", int, float)
# So many of the latest are enough to draw a line, whatever the size of the company.
MOST_PEERS = 500
# Logs of two sizes, which are whole lines, differ by more, up to some billions of lines.
_ALIKE = 1e-10


@dataclass(frozen=True, slots=True)
class Line:
    """Logs of cost by logs of lines; ``over`` are those by which each peer exceeds it, in order.

    ``widest`` is the log of the most lines.
    """

    slope: float
    level: float
    widest: float
    over: tuple[float, ...]

    def excess(self, x: float, y: float) -> float:
        """By how much a point lies over the line."""
        return y - self.level - self.slope * x

    def percentile(self, excess: float) -> float:
        """The share of the peers that exceed the line by at most as much."""
        return bisect_right(self.over, excess) / len(self.over)


def line(points: Sequence[tuple[float, float]]) -> Line:
    """Draw the line through these points (log of lines, log of cost); at least one of them."""
    mean_x = math.fsum(x for x, _ in points) / len(points)
    mean_y = math.fsum(y for _, y in points) / len(points)
    spread = math.fsum((x - mean_x) ** 2 for x, _ in points)
    rise = math.fsum((x - mean_x) * (y - mean_y) for x, y in points)
    widest = max(x for x, _ in points)
    # The mean of equal sizes may be rounded: its distance from them would be taken for a spread.
    alike = widest - min(x for x, _ in points) < _ALIKE
    slope = 0.0 if alike else max(rise / spread, 0.0)
    rests = [y - slope * x for x, y in points]
    level = median(rests)
    return Line(slope, level, widest, tuple(sorted(rest - level for rest in rests)))


def cost_norm(
    peers: Line,
    cost: landed.Cost,
    *,
    scope: Scope,
    dearer: float,
    widest: float,
    share: float,
    known_at: datetime | None,
) -> CostNorm:
    """What a change was expected to cost whose tool is usually dearer by so much (a log).

    ``widest`` is where the line ends; ``share`` of the peers stay below ``upper_times``.
    """
    y = math.log(cost.nanousd)
    excess = peers.excess(min(math.log(cost.lines), widest), y - dearer)
    return CostNorm(
        scope=scope,
        peers=len(peers.over),
        expected_nanousd=round(math.exp(y - excess)),
        percentile=peers.percentile(excess),
        tool_factor=math.exp(dearer),
        slope=peers.slope,
        most_lines=round(math.exp(widest)),
        upper_times=math.exp(quantile(peers.over, share)),
        known_at=known_at,
    )


def quantile(ordered: Sequence[_Number], share: float) -> _Number:
    """The least value that at least this share of them do not exceed; of at least one."""
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


class _Window(NamedTuple):
    """When the peers of a week's changes landed: before it, or up to so many weeks later."""

    week: int
    later: int = 0

    @property
    def end(self) -> datetime:
        """When it ends."""
        return monday(self.week + self.later)


class Peers:
    """What is usual, asked of one state of the database and remembered as long as this lives."""

    def __init__(self, connection: Connection, thresholds: Thresholds) -> None:
        self._connection = connection
        self._thresholds = thresholds
        self._enough = max(thresholds.peer_changes, 1)
        self._line = lru_cache(maxsize=None)(self._read_line)
        self._of_tool = lru_cache(maxsize=None)(self._read_of_tool)
        self._company = lru_cache(maxsize=None)(self._read_company)
        self._dearer = lru_cache(maxsize=None)(self._read_dearer)
        self._rounds = lru_cache(maxsize=None)(self._read_rounds)
        self._tied = lru_cache(maxsize=None)(self._read_tied)

    def norms(self, change: LandedChange) -> Norms:
        """How this change compares with those that landed before its week.

        What it cost is compared with those of as few weeks after that as hold enough peers, where
        there are none before.
        """
        window = _Window(week_of(change.landed_at))
        rounds, rounds_peers = self._rounds(change.size, window) if change.size else (None, 0)
        tied, tied_peers = self._tied(change.repo, window)
        return Norms(
            cost=self._cost(change, window.week),
            usual_rounds=rounds,
            rounds_peers=rounds_peers,
            tied_share=tied / tied_peers if tied_peers else None,
            tied_peers=tied_peers,
        )

    def _cost(self, change: LandedChange, week: int) -> CostNorm | None:
        if not change.cost_nanousd or not change.lines or change.tool is None:
            return None
        before = self._cost_within(change, _Window(week))
        most = min(weeks_later(self._thresholds), max(self._last_week - week, 0))
        if before is not None or not most:
            return before
        # A tool that hardly anybody uses has no peers in any of them.
        if len(self._of_tool(change.tool, _Window(week, most))) < self._enough:
            return None
        after = (self._cost_within(change, _Window(week, later + 1)) for later in range(most))
        return next((each for each in after if each is not None), None)

    def _cost_within(self, change: LandedChange, window: _Window) -> CostNorm | None:
        dearer = self._dearer(change.tool, window) if change.tool else None
        if dearer is None or not change.lines or not change.cost_nanousd:
            return None
        company = self._company(window)
        for scope, repo, work_type in _scopes(change):
            found = self._line(repo, work_type, window)
            if found is not None and company is not None:
                return cost_norm(
                    found,
                    landed.Cost(change.lines, change.cost_nanousd, change.tool or ""),
                    scope=scope,
                    dearer=dearer,
                    widest=company.widest,
                    share=self._thresholds.costly_percentile,
                    known_at=window.end if window.later else None,
                )
        return None

    @cached_property
    def _last_week(self) -> int:
        """The last week in which anything landed: until it began, all has been told."""
        at = landed.last_landed_at(self._connection)
        return week_of(at) if at else 0

    def _span(self, window: _Window) -> Span:
        since = monday(window.week) - timedelta(days=self._thresholds.peer_days)
        return Span(since, window.end, MOST_PEERS)

    def _read_of_tool(self, tool: str, window: _Window) -> Sequence[landed.Cost]:
        return landed.costs_of_peers(self._connection, self._span(window), tool=tool)

    def _read_line(
        self, repo: str | None, work_type: WorkType | None, window: _Window
    ) -> Line | None:
        span = self._span(window)
        peers = landed.costs_of_peers(self._connection, span, repo=repo, work_type=work_type)
        dearer = {tool: self._dearer(tool, window) for tool in {peer.tool for peer in peers}}
        points = [
            (math.log(peer.lines), math.log(peer.nanousd) - usual)
            for peer in peers
            if (usual := dearer[peer.tool]) is not None
        ]
        return line(points) if len(points) >= self._enough else None

    def _read_company(self, window: _Window) -> Line | None:
        """The line through all work of the company, whatever its tools cost."""
        peers = landed.costs_of_peers(self._connection, self._span(window))
        points = [(math.log(peer.lines), math.log(peer.nanousd)) for peer in peers]
        return line(points) if len(points) >= self._enough else None

    def _read_dearer(self, tool: str, window: _Window) -> float | None:
        """By how much (a log) a tool's changes usually lie over the company's line."""
        peers = self._of_tool(tool, window)
        company = self._company(window) if len(peers) >= self._enough else None
        if company is None:
            return None
        return median(company.excess(math.log(x), math.log(y)) for x, y, _ in peers)

    def _read_rounds(self, size: SizeBucket, window: _Window) -> tuple[int | None, int]:
        peers = landed.rounds_of_peers(self._connection, self._span(window), size)
        enough = len(peers) >= self._enough
        usual = quantile(peers, self._thresholds.endless_percentile) if enough else None
        return usual, len(peers)

    def _read_tied(self, repo: str, window: _Window) -> tuple[int, int]:
        return landed.tied_peers(self._connection, self._span(window), repo)


def weeks_later(thresholds: Thresholds) -> int:
    """How many weeks end before a label of what landed in the week before them is final."""
    return thresholds.revert_window_days // 7


def _scopes(change: LandedChange) -> Iterator[tuple[Scope, str | None, WorkType | None]]:
    if change.work_type is not None:
        yield Scope.REPO_AND_TYPE, change.repo, change.work_type
        yield Scope.TYPE, None, change.work_type
    yield Scope.REPO, change.repo, None
    yield Scope.COMPANY, None, None
