"""However many requests are added up at once, they come to what they come to one by one."""

from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from collector.fold import fold
from domain.company_prices import CompanyPrices
from domain.events import (
    Context,
    Counted,
    Fact,
    Observation,
    Origin,
    Purpose,
    Quantity,
    RequestAnswered,
    RequestFailed,
    Source,
    Trace,
    Traced,
)
from domain.folded import ContextSizes, SessionKey
from domain.price_book import LIST_PRICES, PriceBook
from domain.price_file import parse
from domain.usage import Tokens

# Half of them with prices that leave something to round, longer prompts that cost more, or a clock.
MODELS = (
    "claude-sonnet-4-5",
    "gemini-2.5-pro",
    "gemini-flash-1.5-8b",
    "deepseek-chat",
    "nobody-knows-1",
    None,
)
COMPANY: CompanyPrices = parse("[[discount]]\nfrom = 2026-01-01\npercent_off = 17.3\n")
START_US = int(datetime(2026, 3, 1, 9, 30, tzinfo=UTC).timestamp()) * 1_000_000
_counts = st.none() | st.integers(0, 3) | st.integers(0, 300_000)
_tokens = st.builds(
    Tokens,
    input=_counts,
    cache_read=_counts,
    cache_write=_counts,
    cache_write_1h=_counts,
    output=_counts,
    reasoning=_counts,
)
_purposes = st.sampled_from([None, Purpose.MAIN, Purpose.SUBAGENT])
_facts: st.SearchStrategy[Fact] = st.one_of(
    st.builds(
        RequestAnswered,
        model=st.sampled_from(MODELS),
        tokens=_tokens,
        purpose=_purposes,
        cost_nanousd=st.none() | st.integers(0, 10**9),
    ),
    st.builds(RequestFailed, model=st.sampled_from(MODELS[:2]), purpose=_purposes),
    st.builds(
        Counted,
        quantity=st.sampled_from(
            [Quantity.TOOL_CALLS, Quantity.PROCESS_STARTS, Quantity.TOKENS_INPUT]
        ),
        amount=st.integers(0, 9),
        item=st.sampled_from(["", "Edit"]),
        model=st.sampled_from(MODELS[:3]),
    ),
    st.builds(Traced, trace=st.just(Trace.COMMIT), value=st.sampled_from(["abc1234", "def5678"])),
)
_origins = st.builds(
    Origin,
    st.just("a tool"),
    st.sampled_from(["s", "t", None]),
    st.sampled_from(["i", "j"]),
    st.just(Source.LOG),
    st.integers(0, 1),
    st.builds(Context, team=st.sampled_from([None, "payments"])),
    st.sampled_from([(), (Traced(trace=Trace.BRANCH, value="main"),)]),
)


@st.composite
def _observations(draw: st.DrawFn) -> list[Observation]:
    origins = draw(st.lists(_origins, min_size=1, max_size=2))
    return [
        Observation(
            draw(st.sampled_from(origins)),
            number.to_bytes(16, "big"),
            START_US + draw(st.integers(0, 7_200)) * 1_000_000,
            tuple(draw(st.lists(_facts, max_size=2))),
        )
        for number in range(draw(st.integers(1, 12)))
    ]


def _silent(_tool: str, _source: Source) -> frozenset[Quantity]:
    return frozenset()


@pytest.mark.parametrize("prices", [LIST_PRICES, PriceBook(COMPANY)], ids=["list", "company"])
@given(seen=_observations())
def test_adding_up_at_once_is_adding_one_by_one(prices: PriceBook, seen: list[Observation]) -> None:
    # An origin of its own keeps a record from being added up with others.
    alone = [replace(each, origin=replace(each.origin)) for each in seen]
    assert fold(seen, [], _silent, prices) == fold(alone, [], _silent, prices)


@pytest.mark.parametrize("prices", [LIST_PRICES, PriceBook(COMPANY)], ids=["list", "company"])
@pytest.mark.parametrize("model", MODELS)
@given(told=st.lists(_tokens, min_size=2, max_size=9))
def test_requests_of_one_model_and_hour_cost_together_what_they_cost_alone(
    prices: PriceBook, model: str | None, told: list[Tokens]
) -> None:
    origin = Origin("a tool", "s", "i", Source.LOG, 0, Context())
    seen = [
        Observation(
            origin,
            number.to_bytes(16, "big"),
            START_US + number,
            (RequestAnswered(model=model, tokens=tokens),),
        )
        for number, tokens in enumerate(told)
    ]
    alone = [replace(each, origin=replace(each.origin)) for each in seen]
    assert fold(seen, [], _silent, prices) == fold(alone, [], _silent, prices)


@given(_observations(), st.randoms(use_true_random=False))
def test_the_order_of_observations_changes_nothing(seen: list[Observation], random: Random) -> None:
    shuffled = list(seen)
    random.shuffle(shuffled)
    assert fold(shuffled, [], _silent) == fold(seen, [], _silent)


def test_a_session_that_two_machines_tell_is_one() -> None:
    origin = Origin("a tool", "s", "i", Source.LOG, 0, Context())
    other = replace(origin, installation="j")
    fact = RequestAnswered(model=MODELS[0], tokens=Tokens(input=7), purpose=Purpose.MAIN)
    seen = [
        Observation(origin, b"1" * 16, START_US, (fact,)),
        Observation(other, b"2" * 16, START_US + 60_000_000, (fact,)),
    ]
    [(session, sums)] = fold(seen, [], _silent).items()
    assert session == SessionKey("a tool", "s", "")
    day = START_US // 86_400_000_000
    assert sums.repeats == {SessionKey("a tool", None, each, day): 0 for each in ("i", "j")}
    assert [row.requests for row in sums.usage.values()] == [2]
    first, last = (each.at for each in seen)
    assert sums.contexts == {0: ContextSizes(first, 7, last, 7, 7, 2)}
    assert (sums.first_at, sums.last_at) == (first, last)
