"""Which of two tellings of one thing stands, so that the order of arrival makes no difference.

A telling has a version: its time, then how far the thing had come, then what it says. Of two that
a forge told for the same second the further one stands. Where that does not decide either, any
choice would do as long as it is always the same.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

from sqlalchemy import case
from sqlalchemy.sql.elements import ColumnElement

from store.upsert import Merge

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# Times before the epoch, which nonsense may hold, sort below it.
_OFFSET = 2**63


def version(at: datetime, told: Mapping[str, Any], rank: int = 0) -> bytes:
    """Sixteen bytes that sort by time, by rank (0 to 255), and by a hash of what is told."""
    micros = (at - _EPOCH) // _MICROSECOND + _OFFSET
    digest = blake2b(repr(sorted(told.items())).encode(errors="replace"), digest_size=7).digest()
    return micros.to_bytes(8) + bytes([rank]) + digest


def standing(name: str) -> Merge:
    """A merge of a column by the version in column ``name``; what has none gives way."""

    def merge(old: ColumnElement[Any], new: ColumnElement[Any]) -> ColumnElement[Any]:
        before, after = _beside(old, name), _beside(new, name)
        return case((before.is_(None) | (after > before), new), else_=old)

    return merge


def _beside(column: Any, name: str) -> ColumnElement[Any]:
    """The column of that name in the same row."""
    found: ColumnElement[Any] = column.table.c[name]
    return found
