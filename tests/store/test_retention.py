"""Forgetting: what is old goes as a whole, what stays is unchanged, and nothing comes back."""

import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, text

from assay.retention import forget
from domain.events import Trace
from domain.folded import SessionKey, SessionSums
from store import aside, inbox, retention, sessions
from store import tables as t
from store.dirty import Marks
from store.engine import Database
from store.inbox import DeliveryKey
from store.retention import Forgotten
from tests.ageing import START, Sent, body, day, send
from tests.filling import Fresh, folded, one, put, rows

NOW = START + timedelta(days=100)
FEW = settings(max_examples=25, deadline=None)


def settle(database: Database) -> None:
    """As if everything were concluded."""
    with database.writing() as connection:
        connection.execute(text("DELETE FROM dirty_sessions"))
        connection.execute(text("DELETE FROM dirty_labels"))


def forgotten(database: Database, before: datetime) -> Forgotten:
    return forget(database, sessions_before=before, horizon=before, now=NOW)


def books(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that was folded and what recognises it."""
    told = folded(database)
    return {name: told[name] for name in told if name not in ("dirty_sessions", "contexts")}


def pk(session: str) -> int:
    return SessionKey("claude-code", session, "").pk


def of(session: str, told: Mapping[str, list[tuple[Any, ...]]]) -> dict[str, list[tuple[Any, ...]]]:
    """What the books say of one session; not what recognises its records."""
    with_pk = ("sessions", "usage", "session_counts", "session_traces", "context_sizes")
    return {name: [row for row in told[name] if row[0] == pk(session)] for name in with_pk}


SENT = st.builds(
    Sent,
    st.sampled_from("abc"),
    st.integers(0, 6),
    st.integers(0, 5),
    st.none(),
) | st.builds(
    lambda s, began, days: Sent(s, began + days, 0, began),
    st.sampled_from("abc"),
    st.integers(0, 5),
    st.integers(0, 6),
)


@FEW
@given(st.lists(SENT, max_size=12), st.lists(SENT, max_size=6), st.integers(0, 8), st.randoms())
def test_sent_again_nothing_changes_and_what_is_new_counts_once(
    fresh: Fresh, told: list[Sent], later: list[Sent], since: int, random: Random
) -> None:
    with fresh() as database:
        send(database, told)
        before = books(database)
        settle(database)
        forgotten(database, day(since))
        after = books(database)
        for session in "abc":
            last = max((each.day for each in told if each.session == session), default=-1)
            kept = of(session, before) if last >= since else {name: [] for name in of("a", before)}
            assert of(session, after) == kept
        again = [*told, *random.sample(told, len(told) // 2)]
        random.shuffle(again)
        send(database, again)
        assert books(database) == after
        # What is from before the horizon and never came is not counted either.
        late = [each for each in later if each.day < since]
        send(database, late)
        assert books(database) == after
        settle(database)
        assert forgotten(database, day(since)).sessions == 0
        assert books(database) == after


@FEW
@given(st.lists(SENT, max_size=12), st.lists(SENT, max_size=6), st.integers(0, 6))
def test_what_comes_from_after_the_horizon_counts_as_if_nothing_were_forgotten(
    fresh: Fresh, told: list[Sent], later: list[Sent], since: int
) -> None:
    def in_time(database: Database) -> list[tuple[Any, ...]]:
        """Requests and tokens by session, of the hours from the horizon on."""
        hour = int(day(since).timestamp()) // 3600
        return rows(
            database,
            f"usage WHERE hour >= {hour} AND (requests > 0 OR input > 0)",
            "session_pk, rank, hour, requests, input, output",
        )

    # A counter that began before the horizon and was not read since is not counted any more.
    known = {each[::3] for each in told if each.began is not None and each.day >= since}
    new = [
        each
        for each in later
        if each.day >= since and (each.began is None or each.began >= since or each[::3] in known)
    ]
    with fresh() as kept, fresh() as cut:
        send(kept, [*told, *new])
        send(cut, told)
        settle(cut)
        forgotten(cut, day(since))
        send(cut, new)
        assert in_time(cut) == in_time(kept)


def test_a_session_goes_with_everything_that_was_its(database: Database) -> None:
    send(database, [Sent("a", 0, 1), Sent("b", 5, 2), Sent("a", 3, 0, 0)])
    with database.writing() as connection:
        row = {"session_pk": pk("a"), "kind": "change", "repo": "r", "target_id": "1"}
        connection.execute(insert(t.links), {**row, "id": "l", "tier": "A", "probability": 1.0})
        told = {"link_id": "l", "kind": "sha", "value": "v", "observed_at": START}
        connection.execute(insert(t.link_evidence), told)
    settle(database)
    assert forgotten(database, day(4)).sessions == 1
    tables = [each for each in t.metadata.sorted_tables if "session_pk" in each.c]
    left = {each.name: rows(database, each.name, "session_pk") for each in tables}
    assert {row for found in left.values() for row in found} == {(pk("b"),)}
    assert rows(database, "link_evidence") == []
    assert rows(database, "sessions", "pk") == [(pk("b"),)]


def test_what_cannot_be_concluded_goes_too(database: Database) -> None:
    send(database, [Sent("a", 0, 1), Sent("b", 5, 2)])
    settle(database)
    with database.writing() as connection:
        for kind in (Marks.SESSIONS, Marks.LABELS):
            for session in "ab":
                aside.set_aside(connection, kind, pk(session), 1, NOW, "ValueError")
    told = forgotten(database, day(4))
    assert (told.sessions, told.waiting) == (1, 0)
    left = rows(database, "set_aside", "kind, key")
    assert left == [("labels", str(pk("b"))), ("sessions", str(pk("b")))]


def test_what_is_still_to_be_concluded_waits(database: Database) -> None:
    send(database, [Sent("a", 0, 1), Sent("b", 1, 2)])
    assert forgotten(database, day(4)) == Forgotten(sessions=0, waiting=2, hours_seen=2)
    with database.reading() as connection:
        assert retention.count_sessions(connection, day(4)) == (0, 2)
    settle(database)
    with database.reading() as connection:
        assert retention.count_sessions(connection, day(4)) == (2, 0)
        assert retention.count_sessions(connection, day(1)) == (1, 0)
    assert forgotten(database, day(4)).sessions == 2


def test_a_family_goes_once_the_last_of_it_is_old(database: Database) -> None:
    family = {
        SessionKey("codex", name, ""): SessionSums(day(last), day(last), active=True)
        for name, last in (("parent", 1), ("child", 2), ("other", 7), ("alone", 1))
    }
    for name in ("child", "other"):
        sums = family[SessionKey("codex", name, "")]
        sums.traces[Trace.PARENT_SESSION, "parent"] = sums.first_at
        sums.last_traced[Trace.PARENT_SESSION, "parent"] = sums.first_at
    with database.writing() as connection:
        sessions.apply(connection, family)
    settle(database)
    assert forgotten(database, day(7)).sessions == 1
    assert len(rows(database, "sessions", "pk")) == 3
    assert forgotten(database, day(8)).sessions == 3
    assert rows(database, "session_families") == []


def test_late_records_are_tallied(database: Database) -> None:
    retention.raise_horizon(database, day(2))
    counter = Sent("a", 3, 0, 0)
    send(database, [Sent("a", 1, 1), Sent("a", 2, 2), counter, counter])
    tallied = rows(database, "coverage WHERE outcome = 'too_old'", "tool, signal, name, records")
    assert tallied == [
        ("claude-code", "logs", "(any)", 1),
        ("claude-code", "metrics", "(any)", 2),
    ]
    assert one(database, "SELECT SUM(requests) FROM usage") == 1


def test_the_horizon_never_goes_back(database: Database) -> None:
    assert retention.raise_horizon(database, day(2) + timedelta(minutes=59)) == day(2)
    assert retention.raise_horizon(database, day(1)) == day(2)
    with database.reading() as connection:
        assert retention.horizon(connection) == day(2)
    send(database, [Sent("a", 2, 1)])
    with pytest.raises(ValueError, match="still booked"):
        list(retention.forget_sessions(database, day(3)))
    assert len(rows(database, "sessions", "pk")) == 1


def test_forgetting_waits_for_whoever_folds(database: Database) -> None:
    send(database, [Sent("a", 0, 1)])
    put(database, [body(Sent("a", 0, 1))])
    order: list[str] = []

    def raise_it() -> None:
        retention.raise_horizon(database, day(2))
        order.append("raised")

    raising = threading.Thread(target=raise_it)
    with database.writing() as connection:
        assert retention.hold(connection) is None
        raising.start()
        raising.join(0.5)
        order.append("folded")
    raising.join()
    assert order == ["folded", "raised"]


def test_many_are_forgotten_in_many_small_steps(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_CHUNK", 2)
    send(database, [Sent(f"s{number}", 0, number) for number in range(7)])
    send(database, [Sent(f"s{number}", 1, 0, 0) for number in range(7)])
    settle(database)
    retention.raise_horizon(database, day(5))
    steps = retention.forget_sessions(database, day(5))
    assert next(steps) == 2
    del steps  # as if the process ended
    assert list(retention.forget_sessions(database, day(5))) == [2, 2, 1]
    assert rows(database, "seen", "session_pk") == []
    assert sum(retention.forget_readings(database)) >= 7
    assert rows(database, "series") == []


def test_deliveries_are_forgotten_once_nobody_would_send_them_again(database: Database) -> None:
    with database.arrivals.writing() as connection:
        for number, age in enumerate((31, 29)):
            received = NOW - timedelta(days=age)
            key = DeliveryKey("github", str(number))
            assert inbox.first_deliveries(connection, {key: received}) == {key}
    told = forget(database, sessions_before=None, horizon=None, now=NOW)
    assert told == Forgotten(deliveries=1)
    assert rows(database, "deliveries", "delivery_id") == [("1",)]
