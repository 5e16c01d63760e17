"""What reverts undid: by parity, by pieces, and whatever the order they are told in."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from classifier.undone import own_chains, reverted_at, undone_at
from domain.labels import Piece, Revert, Target, TargetKind

DAY_0 = datetime(2026, 3, 2, tzinfo=UTC)


def day(number: float) -> datetime:
    return DAY_0 + timedelta(days=number)


def change(number: int) -> Target:
    return Target(kind=TargetKind.CHANGE, repo="acme/shop", id=str(number))


def commit(number: int) -> Target:
    return Target(kind=TargetKind.COMMIT, repo="acme/shop", id=f"{number:040x}")


def revert(reverting: int, reverted: int, landed_at: datetime | None) -> Revert:
    return Revert(
        reverting=change(reverting),
        reverted=change(reverted),
        landed_at=landed_at,
        within=frozenset({change(reverting)}),
    )


def by_commit(
    reverting: int,
    reverted: Target,
    landed_at: datetime | None,
    *within: int,
    piece: int | None = None,
    of: int = 2,
) -> Revert:
    """A commit's revert, that these changes brought, of all or of a piece of several."""
    return Revert(
        reverting=commit(reverting),
        reverted=reverted,
        landed_at=landed_at,
        within=frozenset(map(change, within)),
        piece=None if piece is None else Piece(of=change(1), sha=f"{piece:040x}", count=of),
    )


LATE = day(100)


def test_a_revert_counts_from_its_landing() -> None:
    reverts = [revert(2, 1, day(5))]
    assert reverted_at(reverts, LATE) == {change(1): day(5)}
    assert reverted_at(reverts, day(4)) == {}


def test_a_revert_that_never_landed_undoes_nothing() -> None:
    assert reverted_at([revert(2, 1, None)], LATE) == {}


def test_the_revert_of_a_revert_lands_it_again() -> None:
    reverts = [revert(2, 1, day(5)), revert(3, 2, day(8))]
    assert reverted_at(reverts, LATE) == {change(1): None, change(2): day(8)}
    assert reverted_at(reverts, day(7)) == {change(1): day(5)}


def test_parity_decides_a_chain() -> None:
    reverts = [revert(2, 1, day(5)), revert(3, 2, day(8)), revert(4, 3, day(9))]
    assert reverted_at(reverts, LATE) == {change(1): day(5), change(2): None, change(3): day(9)}


def test_a_second_revert_after_a_relanding_counts() -> None:
    reverts = [revert(2, 1, day(5)), revert(3, 2, day(6)), revert(4, 1, day(9))]
    assert reverted_at(reverts, LATE)[change(1)] == day(9)


def test_of_two_reverts_in_force_the_earlier_gives_the_time() -> None:
    reverts = [revert(3, 1, day(7)), revert(2, 1, day(5)), revert(2, 1, day(6))]
    assert reverted_at(reverts, LATE) == {change(1): day(5)}
    # Here the earlier one is known to be in force only once its own chain is followed to the end.
    chain = [revert(2, 1, day(5)), revert(3, 2, day(6)), revert(4, 3, day(7))]
    assert reverted_at([*chain, revert(5, 1, day(8))], LATE)[change(1)] == day(5)


def test_one_revert_in_force_is_enough_beside_one_that_is_not() -> None:
    twice = [revert(4, 3, day(5)), revert(5, 3, day(6)), revert(6, 4, day(7))]
    reverts = [revert(2, 1, day(3)), revert(3, 2, day(4)), *twice]
    assert reverted_at(reverts, LATE) == {
        change(1): day(3),
        change(2): None,
        change(3): day(6),
        change(4): day(7),
    }


def test_a_circle_contradicts_itself_and_undoes_nothing() -> None:
    circle = [revert(1, 2, day(5)), revert(2, 1, day(5)), revert(1, 3, day(5))]
    assert reverted_at(circle, LATE) == {change(1): None, change(2): None, change(3): None}
    assert reverted_at([revert(1, 1, day(5))], LATE) == {change(1): None}


REVERTS = st.lists(
    st.builds(
        revert,
        st.integers(1, 6),
        st.integers(1, 6),
        st.none() | st.integers(0, 9).map(day),
    ),
    max_size=12,
)


@given(REVERTS, st.integers(0, 9).map(day), st.randoms(use_true_random=False))
def test_reverts_are_order_free_and_see_nothing_later(
    reverts: list[Revert], as_of: datetime, random: Random
) -> None:
    answer = reverted_at(reverts, as_of)
    known = [r for r in reverts if r.landed_at is not None and r.landed_at <= as_of]
    assert reverted_at(random.sample(known, len(known)), LATE) == answer
    assert answer.keys() == {r.reverted for r in known}


# Whatever reverts has a higher number, so nothing goes in circles.
FORWARD = st.lists(
    st.lists(st.integers(1, 7), min_size=2, max_size=2, unique=True).flatmap(
        lambda pair: st.builds(
            revert,
            st.just(max(pair)),
            st.just(min(pair)),
            st.none() | st.integers(0, 9).map(day),
        )
    ),
    max_size=15,
)


@given(FORWARD)
def test_without_circles_the_definition_holds_word_by_word(forward: list[Revert]) -> None:
    def undone(target: Target) -> datetime | None:
        by = [r for r in forward if r.reverted == target and r.landed_at is not None]
        return min((r.landed_at for r in by if not undone(r.reverting)), default=None)  # type: ignore[type-var]

    expected = {r.reverted: undone(r.reverted) for r in forward if r.landed_at is not None}
    assert reverted_at(forward, LATE) == expected


def test_a_piece_alone_undoes_nothing_and_the_last_one_all() -> None:
    one = by_commit(11, change(1), day(5), piece=1)
    assert reverted_at([one], LATE) == {}
    other = by_commit(12, change(1), day(7), piece=2)
    assert reverted_at([one, other], LATE) == {change(1): day(7)}
    assert reverted_at([one, other], day(6)) == {}
    # One of them taken back: what is undone is a piece again, and it stands.
    again = by_commit(13, commit(12), day(8))
    assert undone_at([one, other, again], LATE)[change(1)].at is None
    assert undone_at([one, other, again], LATE)[change(1)].first_at == day(7)


def test_a_piece_undone_twice_is_one_piece() -> None:
    twice = [by_commit(number, change(1), day(number), piece=1) for number in (11, 12)]
    assert reverted_at(twice, LATE) == {}


def test_what_the_same_change_took_back_never_was() -> None:
    there = by_commit(11, change(1), day(5), 9)
    back = by_commit(12, commit(11), day(5), 9)
    assert reverted_at([there, back], LATE) == {commit(11): day(5)}
    # The change after it did more: first it was undone, then it stood again.
    later = by_commit(12, commit(11), day(6), 10)
    assert undone_at([there, later], LATE)[change(1)].at is None
    assert undone_at([there, later], LATE)[change(1)].first_at == day(5)
    # And an odd number of them within one change undoes it.
    third = by_commit(13, commit(12), day(5), 9)
    assert reverted_at([there, back, third], LATE)[change(1)] == day(5)


def test_who_took_it_back_and_who_took_that_back_are_its_own_chain() -> None:
    reverts = [revert(2, 1, day(5)), revert(3, 2, day(6)), revert(4, 7, day(6))]
    chains = own_chains(reverts, LATE)
    assert chains[change(1)] == {change(2), change(3)}
    assert own_chains(reverts, day(5))[change(1)] == {change(2)}


def test_a_piece_that_stays_undone_was_worked_over() -> None:
    one = by_commit(11, change(1), day(5), 8, piece=1)
    assert own_chains([one], LATE).get(change(1), frozenset()) == frozenset()
    again = by_commit(12, commit(11), day(6), 9)
    assert own_chains([one, again], LATE)[change(1)] == {change(8), change(9)}


PIECES = st.lists(
    st.builds(
        by_commit,
        st.integers(11, 14),
        st.sampled_from([change(1), commit(11), commit(12)]),
        st.none() | st.integers(0, 9).map(day),
        st.integers(8, 9),
        piece=st.none() | st.integers(1, 2),
    ),
    max_size=10,
)


def _of_one_mind(reverts: Iterable[Revert]) -> list[Revert]:
    """The same with one moment and one change for all that a commit reverts."""
    known: dict[Target, Revert] = {}
    return [
        Revert(
            reverting=each.reverting,
            reverted=each.reverted,
            landed_at=known.setdefault(each.reverting, each).landed_at,
            within=known[each.reverting].within,
            piece=each.piece if each.reverted == change(1) else None,
        )
        for each in reverts
    ]


@given(PIECES.map(_of_one_mind), st.integers(0, 9).map(day), st.randoms(use_true_random=False))
def test_pieces_are_order_free_and_see_nothing_later(
    reverts: list[Revert], as_of: datetime, random: Random
) -> None:
    known = [r for r in reverts if r.landed_at is not None and r.landed_at <= as_of]
    mixed = random.sample(known, len(known))
    assert undone_at(mixed, LATE) == undone_at(reverts, as_of)
    assert own_chains(mixed, LATE) == own_chains(reverts, as_of)


@given(PIECES.map(_of_one_mind))
def test_who_reverts_more_than_pieces_undoes_no_less(reverts: list[Revert]) -> None:
    whole = by_commit(20, change(1), day(9))
    assert reverted_at([*reverts, whole], LATE)[change(1)] is not None
    pieces = {each.piece for each in reverts if each.reverted == change(1)}
    if len(pieces) < 2 and None not in pieces:
        assert change(1) not in reverted_at(reverts, LATE)
