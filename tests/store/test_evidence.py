"""Which sessions a link leads to."""

from sqlalchemy import insert

from store import tables as t
from store.engine import Database
from store.evidence import linked_beside, linked_sessions

A, B = ("change", "acme/shop", "1"), ("change", "acme/shop", "2")
COMMIT = ("commit", "acme/shop", "a" * 40)


def test_sessions_of_several_changes_are_found_by_any_of_them(database: Database) -> None:
    links = [(1, A), (1, B), (2, A), (2, COMMIT), (3, B), (4, A), (4, ("change", "acme/api", "1"))]
    with database.writing() as connection:
        for number, (pk, (kind, repo, target)) in enumerate(links):
            of = {"session_pk": pk, "kind": kind, "repo": repo, "target_id": target}
            connection.execute(
                insert(t.links), of | {"id": f"{number}", "tier": "A", "probability": 1.0}
            )
    with database.reading() as connection:
        assert linked_sessions(connection, [A]) == {1, 2, 4}
        assert linked_beside(connection, [A]) == {1, 4}
        assert linked_beside(connection, [B]) == {1}
        assert linked_beside(connection, []) == set()
