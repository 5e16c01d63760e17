"""Data quality: who is silent, what is not understood, priced, linked or read, and what helps."""

from datetime import date, timedelta

import pytest

from classifier.run import classify
from collector.decode import Encoding
from domain.alerts import Told
from domain.digests import Copy, Through
from domain.record import Signal
from store import aside, digest_sendings, sync
from store.dirty import Marks
from store.engine import Database
from tests.api.answering import NOW, client, get
from tests.api.pages.looking_up import look, table
from tests.api.test_status_and_coverage import STRANGE
from tests.capturing import CAPTURES
from tests.filling import bodies, fill
from tests.spending import Used, put

SIMPLE = CAPTURES / "claude-code" / "01-simple-http-protobuf"


def test_nothing_has_arrived(database: Database) -> None:
    page = look(client(database), "/quality")
    assert "Nothing has arrived yet." in page.text
    assert page.links["Connect a tool"] == "/connect"


def test_what_arrives_is_told_by_tool(database: Database) -> None:
    fill(database, bodies(SIMPLE))
    http = client(database)
    [row] = table(http, "/quality", table="tools")
    coverage = get(http, "/v1/coverage", tool="claude-code")["rows"]
    assert row["tool"] == "claude-code"
    assert int(row["records"]) == sum(each["records"] for each in coverage)
    assert (row["installations_14_days"], row["installations_silent"]) == ("1", "0")
    assert "Silent for more than" not in look(http, "/quality").text


def test_records_that_nobody_understands_are_named(database: Database) -> None:
    fill(database, [(Signal.LOGS, Encoding.JSON, STRANGE)])
    http = client(database)
    [row] = table(http, "/quality", table="records")
    [told] = [each for each in get(http, "/v1/coverage")["rows"] if each["outcome"] == "unknown"]
    assert (row["tool"], row["name"]) == (told["tool"], told["name"])
    assert row["records"] == str(told["records"])


@pytest.mark.parametrize(
    ("weeks", "said"),
    [
        ([1], "1 session, commit, change or the like could not be concluded and was set aside"),
        ([1, 2], "2 sessions, commits, changes and the like could not be concluded and were set"),
    ],
)
def test_what_cannot_be_concluded_is_counted(
    weeks: list[int], said: str, database: Database
) -> None:
    fill(database, bodies(SIMPLE))
    http = client(database)
    assert "set aside" not in look(http, "/quality").text
    with database.writing() as connection:
        for week in weeks:
            aside.set_aside(connection, Marks.WEEKS, week, 1, NOW, "ValueError")
    page = look(http, "/quality").text
    assert said in " ".join(page.split())
    assert f"{len(weeks)} set aside, not concluded" in look(http, "/").text


def test_spend_that_is_tied_to_nothing_is_told_by_reason(database: Database) -> None:
    put(database, [Used(at=NOW - timedelta(days=2), requests=2, user=None)])
    while classify(database, NOW):
        pass
    http = client(database)
    told = get(http, "/v1/unlinked")["rows"]
    rows = table(http, "/quality", table="unlinked")
    assert [(row["reason"], float(row["cost_usd"])) for row in rows] == [
        (each["reason"], each["cost_usd"]) for each in told
    ]
    assert rows
    assert "$0.60 is tied to no work" in look(http, "/quality").text


def test_models_without_a_price_are_named_with_their_part(database: Database) -> None:
    put(
        database,
        [
            Used(at=NOW - timedelta(days=1), session="a"),
            Used(at=NOW - timedelta(days=1), session="b", requests=3, model="house-model"),
            Used(at=NOW - timedelta(days=200), session="c", model="old-model"),
        ],
    )
    http = client(database)
    [row] = table(http, "/quality", table="unpriced")
    assert row == {"model": "house-model", "unpriced_tokens": "300000", "tokens": "300000"}
    assert {row["model"] for row in table(http, "/quality", table="unpriced", weeks=52)} == {
        "house-model",
        "old-model",
    }


def test_providers_that_fail_come_first_with_their_error(database: Database) -> None:
    with database.writing() as connection:
        sync.note_success(connection, "github", "acme/payments", "changes", NOW)
        sync.note_failure(
            connection, "jira", "", "", at=NOW, code="refused", error="The token ended."
        )
    http = client(database)
    rows = table(http, "/quality", table="providers")
    assert [(row["provider"], row["error_code"]) for row in rows] == [
        ("jira", "refused"),
        ("github", ""),
    ]
    page = look(http, "/quality").text
    assert "1 of 2 lists could not be read the last time" in page
    assert "The token ended." in page


def test_below_the_privacy_floor_labels_are_not_told(database: Database) -> None:
    put(database, [Used(at=NOW - timedelta(days=2), user="p_1")])
    while classify(database, NOW):
        pass
    http = client(database)
    assert table(http, "/quality", table="labels") == []
    assert "Too few people are behind this time" in look(http, "/quality").text


def test_digests_that_did_not_arrive_are_shown_without_an_address(database: Database) -> None:
    fill(database, bodies(SIMPLE))
    http, week = client(database), date(2026, 11, 16)
    assert "Digests that were not sent" not in look(http, "/quality").text
    refused, sent = (Copy(through=Through.MAIL, recipient=f"p_{name}") for name in ("a", "b"))
    with database.writing() as connection:
        digest_sendings.enqueue(connection, week, [refused, sent], NOW)
        for copy, state, error in ((refused, Told.FAILED, "refused: 550"), (sent, Told.SENT, None)):
            digest_sendings.claim(connection, week, copy, NOW)
            digest_sendings.settle(connection, week, copy, state, now=NOW, error=error)
    [row] = table(http, "/quality", table="digests")
    assert (row["week"], row["recipient"], row["state"]) == ("2026-11-16", "p_a", "failed")
    assert "16 Nov 2026 mail p_a failed refused: 550" in look(http, "/quality").text
