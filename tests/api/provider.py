"""A small OpenID Connect provider that really runs: discovery, keys, codes, tokens, userinfo.

It logs in whoever ``who`` says without asking. ``claims`` change or (None) leave out what its ID
tokens say, so that they can be wrong in any way.
"""

import base64
import hashlib
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlencode

import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from jwt.algorithms import RSAAlgorithm

CLIENT, SECRET = "tokenassay", "s3cret"


class SmallProvider:
    """What it knows; each test says what it tells."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.who: dict[str, Any] = {
            "sub": "u1",
            "email": "ada@example.com",
            "email_verified": True,
            "groups": ["engineering"],
        }
        self.claims: dict[str, Any] = {}
        self.more: dict[str, Any] | None = None
        self.algorithm = "RS256"
        self.metadata: dict[str, Any] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: list[dict[str, str]] = []
        self.key, self.key_id = _key(), "k1"
        self.signs_with = self.key

    def roll_over(self) -> None:
        """Sign with a new key from now on."""
        self.key, self.key_id = _key(), "k2"
        self.signs_with = self.key

    def id_token(self, nonce: str) -> str:
        """Whom the code was of, signed."""
        now = int(time.time())
        told = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            **self.who,
            **self.claims,
        }
        kept = {name: value for name, value in told.items() if value is not None}
        key: Any = SECRET * 8 if self.algorithm == "HS256" else self.signs_with
        if self.algorithm == "none":
            key = None
        return jwt.encode(kept, key, algorithm=self.algorithm, headers={"kid": self.key_id})


def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _app(provider: SmallProvider) -> FastAPI:
    app = FastAPI()

    @app.get("/.well-known/openid-configuration")
    def discovery() -> dict[str, Any]:
        here = provider.issuer
        return {
            "issuer": here,
            "authorization_endpoint": f"{here}/authorize",
            "token_endpoint": f"{here}/token",
            "userinfo_endpoint": f"{here}/userinfo",
            "jwks_uri": f"{here}/keys",
            **provider.metadata,
        }

    @app.get("/keys")
    def keys() -> dict[str, Any]:
        public = RSAAlgorithm.to_jwk(provider.key.public_key(), as_dict=True)
        return {"keys": [{**public, "kid": provider.key_id, "use": "sig", "alg": "RS256"}]}

    @app.get("/authorize")
    def authorize(request: Request) -> Response:
        asked = dict(request.query_params)
        provider.asked.append(asked)
        assert (asked["client_id"], asked["response_type"]) == (CLIENT, "code")
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(16)
        provider.codes[code] = asked
        back = urlencode({"code": code, "state": asked["state"]})
        return RedirectResponse(f"{asked['redirect_uri']}?{back}", 302)

    @app.post("/token")
    async def token(request: Request) -> Response:
        told = dict(parse_qsl((await request.body()).decode()))
        asked = provider.codes.pop(told["code"], None)
        digest = hashlib.sha256(told["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        known = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {known}":
            return JSONResponse({"error": "invalid_client"}, 401)
        if (
            asked is None
            or told["grant_type"] != "authorization_code"
            or challenge != asked["code_challenge"]
            or told["redirect_uri"] != asked["redirect_uri"]
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse(
            {
                "access_token": "opaque",
                "token_type": "Bearer",
                "expires_in": 60,
                "id_token": provider.id_token(asked["nonce"]),
            }
        )

    @app.get("/userinfo")
    def userinfo() -> Response:
        if provider.more is None:
            return JSONResponse({}, 403)
        return JSONResponse(provider.more)

    return app


@contextmanager
def running() -> Iterator[SmallProvider]:
    """A provider on a port of its own until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    provider = SmallProvider(f"http://127.0.0.1:{listener.getsockname()[1]}")
    config = uvicorn.Config(_app(provider), log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
