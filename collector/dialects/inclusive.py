"""Token counts of tools that report parts inside wholes, taken apart into disjoint buckets."""

from domain.usage import Tokens


def inclusive_tokens(
    told: int | None,
    cached: int | None,
    written: int | None,
    output: int | None,
    reasoning: int | None,
) -> Tokens:
    """Buckets where input holds what was read from and written to the cache, output the reasoning.

    A part larger than its whole cannot be inside: a custom provider counts it beside, and then so
    do we. A part not told takes nothing away.
    """
    inside = (cached or 0) + (written or 0)
    uncached = told - inside if told is not None and inside <= told else told
    if reasoning is not None and output is not None and reasoning > output:
        output += reasoning
    return Tokens(
        input=uncached, cache_read=cached, cache_write=written, output=output, reasoning=reasoning
    )
