"""Observations to sums: sessions, usage by hour, counts and traces. Pure and commutative."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from collector.counters import Change
from collector.growth import Growth, counter, hour_of
from domain.events import (
    Counted,
    Fact,
    Observation,
    Purpose,
    Quantity,
    RequestAnswered,
    RequestFailed,
    Source,
    Traced,
)
from domain.folded import (
    ContextSizes,
    CountKey,
    Folded,
    SessionKey,
    SessionSums,
    UsageKey,
    UsageSum,
)
from domain.price_book import LIST_PRICES, PriceBook, Quote, book
from domain.record import EPOCH
from domain.tariff import UNTOLD_LENGTH, PromptRange, prompt_of
from domain.usage import Tokens, add

_TOKEN_FIELD = {
    Quantity.TOKENS_INPUT: "input",
    Quantity.TOKENS_CACHE_READ: "cache_read",
    Quantity.TOKENS_CACHE_WRITE: "cache_write",
    Quantity.TOKENS_OUTPUT: "output",
}
_USAGE_FIELD = {
    **_TOKEN_FIELD,
    Quantity.TOKENS_REASONING: "reasoning",
    Quantity.COST_NANOUSD: "reported_nanousd",
    Quantity.REQUESTS: "requests",
    Quantity.REQUESTS_FAILED: "failed_requests",
}
# A tool that only started has not been used: Claude Code's --continue starts under an id that
# never returns.
_IDLE = frozenset({Quantity.PROCESS_STARTS, Quantity.PROCESS_ENDS})
# Subagents and housekeeping have contexts of their own; a tool that tells no purpose has the one.
_CONVERSATION = frozenset({Purpose.MAIN, None})

Tells = Callable[[str, Source], frozenset[Quantity]]


def fold(
    observations: Iterable[Observation],
    growths: Iterable[Growth],
    tells: Tells,
    prices: PriceBook = LIST_PRICES,
) -> Folded:
    """Sum observations, each of which must be new (see ``ingest``), and the growth of counters.

    Growth says how much and in which hour, never when a session was seen: each takes at least one
    observation of its session beside it. ``tells(tool, source)`` names the quantities that a signal
    of a tool would have told: a session it speaks of has at least zero of them, which is not the
    same as unknown. Tokens are booked at ``prices``.
    """
    folded = Folded()
    for observation in observations:
        sums = _sums(folded, observation)
        if observation.source not in sums.sources:
            sums.sources.add(observation.source)
            for quantity in tells(observation.tool, observation.source):
                sums.counts.setdefault(CountKey(quantity, observation.rank, ""), 0)
        for fact in observation.facts:
            _add(sums, observation, fact, prices)
    for growth in growths:
        _count(_sums(folded, growth.reading), counter(growth.reading), growth, prices)
    return folded


def _sums(folded: Folded, observation: Observation) -> SessionSums:
    """The sums of an observation's session, which they now know was there at that time."""
    session = session_of(observation)
    sums, at = folded.get(session), observation.at
    if sums is None:
        sums = folded[session] = SessionSums(at, at)
    elif at < sums.first_at:
        sums.first_at = at
    elif at > sums.last_at:
        sums.last_at = at
    return sums


def session_of(observation: Observation) -> SessionKey:
    """Whose observation it is: a session, or the installation where no session is named."""
    if observation.session_id is None:
        return SessionKey(observation.tool, None, observation.installation)
    # The same session may be told by two machines; it is still one session.
    return SessionKey(observation.tool, observation.session_id, "")


def _add(sums: SessionSums, observation: Observation, fact: Fact, prices: PriceBook) -> None:
    if isinstance(fact, Traced):
        key = (fact.trace, fact.value)
        before = sums.traces.get(key)
        if before is None or observation.at < before:
            sums.traces[key] = observation.at
    elif isinstance(fact, RequestAnswered):
        _answered(sums, observation, fact, prices)
        if fact.purpose in _CONVERSATION:
            _grow(sums, observation, fact.tokens)
    elif isinstance(fact, RequestFailed):
        into = _usage(sums, observation, fact, hour_of(observation.at))
        into.requests = add(into.requests, 0)
        into.failed_requests = add(into.failed_requests, 1)
    elif fact.quantity in _USAGE_FIELD:
        growth = Growth(observation, hour_of(observation.at), Change(0, fact.amount))
        _count(sums, fact, growth, prices)
    else:
        _count_plainly(sums, fact, observation.rank, fact.amount)


def _count(sums: SessionSums, fact: Counted, growth: Growth, prices: PriceBook) -> None:
    change = growth.change
    if fact.quantity in _USAGE_FIELD:
        into = _usage(sums, growth.reading, fact, growth.hour)
        # Where a price changes within the hour, that of its beginning: a counter tells no more.
        at = EPOCH + timedelta(hours=growth.hour)
        _counted(into, fact, change, _quote(prices, growth.reading, fact, at))
    else:
        _count_plainly(sums, fact, growth.reading.rank, change.after - change.before)


def _count_plainly(sums: SessionSums, fact: Counted, rank: int, amount: int) -> None:
    key = CountKey(fact.quantity, rank, fact.item)
    sums.counts[key] = sums.counts.get(key, 0) + amount
    if fact.quantity not in _IDLE:
        sums.active = True


def _usage(
    sums: SessionSums,
    observation: Observation,
    fact: RequestAnswered | RequestFailed | Counted,
    hour: int,
    prompts: PromptRange = UNTOLD_LENGTH,
) -> UsageSum:
    """The row to add to; that there is one makes the session active and its source known."""
    rank = observation.rank
    of, source = observation.context, observation.source
    key = UsageKey(rank, source, hour, fact.model, fact.purpose, of, prompts)
    into = sums.usage.get(key)
    if into is None:
        into = sums.usage[key] = UsageSum()
        sums.active = True
        sums.usage_rank = rank if sums.usage_rank is None else min(rank, sums.usage_rank)
    sender = observation.installation
    if sums.installations.get(sender, rank + 1) > rank:
        sums.installations[sender] = rank
    return into


def _quote(
    prices: PriceBook, observation: Observation, fact: RequestAnswered | Counted, at: datetime
) -> Quote:
    return prices.quote(observation.tool, observation.context.team, fact.model, at)


def _answered(
    sums: SessionSums, observation: Observation, fact: RequestAnswered, prices: PriceBook
) -> None:
    at, tokens = observation.at, fact.tokens
    told, prompt = tokens.told(), prompt_of(tokens)
    quote = _quote(prices, observation, fact, at)
    prompts = quote.range_of(prompt) if told else UNTOLD_LENGTH
    into = _usage(sums, observation, fact, hour_of(at), prompts)
    into.requests = add(into.requests, 1)
    into.failed_requests = add(into.failed_requests, 0)
    into.input = add(into.input, tokens.input)
    into.cache_read = add(into.cache_read, tokens.cache_read)
    into.cache_write = add(into.cache_write, tokens.cache_write)
    into.cache_write_5m = add(into.cache_write_5m, tokens.cache_write_5m)
    into.cache_write_1h = add(into.cache_write_1h, tokens.cache_write_1h)
    into.output = add(into.output, tokens.output)
    into.reasoning = add(into.reasoning, tokens.reasoning)
    into.reported_nanousd = add(into.reported_nanousd, fact.cost_nanousd)
    if told:
        book(into, quote, tokens, prompt)


def _grow(sums: SessionSums, observation: Observation, tokens: Tokens) -> None:
    prompt = prompt_of(tokens)
    if not prompt:
        return
    at, sizes = observation.at, sums.contexts.get(observation.rank)
    if sizes is None:
        sizes = sums.contexts[observation.rank] = ContextSizes(at, prompt, at, prompt)
    sizes.add(at, prompt)


def _counted(into: UsageSum, fact: Counted, change: Change, quote: Quote) -> None:
    name = _USAGE_FIELD[fact.quantity]
    setattr(into, name, add(getattr(into, name), change.after - change.before))
    bucket = _TOKEN_FIELD.get(fact.quantity)
    if bucket is None:
        return
    # The price of the hour as it is now less its price as it was: the same in the end however many
    # readings it took, also where a token costs a fraction of a nano-dollar.
    before, after = (Tokens(**{bucket: amount}) for amount in change)
    book(into, quote, after, 0)
    book(into, quote, before, 0, -1)
