"""What an ingest key says of whoever sends with it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """Who and what the telemetry that comes with a key speaks for.

    ``user`` is a pseudonym and goes before any identity that the telemetry claims. ``attributes``
    are names and values as a resource would carry them (``team``, ``repo``, ``ticket``); they fill
    what the telemetry leaves open and never go before it.
    """

    user: str | None = None
    attributes: tuple[tuple[str, str], ...] = ()

    def __bool__(self) -> bool:
        """Whether it says anything."""
        return self.user is not None or bool(self.attributes)
