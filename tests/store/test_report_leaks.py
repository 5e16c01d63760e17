"""Sessions as leak detectors look at them: what was folded, once, from the booked signal."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import insert

from domain.leaks import Watched
from store import report_leaks
from store import tables as t
from store.engine import Database
from tests.leaking import UNTIL, link, opened, prompts, put, session, tokens

WEEK = timedelta(weeks=1)


def watched(database: Database, weeks_ago: int = 1) -> list[Watched]:
    since = UNTIL - WEEK * weeks_ago
    with database.reading() as connection:
        return list(report_leaks.watched(connection, since, since + WEEK))


def test_what_is_written_is_read_again(database: Database) -> None:
    told = [
        session(1),
        session(2, tool_calls=None, prompts=None, label=None, rule=None, final=False),
        session(3, repeats=6, again=7, compactions=2, work_type="bug", team=None, person=None),
        session(4, tokens=(tokens(cost_nanousd=None, cache_read=None),)),
        session(5, tokens=(tokens(model="claude-haiku-4-5"), tokens(), tokens(purpose="subagent"))),
        session(6, prompts=prompts(over_100k=3, largest=130_000)),
        session(8, changes=(("acme/shop", 7), ("acme/shop", 8)), lines=42),
    ]
    put(database, [*told, session(7, weeks_ago=2)])
    assert watched(database) == told
    assert [each.pk for each in watched(database, 2)] == [7]


def test_only_the_booked_signal_counts(database: Database) -> None:
    put(database, [session(1)])
    with database.writing() as connection:
        rank = t.usage.update().values(rank=1)
        connection.execute(rank)
    assert [(each.cost_nanousd, each.tokens) for each in watched(database)] == [(None, ())]


def test_what_belongs_to_a_session_is_its_subagents_part(database: Database) -> None:
    child = session(2, weeks_ago=0)
    put(database, [session(1), child])
    row = {"session_pk": 2, "parent_pk": 1, "root_pk": 1}
    with database.writing() as connection:
        connection.execute(insert(t.session_families), row)
    [only] = watched(database)
    assert only.tokens == (tokens(), tokens(purpose="subagent"))
    assert only.cost_nanousd == 2 * (child.cost_nanousd or 0)
    assert only.tool_calls == 60
    assert watched(database, 0) == []


def test_a_session_without_an_id_and_one_for_an_evaluation_are_left_out(
    database: Database,
) -> None:
    put(database, [session(1), replace(session(2), session_id="evaluated"), session(3)])
    trace = {"session_pk": 2, "trace": "evaluation", "value": "e", "first_at": UNTIL}
    with database.writing() as connection:
        connection.execute(insert(t.session_traces), {**trace, "last_at": UNTIL})
        connection.execute(t.sessions.update().where(t.sessions.c.pk == 3).values(session_id=None))
    assert [each.pk for each in watched(database)] == [1]


def test_changes_and_their_lines(database: Database) -> None:
    put(database, [session(1, repo=None), session(2)])
    with database.writing() as connection:
        for number, tier, lines in ((7, "A", 30), (8, "B", 12), (9, "C", 1)):
            row = link(1, "acme/shop", number, f"l{number}", tier)
            connection.execute(insert(t.links), row)
            connection.execute(insert(t.changes), opened("acme/shop", number, lines))
        commit = {"id": "l", "kind": "commit", "target_id": "445a90b"}
        connection.execute(insert(t.links), row | commit | {"tier": "A"})
    first, second = watched(database)
    assert (first.changes, first.lines) == ((("acme/shop", 7), ("acme/shop", 8)), 42)
    assert first.repo == "acme/shop"
    assert (second.changes, second.lines, second.repo) == ((), None, "acme/payments")
