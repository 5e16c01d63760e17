"""Words of any length in records: kept within bounds, told apart, and in nobody's way."""

import random
import string
from contextlib import nullcontext
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from collector.bounded import LONGEST_BYTES, bounded
from collector.decode import Encoding
from domain.record import Signal
from store.engine import Database, StoreError
from tests.companies import conclude
from tests.filling import fill, one, rows
from tests.otlp import Body

NOW = datetime(2026, 3, 1, tzinfo=UTC)
# Nothing in it repeats: PostgreSQL would compress a word that does.
LONG = "".join(random.Random(1).choices(string.ascii_letters + string.digits, k=12_000))
WORDS = (
    "session.id",
    "model",
    "app.version",
    "user.email",
    "team.id",
    "vcs.repository.name",
    "vcs.ref.head.name",
    "ticket",
    "tool_name",
)


def request(*records: dict[str, str]) -> Body:
    """One request of Claude Code's events with these attributes, each its own record."""
    told = ExportLogsServiceRequest()
    scoped = told.resource_logs.add().scope_logs.add()
    scoped.scope.name = "com.anthropic.claude_code.events"
    for number, record in enumerate(records):
        made = scoped.log_records.add(time_unix_nano=int(NOW.timestamp()) * 10**9 + number)
        usual = {"session.id": "s", "model": "claude-sonnet-4-5", "event.sequence": str(number)}
        for name, value in (usual | {"input_tokens": "5", "success": "true"} | record).items():
            made.attributes.add(key=name).value.string_value = value
    return Signal.LOGS, Encoding.PROTOBUF, told.SerializeToString()


@pytest.mark.parametrize("word", WORDS)
def test_a_word_without_end_costs_neither_its_record_nor_its_neighbours(
    database: Database, word: str
) -> None:
    asked, called = {"event.name": "api_request"}, {"event.name": "tool_result"}
    sent = request(asked, asked | {word: LONG}, called | {word: LONG}, asked)
    fill(database, [sent, request(asked)])
    assert rows(database, "inbox") == []
    assert one(database, "SELECT SUM(input) FROM usage") == 15
    calls = "SELECT SUM(amount) FROM session_counts WHERE quantity = 'tool_calls'"
    assert one(database, calls) == 1
    conclude(database, NOW)
    assert rows(database, "set_aside") == []


@given(st.text(max_size=700))
def test_what_is_kept_is_the_word_itself_unless_it_is_too_long(word: str) -> None:
    kept = bounded(word)
    size = len(word.encode())
    assert len(kept.encode()) <= LONGEST_BYTES
    assert (kept == word) == (size <= LONGEST_BYTES)
    assert bounded(kept) == kept


@given(st.text(min_size=200), st.characters(codec="utf-8"), st.characters(codec="utf-8"))
def test_words_that_differ_only_at_their_ends_stay_different(
    word: str, one_end: str, other_end: str
) -> None:
    beginning = word * 4
    assert (bounded(beginning + one_end) == bounded(beginning + other_end)) == (
        one_end == other_end
    )


def test_a_limit_of_the_database_does_not_pass(database: Database) -> None:
    """Else the same row would be tried for ever, and all others would wait for it.

    SQLite has none here.
    """
    refuses = nullcontext() if database.embedded else pytest.raises(StoreError, match="index row")
    with refuses as refused, database.writing() as connection:
        connection.exec_driver_sql(f"INSERT INTO contexts (pk, repo) VALUES (1, '{LONG}')")
        connection.exec_driver_sql("CREATE INDEX ix_long ON contexts (repo)")
    assert refused is None or not refused.value.passing
