"""Observations to sums: sessions, usage by hour, counts and traces. Pure and commutative."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from collector.counters import Change
from collector.growth import Growth, counter, hour_of
from domain.events import (
    Counted,
    Fact,
    Observation,
    Quantity,
    RequestAnswered,
    RequestFailed,
    Source,
    Traced,
)
from domain.folded import CountKey, Folded, SessionKey, SessionSpan, UsageKey, UsageSum
from domain.pricing import list_price
from domain.record import EPOCH
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
_IDLE = frozenset({Quantity.PROCESS_STARTS})

Tells = Callable[[str, Source], frozenset[Quantity]]


def fold(observations: Iterable[Observation], growths: Iterable[Growth], tells: Tells) -> Folded:
    """Sum observations, each of which must be new (see ``ingest``), and the growth of counters.

    Growth says how much and in which hour, never when a session was seen: each takes at least one
    observation of its session beside it. ``tells(tool, source)`` names the quantities that a signal
    of a tool would have told: a session it speaks of has at least zero of them, which is not the
    same as unknown.
    """
    folded = Folded()
    for observation in observations:
        session = _session(observation)
        if _widen(folded, session, observation):
            for quantity in tells(observation.tool, observation.source):
                folded.counts.setdefault(CountKey(session, quantity, observation.rank, ""), 0)
        for fact in observation.facts:
            _add(folded, session, observation, fact)
    for growth in growths:
        _grow(folded, growth)
    return folded


def _session(observation: Observation) -> SessionKey:
    session = SessionKey(observation.tool, observation.session_id, observation.installation)
    # The same session may be told by two machines; it is still one session.
    return session if session.session_id is None else session._replace(installation="")


def _widen(folded: Folded, session: SessionKey, observation: Observation) -> bool:
    """Whether this source speaks of this session for the first time in this batch."""
    span = folded.sessions.get(session)
    if span is None:
        span = folded.sessions[session] = SessionSpan(observation.at, observation.at)
    span.first_at = min(span.first_at, observation.at)
    span.last_at = max(span.last_at, observation.at)
    first = observation.source not in span.sources
    span.sources.add(observation.source)
    return first


def _add(folded: Folded, session: SessionKey, observation: Observation, fact: Fact) -> None:
    hour = hour_of(observation.at)
    if isinstance(fact, Traced):
        key = (session, fact.trace, fact.value)
        folded.traces[key] = min(observation.at, folded.traces.get(key, observation.at))
    elif isinstance(fact, RequestAnswered):
        _answered(_usage(folded, session, observation, fact, hour), fact, observation.at)
    elif isinstance(fact, RequestFailed):
        into = _usage(folded, session, observation, fact, hour)
        into.requests = add(into.requests, 0)
        into.failed_requests = add(into.failed_requests, 1)
    else:
        _count(folded, session, fact, Growth(observation, hour, Change(0, fact.amount)))


def _grow(folded: Folded, growth: Growth) -> None:
    _count(folded, _session(growth.reading), counter(growth.reading), growth)


def _count(folded: Folded, session: SessionKey, fact: Counted, growth: Growth) -> None:
    observation, hour, change = growth.reading, growth.hour, growth.change
    if fact.quantity in _USAGE_FIELD:
        _counted(_usage(folded, session, observation, fact, hour), fact, hour, change)
        return
    key = CountKey(session, fact.quantity, observation.rank, fact.item)
    folded.counts[key] = folded.counts.get(key, 0) + change.after - change.before
    if fact.quantity not in _IDLE:
        folded.sessions[session].active = True


def _usage(
    folded: Folded,
    session: SessionKey,
    observation: Observation,
    fact: RequestAnswered | RequestFailed | Counted,
    hour: int,
) -> UsageSum:
    """The row to add to; that there is one makes the session active and its source known."""
    span = folded.sessions[session]
    span.active = True
    rank = observation.rank
    span.usage_rank = rank if span.usage_rank is None else min(rank, span.usage_rank)
    sender = (observation.tool, observation.installation)
    folded.installations[sender] = min(rank, folded.installations.get(sender, rank))
    key = UsageKey(
        session, rank, observation.source, hour, fact.model, fact.purpose, observation.context
    )
    return folded.usage.setdefault(key, UsageSum())


def _answered(into: UsageSum, fact: RequestAnswered, at: datetime) -> None:
    into.requests = add(into.requests, 1)
    into.failed_requests = add(into.failed_requests, 0)
    tokens = fact.tokens
    into.input = add(into.input, tokens.input)
    into.cache_read = add(into.cache_read, tokens.cache_read)
    into.cache_write = add(into.cache_write, tokens.cache_write)
    into.cache_write_5m = add(into.cache_write_5m, tokens.cache_write_5m)
    into.cache_write_1h = add(into.cache_write_1h, tokens.cache_write_1h)
    into.output = add(into.output, tokens.output)
    into.reasoning = add(into.reasoning, tokens.reasoning)
    into.reported_nanousd = add(into.reported_nanousd, fact.cost_nanousd)
    if tokens.told():
        _price(into, fact.model, tokens, at)


def _counted(into: UsageSum, fact: Counted, hour: int, change: Change) -> None:
    name = _USAGE_FIELD[fact.quantity]
    setattr(into, name, add(getattr(into, name), change.after - change.before))
    bucket = _TOKEN_FIELD.get(fact.quantity)
    if bucket is None:
        return
    # The price of the hour as it is now less its price as it was: the same in the end however many
    # readings it took, also where a token costs a fraction of a nano-dollar.
    at = EPOCH + timedelta(hours=hour)
    before, after = (Tokens(**{bucket: amount}) for amount in change)
    price = list_price(fact.model, after, at, prompt=0)
    if price is None:
        into.unpriced_tokens = add(into.unpriced_tokens, change.after - change.before)
    else:
        price -= list_price(fact.model, before, at, prompt=0) or 0
        into.list_nanousd = add(into.list_nanousd, price)
        into.unpriced_tokens = add(into.unpriced_tokens, 0)


def _price(into: UsageSum, model: str | None, tokens: Tokens, at: datetime) -> None:
    price = list_price(model, tokens, at)
    if price is None:
        into.unpriced_tokens = add(into.unpriced_tokens, tokens.billable())
    else:
        into.list_nanousd = add(into.list_nanousd, price)
        into.unpriced_tokens = add(into.unpriced_tokens, 0)
