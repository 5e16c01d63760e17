"""In which service tier a model request was served, where it is told and not the standard one.

Providers charge more for some tiers (fast, priority) and less for others (flex, batch). The word is
kept as it is told: which price it has is the price list's to say.
"""

from collector.attributes import remembered
from collector.bounded import bounded
from domain.record import Attributes, text

# The provider decides (``auto``), or says that it was the usual one.
_STANDARD = frozenset({"auto", "default", "normal", "none", "on_demand", "standard"})
# What the answer tells goes before what was asked for: a provider may serve in a lesser tier. The
# conventions have had these names, and instrumentations for other providers follow them.
_TOLD = (
    "openai.response.service_tier",
    "gen_ai.openai.response.service_tier",
    "gen_ai.response.service_tier",
    "openai.request.service_tier",
    "gen_ai.openai.request.service_tier",
    "gen_ai.request.service_tier",
)


def tier_of(word: str | None) -> str | None:
    """A tool's word for the tier of a request; None for the standard one and where it is untold."""
    told = (word or "").strip().lower()
    return None if not told or told in _STANDARD else bounded(told)


@remembered(*_TOLD)
def told_tier(attributes: Attributes) -> str | None:
    """The tier by the conventions for generative AI."""
    return tier_of(text(attributes, *_TOLD))
