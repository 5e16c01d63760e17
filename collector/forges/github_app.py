"""Reading as a GitHub App: a signed token of the App buys a short-lived one of each installation.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app
"""

from collections.abc import Mapping
from datetime import timedelta

import jwt
import msgspec

from collector.client_errors import BadCredentials
from collector.forges.github_facts import PROVIDER
from collector.forges.reading import Instant, Text, read
from collector.source import Connect

# GitHub takes ten minutes at most, and clocks differ.
_SIGNED_FOR = timedelta(minutes=9)
_CLOCKS_DIFFER = timedelta(minutes=1)
# A token is bought anew while the last one still works for long enough to end a call.
_SPARE = timedelta(minutes=5)


class _Token(msgspec.Struct):
    token: Text
    expires_at: Instant


class AppTokens:
    """Gives the header of an installation (``account`` is its number), or without one the App's."""

    def __init__(
        self,
        app_id: str,
        key: str,
        connect: Connect,
    ) -> None:
        """``key`` is the App's private key as PEM; ``connect`` makes the client to buy with."""
        self._app_id = app_id
        self._key = key
        self._client = connect(self._as_app)
        self._clock = self._client.around.clock
        self._bought: dict[str, _Token] = {}

    def __call__(self, account: str) -> Mapping[str, str]:
        """The headers for a call in the name of this installation. Raises ClientError."""
        if not account:
            return self._as_app("")
        held = self._bought.get(account)
        if held is None or held.expires_at - self._clock() < _SPARE:
            path = f"app/installations/{account}/access_tokens"
            held = read(self._client.post(path, {}).json(), _Token, PROVIDER)
            self._bought[account] = held
        return {"Authorization": f"Bearer {held.token}"}

    def _as_app(self, _account: str) -> Mapping[str, str]:
        now = self._clock()
        claims = {"iat": now - _CLOCKS_DIFFER, "exp": now + _SIGNED_FOR, "iss": self._app_id}
        try:
            signed = jwt.encode(claims, self._key, algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError) as error:
            raise BadCredentials("the App's private key is no RSA key in PEM") from error
        return {"Authorization": f"Bearer {signed}"}
