"""An OpenID Connect provider: where to send a browser, and what comes back of whom it returns with.

Authorization code with PKCE (S256), a nonce and a state. Authlib speaks OAuth 2.0, PyJWT checks
the ID token against the provider's own keys. Nothing of a token is kept.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import jwt
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import OAuth2Client

from api.identity import Claims, NotProven, ProviderAway

_METADATA_SECONDS = 3600.0
_TIMEOUT_SECONDS = 10.0
# Clocks of two machines: as much as a token may seem to be from the future, or just over.
_LEEWAY_SECONDS = 30
# Asymmetric ones only: with a shared secret whoever knows it could sign anything.
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
_REQUIRED = ("iss", "sub", "aud", "exp", "iat")


class Provider:
    """One provider, by its issuer. Its metadata and keys are read when they are first needed."""

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: str | None,
        *,
        redirect_uri: str,
        scopes: str = "openid email profile",
        groups_claim: str = "groups",
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._redirect_uri = redirect_uri
        self._scopes = scopes
        self._groups_claim = groups_claim
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._metadata: dict[str, Any] = {}
        self._keys: jwt.PyJWKClient | None = None
        self._read_at = float("-inf")

    def address(self, *, state: str, nonce: str, verifier: str) -> str:
        """Where to send the browser. Raises ProviderAway."""
        endpoint = str(self._told()["authorization_endpoint"])
        with self._client() as client:
            url, _ = client.create_authorization_url(
                endpoint, state=state, nonce=nonce, code_verifier=verifier
            )
        return str(url)

    def claims(self, *, code: str, verifier: str, nonce: str) -> Claims:
        """Whom this code is of. Raises ProviderAway and NotProven."""
        metadata = self._told()
        try:
            with self._client() as client:
                answer = client.fetch_token(
                    metadata["token_endpoint"],
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=verifier,
                    redirect_uri=self._redirect_uri,
                )
            told = self._proven(str(answer.get("id_token") or ""), nonce)
            endpoint = metadata.get("userinfo_endpoint")
            if endpoint and not {"email", self._groups_claim} <= told.keys():
                told = _with_more(str(endpoint), str(answer.get("access_token") or ""), told)
        except AuthlibBaseError as error:
            raise NotProven("the provider did not accept the code") from error
        except (httpx.HTTPError, ValueError) as error:
            raise ProviderAway(f"{type(error).__name__} at the token endpoint") from error
        return _claims(told, self._groups_claim)

    def _proven(self, id_token: str, nonce: str) -> Mapping[str, Any]:
        self._told()
        keys = self._keys
        try:
            if keys is None:
                raise ProviderAway("no keys")
            told: dict[str, Any] = jwt.decode(
                id_token,
                keys.get_signing_key_from_jwt(id_token),
                algorithms=list(_ALGORITHMS),
                audience=self._client_id,
                issuer=self.issuer,
                leeway=_LEEWAY_SECONDS,
                options={"require": list(_REQUIRED)},
            )
        except jwt.PyJWKClientConnectionError as error:
            raise ProviderAway("its keys can't be read") from error
        except jwt.PyJWTError as error:
            raise NotProven(f"the ID token is not good ({type(error).__name__})") from error
        if told.get("nonce") != nonce:
            raise NotProven("the ID token is of another sign-in (nonce)")
        if told.get("azp", self._client_id) != self._client_id:
            raise NotProven("the ID token is for another client (azp)")
        return told

    def _told(self) -> Mapping[str, Any]:
        """The provider's metadata, at most an hour old."""
        with self._lock:
            if self._monotonic() - self._read_at <= _METADATA_SECONDS:
                return self._metadata
            url = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
            try:
                answer = httpx.get(url, timeout=_TIMEOUT_SECONDS)
                answer.raise_for_status()
                told = answer.json()
                for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                    if not isinstance(told[name], str):
                        raise TypeError(name)
            except (httpx.HTTPError, ValueError, TypeError, KeyError) as error:
                raise ProviderAway(f"{type(error).__name__} at {url}") from error
            if told.get("issuer") != self.issuer:
                raise ProviderAway(f"{url} is of another issuer")
            # Read anew for each sign-in, which is rare: so a key that was changed is found at once.
            self._keys = jwt.PyJWKClient(
                told["jwks_uri"], cache_jwk_set=False, timeout=_TIMEOUT_SECONDS
            )
            self._metadata, self._read_at = told, self._monotonic()
            return self._metadata

    def _client(self) -> OAuth2Client:
        supported = self._metadata.get("token_endpoint_auth_methods_supported")
        method = "client_secret_basic" if self._client_secret else "none"
        if self._client_secret and supported and method not in supported:
            method = "client_secret_post"
        return OAuth2Client(
            self._client_id,
            self._client_secret,
            scope=self._scopes,
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
            token_endpoint_auth_method=method,
            timeout=_TIMEOUT_SECONDS,
        )


def _with_more(endpoint: str, access_token: str, told: Mapping[str, Any]) -> Mapping[str, Any]:
    """The claims with those that only the userinfo endpoint tells."""
    bearer = {"Authorization": f"Bearer {access_token}"}
    answer = httpx.get(endpoint, headers=bearer, timeout=_TIMEOUT_SECONDS)
    if answer.status_code != httpx.codes.OK:
        return told
    more = answer.json()
    if not isinstance(more, dict) or more.get("sub") != told["sub"]:
        raise NotProven("the userinfo endpoint tells of somebody else")
    return {**more, **told}


def _claims(told: Mapping[str, Any], groups_claim: str) -> Claims:
    groups = told.get(groups_claim, ())
    if isinstance(groups, str):
        groups = [groups]
    mail = told.get("email")
    verified = told.get("email_verified", True) in (True, "true")
    return Claims(
        subject=str(told["sub"]),
        mail=mail if verified and isinstance(mail, str) and "@" in mail else None,
        groups=frozenset(each for each in groups if isinstance(each, str))
        if isinstance(groups, list | tuple)
        else frozenset(),
    )
