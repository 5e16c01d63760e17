"""Counters of which one holds what another counts once more: Gemini CLI's input and its cache."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.fold import fold
from collector.growth import Growth, grown, highest
from domain.events import Context, Counted, Observation, Quantity, RequestAnswered, Series, Source
from domain.folded import SessionSums, UsageSum
from domain.record import Signal
from domain.usage import Tokens
from tests.capturing import expected, scenarios
from tests.filling import Fresh, bodies, fill, rows, usage
from tests.telling import observation
from tests.temporality import as_delta, stretched

START = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
# 37.5 nano-dollars a token of input: half of one would be lost or won at every reading.
MODEL = "gemini-flash-1.5-8b"
_TOLD = {
    Quantity.TOKENS_INPUT: "prompt",
    Quantity.TOKENS_CACHE_READ_INSIDE: "cached",
    Quantity.TOKENS_OUTPUT: "answer",
    Quantity.TOKENS_REASONING_BESIDE: "thoughts",
}
by_scenario = pytest.mark.parametrize(
    "scenario", scenarios("gemini-cli"), ids=lambda path: path.name
)


@dataclass(frozen=True)
class Answer:
    """A response: its minute, all of its prompt with the cached part, its answer, its thoughts."""

    minute: int
    prompt: int
    cached: int
    answer: int
    thoughts: int

    @property
    def tokens(self) -> Tokens:
        return Tokens(
            input=self.prompt - self.cached,
            cache_read=self.cached,
            output=self.answer + self.thoughts,
            reasoning=self.thoughts,
        )


@st.composite
def answers(draw: st.DrawFn) -> list[Answer]:
    made = []
    for minute in sorted(draw(st.sets(st.integers(0, 300), min_size=1, max_size=6))):
        prompt = draw(st.integers(0, 500))
        cached = draw(st.integers(0, prompt))
        made.append(Answer(minute, prompt, cached, *draw(st.tuples(*[st.integers(0, 9)] * 2))))
    return made


def told(facts: Counted | RequestAnswered, minute: int, *, series: bytes | None) -> Observation:
    return observation(
        tool="gemini-cli",
        session_id="s",
        installation="i",
        key=repr((facts, minute)).encode(),
        at=START + timedelta(minutes=minute),
        source=Source.METRIC,
        rank=1,
        context=Context(),
        facts=(facts,),
        series=None if series is None else Series(key=series),
    )


def readings(of: Sequence[Answer], *, cumulative: bool) -> list[Observation]:
    """What the counters say after each response."""
    made = []
    for quantity, name in _TOLD.items():
        total = 0
        for each in of:
            total = getattr(each, name) + (total if cumulative else 0)
            fact = Counted(quantity=quantity, amount=total, model=MODEL)
            series = quantity.value.encode() if cumulative else None
            made.append(told(fact, each.minute, series=series))
    return made


def folded(batches: Sequence[Sequence[Observation]]) -> SessionSums:
    """What ``ingest`` books for readings that come in these batches."""
    known: dict[bytes, dict[int, int]] = defaultdict(dict)
    new: list[Observation] = []
    growths: list[Growth] = []
    for batch in batches:
        read: dict[bytes, list[Observation]] = defaultdict(list)
        for each in batch:
            if each.series is None:
                new.append(each)
            else:
                read[each.series.key].append(each)
        for key, of in read.items():
            seen, changed = grown(known[key], of)
            new += seen
            growths += changed
            for hour, value in highest(of).items():
                known[key][hour] = max(value, known[key].get(hour, 0))
    [sums] = fold(new, growths, lambda _tool, _source: frozenset()).values()
    return sums


def by_hour(sums: SessionSums) -> dict[int, tuple[object, ...]]:
    """Tokens and exact costs of the hours in which anything was used.

    What did not grow in an hour is not told of it, and stays null there.
    """
    hours: dict[int, UsageSum] = {key.hour: row for key, row in sums.usage.items()}
    return {
        hour: (
            *(each or 0 for each in (row.input, row.cache_read, row.output, row.reasoning)),
            *((row.list_nanousd or 0) * 1000 + row.list_rest_picousd, row.unpriced_tokens),
        )
        for hour, row in hours.items()
        if any((row.input, row.cache_read, row.output))
    }


@given(answers(), st.booleans(), st.data())
def test_counters_in_any_order_and_split_come_to_what_their_requests_do(
    of: list[Answer], cumulative: bool, data: st.DataObject
) -> None:
    requests = [
        told(RequestAnswered(model=MODEL, tokens=each.tokens), each.minute, series=None)
        for each in of
    ]
    sent = data.draw(st.permutations(readings(of, cumulative=cumulative)))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(sent)))) | {len(sent)})
    batches = [sent[a:b] for a, b in zip([0, *cuts], cuts, strict=False)]
    assert by_hour(folded(batches)) == by_hour(folded([requests]))


def test_nothing_from_the_cache_is_none_of_it_and_not_unknown() -> None:
    got = folded([readings([Answer(0, 10, 0, 2, 0)], cumulative=True)])
    [row] = got.usage.values()
    assert (row.input, row.cache_read, row.output, row.reasoning) == (10, 0, 2, 0)


@by_scenario
def test_counters_alone_come_to_the_truth_however_they_are_told(
    scenario: Path, fresh: Fresh
) -> None:
    truth = expected(scenario)
    metrics = [body for body in bodies(scenario) if body[0] is Signal.METRICS]
    # The second keeps a session open over many hours.
    for sent in (metrics, stretched(metrics, factor=1000), as_delta(metrics)):
        with fresh() as database:
            fill(database, list(reversed(sent)))
            # What was written to Google's cache is told by no counter.
            wanted = {model: {**row, "cache_write": None} for model, row in truth.items()}
            assert usage(database) == wanted
            assert all(told >= 0 for [told] in rows(database, "usage", "COALESCE(input, 0)"))
