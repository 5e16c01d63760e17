"""Sessions as a list: the newest first, narrowed by what most of them tell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from api.cursors import cut, read_cursor
from api.pages import formats
from api.pages import tables as cells
from api.pages.lists import Choice, ListParameters, chosen, typed
from api.pages.ratios import NOT_KNOWN
from api.pages.tables import Cell, Column, Row, Table
from api.parameters import allowed
from api.wiring import Wiring
from domain.labels import Label
from domain.record import Signal
from domain.usage import usd
from store import report_sessions, report_status
from store.engine import Connection
from store.report_sessions import Position, SessionFilter, SessionSeen
from store.report_usage import Dimension

_SIGNALS = frozenset(signal.value for signal in Signal)

COLUMNS = (
    Column(title="Session", names=("tool", "session_id")),
    Column(title="Last record", names=("last_at", "first_at")),
    Column(title="Team", names=("team",)),
    Column(title="Repository", names=("repo",), wide=True),
    Column(title="Person", names=("user", "user_name"), wide=True),
    Column(title="Models", names=("models",), wide=True),
    Column(title="Tokens", names=("tokens",), numeric=True),
    Column(
        title="Spend",
        names=("spent_usd", "spent_as", "lower_bound", "complete", "list_usd"),
        numeric=True,
    ),
    Column(title="Label", names=("label", "maturity")),
)


class SessionListParameters(ListParameters):
    """What the list of sessions can be narrowed by."""

    OWN: ClassVar[tuple[str, ...]] = ("label",)

    label: Label | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionsView:
    """A page of sessions. ``anything`` tells whether any record ever arrived."""

    tables: Sequence[Table]
    next_cursor: str | None
    choices: Sequence[Choice]
    anything: bool


def sessions_view(wiring: Wiring, parameters: SessionListParameters) -> SessionsView:
    """Gather the page."""
    with wiring.database.reading() as connection:
        table, found, cursor = listed(wiring, connection, parameters)
        covered = report_status.coverage(connection)
    # What a forge delivers is covered as well.
    tools = {each.tool for each in covered if each.signal in _SIGNALS}
    return SessionsView(
        tables=[table],
        next_cursor=cursor,
        choices=[
            chosen("tool", "Tool", tools, parameters.tool),
            typed("team", "Team", (each.team for each in found)),
            typed("repo", "Repository", (each.repo for each in found)),
            typed("model", "Model", (model for each in found for model in each.models)),
            chosen("label", "Label", [label.value for label in Label], parameters.label),
        ],
        anything=bool(tools),
    )


def listed(
    wiring: Wiring,
    connection: Connection,
    parameters: SessionListParameters,
    users: Sequence[str] = (),
) -> tuple[Table, Sequence[SessionSeen], str | None]:
    """A page of the sessions that are asked for, of these users (none: everybody's)."""
    now, after = wiring.clock(), None
    if parameters.cursor is not None:
        last_at, pk = read_cursor(parameters.cursor, int)
        after = Position(last_at=last_at, pk=pk)
    told = {
        Dimension.MODEL: parameters.model,
        Dimension.TEAM: parameters.team,
        Dimension.REPO: parameters.repo,
    }
    usage = {name: [value] for name, value in told.items() if value is not None}
    wanted = SessionFilter(
        start=parameters.since(now),
        tools=frozenset([parameters.tool] if parameters.tool else ()),
        labels=frozenset([parameters.label.value] if parameters.label else ()),
        usage=allowed({**usage, Dimension.USER: users}),
    )
    found = report_sessions.page(connection, wanted, parameters.limit + 1, after)
    shown, cursor = cut(found, parameters.limit, lambda seen: (seen.last_at, seen.pk))
    names = wiring.names(connection, (seen.user for seen in shown))
    table = Table(
        name="sessions",
        caption="Sessions, newest first",
        columns=COLUMNS,
        rows=[_row(seen, names, now) for seen in shown],
    )
    return table, shown, cursor


def _row(seen: SessionSeen, names: Mapping[str, str], now: datetime) -> Row:
    name = names.get(seen.user) if seen.user else None
    return (
        Cell(
            text=formats.short(seen.session_id),
            values=(seen.tool, seen.session_id),
            href=formats.session_path(seen.tool, seen.session_id),
            note=seen.tool,
        ),
        Cell(
            text=formats.ago(seen.last_at, now),
            values=(seen.last_at.isoformat(), seen.first_at.isoformat()),
            note=formats.moment(seen.last_at),
        ),
        cells.words(seen.team),
        cells.words(seen.repo),
        # Whole, as only whole pseudonyms are hidden from whoever may not see them.
        Cell(text=name or seen.user, values=(seen.user, name)),
        Cell(text=", ".join(seen.models) or None, values=(" ".join(seen.models) or None,)),
        cells.count(formats.tokens(seen.usage.tokens)),
        _spend(seen),
        label_of(seen.label, seen.maturity),
    )


def _spend(seen: SessionSeen) -> Cell:
    """The cost that stands, as sums have it."""
    cost, complete = seen.cost, seen.completeness.complete
    spent = cells.dollars(
        cost.nanousd,
        note="at least" if cost.lower_bound or complete is False else None,
        missing=NOT_KNOWN,
    )
    told_as = None if cost.nanousd is None else "reported" if cost.reported else "list"
    told = (told_as, cost.lower_bound, complete, usd(seen.usage.list_nanousd))
    return replace(spent, values=(*spent.values, *told))


def label_of(label: str | None, maturity: str | None) -> Cell:
    """A label with whether it may still change."""
    return Cell(
        text=label,
        values=(label, maturity),
        mark=f"label {label or 'none'}",
        note="provisional" if maturity == "provisional" else None,
        missing="not yet",
    )
