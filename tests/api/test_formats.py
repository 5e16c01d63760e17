"""Numbers, money and times as people read them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.pages import formats

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("nanousd", "text"),
    [
        (0, "$0"),
        (15_300_000, "$0.0153"),
        (590_000_000, "$0.59"),
        (500_000_000, "$0.50"),
        (10_058_550, "$0.0101"),
        (603_210, "$0.000603"),
        (1, "$0.000000001"),
        (999_600_000, "$1.00"),
        (1_000_000_000, "$1.00"),
        (1_234_500_000, "$1.23"),
        (999_990_000_000, "$999.99"),
        (1_234_567_890_000_000, "$1,234,568"),
        (-15_300_000, "-$0.0153"),
    ],
)
def test_money_has_as_many_digits_as_it_needs(nanousd: int, text: str) -> None:
    assert formats.money(nanousd) == text


@given(st.integers(min_value=1, max_value=10**18))
def test_money_is_never_off_by_more_than_half_a_per_cent(nanousd: int) -> None:
    told = Decimal(formats.money(nanousd).removeprefix("$").replace(",", ""))
    exact = Decimal(nanousd) / 10**9
    assert abs(told - exact) <= exact * Decimal("0.005")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (5007, "5,007"), (1234567, "1,234,567"), (29.999, "29.99"), (0.5, "0.5")],
)
def test_numbers(value: float, text: str) -> None:
    assert formats.number(value) == text


@given(st.floats(min_value=0, max_value=1), st.floats(min_value=0.01, max_value=1))
def test_what_is_short_of_a_need_never_reads_as_met_in_full(have: float, need: float) -> None:
    told = int(formats.measured(have, True).removesuffix(" %"))
    assert told <= have * 100 + 1e-6


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 %"),
        (0.001, "under 1 %"),
        (0.006, "1 %"),
        (0.505, "51 %"),
        (0.996, "over 99 %"),
        (1, "100 %"),
    ],
)
def test_shares(value: float, text: str) -> None:
    assert formats.share(value) == text


@pytest.mark.parametrize(
    ("before", "text"),
    [
        (timedelta(seconds=0), "0 seconds ago"),
        (timedelta(seconds=1), "1 second ago"),
        (timedelta(seconds=59), "59 seconds ago"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(hours=1), "1 hour ago"),
        (timedelta(hours=47), "47 hours ago"),
        (timedelta(days=2), "2 days ago"),
        (timedelta(days=59), "59 days ago"),
        (timedelta(days=60), "23 Sep 2026"),
        # A tool's clock may be ahead of ours.
        (timedelta(minutes=-5), "22 Nov 2026, 12:05 UTC"),
    ],
)
def test_how_long_ago(before: timedelta, text: str) -> None:
    assert formats.ago(NOW - before, NOW) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "under a second"), (59, "59 s"), (60, "1 min"), (3660, "1 h 1 min")],
)
def test_durations(seconds: float, text: str) -> None:
    assert formats.duration(NOW, NOW + timedelta(seconds=seconds)) == text


def test_words() -> None:
    assert formats.words("commit_sha") == "commit SHA"
    assert formats.capital("iOS") == "IOS"
    assert formats.spelled_time("2026-11-22T13:00:00+01:00") == "22 Nov 2026, 12:00 UTC"
    assert formats.spelled_time("soon") == "soon"
    assert formats.short("c00747f8-588c-4bd7") == "c00747f8-588…"
    assert formats.short("ses_1") == "ses_1"
    assert formats.session_path("a/b", "c d?") == "/sessions/a%2Fb/c%20d%3F"
