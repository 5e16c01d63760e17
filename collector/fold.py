"""Observations to sums: sessions, usage by hour, counts and traces. Pure and commutative."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache

from msgspec.structs import asdict, astuple

from collector.bounded import bounded
from collector.counters import Change
from collector.growth import HOUR_US, Growth, counter
from collector.nesting import Moved, Share
from domain.events import (
    Counted,
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
from domain.folded import (
    LONG_PROMPT,
    LONGEST_USUAL_PROMPT,
    ContextSizes,
    CountKey,
    Folded,
    SessionKey,
    SessionSums,
    UsageKey,
    UsageSum,
)
from domain.price_book import LIST_PRICES, PriceBook, Quote, book
from domain.record import moment
from domain.tariff import UNTOLD_LENGTH, PromptRange, prompt_of
from domain.usage import Tokens, add

# What one of each is in the usage. A token that another counter holds as well is taken out of where
# that one puts it, so that both come to disjoint buckets, whichever is told first.
_USAGE_SHARES = {
    Quantity.TOKENS_INPUT: {"input": 1},
    Quantity.TOKENS_CACHE_READ: {"cache_read": 1},
    Quantity.TOKENS_CACHE_READ_INSIDE: {"cache_read": 1, "input": -1},
    Quantity.TOKENS_CACHE_WRITE: {"cache_write": 1},
    Quantity.TOKENS_OUTPUT: {"output": 1},
    Quantity.TOKENS_REASONING: {"reasoning": 1},
    Quantity.TOKENS_REASONING_BESIDE: {"output": 1, "reasoning": 1},
    Quantity.COST_NANOUSD: {"reported_nanousd": 1},
    Quantity.REQUESTS: {"requests": 1},
    Quantity.REQUESTS_FAILED: {"failed_requests": 1},
}
_BUCKETS = frozenset({"input", "cache_read", "cache_write", "output"})
# A tool that only started has not been used: Claude Code's --continue starts under an id that
# never returns.
_IDLE = frozenset({Quantity.PROCESS_STARTS, Quantity.PROCESS_ENDS})
# Subagents and housekeeping have contexts of their own; a tool that tells no purpose has the one.
_CONVERSATION = frozenset({Purpose.MAIN, None})

_DAY_HOURS = 24
_DAY_US = _DAY_HOURS * HOUR_US

Tells = Callable[[str, Source], frozenset[Quantity]]

# Hour, model and purpose.
_Kind = tuple[int, str | None, Purpose | None]
# When, and what it took and cost.
_Answer = tuple[int, Tokens, int | None]


def fold(
    observations: Iterable[Observation],
    growths: Iterable[Growth],
    tells: Tells,
    prices: PriceBook = LIST_PRICES,
    moved: Iterable[Moved] = (),
) -> Folded:
    """Sum observations, each of which must be new (see ``ingest``), and the growth of counters.

    ``moved`` is what nested requests among them change beside that (see ``nesting``).

    Growth says how much and in which hour, never when a session was seen: each takes at least one
    observation of its session beside it. ``tells(tool, source)`` names the quantities that a signal
    of a tool would have told: a session it speaks of has at least zero of them, which is not the
    same as unknown. Tokens are booked at ``prices``.
    """
    gathered: dict[tuple[int, int], _Gathered] = {}
    for observation in observations:
        # Many records share the very same origin, and comparing what it says would take longer.
        origin = observation.origin
        day = observation.at_us // _DAY_US if origin.session_id is None else 0
        of = gathered.get((id(origin), day))
        if of is None:
            of = gathered[id(origin), day] = _Gathered(observation)
        of.add(observation)
    folded = Folded()
    for of in gathered.values():
        _seen(_sums(folded, of), of, tells)
    for of in gathered.values():
        _book(folded[session_of(of.origin, of.first_us)], of, prices)
    for growth in growths:
        _count(_grown(folded, growth), growth, prices)
    for share, sign in moved:
        _move(folded, share, sign, prices)
    return folded


class _Gathered:
    """What the observations of one origin state."""

    __slots__ = ("answers", "counts", "first_us", "last_us", "origin", "others", "ties")

    def __init__(self, one: Observation) -> None:
        self.origin = one.origin
        self.first_us = self.last_us = one.at_us
        self.answers: dict[_Kind, list[_Answer]] = {}
        self.counts: dict[tuple[Quantity, str], int] = {}
        self.ties: dict[tuple[Trace, str], list[int]] = {}
        self.others: list[tuple[int, RequestFailed | Counted]] = []

    def add(self, observation: Observation) -> None:
        at_us = observation.at_us
        if at_us < self.first_us:
            self.first_us = at_us
        elif at_us > self.last_us:
            self.last_us = at_us
        for fact in observation.stated:
            if isinstance(fact, RequestAnswered):
                key = (at_us // HOUR_US, fact.model, fact.purpose)
                answer = (at_us, fact.tokens, fact.cost_nanousd)
                known = self.answers.get(key)
                if known is None:
                    self.answers[key] = [answer]
                else:
                    known.append(answer)
            elif isinstance(fact, Counted) and fact.quantity not in _USAGE_SHARES:
                counted = (fact.quantity, fact.item)
                self.counts[counted] = self.counts.get(counted, 0) + fact.amount
            elif isinstance(fact, Traced):
                self.ties.setdefault((fact.trace, fact.value), []).append(at_us)
            else:
                self.others.append((at_us // HOUR_US, fact))


def _sums(folded: Folded, of: _Gathered) -> SessionSums:
    """The sums of an origin's session, which they now know was there in that time."""
    session = session_of(of.origin, of.first_us)
    sums, first, last = folded.get(session), moment(of.first_us), moment(of.last_us)
    if sums is None:
        sums = folded[session] = SessionSums(first, last)
    else:
        sums.first_at = min(first, sums.first_at)
        sums.last_at = max(last, sums.last_at)
    return sums


def session_of(origin: Origin, at_us: int) -> SessionKey:
    """Whose observation this is: a session's, or its installation's of that day."""
    if origin.session_id is None:
        return SessionKey(origin.tool, None, origin.installation, at_us // _DAY_US)
    # The same session may be told by two machines; it is still one session.
    return SessionKey(origin.tool, origin.session_id, "")


def _grown(folded: Folded, growth: Growth) -> SessionSums:
    """The sums of the session that has grown.

    A late reading may move the growth of an installation from one day to another. The other day is
    known already, and that it was seen is not said again: no time of that hour lies outside these.
    """
    session = session_of(growth.reading.origin, growth.hour * HOUR_US)
    sums = folded.get(session)
    if sums is None:
        begins, ends = growth.hour * HOUR_US, (growth.hour + 1) * HOUR_US - 1
        sums = folded[session] = SessionSums(first_at=moment(ends), last_at=moment(begins))
    return sums


def _seen(sums: SessionSums, of: _Gathered, tells: Tells) -> None:
    """What is known of a session because this signal told anything at all, and its ties."""
    origin = of.origin
    if origin.source not in sums.sources:
        sums.sources.add(origin.source)
        for quantity in tells(origin.tool, origin.source):
            sums.counts.setdefault(CountKey(quantity, origin.rank, ""), 0)
    for tie in origin.ties:
        _tie(sums, (tie.trace, tie.value), of.first_us, of.last_us)
    for told, left_us in of.ties.items():
        _tie(sums, told, min(left_us), max(left_us))


def _tie(sums: SessionSums, told: tuple[Trace, str], first_us: int, last_us: int) -> None:
    tie = told[0], bounded(told[1])
    first, last = moment(first_us), moment(last_us)
    sums.traces[tie] = min(first, sums.traces.get(tie, first))
    sums.last_traced[tie] = max(last, sums.last_traced.get(tie, last))


def _book(sums: SessionSums, of: _Gathered, prices: PriceBook) -> None:
    origin = of.origin
    for (quantity, item), amount in of.counts.items():
        _count_plainly(sums, CountKey(quantity, origin.rank, bounded(item)), amount)
    for (hour, model, purpose), answers in of.answers.items():
        _answered(sums, origin, (hour, model, purpose), answers, prices)
        if purpose in _CONVERSATION:
            _grow(sums, origin.rank, answers)
    for hour, fact in of.others:
        if isinstance(fact, RequestFailed):
            into = _usage(sums, origin, (hour, fact.model, fact.purpose), tokens=False)
            into.requests = add(into.requests, 0)
            into.failed_requests = add(into.failed_requests, 1)
        else:
            _count_usage(sums, origin, fact, hour, Change(0, fact.amount), prices)


def _count(sums: SessionSums, growth: Growth, prices: PriceBook) -> None:
    origin, fact, change = growth.reading.origin, counter(growth.reading), growth.change
    if fact.quantity in _USAGE_SHARES:
        _count_usage(sums, origin, fact, growth.hour, change, prices)
    else:
        key = CountKey(fact.quantity, origin.rank, bounded(fact.item))
        _count_plainly(sums, key, change.after - change.before)


def _count_plainly(sums: SessionSums, key: CountKey, amount: int) -> None:
    sums.counts[key] = sums.counts.get(key, 0) + amount
    if key.quantity not in _IDLE:
        sums.active = True


def _usage(
    sums: SessionSums,
    origin: Origin,
    kind: _Kind,
    prompts: PromptRange = UNTOLD_LENGTH,
    *,
    tokens: bool,
) -> UsageSum:
    """The row to add to; that there is one makes the session active and its source known.

    ``tokens`` says whether any are told. A request that failed tells none, and must not hide those
    that a lesser source tells.
    """
    rank, (hour, model, purpose) = origin.rank, kind
    told = None if model is None else bounded(model)
    key = UsageKey(rank, origin.source, hour, told, purpose, origin.context, prompts)
    into = sums.usage.get(key)
    if into is None:
        into = sums.usage[key] = UsageSum()
        sums.active = True
        sums.usage_rank = rank if sums.usage_rank is None else min(rank, sums.usage_rank)
    if tokens:
        sums.token_rank = rank if sums.token_rank is None else min(rank, sums.token_rank)
        for session in _repeated(origin.tool, origin.installation, origin.context.user, hour):
            sums.repeats[session] = min(rank, sums.repeats.get(session, rank))
    return into


@lru_cache(maxsize=1024)
def _repeated(tool: str, installation: str, user: str | None, hour: int) -> tuple[SessionKey, ...]:
    """The session-less telemetry, by machine or by user, that may tell the tokens of this hour.

    It may come a minute later, and then be of the next day.
    """
    senders = {installation, user or installation}
    days = {hour // _DAY_HOURS, (hour + 1) // _DAY_HOURS}
    return tuple(SessionKey(tool, None, each, day) for each in sorted(senders) for day in days)


def _quote(prices: PriceBook, origin: Origin, model: str | None, at: datetime) -> Quote:
    context = origin.context
    return prices.quote(origin.tool, context.team, model, at, context.tier)


def _answered(
    sums: SessionSums, origin: Origin, kind: _Kind, answers: list[_Answer], prices: PriceBook
) -> None:
    """Requests of one hour, model and purpose."""
    hour, model, _ = kind
    context, start = origin.context, moment(hour * HOUR_US)
    quotes = prices.of_hour(origin.tool, context.team, model, start, context.tier)
    quote = quotes[0] if all(each is quotes[0] for each in quotes) else None
    if quote is None or not _add_up(sums, origin, kind, answers, quote):
        for each in answers:
            at = moment(each[0])
            _add(sums, origin, kind, each, quote or _quote(prices, origin, model, at))


def _add_up(
    sums: SessionSums, origin: Origin, kind: _Kind, answers: list[_Answer], quote: Quote
) -> bool:
    """Book requests by their sum, where it comes to the same; whether it does.

    It does where all of them tell the same buckets and cost the same rates, none of which has
    anything to round.
    """
    so_many, columns = len(answers), list(zip(*(astuple(each[1]) for each in answers), strict=True))
    if any(column.count(None) not in (0, so_many) for column in columns):
        return False
    total = Tokens(
        **{
            name: None if column[0] is None else sum(column)
            for name, column in zip(Tokens.__struct_fields__, columns, strict=True)
        }
    )
    lengths = [prompt_of(tokens) for _, tokens, _ in answers]
    prompt, told = min(lengths), total.told()
    if not quote.adds_up(prompt, max(lengths)):
        return False
    costs = [cost for _, _, cost in answers if cost is not None]
    prompts = quote.range_of(prompt) if told else UNTOLD_LENGTH
    into = _usage(sums, origin, kind, prompts, tokens=told)
    _count_in(into, total, so_many, sum(costs) if costs else None)
    if told:
        book(into, quote, total, prompt)
    return True


def _add(sums: SessionSums, origin: Origin, kind: _Kind, answer: _Answer, quote: Quote) -> None:
    """Book one request."""
    _, tokens, cost = answer
    told, prompt = tokens.told(), prompt_of(tokens)
    prompts = quote.range_of(prompt) if told else UNTOLD_LENGTH
    into = _usage(sums, origin, kind, prompts, tokens=told)
    _count_in(into, tokens, 1, cost)
    if told:
        book(into, quote, tokens, prompt)


def _count_in(into: UsageSum, tokens: Tokens, requests: int, cost: int | None) -> None:
    into.requests = add(into.requests, requests)
    into.failed_requests = add(into.failed_requests, 0)
    into.input = add(into.input, tokens.input)
    into.cache_read = add(into.cache_read, tokens.cache_read)
    into.cache_write = add(into.cache_write, tokens.cache_write)
    into.cache_write_5m = add(into.cache_write_5m, tokens.cache_write_5m)
    into.cache_write_1h = add(into.cache_write_1h, tokens.cache_write_1h)
    into.output = add(into.output, tokens.output)
    into.reasoning = add(into.reasoning, tokens.reasoning)
    into.reported_nanousd = add(into.reported_nanousd, cost)


def _move(folded: Folded, share: Share, sign: int, prices: PriceBook) -> None:
    """Book a request's share, or take it back: then its times and its prompt stay known."""
    origin, answer, at = share.origin, share.answer, moment(share.at_us)
    sums = folded.setdefault(session_of(origin, share.at_us), SessionSums(at, at))
    sums.first_at, sums.last_at = min(at, sums.first_at), max(at, sums.last_at)
    tokens, told = answer.tokens, answer.tokens.told()
    quote = _quote(prices, origin, answer.model, at)
    prompts = quote.range_of(share.prompt) if told else UNTOLD_LENGTH
    kind = (share.at_us // HOUR_US, answer.model, answer.purpose)
    into = _usage(sums, origin, kind, prompts, tokens=told)
    counted = Tokens(
        **{name: each and sign * each for name, each in asdict(tokens).items()},
    )
    cost = answer.cost_nanousd
    _count_in(into, counted, sign * share.requests, None if cost is None else sign * cost)
    if told:
        book(into, quote, tokens, share.prompt, sign)
    if not share.requests:
        return
    if not tokens.billable():
        key = CountKey(Quantity.REQUESTS_UNMEASURED, origin.rank, "")
        _count_plainly(sums, key, sign)
    if answer.purpose in _CONVERSATION:
        _grow(sums, origin.rank, [(share.at_us, tokens, cost)], sign)


def _grow(sums: SessionSums, rank: int, answers: list[_Answer], sign: int = 1) -> None:
    prompts = [(at_us, prompt) for at_us, tokens, _ in answers if (prompt := prompt_of(tokens))]
    if not prompts:
        return
    (first_us, first), (last_us, last) = min(prompts), max(prompts)
    sizes = ContextSizes(
        first_at=moment(first_us),
        first_tokens=first,
        last_at=moment(last_us),
        last_tokens=last,
        largest_tokens=max(prompt for _, prompt in prompts),
        requests=sign * len(prompts),
        over_100k=sign * sum(prompt > LONG_PROMPT for _, prompt in prompts),
        over_200k=sign * sum(prompt > LONGEST_USUAL_PROMPT for _, prompt in prompts),
    )
    known = sums.contexts.setdefault(rank, sizes)
    if known is not sizes:
        known.merge(sizes)


def _count_usage(
    sums: SessionSums,
    origin: Origin,
    fact: Counted,
    hour: int,
    change: Change,
    prices: PriceBook,
) -> None:
    shares, grown = _USAGE_SHARES[fact.quantity], change.after - change.before
    told = not _BUCKETS.isdisjoint(shares)
    into = _usage(sums, origin, (hour, fact.model, fact.purpose), tokens=told)
    for name, share in shares.items():
        setattr(into, name, add(getattr(into, name), share * grown))
    if not told:
        return
    # Where a price changes within the hour, that of its beginning: a counter tells no more.
    quote = _quote(prices, origin, fact.model, moment(hour * HOUR_US))
    # The price of the hour as it is now less its price as it was: the same in the end however many
    # readings it took, also where a token costs a fraction of a nano-dollar.
    for amount, sign in ((change.after, 1), (change.before, -1)):
        tokens = Tokens(**{name: share * amount for name, share in shares.items()})
        book(into, quote, tokens, 0, sign)
