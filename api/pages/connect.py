"""Connecting: what to set in each tool, forge and tracker, and whether it arrives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from api.guide import Guides
from api.pages import tables as cells
from api.pages.quality import ToolArrival, ago, arrivals
from api.pages.tables import Cell, Column, Row, Table
from api.wiring import Wiring
from store import report_status, sync
from store.access import MAY_SEND, Access
from store.report_status import Covered
from store.sync import SyncState


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectView:
    """What can be connected and what arrives. ``arrived`` are tools, ``heard`` providers."""

    now: datetime
    guides: Guides
    arrived: Mapping[str, ToolArrival]
    heard: Mapping[str, datetime]
    token_needed: bool
    tables: Sequence[Table]


def connect_view(wiring: Wiring, receives: str, webhooks: str) -> ConnectView:
    """Gather the page, for a server that is asked for at these URLs."""
    now = wiring.clock()
    guides = wiring.guides(receives, webhooks)
    with wiring.database.reading() as connection:
        covered = report_status.coverage(connection)
        states = sync.states(connection)
    found = arrivals(covered)
    titles = {each.name: each.title for each in guides.tools}
    return ConnectView(
        now=now,
        guides=guides,
        arrived={each.tool: each for each in found},
        heard=_heard(covered, states),
        token_needed=wiring.gate.check(None, MAY_SEND) is not Access.GRANTED,
        tables=[_arriving(found, titles, now)],
    )


def _heard(covered: Sequence[Covered], states: Sequence[SyncState]) -> dict[str, datetime]:
    """When each forge and tracker was last heard of: by a webhook, or read."""
    found: dict[str, datetime] = {}
    told = [(each.tool, each.last_at) for each in covered if each.signal == "webhook"]
    read = [(each.provider, each.succeeded_at) for each in states if each.succeeded_at]
    for name, at in [*told, *read]:
        found[name] = max(at, found.get(name, at))
    return found


def _arriving(found: Sequence[ToolArrival], titles: Mapping[str, str], now: datetime) -> Table:
    newest = sorted(found, key=lambda each: each.last_at, reverse=True)
    return Table(
        name="arriving",
        caption="What arrives now",
        columns=(
            Column(title="Tool", names=("tool",)),
            Column(title="Last record", names=("last_at",)),
            Column(title="Logs", names=("logs_at",), wide=True),
            Column(title="Metrics", names=("metrics_at",), wide=True),
            Column(title="Traces", names=("traces_at",), wide=True),
            Column(title="Records", names=("records",), numeric=True),
        ),
        rows=[_row(each, titles, now) for each in newest],
    )


def _row(each: ToolArrival, titles: Mapping[str, str], now: datetime) -> Row:
    return (
        Cell(text=titles.get(each.tool, each.tool), values=(each.tool,)),
        ago(each.last_at, now),
        *(ago(each.signals.get(signal), now) for signal in ("logs", "metrics", "traces")),
        cells.count(each.records),
    )
