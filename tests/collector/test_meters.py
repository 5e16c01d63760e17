"""What is counted of requests: every one once, and durations in the bucket they belong to."""

from bisect import bisect_left

from hypothesis import given
from hypothesis import strategies as st

from collector.meters import BOUNDS_SECONDS, Durations


@given(st.lists(st.floats(min_value=0, max_value=1000, allow_nan=False)))
def test_every_duration_is_in_one_bucket_and_in_the_sum(told: list[float]) -> None:
    durations = Durations()
    for seconds in told:
        durations.add(seconds)
    counts, total = durations.seen()
    assert sum(counts) == len(told)
    assert total == sum(told)
    for index, count in enumerate(counts):
        assert count == sum(bisect_left(BOUNDS_SECONDS, seconds) == index for seconds in told)


def test_a_bucket_holds_its_upper_end() -> None:
    durations = Durations()
    durations.add(BOUNDS_SECONDS[0])
    durations.add(BOUNDS_SECONDS[-1] + 1)
    counts, _ = durations.seen()
    assert (counts[0], counts[-1], sum(counts)) == (1, 1, 2)
