"""What is a ticket, of all that looks like the key of one."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.thresholds import Thresholds
from classifier.tied_tasks import tied_tasks
from domain.outcomes import TiedTask, TieSource
from store.tied_tasks import Projects, Ties

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
CHANGE = ("acme/shop", 1)
NAMED, SESSION, PROVIDER = TieSource.NAMED, TieSource.SESSION, TieSource.PROVIDER


def tied(key: str, *sources: TieSource, told: str = "PAY", keyed: bool = True) -> list[TiedTask]:
    ties = Ties(
        sources={CHANGE: {key: frozenset(sources)}},
        tickets={},
        projects=Projects(told=frozenset({told}), keyed=keyed),
    )
    return list(tied_tasks(CHANGE, ties, NOW, Thresholds(), NOW))


@pytest.mark.parametrize(
    ("key", "sources", "keyed", "counts"),
    [
        ("UTC-5", [NAMED], True, False),
        ("UTC-5", [TieSource.COMMIT], True, False),
        ("UTC-5", [NAMED], False, True),
        ("OPS-5", [NAMED, SESSION], True, True),
        ("PAY-5", [NAMED, SESSION], True, False),
        ("OPS-5", [NAMED, PROVIDER], True, True),
        ("PAY-5", [PROVIDER], True, True),
        ("acme/blog#5", [NAMED], True, True),
    ],
)
def test_a_key_that_no_tracker_knows_counts_where_there_may_be_such_a_ticket(
    key: str, sources: list[TieSource], *, keyed: bool, counts: bool
) -> None:
    assert [each.key for each in tied(key, *sources, keyed=keyed)] == [key] * counts


@given(
    st.sampled_from(["UTC-5", "PAY-5", "acme/shop#5", "AB#5"]),
    st.sets(st.sampled_from(TieSource), min_size=1),
    st.booleans(),
)
def test_what_a_provider_says_always_counts_and_more_sources_never_untie(
    key: str, sources: set[TieSource], keyed: bool
) -> None:
    assert tied(key, *sources, PROVIDER, keyed=keyed)
    if tied(key, *sources, keyed=keyed):
        assert tied(key, *sources, SESSION, keyed=keyed)
