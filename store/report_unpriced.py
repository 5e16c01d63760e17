"""Tokens that have no price, by model, and why."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

from sqlalchemy import BigInteger, ColumnElement, Connection, FromClause, cast, func, or_, select

from domain.pricing import Unpriced, why_unpriced
from domain.record import EPOCH
from domain.usage import Tokens
from store import tables as t

_BUCKETS = Tokens.__struct_fields__
Values: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpricedModel:
    """Tokens of one model without a price at list, and at the company's prices."""

    model: str | None
    tokens: int
    reason: Unpriced | None
    effective_tokens: int
    effective_reason: Unpriced | None


def unpriced(
    connection: Connection,
    keys: Sequence[ColumnElement[Any]],
    *where: ColumnElement[bool],
    source: FromClause,
) -> dict[Values, tuple[UnpricedModel, ...]]:
    """What has no price, by these columns, most tokens first; without what has one."""
    u, tier = t.usage.c, t.contexts.c.tier
    sums = [
        cast(func.coalesce(func.sum(u[name]), 0), BigInteger)
        for name in ("unpriced_tokens", "effective_unpriced_tokens", *_BUCKETS)
    ]
    query = (
        select(*keys, u.model.label("named"), tier, func.max(u.hour), *sums)
        .select_from(source)
        .where(*where, or_(u.unpriced_tokens > 0, u.effective_unpriced_tokens > 0))
        .group_by(*keys, u.model, tier)
    )
    found: dict[Values, list[UnpricedModel]] = defaultdict(list)
    width = len(keys)
    for row in connection.execute(query):
        found[tuple(row[:width])].append(_model(row[width:]))
    return {values: merged(models) for values, models in found.items()}


def merged(models: Iterable[UnpricedModel]) -> tuple[UnpricedModel, ...]:
    """The same with one entry a model and reason, most tokens first."""
    sums: dict[Values, tuple[int, int]] = {}
    for each in models:
        key = (each.model, each.reason, each.effective_reason)
        tokens, effective = sums.get(key, (0, 0))
        sums[key] = (tokens + each.tokens, effective + each.effective_tokens)
    entries = [
        UnpricedModel(
            model=model,
            tokens=tokens,
            reason=reason,
            effective_tokens=effective,
            effective_reason=effective_reason,
        )
        for (model, reason, effective_reason), (tokens, effective) in sums.items()
    ]
    return tuple(
        sorted(entries, key=lambda each: (-each.tokens, -each.effective_tokens, each.model or ""))
    )


def _model(row: Sequence[Any]) -> UnpricedModel:
    model, tier, hour, tokens, effective, *buckets = row
    told = Tokens(**dict(zip(_BUCKETS, buckets, strict=True)))
    why = why_unpriced(model or None, told, EPOCH + timedelta(hours=hour), tier)
    # A price of the company's that covers some of them lacks the others' bucket; where there is
    # none, usage has its list price, or none for the same reason.
    covered = effective < tokens or not tokens
    effective_reason = Unpriced.BUCKET_UNPRICED if covered else why
    return UnpricedModel(
        model=model or None,
        tokens=tokens,
        reason=why if tokens else None,
        effective_tokens=effective,
        effective_reason=effective_reason if effective else None,
    )
