"""Who belongs to whom: the same whatever was told first, and without end in no case."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import pairwise
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.events import Trace
from domain.folded import Folded, SessionKey, SessionSums
from store import families, sessions
from store.engine import Database
from tests.filling import Fresh, rows

AT = datetime(2026, 11, 22, tzinfo=UTC)
NAMES = "abcdefg"
FEW = settings(max_examples=40, deadline=None)

Tie = tuple[str, Trace, str]
TIES = st.tuples(
    st.sampled_from(NAMES),
    st.sampled_from([Trace.PARENT_SESSION, Trace.CHILD_SESSION]),
    st.sampled_from(NAMES),
)


def pk(name: str) -> int:
    return SessionKey("codex", name, "").pk


def tell(database: Database, ties: Iterable[Tie], *, active: str = NAMES) -> None:
    """Fold what these sessions say of each other, in one batch."""
    folded = Folded()
    for name, trace, other in ties:
        sums = folded.setdefault(
            SessionKey("codex", name, ""), SessionSums(AT, AT, active=name in active)
        )
        sums.traces[trace, other] = sums.last_traced[trace, other] = AT
    with database.writing() as connection:
        sessions.apply(connection, folded)


def kin(database: Database) -> dict[str, tuple[str, str]]:
    """Parent and root of each that has any."""
    names = {pk(name): name for name in NAMES}
    return {
        names[child]: (names[parent], names[root])
        for child, parent, root in rows(database, "session_families")
    }


def expected(ties: Iterable[Tie]) -> dict[str, tuple[str, str]]:
    """The same in one sentence: the lowest parent; then up, until nobody or somebody again."""
    parents: dict[str, str] = {}
    for name, trace, other in ties:
        child, parent = (name, other) if trace is Trace.PARENT_SESSION else (other, name)
        if child != parent:
            parents[child] = min(parent, parents.get(child, parent), key=pk)

    def root(name: str) -> str:
        line = [name]
        while line[-1] in parents and parents[line[-1]] not in line:
            line.append(parents[line[-1]])
        if line[-1] not in parents:
            return line[-1]
        return min(line[line.index(parents[line[-1]]) :], key=pk)

    return {child: (parent, root(child)) for child, parent in parents.items()}


@FEW
@given(st.lists(TIES, max_size=12), st.randoms(use_true_random=False))
def test_any_order_and_batching_gives_the_same_families(
    fresh: Fresh, ties: list[Tie], random: Random
) -> None:
    shuffled = list(ties)
    random.shuffle(shuffled)
    with fresh() as database:
        while shuffled:
            size = random.randint(1, len(shuffled))
            batch, shuffled = shuffled[:size], shuffled[size:]
            tell(database, batch)
        assert kin(database) == expected(ties)


def test_a_line_is_one_family_from_whichever_end_it_is_told(database: Database) -> None:
    tell(database, [("c", Trace.PARENT_SESSION, "b")])
    tell(database, [("d", Trace.PARENT_SESSION, "c")])
    tell(database, [("a", Trace.CHILD_SESSION, "b")])
    assert kin(database) == {"b": ("a", "a"), "c": ("b", "a"), "d": ("c", "a")}
    with database.reading() as connection:
        members = families.members(connection, [pk("a"), pk("c"), pk("e")])
        assert families.families_of(connection, [pk("d"), pk("e")]) == {pk("a")}
        assert families.parents_of(connection, [pk("d"), pk("a")]) == {pk("d"): pk("c")}
    assert {key: set(told) for key, told in members.items()} == {
        pk("a"): {pk(name) for name in "abcd"},
        pk("c"): {pk("c")},
        pk("e"): {pk("e")},
    }


def test_a_cycle_is_one_family_under_its_lowest(database: Database) -> None:
    for child, parent in ("ab", "bc", "ca", "da"):
        tell(database, [(child, Trace.PARENT_SESSION, parent)])
    lowest = min("abc", key=pk)
    assert {root for _, root in kin(database).values()} == {lowest}
    with database.reading() as connection:
        [told] = families.members(connection, [pk(lowest)]).values()
    assert sorted(told) == sorted(pk(name) for name in "abcd")


def test_folders_that_tell_parts_of_one_family_at_once_agree(database: Database) -> None:
    ties: list[Tie] = [(child, Trace.PARENT_SESSION, parent) for child, parent in pairwise(NAMES)]
    ties += [(NAMES[-1], Trace.PARENT_SESSION, NAMES[0]), ("c", Trace.CHILD_SESSION, "e")]
    with ThreadPoolExecutor(len(ties)) as folders:
        list(folders.map(lambda tie: tell(database, [tie]), ties))
    assert kin(database) == expected(ties)


def test_a_session_is_not_its_own_parent(database: Database) -> None:
    tell(database, [("a", Trace.PARENT_SESSION, "a"), ("a", Trace.CHILD_SESSION, "a")])
    assert kin(database) == {}


def test_what_joins_a_family_is_concluded_again_with_all_of_it(database: Database) -> None:
    tell(database, [("c", Trace.PARENT_SESSION, "b")])
    with database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM dirty_sessions")
    tell(database, [("a", Trace.CHILD_SESSION, "b")])
    assert {row[0] for row in rows(database, "dirty_sessions", "session_pk")} == {
        pk(name) for name in "abc"
    }
    with database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM dirty_sessions")
    tell(database, [("c", Trace.COMMIT, "abc1234")])
    marked = {row[0] for row in rows(database, "dirty_sessions", "session_pk")}
    assert marked == {pk("a"), pk("c")}
