"""Which environments are for real, as far as their name tells."""

import re

# At the beginning only: "preprod" and "non-production" are not. A whole word: nor "product-docs".
_NAMED = re.compile(r"\A(?:production|prod|live)(?![^\W\d_])", re.IGNORECASE)
# GitHub itself calls only "production" so where its maker says nothing, as its Actions never do.
_UNFLAGGED = frozenset({"prod", "live"})


def named_production(environment: str) -> bool:
    """Tell whether an environment's name begins with ``production``, ``prod`` or ``live``."""
    return _NAMED.match(environment) is not None


def flagged_production(environment: str, flag: bool | None) -> bool:
    """Tell it by GitHub's flag; by the name where none is told.

    That one of the plain name ``prod`` or ``live`` is not flagged says nothing of it.
    """
    if flag is None or (not flag and environment.lower() in _UNFLAGGED):
        return named_production(environment)
    return flag
