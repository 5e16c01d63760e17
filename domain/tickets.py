"""What trackers told us: tickets, how they moved, and what they are tied to.

A ticket's ``key`` is what people write: ``PAY-7`` (Jira, Linear), ``owner/name#7`` in lower case
(issues of a forge), ``AB#7`` (Azure Boards). Texts of descriptions and comments are not kept.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class TicketState(StrEnum):
    """Where a ticket stands, whatever its tracker's workflow calls it."""

    OPEN = "open"  # not begun
    IN_PROGRESS = "in_progress"
    DONE = "done"
    DROPPED = "dropped"  # closed without being done: duplicate, won't fix, cancelled


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketSeen:
    """The state of a ticket at ``updated_at``.

    ``created_at`` is None where the payload leaves it out. ``kind`` is the tracker's own word for
    its type (``Bug``, ``Story``), None where it has none; ``state_name`` the workflow's.
    ``parent`` is the key of its epic or parent. ``assignee`` holds the pseudonyms of the assignee's
    identities.
    """

    tracker: str
    key: str
    project: str
    kind: str | None
    title: str
    state: TicketState
    state_name: str
    created_at: datetime | None
    updated_at: datetime
    closed_at: datetime | None = None
    parent: str | None = None
    labels: tuple[str, ...] = ()
    assignee: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketMoved:
    """One move of a ticket; from done or dropped back to any other state it is a reopening.

    ``from_state`` is None where the payload names only the new state: then what was told before
    says whether it is one.
    """

    tracker: str
    key: str
    from_state: TicketState | None
    to_state: TicketState
    at: datetime


class TieKind(StrEnum):
    """What a tracker or forge says a ticket is tied to."""

    CHANGE = "change"  # value: the change's number
    COMMIT = "commit"  # value: a SHA
    BRANCH = "branch"  # value: the branch's name
    TICKET = "ticket"  # value: the other ticket's key, for example the bug that this one caused


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketTied:
    """A tie that a provider states itself, not one read from text: its link, or its closing list.

    ``repo`` is the repository (``owner/name``, lower case) of a change, commit or branch, None for
    a ticket. ``relation`` is the provider's word for it (``closes``, ``is caused by``), "" if none.
    """

    tracker: str
    key: str
    kind: TieKind
    repo: str | None
    value: str
    relation: str
    seen_at: datetime


def ticket_key(repo: str, told: str) -> str:
    """The key of a ticket named in ``repo``: its own issues are told as ``#7``."""
    return repo + told if told.startswith("#") else told
