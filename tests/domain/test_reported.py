from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.reported import Reported

DAY_0 = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = st.integers(0, 20).map(lambda n: DAY_0 + timedelta(days=n))
NAMES = st.sampled_from(["acme/a", "acme/b", "acme/c"])
REPORTED = st.builds(
    Reported, repositories=st.frozensets(NAMES), lost_at=st.dictionaries(NAMES, DAYS)
)


def day(number: int) -> datetime:
    return DAY_0 + timedelta(days=number)


def test_a_repository_is_lost_from_then_on() -> None:
    known = Reported(repositories=frozenset({"acme/a", "acme/b"}), lost_at={"acme/a": day(5)})
    assert known.reports(["acme/a"], day(4), day(9))
    assert not known.reports(["acme/a"], day(5), day(9))
    # A moment before nobody knew.
    assert known.reports(["acme/a"], day(9), day(4))
    assert known.reports(["acme/a", "acme/b"], day(5), day(9))
    assert not known.reports(["acme/c"], day(5), day(9))


@given(REPORTED, st.frozensets(NAMES), DAYS, DAYS, DAYS)
def test_what_is_lost_is_seen_no_more_and_no_moment_before_changes(
    known: Reported, named: frozenset[str], until: datetime, as_of: datetime, at: datetime
) -> None:
    before = known.reports(named, until, as_of)
    more = Reported(
        repositories=known.repositories,
        lost_at={name: min(at, known.lost_at.get(name, at)) for name in known.repositories},
    )
    after = more.reports(named, until, as_of)
    assert before or not after
    if at > as_of or at > until or not named:
        assert after == before


@given(REPORTED, DAYS, DAYS)
def test_who_names_no_repository_is_seen_where_any_forge_reports(
    known: Reported, until: datetime, as_of: datetime
) -> None:
    assert known.reports([], until, as_of) == bool(known.repositories)
