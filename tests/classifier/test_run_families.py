"""A session and the subagents that belong to it are linked, labelled and judged as one."""

import pytest

from classifier.judge import judge_tools
from classifier.run import classify, label_as_of
from domain.folded import SessionKey
from domain.record import Signal
from store import judged
from store.engine import Database
from store.totals import totals_of
from tests.api.answering import NOW
from tests.api.test_families import CHILD, PARENT, records
from tests.capturing import CAPTURES
from tests.filling import bodies, fill, rows
from tests.otlp import Body

SUBAGENT = CAPTURES / "codex" / "07-subagent"
PARENT_PK = SessionKey("codex", PARENT, "").pk
CHILD_PK = SessionKey("codex", CHILD, "").pk


def conclude(database: Database) -> dict[int, int]:
    """Sessions that have a label now, with the tokens that the rules saw."""
    while classify(database, NOW):
        pass
    labelled = {row[0] for row in rows(database, "labels WHERE current", "session_pk")}
    with database.reading() as connection:
        seen = totals_of(connection, [PARENT_PK, CHILD_PK])
        given = {pk for pk in seen if label_as_of(connection, pk, NOW) is not None}
    assert given == labelled
    return {pk: told.tokens or 0 for pk, told in seen.items() if told.active}


def logs(*, of_child: bool) -> list[Body]:
    told = records([body for body in bodies(SUBAGENT) if body[0] is Signal.LOGS])
    childs = [body for body in told if PARENT.encode() not in body[2]]
    return childs if of_child else [body for body in told if body not in childs]


@pytest.mark.parametrize("child_first", [True, False])
def test_one_label_for_all_of_it_whichever_came_first(
    child_first: bool, database: Database
) -> None:
    fill(database, logs(of_child=child_first))
    first = conclude(database)
    assert list(first) == [CHILD_PK if child_first else PARENT_PK]
    fill(database, logs(of_child=not child_first))
    assert conclude(database) == {PARENT_PK: 24510 + 41405 + 665}
    with database.reading() as connection:
        [session] = judged.sessions(connection)
        [verdict] = judge_tools(connection, NOW).verdicts
    assert (session.session_id, verdict.tool) == (PARENT, "codex")


def test_what_a_subagent_does_later_concludes_its_parent_anew(database: Database) -> None:
    childs = logs(of_child=True)
    late = next(body for body in childs if b"input_token_count" in body[2])
    fill(database, [*logs(of_child=False), *(body for body in childs if body != late)])
    conclude(database)
    fill(database, [late])
    marked = {row[0] for row in rows(database, "dirty_sessions", "session_pk")}
    assert {PARENT_PK, CHILD_PK} <= marked
    assert list(conclude(database)) == [PARENT_PK]
