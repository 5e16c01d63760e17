"""What every forge is made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from domain.pseudonym import Pseudonyms
from domain.work import WorkFact

Headers: TypeAlias = Mapping[str, str]
"""A delivery's HTTP headers by lower-case name."""

Payload: TypeAlias = Mapping[str, Any]
"""A delivery's decoded JSON body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forge:
    """One row of the table.

    ``verify(secret, body, headers)`` tells whether the raw body comes from whoever holds the
    secret; it never raises and is false without a secret. ``delivery_id`` and ``event`` read what
    the forge calls this delivery, from the headers or, where it stands there, from the body; None
    where it does not say. ``parse(event, payload, pseudonyms, received_at)`` gives the facts in the
    payload, nothing for events outside ``events_used``, and raises ``UnreadablePayload``.
    """

    name: str
    events_used: frozenset[str]
    verify: Callable[[str, bytes, Headers], bool]
    delivery_id: Callable[[Headers, Payload], str | None]
    event: Callable[[Headers, Payload], str | None]
    parse: Callable[[str, Payload, Pseudonyms, datetime], tuple[WorkFact, ...]]
