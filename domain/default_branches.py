"""Which branches are, or were, a repository's default one, by what its forge told and when.

A default branch may be renamed, and what was merged into it before keeps the old name for ever. So
every name that was ever told counts: the first one always, another since it took the place of the
one before. What a branch held already when it took that place reached the default branch then.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_ALWAYS = datetime(1, 1, 1, tzinfo=UTC)
_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class ToldDefault:
    """A branch was told to be the default one, first and last of these times."""

    branch: str
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class DefaultBranches:
    """The default branches of one repository, each with the time since which it counts."""

    since: Mapping[str, datetime]

    def has(self, branch: str, at: datetime) -> bool:
        """Tell whether that branch was the default one by then."""
        return branch in self.since and self.since[branch] <= at

    def reached(self, branch: str, at: datetime) -> datetime | None:
        """Tell when what came to that branch then was on the default one; None if never."""
        return max(at, self.since[branch]) if branch in self.since else None


# Some webhooks (Bitbucket's) do not name the default branch.
UNTOLD = DefaultBranches({"main": _ALWAYS, "master": _ALWAYS})


def default_branches(told: Iterable[ToldDefault]) -> DefaultBranches:
    """The default branches by all that was told; of none told, ``main`` and ``master``."""
    every = list(told)
    if not every:
        return UNTOLD
    first = min(one.first_at for one in every)
    return DefaultBranches(
        {
            one.branch: _ALWAYS if one.first_at == first else _since(one.first_at, every)
            for one in every
        }
    )


def _since(first_at: datetime, told: Iterable[ToldDefault]) -> datetime:
    """When a branch took the place of the one before.

    Nobody tells: right after the one before was told last, unless that was told once more since.
    """
    before = [one for one in told if one.first_at < first_at]
    last = max(one.last_at for one in before)
    return last + _MOMENT if last < first_at else first_at
