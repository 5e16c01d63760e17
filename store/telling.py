"""What became of telling somebody something, as it is kept of alerts and digests alike."""

from datetime import datetime
from typing import Any

from domain.alerts import Told

_ERROR_CHARACTERS = 300

LEFT_CLAIMED = {
    "state": Told.UNCERTAIN.value,
    "error": "the process ended while it was sent",
}
"""What is kept of what somebody was sending who is gone: it may have arrived."""


def settled(
    state: Told, *, now: datetime, error: str | None, again_at: datetime | None
) -> dict[str, Any]:
    """The values to keep; ``again_at`` where it is to be tried again."""
    values: dict[str, Any] = {
        "state": state.value,
        "error": error[:_ERROR_CHARACTERS] if error else None,
    }
    if state is Told.SENT:
        values["told_at"] = now
    if again_at is not None:
        values["due_at"] = again_at
    return values
