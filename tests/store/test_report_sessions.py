"""Listing sessions: how the database goes about it."""

from collections.abc import Callable
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from sqlalchemy import event, insert

from domain.folded import SessionKey, SessionSums
from store import report_sessions, sessions, teams
from store import tables as t
from store.engine import Database
from store.report_me import own_usage
from store.report_sessions import SessionFilter
from store.report_usage import Dimension
from store.teams import Membership
from tests.spending import SONNET, Used, put
from tests.store.working import at


def test_labels_are_looked_up_by_session_also_without_statistics(database: Database) -> None:
    """SQLite once took all current labels for each session, which took seconds."""
    if not database.embedded:
        return
    with database.writing() as connection:
        sums = SessionSums(at(0), at(1), usage_rank=0, active=True)
        sessions.apply(connection, {SessionKey("codex", "s", "i"): sums})
    asked: list[tuple[str, Any]] = []
    with database.reading() as connection:

        @event.listens_for(connection, "before_cursor_execute")
        def note(*told: Any) -> None:
            asked.append(told[2:4])

        for wanted in (SessionFilter(), SessionFilter(tools=frozenset({"codex"}))):
            asked.clear()
            assert len(report_sessions.page(connection, wanted, 9)) == 1
            query, values = asked[0]
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values).all()
            assert any("SEARCH labels USING INDEX sqlite_autoindex" in row[3] for row in plan)


@pytest.mark.parametrize("many", [1, 3, 100_000])
def test_few_and_many_sessions_are_found_by_the_same_filters(
    many: int, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few are looked up by contexts and models, of many one after the other is looked at."""
    monkeypatch.setattr(report_sessions, "_MANY", many)
    values = list(product(("p_1", "p_2", None), ("pay", None), ("acme/a", None), (SONNET, None)))
    used = [
        Used(at=at(number), session=f"s{number}", user=user, team=team, repo=repo, model=model)
        for number, (user, team, repo, model) in enumerate(values)
    ]
    put(database, used)
    with database.writing() as connection:
        teams.replace_teams(connection, [Membership(team="pay", person="p_1")])
    fields: dict[Dimension, Callable[[Used], str | None]] = {
        Dimension.USER: lambda told: told.user,
        Dimension.REPO: lambda told: told.repo,
        Dimension.MODEL: lambda told: told.model,
        Dimension.TEAM: lambda told: told.team or ("pay" if told.user == "p_1" else None),
    }
    every = ({"pay"}, {"p_1"}, {"p_1", "p_2"}, {"acme/a"}, {SONNET}, {SONNET, None}, {None}, {"no"})
    for name, field in fields.items():
        for allowed in every:
            wanted = SessionFilter(usage={name: frozenset(allowed)})
            with database.reading() as connection:
                found = report_sessions.page(connection, wanted, 99)
            expected = {each.session for each in used if field(each) in allowed}
            assert {each.session_id for each in found} == expected, (name, allowed)
    both = {Dimension.MODEL: frozenset({None}), Dimension.REPO: frozenset({"acme/a"})}
    with database.reading() as connection:
        found = report_sessions.page(connection, SessionFilter(usage=both), 99)
    expected = {each.session for each in used if each.model is None and each.repo}
    assert {each.session_id for each in found} == expected


def test_a_session_is_found_by_the_model_of_one_that_belongs_to_it(database: Database) -> None:
    at_work = [("root", None), ("child", SONNET), ("other", None)]
    put(database, [Used(at=at(0), session=name, model=model) for name, model in at_work])
    pks = {name: SessionKey("opencode", name, "").pk for name, _ in at_work}
    with database.writing() as connection:
        row = {"session_pk": pks["child"], "parent_pk": pks["root"], "root_pk": pks["root"]}
        connection.execute(insert(t.session_families), [row])
    wanted = SessionFilter(usage={Dimension.MODEL: frozenset({SONNET})})
    with database.reading() as connection:
        assert [each.session_id for each in report_sessions.page(connection, wanted, 9)] == ["root"]


def test_sessions_of_a_model_are_looked_up_and_no_other_query_goes_by_it(
    database: Database,
) -> None:
    """By model SQLite would read all usage of it to look for that of one session."""
    if not database.embedded:
        return
    put(database, [Used(at=at(number), session=f"s{number}") for number in range(9)])
    asked: list[tuple[str, Any]] = []
    wanted = SessionFilter(usage={Dimension.MODEL: frozenset({"none"})})
    with database.reading() as connection:

        @event.listens_for(connection, "before_cursor_execute")
        def note(*told: Any) -> None:
            asked.append(told[2:4])

        assert report_sessions.page(connection, wanted, 9) == []
        plans = [
            " / ".join(
                row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values)
            )
            for query, values in tuple(asked)
        ]
    assert "USING COVERING INDEX ix_usage_model_hour" in plans[0]
    assert "SCAN usage" not in " ".join(plans)
    # Where it is asked of one session whether it used the model.
    used = plans[1].split("CORRELATED")[2:]
    assert used
    assert not [part for part in used if "ix_usage_model_hour (model=?)" in part.split("LIST")[0]]


def test_what_one_person_used_is_found_by_an_index(database: Database) -> None:
    if not database.embedded:
        return
    put(database, [Used(at=at(1), session="s", user="p_1")])
    asked: list[tuple[str, Any]] = []
    with database.reading() as connection:

        @event.listens_for(connection, "before_cursor_execute")
        def note(*told: Any) -> None:
            asked.append(told[2:4])

        usage, labels = own_usage(connection, "p_1", at(0) - timedelta(days=30))
        assert (usage.sessions, labels) == (1, {None: 1})
        for query, values in tuple(asked):
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values).all()
            steps = [row[3] for row in plan]
            # Or by the few sessions that are in doubt.
            by = ("ix_usage_context_pk_hour", "ix_session_outcomes_in_doubt")
            assert any(index in step for step in steps for index in by), steps
            assert not [step for step in steps if step.startswith("SCAN usage")]
