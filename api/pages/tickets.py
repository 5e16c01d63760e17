"""Tickets and issues: what the changes of each cost, and how it moved."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import ClassVar

from api.cursors import cut, read_cursor
from api.pages import changes, formats
from api.pages.changes import MOST_LINKS, spent_cell
from api.pages.filters import PageParameters
from api.pages.lists import Choice, ListParameters, typed
from api.pages.tables import Cell, Column, Row, Table
from api.pages.timelines import happened, ticket_path, tied
from api.parameters import Text
from api.problems import Refusal
from api.wiring import Wiring
from domain.labels import TargetKind
from domain.tickets import TicketState
from store import report_changes, report_links, report_tickets
from store.engine import Connection
from store.report_links import LinkFilter
from store.report_tickets import TicketFilter, TicketListed, TicketPosition

_MOST_CHANGES = 200
COLUMNS = (
    Column(title="Ticket", names=("tracker", "key", "title")),
    Column(title="State", names=("state", "state_name")),
    Column(title="Type", names=("kind",), wide=True),
    Column(title="Last changed", names=("updated_at",)),
    Column(title="Changes", names=("changes",), numeric=True, wide=True),
    Column(title="Cost of its changes", names=("cost_usd", "sessions", "proposed"), numeric=True),
)


class TicketListParameters(ListParameters):
    """What the list of tickets can be narrowed by."""

    OWN: ClassVar[tuple[str, ...]] = ("project", "state")

    project: Text | None = None
    state: TicketState | None = None


class TicketPageParameters(PageParameters):
    """Which of the tickets of a key."""

    tracker: Text | None = None

    def query(self, **changed: object) -> str:
        """These parameters as the end of an address, with changes."""
        return super().query(**{"tracker": self.tracker, **changed})


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketsView:
    """A page of tickets."""

    tables: Sequence[Table]
    next_cursor: str | None
    choices: Sequence[Choice]


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketView:
    """One ticket; ``others`` are trackers that have one of this key as well."""

    ticket: TicketListed
    parent: tuple[str, str] | None
    assignees: Sequence[str]
    others: Sequence[tuple[str, str]]
    tables: Sequence[Table]


def tickets_view(wiring: Wiring, parameters: TicketListParameters) -> TicketsView:
    """Gather the page."""
    after = None
    if parameters.cursor is not None:
        updated_at, tracker, key = read_cursor(parameters.cursor, str, str)
        after = TicketPosition(updated_at=updated_at, tracker=tracker, key=key)
    wanted = TicketFilter(
        start=parameters.since(wiring.clock()),
        projects=frozenset([parameters.project] if parameters.project else ()),
        states=frozenset([parameters.state.value] if parameters.state else ()),
    )
    with wiring.database.reading() as connection:
        found = report_tickets.page(connection, wanted, parameters.limit + 1, after)
    shown, cursor = cut(
        found, parameters.limit, lambda each: (each.updated_at, each.tracker, each.key)
    )
    states = tuple((each.value, formats.words(each.value)) for each in TicketState)
    return TicketsView(
        tables=[
            Table(
                name="tickets",
                caption="Tickets, the last changed first",
                columns=COLUMNS,
                rows=[_row(each) for each in shown],
            )
        ],
        next_cursor=cursor,
        choices=[
            typed("project", "Project", (each.project for each in shown)),
            Choice(name="state", title="State", options=states),
        ],
    )


def _row(ticket: TicketListed) -> Row:
    return (
        Cell(
            text=ticket.key,
            values=(ticket.tracker, ticket.key, ticket.title),
            href=ticket_path(ticket.key, ticket.tracker),
            note=ticket.title,
        ),
        Cell(
            text=formats.words(ticket.state),
            values=(ticket.state, ticket.state_name),
            note=ticket.state_name if ticket.state_name.lower() != ticket.state else None,
        ),
        Cell(text=ticket.kind, values=(ticket.kind,)),
        Cell(text=formats.day(ticket.updated_at), values=(ticket.updated_at.isoformat(),)),
        Cell(text=formats.number(len(ticket.changes)), values=(len(ticket.changes),)),
        spent_cell(ticket.spent),
    )


def ticket_view(wiring: Wiring, key: str, parameters: TicketPageParameters) -> TicketView:
    """Gather the page of a ticket, or refuse with ``ticket_not_found``.

    Of several trackers with a ticket of this key it is the first, unless one is named.
    """
    of_it = LinkFilter(
        kinds=frozenset({TargetKind.TICKET.value}), repos=frozenset({""}), ids=frozenset({key})
    )
    with wiring.database.reading() as connection:
        all_of_key = report_tickets.find(connection, key)
        found = [each for each in all_of_key if parameters.tracker in (None, each.tracker)]
        if not found:
            detail = "No tracker has told of such a ticket."
            raise Refusal(HTTPStatus.NOT_FOUND, "ticket_not_found", detail)
        ticket = found[0]
        names = wiring.names(connection, ticket.assignees)
        links = report_links.page(connection, of_it, MOST_LINKS)
        timeline = report_tickets.timeline(connection, ticket)
        tables = [
            _changes(wiring, connection, ticket),
            tied(links),
            happened("timeline", "How it moved, in order", timeline),
        ]
    return TicketView(
        ticket=ticket,
        parent=(ticket.parent, ticket_path(ticket.parent)) if ticket.parent else None,
        assignees=[names.get(each, each) for each in ticket.assignees],
        others=[
            (each.tracker, ticket_path(key, each.tracker))
            for each in all_of_key
            if each is not ticket
        ],
        tables=tables,
    )


def _changes(wiring: Wiring, connection: Connection, ticket: TicketListed) -> Table:
    found = report_changes.found(connection, ticket.changes[:_MOST_CHANGES])
    ids = [(each.repo, each.number) for each in found]
    outcomes = wiring.outcomes(connection, ids, wiring.clock())
    return changes.listed([(each, outcomes.get((each.repo, each.number))) for each in found])
