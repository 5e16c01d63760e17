"""Which tickets a change was made for, and whether they were done and stayed done."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from classifier.thresholds import Thresholds
from domain.outcomes import TiedTask, TieSource
from domain.tickets import TicketState
from store.membership import ChangeId
from store.tied_tasks import Ticket, Ties, project_of

_ENDED = frozenset({TicketState.DONE, TicketState.DROPPED})
_ORDER = {source: place for place, source in enumerate(TieSource)}


def tied_tasks(
    change: ChangeId,
    ties: Ties,
    landed_at: datetime | None,
    thresholds: Thresholds,
    as_of: datetime,
) -> tuple[TiedTask, ...]:
    """Tell which tickets the change is tied to by then, and what became of them.

    A key that is merely named counts if there is such a ticket, or if it may be of a tracker that
    tells us nothing: what a session was told to be for may be so always, what stands in texts only
    while no tracker with keys of that form is connected. A ticket that was made after the change
    landed is not what it was made for.
    """
    made_by = as_of if landed_at is None else min(landed_at, as_of)
    found: list[TiedTask] = []
    for key, sources in sorted(ties.sources.get(change, {}).items()):
        source = min(sources, key=lambda each: _ORDER[each])
        ticket = ties.tickets.get(key)
        if ticket is None:
            told = source is TieSource.PROVIDER
            if told or _may_be(key, sources, ties):
                found.append(TiedTask(key=key, source=source, validated=told))
            continue
        if ticket.created_at is not None and ticket.created_at > made_by:
            continue
        done_at = _done_at(ticket, landed_at, thresholds, as_of) if landed_at else None
        found.append(
            TiedTask(
                key=key,
                source=source,
                validated=True,
                done_at=done_at,
                reopened_at=_reopened_at(ticket, done_at, thresholds, as_of) if done_at else None,
            )
        )
    return tuple(found)


def _may_be(key: str, sources: Collection[TieSource], ties: Ties) -> bool:
    """Whether there may be a ticket of this key that no tracker told of."""
    if TieSource.SESSION in sources:
        return project_of(key) not in ties.projects.told
    return ties.projects.may_be_another_trackers(key)


def _done_at(
    ticket: Ticket, landed_at: datetime, thresholds: Thresholds, as_of: datetime
) -> datetime | None:
    """When it was done in time: it was when the change landed, or it was soon after."""
    end = min(as_of, landed_at + timedelta(days=thresholds.ticket_done_days))
    before = [move for move in ticket.moves if move.at <= landed_at]
    if before and before[-1].after is TicketState.DONE:
        return before[-1].at
    after = [move.at for move in ticket.moves if move.after is TicketState.DONE]
    if not after and ticket.state is TicketState.DONE and ticket.closed_at is not None:
        # Its last state tells it where nobody told its moves.
        return ticket.closed_at if ticket.closed_at <= end else None
    return min((at for at in after if landed_at < at <= end), default=None)


def _reopened_at(
    ticket: Ticket, done_at: datetime, thresholds: Thresholds, as_of: datetime
) -> datetime | None:
    end = min(as_of, done_at + timedelta(days=thresholds.ticket_reopened_days))
    return min(_reopenings(ticket, done_at, end), default=None)


def _reopenings(ticket: Ticket, since: datetime, until: datetime) -> Iterable[datetime]:
    """Moves from an ended state to another; where it was not told, what was told before says it."""
    state: TicketState | None = None
    for move in ticket.moves:
        before = move.before or state
        ended = before in _ENDED and move.after not in _ENDED
        if ended and since < move.at <= until:
            yield move.at
        state = move.after
