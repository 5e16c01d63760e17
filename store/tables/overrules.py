"""What people said that sessions bought, where they know better than the rules."""

from sqlalchemy import BigInteger, Column, String, Table, Text

from store.tables.base import Moment, metadata

# One stands while ``withdrawn_at`` is null. ``rule``, ``rule_label`` and ``rule_set`` are what the
# rules said at that time: by them the rules are measured.
label_overrules = Table(
    "label_overrules",
    metadata,
    Column("session_pk", BigInteger, primary_key=True, autoincrement=False),
    Column("said_at", Moment, primary_key=True),
    Column("label", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("said_by", Text, nullable=False),
    Column("withdrawn_at", Moment),
    Column("withdrawn_by", Text),
    Column("rule", String(64), nullable=False),
    Column("rule_label", String(16), nullable=False),
    Column("rule_set", String(32), nullable=False),
)
