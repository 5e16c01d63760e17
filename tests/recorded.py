"""Recorded payloads of forges, and the same with one value replaced by any other."""

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from collector.forges.errors import UnreadablePayload
from domain.pseudonym import Pseudonyms
from domain.work import WorkFact

PAYLOADS = Path(__file__).parent / "payloads"
PSEUDONYMS = Pseudonyms(b"0123456789abcdef")
RECEIVED_AT = datetime(2026, 3, 1, tzinfo=UTC)

Json = dict[str, Any]

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None), max_size=20)
    | st.sampled_from(["2026-01-01T00:00:00Z", "refs/heads/x", "a" * 40, "a/b", "OPEN"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def recorded(name: str) -> Any:
    """Load a payload by its path below ``tests/payloads``."""
    return json.loads((PAYLOADS / name).read_bytes())


def names(folder: str) -> list[str]:
    """Name all payloads in a folder."""
    return sorted(str(path.relative_to(PAYLOADS)) for path in (PAYLOADS / folder).glob("*.json"))


def at(text: str) -> datetime:
    """Read an ISO 8601 time as UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


def named(kind: str, value: str) -> str:
    """Name somebody."""
    return PSEUDONYMS(kind, value)


def with_one_value_replaced(data: st.DataObject, payload: Any) -> Any:
    """A copy of a payload in which any one value is replaced by any JSON."""
    changed = inner = deepcopy(payload)
    while True:
        # Lists and dictionaries that are left empty end the walk.
        step = data.draw(
            st.sampled_from(sorted(inner) if isinstance(inner, dict) else range(len(inner)))
        )
        if not inner[step] or not isinstance(inner[step], dict | list) or data.draw(st.booleans()):
            break
        inner = inner[step]
    inner[step] = data.draw(JSON)
    return changed


def parses_or_refuses(parsing: Callable[[], tuple[WorkFact, ...]]) -> None:
    """Parse, or refuse in the one way that there is; what comes out can be stored."""
    try:
        facts = parsing()
    except UnreadablePayload as refusal:
        assert refusal.code in ("unreadable_field", "unknown_value", "bad_repository")  # noqa: PT017
        return
    repr(facts).encode()
