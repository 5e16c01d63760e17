"""What trackers said: tickets, how they moved, what they are tied to; and who is whom."""

from sqlalchemy import Column, Index, String, Table, Text

from store.tables.base import Moment, Version, metadata

tickets = Table(
    "tickets",
    metadata,
    Column("tracker", String(32), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("version", Version, nullable=False),
    Column("project", Text, nullable=False),
    Column("kind", Text),
    Column("title", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("state_name", Text, nullable=False),
    Column("created_at", Moment),
    Column("updated_at", Moment, nullable=False),
    Column("closed_at", Moment),
    Column("parent", Text),
    Column("labels", Text, nullable=False),
    Column("assignee", Text, nullable=False),
    Index("ix_tickets_key", "key"),
    Index("ix_tickets_updated_at", "updated_at"),
    Index("ix_tickets_tracker_project", "tracker", "project"),
    Index("ix_tickets_project", "project"),
)

# ``from_state`` is empty where only the new state was told.
ticket_moves = Table(
    "ticket_moves",
    metadata,
    Column("tracker", String(32), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("at", Moment, primary_key=True),
    Column("from_state", String(16), primary_key=True),
    Column("to_state", String(16), primary_key=True),
    Index("ix_ticket_moves_key", "key"),
)

# ``repo`` is empty where a ticket is tied to another ticket.
ticket_ties = Table(
    "ticket_ties",
    metadata,
    Column("tracker", String(32), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("repo", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("relation", Text, primary_key=True),
    Column("seen_at", Moment, nullable=False),
    Index("ix_ticket_ties_target", "repo", "kind", "value"),
    Index("ix_ticket_ties_key", "key"),
)
