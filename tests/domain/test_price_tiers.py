"""The price file by service tier: which entries are about which."""

from datetime import UTC, datetime

import pytest

from domain.price_book import PriceBook
from domain.price_file import PriceFileInvalid, parse
from domain.pricing import Unpriced
from domain.tariff import Tariff

TIERED = """
[[price]]
from = 2026-01-01
models = ["claude-*"]
input = 1

[[price]]
from = 2026-01-01
models = ["claude-*"]
tiers = ["fast", "batch"]
input = 3

[[discount]]
from = 2026-01-01
percent_off = 50
"""


@pytest.mark.parametrize(
    ("model", "tier", "expected"),
    [
        ("claude-opus-5-5", None, 1_000_000),
        ("claude-opus-5-5", "fast", 3_000_000),
        ("claude-opus-4-6", "fast", 3_000_000),
        # A price is that of the usual tier; a share of list price is one of any tier's.
        ("claude-opus-5-5", "priority", Unpriced.TIER_UNPRICED),
        ("gpt-5.5", None, 2_500_000),
        ("gpt-5.5", "priority", 6_250_000),
    ],
)
def test_a_price_is_that_of_its_tiers(
    model: str, tier: str | None, expected: int | Unpriced
) -> None:
    at = datetime(2026, 11, 22, 10, tzinfo=UTC)
    priced = PriceBook(parse(TIERED)).quote("codex", None, model, at, tier).effective
    assert (priced.base.input if isinstance(priced, Tariff) else priced) == expected


def test_two_prices_of_one_tier_contradict_each_other() -> None:
    more = '[[price]]\nfrom = 2026-01-01\nmodels = ["claude-*"]\ninput = 2\n'
    also = TIERED + more + 'tiers = ["Standard", "fast"]\n'
    with pytest.raises(PriceFileInvalid) as refusal:
        parse(also)
    assert [str(problem) for problem in refusal.value.problems] == [
        "line 17, price[3].from: overlaps price[1] (line 2): both are about model claude-*, tier"
        " standard on 2026-01-01",
        "line 17, price[3].from: overlaps price[2] (line 7): both are about model claude-*, tier"
        " fast on 2026-01-01",
    ]
