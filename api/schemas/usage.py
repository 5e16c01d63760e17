"""Requests, tokens and cost."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from msgspec import structs
from pydantic import Field

from api.schemas.shape import MODEL, PURPOSE, TOOL, USER, USER_NAME, Shape
from domain.pricing import Unpriced
from domain.usage import usd
from store.report_usage import Dimension, Usage

_REASONS = (
    "`model_untold`; `model_unknown` to the price list; `not_by_tokens`: priced by something else;"
    " `bucket_unpriced`: no price for this kind of its tokens; `tier_unpriced`: none for the tier"
    " that was told; `priced_since`: they have a price by now, which `assay reprice` books."
)


class TokenCounts(Shape):
    """Tokens in buckets that never overlap."""

    input: int | None = Field(description="Prompt tokens that came from no cache.")
    cache_read: int | None = Field(description="Prompt tokens read from the provider's cache.")
    cache_write: int | None = Field(
        description="Prompt tokens written to the provider's cache, whatever their lifetime."
    )
    cache_write_5m: int | None = Field(
        description="The part of `cache_write` that lives for 5 minutes."
    )
    cache_write_1h: int | None = Field(description="The part of `cache_write` that lives for 1 h.")
    output: int | None = Field(description="Tokens that the model produced, reasoning included.")
    reasoning: int | None = Field(description="The part of `output` that is reasoning.")


class UnpricedTokens(Shape):
    """Tokens of one model that have no price."""

    model: str | None = Field(description=MODEL)
    tokens: int = Field(description="Tokens without a list price; `list_usd` lacks them.")
    reason: Unpriced | None = Field(description=f"Why; null: they have one. {_REASONS}")
    effective_tokens: int = Field(
        description="Tokens without a price of the company's; `effective_usd` lacks them."
    )
    effective_reason: Unpriced | None = Field(description="Why; null: they have one.")


class Cost(Shape):
    """What it cost, in three independent ways that are never added."""

    reported_usd: float | None = Field(
        description="US dollars as the tool itself reported them (usually its own estimate)."
    )
    list_usd: float | None = Field(
        description="US dollars at the provider's list price on the day of each request."
    )
    unpriced_tokens: int | None = Field(
        description="Tokens of models without a known list price; `list_usd` lacks them."
    )
    effective_usd: float | None = Field(
        description="US dollars at the company's own prices, without what is paid whatever is used"
        " (`/v1/fixed-costs`); null: the company has told none."
    )
    effective_unpriced_tokens: int | None = Field(
        description="Tokens that neither the company nor the price list has a price for;"
        " `effective_usd` lacks them."
    )
    unpriced: list[UnpricedTokens] = Field(
        description="The models whose tokens lack a price, and why."
    )


class Counted(Shape):
    """Requests, tokens and cost."""

    requests: int | None = Field(description="Model requests that were answered.")
    failed_requests: int | None = Field(
        description="Model requests that the tool gave up on; successful retries are none."
    )
    tokens: TokenCounts = Field(description="Tokens of the answered requests, by bucket.")
    cost: Cost = Field(description="Cost of the answered requests.")
    partial: list[str] = Field(
        description="Values (such as `tokens.reasoning`) that only some of the summed records"
        " tell: the true value is at least the one given."
    )


class UsageTotal(Counted):
    """A sum of usage."""

    sessions: int = Field(
        description="Different sessions that have an id and a part in this usage."
    )
    incomplete_sessions: int = Field(
        description="Those of them of whose telemetry something is known to be missing (`complete`"
        " is false): they used at least what is summed of them. As of when each was last concluded."
    )
    lower_bound_sessions: int = Field(
        description="Those of them whose cost is known in part only: they cost at least what is"
        " known of them."
    )


class Dimensions(Shape):
    """Values that rows differ in; only those asked for are present."""

    tool: str | None = Field(default=None, description=TOOL)
    tool_version: str | None = Field(
        default=None, description="Version of the tool; null: not told."
    )
    model: str | None = Field(default=None, description=MODEL)
    user: str | None = Field(default=None, description=USER)
    user_name: str | None = Field(default=None, description=USER_NAME)
    team: str | None = Field(default=None, description="Team; null: not told.")
    repo: str | None = Field(default=None, description="Repository (owner/name); null: not told.")
    day: str | None = Field(default=None, description="UTC day of the requests, as 2026-11-22.")
    query_source: str | None = Field(default=None, description=PURPOSE)
    session: str | None = Field(
        default=None, description="Session id; null: telemetry that names no session."
    )


class UsageRow(UsageTotal, Dimensions):
    """The usage of one combination of values. Only dimensions of `group_by` are present."""


class UsageFloor(Shape):
    """What keeps sums from being about few people, for whoever may not see everybody."""

    people: int = Field(description="The fewest people that anything told is about.")
    others: UsageTotal | None = Field(
        description="What is asked for beside the rows, of groups too small to be told; null:"
        " nothing."
    )
    weeks_withheld: int = Field(
        description="So many weeks with usage are not in the answer, or not with all that is asked"
        " for, as too few people are behind it."
    )


class UsageReport(Shape):
    """Usage, each token from exactly one signal."""

    rows: list[UsageRow] = Field(
        description="One row for each combination of values, in the order of the values; *not"
        " told* comes last."
    )
    total: UsageTotal = Field(
        description="All rows together; a session in several rows counts once."
    )
    group_by: list[Dimension] = Field(description="The dimensions of the rows.")
    floor: UsageFloor | None = Field(
        default=None,
        description="Only where whoever asks may not see everybody behind it: then `from` and `to`"
        " are those of what is told.",
    )
    start: datetime | None = Field(
        serialization_alias="from",
        description="Beginning of the period as it was used: usage is kept by the hour, so it is"
        " the beginning of the hour asked for. Null: no bound.",
    )
    end: datetime | None = Field(
        serialization_alias="to",
        description="End (exclusive) of the period as it was used; null: no bound.",
    )


def counted(usage: Usage) -> dict[str, Any]:
    """The fields of ``Counted``."""
    return {
        "requests": usage.requests,
        "failed_requests": usage.failed_requests,
        "tokens": TokenCounts(**structs.asdict(usage.tokens)),
        "cost": Cost(
            reported_usd=usd(usage.reported_nanousd),
            list_usd=usd(usage.list_nanousd),
            unpriced_tokens=usage.unpriced_tokens,
            effective_usd=usd(usage.effective_nanousd),
            effective_unpriced_tokens=usage.effective_unpriced_tokens,
            unpriced=[UnpricedTokens(**asdict(each)) for each in usage.unpriced],
        ),
        "partial": list(usage.partial),
    }


def usage_row(
    values: Mapping[Dimension, str | None], usage: Usage, names: Mapping[str, str]
) -> UsageRow:
    """One row; dimensions outside ``values`` stay unset and are left out of the answer.

    ``names`` are those of people, by pseudonym.
    """
    dimensions: dict[str, Any] = {name.value: value for name, value in values.items()}
    if name := names.get(values.get(Dimension.USER) or ""):
        dimensions["user_name"] = name
    return UsageRow(**dimensions, **_totals(usage))


def usage_total(usage: Usage) -> UsageTotal:
    """The sum of all rows."""
    return UsageTotal(**_totals(usage))


def _totals(usage: Usage) -> dict[str, Any]:
    return {
        **counted(usage),
        "sessions": usage.sessions,
        "incomplete_sessions": usage.doubts.incomplete,
        "lower_bound_sessions": usage.doubts.lower_bounds,
    }
