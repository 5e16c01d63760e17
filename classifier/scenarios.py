"""What a change would do to a month's cost: arithmetic on the last four weeks, nothing foretold.

Each answer compares like with like. Where other prices are asked for, both sides are list prices:
what the company would pay for what it has not bought is written nowhere. Tokens that have no price
on either side are left out of both and named in ``missing``.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction
from math import ceil
from typing import Any

from msgspec import structs

from domain.company_prices import Scope
from domain.outcomes import WorkType
from domain.pricing import list_tariff
from domain.scenarios import (
    TRIAL_TOKENS_A_DAY,
    CacheShare,
    Change,
    HeadCount,
    ModelSwitch,
    OwnHosting,
    PriceChange,
    Routing,
    ScenarioResult,
    SmallModelTrial,
)
from domain.tariff import PICO_PER_NANO, UNTOLD_LENGTH, Tariff, cost_of
from domain.usage import NANOUSD, Tokens
from store.spending import ModelUsage, Spend

DAYS = 28
_MTOK = 1_000_000
# A month has 30.4375 days: a twelfth of a year.
_MONTH = Fraction(487, 16 * DAYS)
_NARROW = frozenset({WorkType.DOCS, WorkType.TEST})
_NARROW_LINES = 50
_FRONTIER = 3
_SAME_TOKENS = "another model takes as many tokens for the same work, cached and not"
_LIST = "both sides at today's list prices"
_SAME_WEEKS = f"a month like the last {DAYS} days"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What one session used, and on what: kind of work and lines changed, None where not known."""

    usage: Sequence[ModelUsage]
    work_type: WorkType | None = None
    lines: int | None = None

    @property
    def narrow(self) -> bool:
        """Whether it is work that a small model may do: documentation, tests, small changes."""
        small = self.lines is not None and self.lines < _NARROW_LINES
        return self.work_type in _NARROW or (small and self.work_type is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """The last four weeks of a part of the company.

    ``paid`` is by model at what the company pays where it has told that; ``listed`` the same at
    list price. ``sessions`` is empty unless kinds of work are asked for. ``people`` is how many
    used anything, 0 where no telemetry tells who.
    """

    paid: Sequence[ModelUsage]
    listed: Sequence[ModelUsage]
    people: int
    at: datetime
    sessions: Sequence[Session] = field(default=())


def scenario(change: Change, month: Month) -> ScenarioResult:
    """What a month would cost with this change."""
    if not any(each.spend.tokens for each in month.listed):
        return ScenarioResult(unsaid=f"nothing was used in the last {DAYS} days")
    return _ANSWERS[type(change)](change, month)


def _price_change(change: PriceChange, month: Month) -> ScenarioResult:
    concerned = _of_model(month.paid, change.model)
    if not concerned:
        return _unused(change.model)
    whole, part = _spend(month.paid), _spend(concerned)
    if part.nanousd is None:
        return ScenarioResult(unsaid=f"none of the tokens of {change.model} has a price")
    now = whole.nanousd or 0
    return ScenarioResult(
        now_nanousd=_monthly(now),
        then_nanousd=_monthly(now + part.nanousd * (Fraction(str(change.factor)) - 1)),
        tokens=_monthly(part.tokens),
        assumptions=(_SAME_WEEKS, "nobody uses more or less because of the price"),
        missing=_unpriced(whole.unpriced_tokens),
    )


def _head_count(change: HeadCount, month: Month) -> ScenarioResult:
    spend = _spend(month.paid)
    if spend.nanousd is None:
        return ScenarioResult(unsaid="nothing that was used has a price")
    if change.factor is not None:
        factor = Fraction(str(change.factor))
    elif month.people:
        factor = 1 + Fraction(change.people or 0, month.people)
    else:
        return ScenarioResult(unsaid="no telemetry tells how many people there are; give a factor")
    if factor < 0:
        return ScenarioResult(unsaid=f"only {month.people} people used anything")
    return ScenarioResult(
        now_nanousd=_monthly(spend.nanousd),
        then_nanousd=_monthly(spend.nanousd * factor),
        tokens=_monthly(spend.tokens),
        assumptions=(
            _SAME_WEEKS,
            f"who comes or goes uses what each of {month.people or 'these'} people used",
            "seats and other fixed fees stay as they are",
        ),
        missing=_unpriced(spend.unpriced_tokens),
    )


def _model_switch(change: ModelSwitch, month: Month) -> ScenarioResult:
    concerned = _of_model(month.listed, change.model)
    if not concerned:
        return _unused(change.model)
    return _moved([(each, change.to) for each in concerned], month)


def _routing(change: Routing, month: Month) -> ScenarioResult:
    known = [each for each in month.sessions if each.work_type is not None]
    if not known:
        return ScenarioResult(unsaid="no session is tied to a change whose kind of work is known")
    moves = [
        (usage, change.models[each.work_type])
        for each in known
        if each.work_type is not None and each.work_type in change.models
        for usage in each.usage
    ]
    if not moves:
        return ScenarioResult(unsaid="none of the kinds of work named was done")
    result = _moved(moves, month)
    everything = _spend(month.listed).tokens
    untold = everything - sum(u.spend.tokens for each in known for u in each.usage)
    missing = (*result.missing, *_share(untold, everything, "belong to no known kind of work"))
    assumptions = (*result.assumptions, "the result is as good there; no price tells that")
    return replace(result, missing=missing, assumptions=assumptions)


def _small_model(change: SmallModelTrial, month: Month) -> ScenarioResult:
    target = list_tariff(change.model, month.at)
    if not isinstance(target, Tariff) or target.base.output is None:
        return _no_price(change.model)
    if not any(each.work_type for each in month.sessions):
        return ScenarioResult(unsaid="no session is tied to a change whose kind of work is known")
    bar = _FRONTIER * target.base.output
    narrow = [
        usage
        for each in month.sessions
        if each.narrow
        for usage in each.usage
        if _output_rate(usage.model, month.at) >= bar
    ]
    tokens = sum(each.spend.tokens for each in narrow)
    about = (
        f"narrow work is documentation, tests, and changes of fewer than {_NARROW_LINES} lines",
        f"a frontier model's output costs at least {_FRONTIER} times that of {change.model}",
        f"a trial is worth it from {TRIAL_TOKENS_A_DAY:,} such tokens a day on",
    )
    if not narrow:
        listed = _monthly(_spend(month.listed).nanousd or 0)
        return ScenarioResult(
            now_nanousd=listed,
            then_nanousd=listed,
            tokens=0,
            worth_a_trial=False,
            assumptions=(_SAME_WEEKS, *about),
        )
    result = _moved([(each, change.model) for each in narrow], month)
    return replace(
        result,
        worth_a_trial=tokens > TRIAL_TOKENS_A_DAY * DAYS,
        assumptions=(*result.assumptions, *about, "how well it does there is what a trial tells"),
    )


def _cache_share(change: CacheShare, month: Month) -> ScenarioResult:
    share = Fraction(str(change.share))
    now = then = Fraction(0)
    tokens = left = 0
    for each in month.listed:
        before = _at_list(each, each.model, month.at)
        after = _at_list(each, each.model, month.at, _cached(each.tokens, share))
        if before is None or after is None:
            left += each.spend.tokens
            continue
        now, then, tokens = now + before, then + after, tokens + each.spend.tokens
    if not tokens:
        return ScenarioResult(unsaid="nothing that was used has a list price")
    return ScenarioResult(
        now_nanousd=_monthly(now),
        then_nanousd=_monthly(then),
        tokens=_monthly(tokens),
        assumptions=(
            _SAME_WEEKS,
            _LIST,
            "what is not read from the cache is written to it as often as now",
        ),
        missing=_unpriced(left),
    )


def _own_hosting(change: OwnHosting, month: Month) -> ScenarioResult:
    concerned = _of_model(month.paid, change.model)
    if not concerned:
        return _unused(change.model)
    whole, part = _spend(month.paid), _spend(concerned)
    priced = part.tokens - part.unpriced_tokens
    if not part.nanousd or not priced:
        return ScenarioResult(unsaid=f"none of the tokens of {change.model} has a price")
    paid_each = Fraction(part.nanousd, priced)
    own_each = Fraction(change.mtok_nanousd, _MTOK)
    now = whole.nanousd or 0
    saved = (paid_each - own_each) * _monthly(priced)
    pays = paid_each > own_each
    return ScenarioResult(
        now_nanousd=_monthly(now),
        then_nanousd=_monthly(now) + change.month_nanousd - round(saved),
        tokens=_monthly(part.tokens),
        break_even_tokens=ceil(change.month_nanousd / (paid_each - own_each)) if pays else None,
        assumptions=(
            _SAME_WEEKS,
            f"the mix of tokens stays, at ${float(paid_each) * _MTOK / NANOUSD:.4g} a million now",
            "the machines carry the load, and the model does the work as well",
        ),
        missing=(
            *_unpriced(whole.unpriced_tokens),
            "what it takes to run it: people, time, spare capacity",
        ),
    )


def _moved(moves: Sequence[tuple[ModelUsage, str]], month: Month) -> ScenarioResult:
    """These tokens at the list prices of other models, in the whole month at list prices."""
    before = after = Fraction(0)
    tokens = left = 0
    unpriced: set[str] = set()
    for each, to in moves:
        now, then = _at_list(each, each.model, month.at), _at_list(each, to, month.at)
        if now is None or then is None:
            left += each.spend.tokens if now is not None else 0
            unpriced |= {to} if then is None else set()
            unpriced |= {each.model or "models that are not told"} if now is None else set()
            continue
        before, after, tokens = before + now, after + then, tokens + each.spend.tokens
    if not tokens:
        names = ", ".join(sorted(unpriced))
        return ScenarioResult(unsaid=f"there are no list prices to compare with: {names}")
    whole = _spend(month.listed)
    listed = _monthly(whole.nanousd or 0)
    return ScenarioResult(
        now_nanousd=listed,
        then_nanousd=listed + _monthly(after) - _monthly(before),
        tokens=_monthly(tokens),
        assumptions=(_SAME_WEEKS, _LIST, _SAME_TOKENS),
        # Of the month, and of what would move: only this has a price now and none then.
        missing=_unpriced(whole.unpriced_tokens + left),
    )


def _at_list(
    usage: ModelUsage, model: str | None, at: datetime, tokens: Tokens | None = None
) -> Fraction | None:
    """What this usage costs at a model's list price, in nano-dollars; None where a price lacks.

    That is the price of its own tier, and of another model that of the standard tier.
    """
    tariff = list_tariff(model, at, usage.tier if model == usage.model else None)
    if not isinstance(tariff, Tariff):
        return None
    told = tokens or usage.tokens
    rates = tariff.within(usage.prompts) or tariff.base
    if usage.prompts == UNTOLD_LENGTH:
        # Counters tell reasoning apart from the output that it is a part of.
        told = structs.replace(told, reasoning=None)
    cost = cost_of(told, rates)
    if cost.pico is None or cost.unpriced:
        return None
    return Fraction(cost.pico, PICO_PER_NANO)


def _cached(tokens: Tokens, share: Fraction) -> Tokens:
    """The same prompt with this share read from the cache, the rest as it was among itself."""
    sent, read, written = tokens.input or 0, tokens.cache_read or 0, tokens.cache_write or 0
    prompt, fresh = sent + read + written, sent + written
    hit = round(prompt * share)
    if not fresh:
        return structs.replace(tokens, cache_read=hit, input=prompt - hit)
    kept = Fraction(prompt - hit, fresh)
    write = round(written * kept)
    hourly = tokens.cache_write_1h
    return structs.replace(
        tokens,
        cache_read=hit,
        cache_write=write,
        cache_write_1h=None if hourly is None else round(hourly * kept),
        input=prompt - hit - write,
    )


def _output_rate(model: str | None, at: datetime) -> int:
    tariff = list_tariff(model, at)
    return (tariff.base.output or 0) if isinstance(tariff, Tariff) else 0


def _of_model(usage: Iterable[ModelUsage], pattern: str) -> list[ModelUsage]:
    scope = Scope(models=(pattern,))
    return [each for each in usage if each.model and scope.match("", None, each.model) is not None]


def _spend(usage: Iterable[ModelUsage]) -> Spend:
    return sum((each.spend for each in usage), Spend())


def _monthly(amount: int | Fraction) -> int:
    return round(amount * _MONTH)


def _unpriced(tokens: int) -> tuple[str, ...]:
    return (f"{_monthly(tokens):,} tokens a month that have no price",) if tokens else ()


def _share(tokens: int, of: int, what: str) -> tuple[str, ...]:
    return (f"{tokens / of:.0%} of all tokens {what}",) if tokens > 0 else ()


def _unused(model: str) -> ScenarioResult:
    return ScenarioResult(unsaid=f"no telemetry of the last {DAYS} days names a model {model}")


def _no_price(model: str) -> ScenarioResult:
    return ScenarioResult(unsaid=f"there is no list price of {model}")


_ANSWERS: Mapping[type, Callable[[Any, Month], ScenarioResult]] = {
    PriceChange: _price_change,
    ModelSwitch: _model_switch,
    HeadCount: _head_count,
    CacheShare: _cache_share,
    Routing: _routing,
    OwnHosting: _own_hosting,
    SmallModelTrial: _small_model,
}
