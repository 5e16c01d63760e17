"""Which sums of parts of the company may be told to whoever asks.

Admins and leads of every team see any of them, a lead those of their own teams. Everybody else is
told of parts that people enough are behind and beside (``store.parts_told``).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from http import HTTPStatus

from api.asker import Asker
from api.authority import sees_whole
from api.problems import Refusal
from api.wiring import Wiring
from domain.budgets import Budget, Part, ScopeKind
from store.engine import Connection
from store.parts_told import PartsTold, parts_told

WIDER = " Ask for a longer period, or without the filter."
"""What to ask where a filter left too few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """What may be told to whoever asks. ``told`` is None where that is everything."""

    asking: Asker | None
    told: PartsTold | None
    today: date

    def tells(self, part: Part, since: date | None = None) -> bool:
        """Whether a sum from this day on may be told; None: only the forecast."""
        return self.told is None or sees_part(self.asking, part) or self.told.tells(part, since)

    def tells_budget(self, budget: Budget) -> bool:
        """Whether it may be told how a budget stands; of one without a period there is nothing."""
        span = budget.span(self.today)
        return span is None or self.tells(budget.part, span.first)


def sees_part(asking: Asker | None, part: Part) -> bool:
    """Whether any sum of a part may be told to them; None: to nobody whom we know."""
    teams = [part.value] if part.kind is ScopeKind.TEAM else []
    return asking is not None and sees_whole(asking, (), teams)


def reader(
    wiring: Wiring,
    connection: Connection,
    asking: Asker | None,
    wanted: Mapping[Part, Collection[date]],
) -> Reader:
    """What they may be told of these parts, of sums from these days on and of forecasts."""
    today = wiring.clock().date()
    asked = {part: days for part, days in wanted.items() if not sees_part(asking, part)}
    if not asked:
        return Reader(asking=asking, told=None, today=today)
    kinds = {part.kind for part in asked}
    since = {day for days in asked.values() for day in days}
    told = parts_told(connection, kinds, since, wiring.clock(), wiring.privacy_floor)
    return Reader(asking=asking, told=told, today=today)


def reader_of_budgets(
    wiring: Wiring, connection: Connection, asking: Asker | None, budgets: Collection[Budget]
) -> Reader:
    """The same of budgets, in their present periods."""
    today = wiring.clock().date()
    wanted: dict[Part, set[date]] = {}
    for each in budgets:
        if (span := each.span(today)) is not None:
            wanted.setdefault(each.part, set()).add(span.first)
    return reader(wiring, connection, asking, wanted)


def too_few(floor: int, advice: str = "") -> Refusal:
    """The refusal of what would be about too few people, and what to ask instead."""
    return untold(
        f"Behind this are fewer than {floor} people, or so few beside it that an answer could be"
        f" worked back to them.{advice}"
    )


def untold(why: str) -> Refusal:
    """The refusal of what can't be told without telling of single people."""
    return Refusal(HTTPStatus.FORBIDDEN, "too_few_people", why)
