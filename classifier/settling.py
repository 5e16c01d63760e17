"""Since when a label has been final, by the facts that are kept with it.

When it was worked out says little: a company that connects its forge today has the labels of last
year worked out today. What counts is when anybody could have known.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

# Which fact a rule counts from, and the threshold kept beside it (``conditions``).
_WAITS = (
    ("reverted_at", "reland_days"),
    ("landed_at", "revert_window_days"),
    ("closed_at", "superseded_days"),
    ("active_at", "abandoned_final_days"),
    ("ended_at", "unlinked_final_days"),
)


def settled_at(facts: Mapping[str, object], labelled_at: datetime) -> datetime:
    """When a label with these facts became final; at the latest when it was worked out."""
    for fact, wait in _WAITS:
        at, days = moment(facts, fact), facts.get(wait)
        if at is not None and isinstance(days, int):
            return min(at + timedelta(days=days), labelled_at)
    return labelled_at


def moment(facts: Mapping[str, object], name: str) -> datetime | None:
    """A fact that is a time; None where the rule did not see it."""
    told = facts.get(name)
    return datetime.fromisoformat(told) if isinstance(told, str) else None
