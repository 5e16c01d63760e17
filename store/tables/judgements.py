"""What was judged of tools: verdicts where they changed, whole judgements by day, evaluations."""

from sqlalchemy import BigInteger, Column, Integer, String, Table, Text

from store.tables.base import Moment, metadata

# A row where a verdict changed. ``judged_at`` is when it was last found to stand; ``model`` is
# empty for a tool with all its models, and begins with a colon for one of them. ``grounds`` are the
# numbers that it was given on (JSON).
verdicts = Table(
    "verdicts",
    metadata,
    Column("tool", String(64), primary_key=True),
    Column("model", Text, primary_key=True),
    Column("given_at", Moment, primary_key=True),
    Column("judged_at", Moment, nullable=False),
    Column("decision", String(24), nullable=False),
    Column("reason", Text, nullable=False),
    Column("grounds", Text, nullable=False),
)

# The last judgement of each UTC day, as it was given (JSON): verdicts by tool, by tool and model,
# or the routing policy. ``took_ms`` is how long the judging took, which decides when it is done
# anew.
judgements = Table(
    "judgements",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("judged_at", Moment, nullable=False),
    Column("took_ms", BigInteger, nullable=False),
    Column("judged", Text, nullable=False),
)

# Tasks drawn to be done again with several routes (JSON).
evaluations = Table(
    "evaluations",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("created_at", Moment, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("plan", Text, nullable=False),
)
