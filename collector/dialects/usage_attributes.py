"""``gen_ai.usage.*`` of one request as disjoint buckets, for tools whose habits are known.

The GenAI conventions want cached tokens inside the input, and tools differ in keeping to that:
whether they do is the dialect's to say.
"""

from collector.dialects.inclusive import inclusive_tokens
from domain.record import Attributes, count
from domain.usage import Tokens

_READ = ("gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens")
_WRITE = (
    "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_write_input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
)
_REASONING = ("gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens")


def told_tokens(attributes: Attributes, *, cache_inside_input: bool) -> Tokens:
    """Disjoint buckets; what was not told stays None."""
    told = count(attributes, "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens")
    output = count(attributes, "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens")
    read, write = count(attributes, *_READ), count(attributes, *_WRITE)
    reasoning = count(attributes, *_REASONING)
    if cache_inside_input:
        return inclusive_tokens(told, read, write, output, reasoning)
    return Tokens(
        input=told, cache_read=read, cache_write=write, output=output, reasoning=reasoning
    )
