"""Who gets the weekly digest, and what became of each copy."""

from sqlalchemy import Column, Date, Integer, String, Table, Text

from store.tables.base import Moment, metadata

# ``identity`` is the pseudonym of the address. Of who has unsubscribed and is in no file it is all
# that stays.
digest_recipients = Table(
    "digest_recipients",
    metadata,
    Column("identity", String(64), primary_key=True),
    Column("address", Text),
    Column("person", String(64)),
    Column("unsubscribed_at", Moment),
)

# An empty team is the company; '*' are those that the recipient leads.
digest_subscriptions = Table(
    "digest_subscriptions",
    metadata,
    Column("identity", String(64), primary_key=True),
    Column("team", Text, primary_key=True),
    Column("added_at", Moment, nullable=False),
)

# One row for each copy of a week's digest, made before anything is sent: by its key a copy goes out
# once. ``recipient`` is the pseudonym of an address, or empty for a channel.
digest_sendings = Table(
    "digest_sendings",
    metadata,
    Column("week", Date, primary_key=True),
    Column("through", String(16), primary_key=True),
    Column("recipient", String(64), primary_key=True),
    Column("scope", String(16), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("told_at", Moment),
    Column("error", Text),
)
