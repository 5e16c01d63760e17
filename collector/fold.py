"""Observations to sums: sessions, usage by hour, counts and traces. Pure and commutative."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

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


def hour_of(at: datetime) -> int:
    """Whole hours since the epoch."""
    return (at - EPOCH) // timedelta(hours=1)


Tells = Callable[[str, Source], frozenset[Quantity]]


def fold(observations: Iterable[Observation], tells: Tells) -> Folded:
    """Sum observations, each of which must be new (see ``ingest``).

    ``tells(tool, source)`` names the quantities that a signal of a tool would have told: a session
    it speaks of has at least zero of them, which is not the same as unknown.
    """
    folded = Folded()
    for observation in observations:
        session = SessionKey(observation.tool, observation.session_id, observation.installation)
        if observation.session_id is not None:
            # The same session may be told by two machines; it is still one session.
            session = session._replace(installation="")
        if _widen(folded, session, observation):
            for quantity in tells(observation.tool, observation.source):
                folded.counts.setdefault(CountKey(session, quantity, observation.rank, ""), 0)
        for fact in observation.facts:
            _add(folded, session, observation, fact)
    return folded


def at_hour(observation: Observation, hour: int, amount: int) -> Observation:
    """A cumulative reading as what it adds to one hour."""
    counted = observation.facts[0]
    if not isinstance(counted, Counted):
        raise TypeError("the first fact of a series observation is its counter")
    facts = (replace(counted, amount=amount), *observation.facts[1:])
    at = observation.at
    if hour_of(at) != hour:
        at = EPOCH + timedelta(hours=hour)
    return replace(observation, at=at, facts=facts)


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
    if isinstance(fact, Traced):
        key = (session, fact.trace, fact.value)
        folded.traces[key] = min(observation.at, folded.traces.get(key, observation.at))
    elif isinstance(fact, Counted) and fact.quantity not in _USAGE_FIELD:
        count = CountKey(session, fact.quantity, observation.rank, fact.item)
        folded.counts[count] = folded.counts.get(count, 0) + fact.amount
        if fact.quantity not in _IDLE:
            folded.sessions[session].active = True
    else:
        _add_usage(folded, session, observation, fact)


def _add_usage(
    folded: Folded,
    session: SessionKey,
    observation: Observation,
    fact: RequestAnswered | RequestFailed | Counted,
) -> None:
    key = UsageKey(
        session,
        observation.rank,
        observation.source,
        hour_of(observation.at),
        fact.model,
        fact.purpose,
        observation.context,
    )
    into = folded.usage.setdefault(key, UsageSum())
    if isinstance(fact, RequestAnswered):
        _answered(into, fact, observation.at)
    elif isinstance(fact, RequestFailed):
        into.requests = add(into.requests, 0)
        into.failed_requests = add(into.failed_requests, 1)
    else:
        _counted(into, fact, observation.at)
    _rank(folded, session, observation)


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


def _counted(into: UsageSum, fact: Counted, at: datetime) -> None:
    name = _USAGE_FIELD[fact.quantity]
    setattr(into, name, add(getattr(into, name), fact.amount))
    bucket = _TOKEN_FIELD.get(fact.quantity)
    if bucket is None:
        return
    # A late cumulative reading may take tokens back from a later hour, and their price with them.
    sign = -1 if fact.amount < 0 else 1
    _price(into, fact.model, Tokens(**{bucket: abs(fact.amount)}), at, sign)


def _price(into: UsageSum, model: str | None, tokens: Tokens, at: datetime, sign: int = 1) -> None:
    price = list_price(model, tokens, at)
    if price is None:
        into.unpriced_tokens = add(into.unpriced_tokens, sign * tokens.billable())
    else:
        into.list_nanousd = add(into.list_nanousd, sign * price)
        into.unpriced_tokens = add(into.unpriced_tokens, 0)


def _rank(folded: Folded, session: SessionKey, observation: Observation) -> None:
    span = folded.sessions[session]
    span.active = True
    rank = observation.rank
    span.usage_rank = rank if span.usage_rank is None else min(rank, span.usage_rank)
    sender = (observation.tool, observation.installation)
    folded.installations[sender] = min(rank, folded.installations.get(sender, rank))
