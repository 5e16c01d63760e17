"""What every provider (forge or tracker) offers to the receiver of webhooks; proofs of the sender.

A provider is pure: a check of who sent a delivery, readers of its headers, and ``parse`` from the
decoded payload to domain values. Adding one is a module, a row in ``collector.forges`` or
``collector.trackers``, a folder of payloads under ``tests/payloads`` and a page under ``docs``.
"""

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from domain.pseudonym import Pseudonyms
from domain.work import WorkFact

Headers: TypeAlias = Mapping[str, str]
"""A delivery's HTTP headers by lower-case name."""

Payload: TypeAlias = Mapping[str, Any]
"""A delivery's decoded JSON body."""

# Standard Webhooks and GitLab name five minutes.
REPLAY_WINDOW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One row of the table.

    ``verify(secret, body, headers, now)`` tells whether the raw body comes from whoever holds the
    secret, and is no replay where the provider signs a time; it never raises and is false without
    a secret. ``delivery_id`` and ``event`` read what the provider calls this delivery, from the
    headers or, where it stands there, from the body; None where it does not say.
    ``parse(event, payload, pseudonyms, received_at)`` gives the facts in the payload, nothing for
    events outside ``events_used``, and raises ``UnreadablePayload``.
    """

    name: str
    events_used: frozenset[str]
    verify: Callable[[str, bytes, Headers, datetime], bool]
    delivery_id: Callable[[Headers, Payload], str | None]
    event: Callable[[Headers, Payload], str | None]
    parse: Callable[[str, Payload, Pseudonyms, datetime], tuple[WorkFact, ...]]


def hmac_sha256_hex(secret: str, body: bytes, told: str | None, prefix: str = "sha256=") -> bool:
    """Tell whether ``told`` is the prefix and the body's HMAC-SHA256 in lower-case hex.

    Like all checks here: in constant time; false, never an error, for a missing or malformed
    header. An empty secret signs nothing: anybody could make such a signature.
    """
    key = _bytes(secret)
    if not key:
        return False
    return same_text(f"{prefix}{hmac.digest(key, body, 'sha256').hex()}", told)


def standard_webhook(secret: str, body: bytes, headers: Headers, now: datetime) -> bool:
    """Tell whether one of ``webhook-signature`` is right and ``webhook-timestamp`` is of now.

    https://github.com/standard-webhooks/standard-webhooks: ``v1,`` and base64 of the HMAC-SHA256 of
    ``<webhook-id>.<webhook-timestamp>.<body>``; a secret ``whsec_…`` is the key in base64.
    """
    told, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    key = _standard_key(secret)
    if not key or not (told and told.isascii() and at.isascii() and at.isdigit()):
        return False
    if not within(REPLAY_WINDOW, at, now):
        return False
    digest = hmac.digest(key, f"{told}.{at}.".encode() + body, "sha256")
    right = f"v1,{base64.b64encode(digest).decode()}"
    return any(same_text(right, each) for each in headers.get("webhook-signature", "").split(" "))


def bearer_or_basic(secret: str, headers: Headers) -> bool:
    """Tell whether ``Authorization`` holds the secret: ``Bearer …``, or as password of ``Basic …``.

    For providers that sign nothing and can be told to send a header.
    """
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            _, _, given = base64.b64decode(given, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return False
    elif scheme.lower() != "bearer":
        return False
    return bool(secret) and same_text(secret, given.strip())


def same_text(right: str, given: str | None) -> bool:
    """Tell in constant time whether a header holds exactly this text; an absent one does not."""
    one, other = _bytes(right), None if given is None else _bytes(given)
    return one is not None and other is not None and hmac.compare_digest(one, other)


def within(window: timedelta, epoch: str, now: datetime) -> bool:
    """Tell whether these seconds since 1970 are no further than ``window`` from now."""
    try:
        return abs(now - datetime.fromtimestamp(float(epoch), UTC)) <= window
    except (ValueError, OverflowError, OSError):
        return False


def _standard_key(secret: str) -> bytes | None:
    if not secret.startswith("whsec_"):
        return _bytes(secret)
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        return None


def _bytes(text: str) -> bytes | None:
    """None where it is no text (an unpaired surrogate)."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return None
