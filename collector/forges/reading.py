"""What the readers of all providers share: types of fields, and refusals that name the field."""

from datetime import UTC, datetime
from typing import Annotated, TypeAlias, TypeVar

import msgspec

from collector.forges.errors import UnreadablePayload
from collector.provider import Payload

# What no database takes as text (and no person writes) makes a payload unreadable.
Text: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"\A[^\0\ud800-\udfff]*\Z")]
Sha: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"\A(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")]
Number: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Instant: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]
# Seconds since 1970, up to the year 9999.
Epoch: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799)]

_Told = TypeVar("_Told")


def read(payload: Payload, shape: type[_Told], provider: str) -> _Told:
    """Give the payload this shape; raises ``UnreadablePayload``, which names the field."""
    try:
        return msgspec.convert(payload, shape)
    except msgspec.ValidationError as error:  # names the field and both types, never the value
        raise UnreadablePayload("unreadable_field", f"{provider} payload: {error}") from error
    except UnicodeEncodeError as error:
        raise UnreadablePayload("unreadable_field", f"{provider} payload: not Unicode") from error


def utc(at: datetime, provider: str) -> datetime:
    """Give the same moment in UTC; raises ``UnreadablePayload`` at the ends of the calendar."""
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        message = f"{provider} payload: time out of range"
        raise UnreadablePayload("unreadable_field", message) from error
