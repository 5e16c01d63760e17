"""What sessions bought: what each adds, and the sums by week and group.

A sum is over so many ``weeks`` (1, 4, 12 or 24) from ``week`` on. ``dimension`` names what its
``value`` and ``other`` are values of: one (``team``), a pair (``team,tool``), or none.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    text,
)

from domain.contributions import COUNTS
from store.tables.base import SERIAL, metadata

# Counts that came later: declared last, as they stand in a database that was there before them.
LATER_COUNTS = ("incomplete", "lower_bounds")
_DOUBT = text("incomplete + lower_bounds > 0")
_COUNTS = tuple(name for name in COUNTS if name not in LATER_COUNTS)


def _counts(*names: str) -> list[Column[int]]:
    return [
        Column(
            name,
            BigInteger,
            nullable=False,
            server_default="0" if name in LATER_COUNTS else None,
        )
        for name in names
    ]


# Numbers for people, so that sets of them are small. ``person`` is a pseudonym.
outcome_people = Table(
    "outcome_people",
    metadata,
    Column("number", SERIAL, primary_key=True),
    Column("person", Text, nullable=False, unique=True),
)

session_outcomes = Table(
    "session_outcomes",
    metadata,
    Column("session_pk", BigInteger, primary_key=True, autoincrement=False),
    Column("week", Integer, nullable=False),
    Column("tool", Text, nullable=False),
    Column("team", Text, nullable=False),
    Column("repo", Text, nullable=False),
    Column("work_type", Text, nullable=False),
    Column("person", Integer),
    Column("label", String(16), nullable=False),
    Column("maturity", String(16), nullable=False),
    Column("rule", String(64), nullable=False),
    *_counts(*_COUNTS),
    Column("cost_bin", SmallInteger),
    Column("lead_bins", Text, nullable=False),
    *_counts(*LATER_COUNTS),
    Index("ix_session_outcomes_in_doubt", "week", sqlite_where=_DOUBT, postgresql_where=_DOUBT),
)

# A session's part in each of its models; they add up to it.
session_model_outcomes = Table(
    "session_model_outcomes",
    metadata,
    Column("session_pk", BigInteger, primary_key=True, autoincrement=False),
    Column("model", Text, primary_key=True),
    *_counts(*_COUNTS, *LATER_COUNTS),
    sqlite_with_rowid=False,
)

# Which sessions a change or task may count with; it counts with the one of the greatest weight.
outcome_claims = Table(
    "outcome_claims",
    metadata,
    Column("ref", Text, primary_key=True),
    Column("session_pk", BigInteger, primary_key=True, autoincrement=False),
    Column("weight", BigInteger, nullable=False),
    Index("ix_outcome_claims_session_pk", "session_pk"),
    sqlite_with_rowid=False,
)

outcome_rollups = Table(
    "outcome_rollups",
    metadata,
    Column("dimension", String(24), primary_key=True),
    Column("weeks", SmallInteger, primary_key=True, autoincrement=False),
    Column("week", Integer, primary_key=True, autoincrement=False),
    Column("value", Text, primary_key=True),
    Column("other", Text, primary_key=True),
    Column("label", String(16), primary_key=True),
    Column("maturity", String(16), primary_key=True),
    Column("rule", String(64), primary_key=True),
    *_counts(*_COUNTS, *LATER_COUNTS),
    sqlite_with_rowid=False,
)

# Who has sessions in a cell, and how many: pairs of a person's number and a count, packed.
outcome_presence = Table(
    "outcome_presence",
    metadata,
    Column("dimension", String(24), primary_key=True),
    Column("weeks", SmallInteger, primary_key=True, autoincrement=False),
    Column("week", Integer, primary_key=True, autoincrement=False),
    Column("value", Text, primary_key=True),
    Column("other", Text, primary_key=True),
    Column("people", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# Numbers that are others after whatever was written about a week; after sums of final labels were;
# and after somebody came into a group of it or left one.
outcome_weeks = Table(
    "outcome_weeks",
    metadata,
    Column("week", Integer, primary_key=True, autoincrement=False),
    Column("stamp", BigInteger, nullable=False),
    Column("settled_stamp", BigInteger, nullable=False),
    Column("people_stamp", BigInteger, nullable=False),
)

# How costs of sessions (``kind`` names the tool) and lead times are spread.
outcome_bins = Table(
    "outcome_bins",
    metadata,
    Column("dimension", String(24), primary_key=True),
    Column("weeks", SmallInteger, primary_key=True, autoincrement=False),
    Column("week", Integer, primary_key=True, autoincrement=False),
    Column("value", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("bin", SmallInteger, primary_key=True, autoincrement=False),
    Column("sessions", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
