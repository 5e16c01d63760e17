"""Rows of tickets: their states, their moves, and what they are tied to."""

from domain.tickets import TicketMoved, TicketSeen, TicketState, TicketTied, TieKind
from store import tables as t
from store.standing import version
from store.work_rows import WorkRows

_FURTHER = {
    TicketState.OPEN: 0,
    TicketState.IN_PROGRESS: 1,
    TicketState.DROPPED: 2,
    TicketState.DONE: 3,
}


def ticket_rows(rows: WorkRows, seen: TicketSeen) -> None:
    """A ticket as it stood."""
    state = {
        "project": seen.project,
        "kind": seen.kind,
        "title": seen.title,
        "state": seen.state.value,
        "state_name": seen.state_name,
        "updated_at": seen.updated_at,
        "closed_at": seen.closed_at,
        "parent": seen.parent,
        "labels": "\n".join(seen.labels),
        "assignee": "\n".join(seen.assignee),
    }
    rows.add(
        t.tickets,
        tracker=seen.tracker,
        key=seen.key,
        version=version(seen.updated_at, state, _FURTHER[seen.state]),
        created_at=seen.created_at,
        **state,
    )
    rows.mark("ticket", "", [seen.key])


def move_rows(rows: WorkRows, moved: TicketMoved) -> None:
    """One move of a ticket."""
    rows.add(
        t.ticket_moves,
        tracker=moved.tracker,
        key=moved.key,
        at=moved.at,
        from_state=moved.from_state.value if moved.from_state else "",
        to_state=moved.to_state.value,
    )
    rows.mark("ticket", "", [moved.key])


def tie_rows(rows: WorkRows, tied: TicketTied) -> None:
    """A tie of a ticket to a change, commit, branch or another ticket."""
    rows.add(
        t.ticket_ties,
        tracker=tied.tracker,
        key=tied.key,
        kind=tied.kind.value,
        repo=tied.repo or "",
        value=tied.value,
        relation=tied.relation,
        seen_at=tied.seen_at,
    )
    if tied.repo and tied.kind in (TieKind.CHANGE, TieKind.COMMIT):
        rows.mark(tied.kind.value, tied.repo, [tied.value])
    rows.mark("ticket", "", [tied.key])
