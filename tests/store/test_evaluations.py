"""What evaluations are drawn from and reported by, on both databases."""

from datetime import timedelta

from sqlalchemy import insert

from classifier.run import classify
from domain.evaluations import Tag
from domain.events import Trace
from domain.folded import Folded, SessionKey, SessionSums
from store import evaluations, sessions, work
from store import tables as t
from store.engine import Database
from tests.api.answering import NOW
from tests.api.working import AT, change
from tests.capturing import CAPTURES
from tests.filling import bodies, fill, one

SESSION = "c00747f8-588c-4bd7-a6c0-ac31be606bd8"
DAY = timedelta(days=1)


def told(database: Database) -> None:
    """A session whose commit is the head of a merged change."""
    fill(database, bodies(CAPTURES / "claude-code" / "24-commit-variants-tool-details"))
    with database.writing() as connection:
        work.apply(connection, [change()])
    while classify(database, NOW):
        pass


def tag(database: Database, *values: str) -> None:
    sums = SessionSums(AT, AT, usage_rank=None, active=True)
    sums.traces = {(Trace.EVALUATION, value): AT for value in values}
    sums.last_traced = dict(sums.traces)
    folded = Folded()
    folded[SessionKey("claude-code", SESSION, "")] = sums
    with database.writing() as connection:
        sessions.apply(connection, folded)


def test_merged_changes_with_what_was_spent_on_them(database: Database) -> None:
    told(database)
    with database.reading() as connection:
        [found] = evaluations.merged_changes(connection, AT, AT + DAY)
        assert evaluations.merged_changes(connection, AT + DAY, NOW + DAY) == []
        assert evaluations.merged_changes(connection, AT - DAY, AT) == []
    assert (found.repo, found.number, found.merge_sha) == ("acme/payments", 7, "5" * 40)
    booked = one(database, "SELECT SUM(cost_nanousd) FROM links WHERE kind = 'change'")
    assert found.cost_nanousd == booked > 0
    tag(database, "ab12/new/1")
    with database.reading() as connection:
        assert evaluations.merged_changes(connection, AT, AT + DAY) == []


def test_a_commit_that_one_alone_comes_before(database: Database) -> None:
    rows = [("a", "1"), ("b", "1"), ("b", "2")]
    with database.writing() as connection:
        parents = [{"repo": "acme/shop", "sha": sha, "parent": of} for sha, of in rows]
        connection.execute(insert(t.commit_parents), parents)
    with database.reading() as connection:
        asked = {("acme/shop", sha) for sha in "abc"}
        assert evaluations.only_parents(connection, asked) == {("acme/shop", "a"): "1"}
        assert evaluations.only_parents(connection, set()) == {}


def test_the_sessions_of_an_evaluation(database: Database) -> None:
    told(database)
    tag(database, "ab12/new/7", "ab1/new/7")
    with database.reading() as connection:
        [found] = evaluations.tagged(connection, "ab12")
        assert [each.tag for each in evaluations.tagged(connection, "ab1")] == [
            Tag(evaluation="ab1", route="new", task=7)
        ]
        assert evaluations.tagged(connection, "ab") == []
    assert found.tag == Tag(evaluation="ab12", route="new", task=7)
    assert found.changes == (("acme/payments", 7),)
    assert found.label is not None
    assert found.cost_nanousd == one(
        database,
        "SELECT SUM(reported_nanousd) FROM usage JOIN sessions ON pk = session_pk"
        " WHERE rank = usage_rank AND session_id = :id",
        id=SESSION,
    )
