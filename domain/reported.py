"""Which repositories forges report, and since when no longer all of what happens in them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """The repositories that a forge reports.

    ``lost_at`` tells of some since when what happens there is no longer all kept under that name:
    another forge told of it, which was refused, or the repository has another name.
    """

    repositories: frozenset[str]
    lost_at: Mapping[str, datetime]

    def lost(self, repo: str, until: datetime, as_of: datetime) -> bool:
        """Tell whether work that came there until then may have been missed, as is known by now."""
        at = self.lost_at.get(repo)
        return at is not None and at <= until and at <= as_of

    def reports(self, named: Collection[str], until: datetime, as_of: datetime) -> bool:
        """Tell whether work in any of these repositories is seen until then.

        Of none named: whether any forge reports at all.
        """
        if not named:
            return bool(self.repositories)
        return any(
            repo in self.repositories and not self.lost(repo, until, as_of) for repo in named
        )
