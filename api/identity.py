"""Who somebody is, as an identity provider says: what signing in needs to know of any of them.

``api.oidc`` speaks to one. Its libraries take 15 MB, so it is read only where signing in is set up.
"""

from dataclasses import dataclass
from typing import Protocol


class ProviderAway(Exception):
    """The provider does not answer, or not as one."""


class NotProven(Exception):
    """What came back does not prove who it is; the message says why, without any value of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """Who it is, as the provider says.

    ``mail`` is None where none is told, or the provider says that it is not verified.
    """

    subject: str
    mail: str | None
    groups: frozenset[str]


class IdentityProvider(Protocol):
    """One provider."""

    def address(self, *, state: str, nonce: str, verifier: str) -> str:
        """Where to send the browser. Raises ProviderAway."""
        ...

    def claims(self, *, code: str, verifier: str, nonce: str) -> Claims:
        """Whom this code is of. Raises ProviderAway and NotProven."""
        ...
