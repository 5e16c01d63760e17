"""Buckets: never more than was filled in, and what is refused may come back when it is told to."""

from hypothesis import given
from hypothesis import strategies as st

from api.rates import Bucket


@given(
    st.integers(min_value=1, max_value=600),
    st.lists(st.floats(min_value=0, max_value=30), max_size=60),
)
def test_nobody_gets_more_than_was_filled_in(per_minute: int, pauses: list[float]) -> None:
    now = [0.0]
    bucket = Bucket(per_minute, monotonic=lambda: now[0])
    taken = 0
    for pause in pauses:
        now[0] += pause
        taken += bucket.take("a") is None
        assert taken <= per_minute + now[0] * per_minute / 60 + 1e-6


@given(st.integers(min_value=1, max_value=600), st.integers(min_value=0, max_value=20))
def test_who_waits_as_long_as_told_is_let_in(per_minute: int, more: int) -> None:
    now = [0.0]
    bucket = Bucket(per_minute, monotonic=lambda: now[0])
    assert [bucket.take("a") for _ in range(per_minute)] == [None] * per_minute
    for _ in range(more + 1):
        wait = bucket.take("a")
        assert wait is not None
        assert wait > 0
        now[0] += wait + 1e-6
        assert bucket.take("a") is None


def test_each_key_has_a_bucket_of_its_own() -> None:
    bucket = Bucket(1, monotonic=lambda: 0.0)
    assert bucket.take("a") is None
    assert bucket.take("b") is None
    assert bucket.take("a") == 60


def test_of_very_many_keys_the_last_are_remembered() -> None:
    bucket = Bucket(1, monotonic=lambda: 0.0)
    for number in range(10_001):
        assert bucket.take(str(number)) is None
    assert bucket.take("10000") is not None
    assert bucket.take("0") is None
