"""Keyed one-way names for people, installations and calls.

The same value gives the same name within one installation of Tokenassay and tells nothing outside
it: a telemetry e-mail and a commit author's e-mail can be compared without either being stored.
"""

from functools import lru_cache
from hashlib import blake2b

_PREFIX = {
    "email": "p_",
    "account": "p_",
    "enduser": "p_",
    "login": "p_",
    "installation": "i_",
    "call": "c_",
}


class Pseudonyms:
    """Makes pseudonyms with one installation's secret key (16 to 64 bytes)."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._named = lru_cache(maxsize=65_536)(self._name)

    def __call__(self, kind: str, value: str) -> str:
        """A stable name for this value; e-mails and logins are compared without case."""
        if kind in ("email", "login"):
            value = value.strip().lower()
        return self._named(kind, value)

    def _name(self, kind: str, value: str) -> str:
        digest = blake2b(f"{kind}\0{value}".encode(), key=self._key, digest_size=10)
        return _PREFIX[kind] + digest.hexdigest()
