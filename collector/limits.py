"""What one request may hold, and the request without the records that exceed it.

Everything here is known before the acknowledgement, so the answer can say it: a request that is
too much as a whole is refused, and of any other only the records that exceed a limit are.
"""

from dataclasses import dataclass

from domain.record import Signal


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, of a body as sent and of what it unpacks to; and the limits of a record.

    ``attributes`` bounds each list of attributes: a record's own, and those of its scope, its
    resource and its events. ``nesting`` bounds how many lists and maps stand inside each other.
    """

    body: int = 16 * 1024 * 1024
    unpacked: int = 64 * 1024 * 1024
    attributes: int = 8192
    nesting: int = 16

    def told(self) -> str:
        """The limits of a record, as the sender is told why some were refused."""
        return (
            f"refused records exceed {self.attributes} attributes or {self.nesting} levels of"
            " nested values, or are no objects"
        )


DEFAULT = Limits()


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request as it is kept: of which signal, and how many of its records were refused."""

    signal: Signal
    body: bytes
    refused: int = 0
