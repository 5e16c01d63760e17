"""How many sessions of a row nobody is told of: what is counted by the head lacks them."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from classifier.parting import Pieces
from domain.contributions import Facet
from domain.efficiency import Asked
from domain.weeks import QUARTER
from store.outcomes import EVERYTHING, paired
from store.report_outcomes import Span


@dataclass(frozen=True, slots=True)
class Unnamed:
    """The sessions of nobody in an answer; ``counted``: whether they are asked for at all."""

    made: Pieces
    asked: Asked
    counted: bool

    def whole(self, spans: Iterable[Span]) -> int:
        """Those of everything, or of the one value asked for, in these pieces of time."""
        weeks = self._weeks(spans)
        if self.asked.only is None:
            return self._of(EVERYTHING, 1, [(week, ("", "")) for week in weeks])
        facet, value = self.asked.only
        return self._of(facet.value, 1, [(week, (value, "")) for week in weeks])

    def groups(self, told: Iterable[tuple[Span, str]]) -> int:
        """Those of these groups, each in a piece of time."""
        by, only = self.asked.group_by, self.asked.only
        if by is None:
            return self.whole(span for span, _ in told)
        if only is not None and only[0] is not by:
            cells = [(span.week, _pair(only, by, value)) for span, value in told]
            return self._of(paired(only[0], by), QUARTER, cells)
        return self._of(
            by.value,
            1,
            [(week, (value, "")) for span, value in told for week in self._weeks([span])],
        )

    def _weeks(self, spans: Iterable[Span]) -> list[int]:
        return [week for span in spans for week in self.made.live[span]]

    def _of(self, dimension: str, length: int, cells: list[tuple[int, tuple[str, str]]]) -> int:
        if not self.counted:
            return 0
        by_week: dict[int, list[tuple[str, str]]] = defaultdict(list)
        for week, cell in cells:
            by_week[week].append(cell)
        told = self.made.weeks.nobodys(dimension, length, by_week)
        return sum(told[week].get(cell, 0) for week, of in by_week.items() for cell in of)


def _pair(only: tuple[Facet, str], by: Facet, value: str) -> tuple[str, str]:
    """The values of a pair as it is kept: the facet that comes first in its name is the first."""
    first = paired(only[0], by).startswith(f"{only[0]},")
    return (only[1], value) if first else (value, only[1])
