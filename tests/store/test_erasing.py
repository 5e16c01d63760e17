"""Erasing a person: nothing in the books leads to them, and every sum stays what it was."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import String, Text, insert, select, text

from assay.people_file import identity_of
from collector.fold import fold
from domain.events import Context, RequestAnswered, Source
from domain.usage import Tokens
from simulation.company import Developer, found
from simulation.history import History
from simulation.living import live
from store import aside, erasing, people_file, report_usage, sessions
from store import tables as t
from store.dirty import Marks
from store.engine import Database
from store.erasing import MENTIONING, NAMING, Erased
from store.people_file import FiledIdentity
from store.report_usage import Dimension, Selection
from tests.capturing import PSEUDONYMS
from tests.companies import conclude, tell
from tests.filling import rows
from tests.telling import observation

UNTIL = datetime(2026, 11, 20, 12, tzinfo=UTC)
# Columns of these names hold a pseudonym of somebody, wherever they are.
_WORDS = frozenset(
    "person identity author author_name reviewer assignee user one other installation".split()
)
# Of these words what means something else.
_OTHERWISE = {
    "outcome_presence.other",
    "outcome_rollups.other",
    "people_names.person",  # deleted
    "contexts.user",  # with the keys that are made of it: ``_move_contexts``
}


@cache
def history() -> History:
    return live(found(3, developers=14), UNTIL, 4)


def somebody() -> Developer:
    """Whoever worked most, of those whose tools say who they are."""
    told = {each.login: each for each in history().company.developers if each.told}
    wrote = [
        session.developer
        for piece in history().pieces
        for session in piece.sessions
        if session.developer in told
    ]
    return told[max(sorted(set(wrote)), key=wrote.count)]


@pytest.fixture
def company(database: Database) -> Database:
    """A company that has told everything, with a people file and names.

    Of somebody something can't be concluded.
    """
    tell(database, history())
    who, person = somebody(), PSEUDONYMS("person", somebody().name)
    mail = identity_of("email", who.email, PSEUDONYMS)
    filed = {
        identity: FiledIdentity(identity=identity, kind=kind, person=person)
        for kind, identity in (("email", mail), ("name", PSEUDONYMS("name", who.name)))
    }
    with database.writing() as connection:
        people_file.import_file(connection, filed, {person: who.name}, replace=False)
        connection.execute(
            insert(t.audit_log),
            {
                "at": UNTIL,
                "actor": "cli",
                "person": person,
                "action": "GET /v1/people",
                "object": f"user={mail}",
                "status": 200,
            },
        )
    conclude(database, UNTIL)
    with database.writing() as connection:
        aside.set_aside(connection, Marks.PEOPLE, mail, 1, UNTIL, "ValueError")
    return database


def known(database: Database) -> frozenset[str]:
    with database.reading() as connection:
        mail = identity_of("email", somebody().email, PSEUDONYMS)
        return erasing.of_person(connection, mail)


def everything(database: Database) -> str:
    """All values of all tables, as text; what is in the inbox is another matter."""
    told = {table: rows(database, f'"{table}"') for table in t.metadata.tables if table != "inbox"}
    return repr(told)


def sums(database: Database) -> Any:
    """What the books say, by everything but who it was; and how many there were."""
    by = (Dimension.TOOL, Dimension.MODEL, Dimension.DAY, Dimension.TEAM, Dimension.REPO)
    with database.reading() as connection:
        usage = report_usage.by_dimensions(connection, by, Selection())
        users = report_usage.by_dimensions(connection, (Dimension.USER,), Selection())
    return {
        "usage": usage,
        "users": sorted(repr(row[1]) for row in users),
        "labels": rows(database, "labels", "session_pk, label, rule, maturity"),
        "links": rows(database, "links", "session_pk, kind, repo, target_id, cost_nanousd"),
        "unlinked": rows(database, "unlinked"),
        "rollups": rows(database, "outcome_rollups"),
        "presence": rows(database, "outcome_presence", "dimension, weeks, week, value, other"),
    }


def erased(database: Database) -> tuple[frozenset[str], Erased]:
    identities = known(database)
    told = erasing.erase(database, identities)
    assert erasing.overwrite(database)
    return identities, told


def test_nothing_leads_to_them_and_every_sum_is_what_it_was(company: Database) -> None:
    before = sums(company)
    assert any(each in everything(company) for each in known(company))
    identities, told = erased(company)
    after = everything(company)
    assert len(rows(company, "set_aside")) == 1
    assert [each for each in identities if each in after] == []
    assert somebody().name not in after
    assert sums(company) == before
    assert told.sessions > 0
    assert told.changes > 0
    assert told.names_deleted == 1
    with company.reading() as connection:
        assert not erasing.stands(connection, identities)


def test_concluding_everything_anew_gives_the_same(company: Database) -> None:
    """They are nobody, and still one and the same: links and labels follow as before."""
    conclude(company, UNTIL)
    before = sums(company)
    erased(company)
    with company.writing() as connection:
        connection.execute(
            insert(t.dirty_sessions).from_select(
                ["session_pk", "marks"], select(t.sessions.c.pk, text("1"))
            )
        )
        connection.execute(
            insert(t.dirty_people).from_select(
                ["identity", "marks"], select(t.persons.c.identity, text("1")).distinct()
            )
        )
    conclude(company, UNTIL)
    assert sums(company) == before


def test_the_file_itself_holds_nothing_of_them(embedded: Database) -> None:
    tell(embedded, history())
    conclude(embedded, UNTIL)
    path = Path(str(embedded.engine.url.database))
    identities, _ = erased(embedded)
    left = path.read_bytes() + path.with_name(path.name + "-wal").read_bytes()
    assert [each for each in identities if each.encode() in left] == []


def test_others_are_who_they_were(company: Database) -> None:
    others = [
        identity_of("email", each.email, PSEUDONYMS)
        for each in history().company.developers
        if each.told and each.login != somebody().login
    ]
    with company.reading() as connection:
        before = {each: erasing.of_person(connection, each) for each in others}
    erased(company)
    with company.reading() as connection:
        assert {each: erasing.of_person(connection, each) for each in others} == before


def test_what_their_requests_cost_is_known_by_tier_as_before(database: Database) -> None:
    told = [
        observation(
            tool="codex",
            session_id="s",
            installation="i",
            key=bytes([number]) * 16,
            at=UNTIL,
            source=Source.LOG,
            rank=0,
            context=Context(user="p_alice", tier=tier),
            facts=(RequestAnswered(model="gpt-5", tokens=Tokens(input=7)),),
        )
        for number, tier in enumerate((None, "flex", "priority"))
    ]
    with database.writing() as connection:
        sessions.apply(connection, fold(told, [], lambda _tool, _source: frozenset()))
    booked = "usage JOIN contexts ON contexts.pk = usage.context_pk"
    before = rows(database, booked, "tier, input, list_nanousd, list_rest_picousd")
    erasing.erase(database, frozenset({"p_alice"}))
    assert rows(database, booked, "tier, input, list_nanousd, list_rest_picousd") == before
    assert len(before) == 3
    assert "p_alice" not in {user for (user,) in rows(database, "contexts", '"user"')}


def test_every_column_that_names_people_is_known(embedded: Database) -> None:
    covered = {f"{each.table.name}.{each.name}" for each in (*NAMING, *MENTIONING)}
    named = {
        f"{table.name}.{column.name}"
        for table in t.metadata.sorted_tables
        for column in table.columns
        if column.name in _WORDS and isinstance(column.type, String | Text)
    }
    assert named - covered - _OTHERWISE == set()
