"""Pages of a list: where one ended, as opaque text.

A place is a time and what tells apart those of the same time.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, TypeAlias, TypeVar

from api.problems import Refusal
from domain.record import EPOCH

_MICROSECOND = timedelta(microseconds=1)
_LARGEST = 2**63

Place: TypeAlias = tuple[datetime, *tuple[str | int, ...]]
_Found = TypeVar("_Found")


def cut(
    found: Sequence[_Found], limit: int, place: Callable[[_Found], Place]
) -> tuple[Sequence[_Found], str | None]:
    """The page, of one more than it holds, and the cursor of the next; None where there is none."""
    shown = found[:limit]
    return shown, write_cursor(*place(shown[-1])) if len(found) > limit else None


def write_cursor(at: datetime, *rest: str | int) -> str:
    """A cursor of this place, which only ``read_cursor`` needs to understand."""
    told = json.dumps([(at - EPOCH) // _MICROSECOND, *rest], separators=(",", ":"))
    return base64.urlsafe_b64encode(told.encode()).decode().rstrip("=")


def read_cursor(cursor: str, *kinds: type) -> tuple[Any, ...]:
    """The place that ``write_cursor`` wrote, its rest of these kinds; or a refusal."""
    try:
        told = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        at, *rest = json.loads(told)
        if [type(each) for each in (at, *rest)] != [int, *kinds] or not all(map(_kept, rest)):
            raise ValueError
        return (EPOCH + at * _MICROSECOND, *rest)
    except (binascii.Error, ValueError, TypeError, OverflowError, RecursionError):
        raise Refusal(
            HTTPStatus.BAD_REQUEST,
            "invalid_parameter",
            "cursor: send 'next_cursor' of an earlier answer, unchanged",
        ) from None


def _kept(value: str | int) -> bool:
    """Whether a database can hold it."""
    if isinstance(value, int):
        return -_LARGEST <= value < _LARGEST
    return "\0" not in value and value.isprintable()
