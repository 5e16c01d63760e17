"""How many sessions of a row nobody is told of: what is counted by the head lacks them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from classifier.parting import Pieces
from domain.contributions import Facet
from domain.efficiency import Asked
from domain.weeks import QUARTER
from store.outcomes import EVERYTHING, paired
from store.report_outcomes import Span

_Cells: TypeAlias = Mapping[int, Mapping[tuple[str, str], int]]


@dataclass(frozen=True, slots=True)
class Unnamed:
    """The sessions of nobody in an answer; ``counted``: whether they are asked for at all."""

    made: Pieces
    asked: Asked
    counted: bool
    _held: dict[str, _Cells] = field(default_factory=dict)

    def whole(self, spans: Iterable[Span]) -> int:
        """Those of everything, or of the one value asked for, in these pieces of time."""
        if self.asked.only is None:
            return self._in_weeks(EVERYTHING, ((span, "") for span in spans))
        facet, value = self.asked.only
        return self._in_weeks(facet.value, ((span, value) for span in spans))

    def groups(self, told: Iterable[tuple[Span, str]]) -> int:
        """Those of these groups, each in a piece of time."""
        by, only = self.asked.group_by, self.asked.only
        if by is None:
            return self.whole(span for span, _ in told)
        if only is None or only[0] is by:
            return self._in_weeks(by.value, told)
        cells = self._of(paired(only[0], by), QUARTER)
        return sum(
            cells[span.week].get(_pair(only, by, value), 0)
            for span, value in told
            if span.week in cells
        )

    def _in_weeks(self, dimension: str, told: Iterable[tuple[Span, str]]) -> int:
        cells, live = self._of(dimension, 1), self.made.live
        if not cells:
            return 0
        return sum(
            cells[week].get((value, ""), 0)
            for span, value in told
            for week in live[span]
            if week in cells
        )

    def _of(self, dimension: str, length: int) -> _Cells:
        """Those of each cell of a dimension, by its first week; read once, of all pieces."""
        if not self.counted:
            return {}
        held = self._held.get(dimension)
        if held is None:
            live = self.made.live
            weeks = [week for of in live.values() for week in of]
            first = weeks if length == 1 else [span.week for span in live]
            told = self.made.weeks.nobodys(dimension, length, first)
            held = self._held[dimension] = {week: of for week, of in told.items() if of}
        return held


def _pair(only: tuple[Facet, str], by: Facet, value: str) -> tuple[str, str]:
    """The values of a pair as it is kept: the facet that comes first in its name is the first."""
    first = paired(only[0], by).startswith(f"{only[0]},")
    return (only[1], value) if first else (value, only[1])
