"""Headers on every answer: what a browser may do with it is as little as possible."""

from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


def _policy(scripts: str) -> str:
    told = (
        "default-src 'self'",
        f"script-src {scripts}",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
    return "; ".join(told)


WITH_SCRIPTS = {"Content-Security-Policy": _policy("'self'")}
"""For the one page that runs a script of our own."""

SECURITY: Mapping[str, str] = {
    "Content-Security-Policy": _policy("'none'"),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Answers are a company's own numbers, and change with every record.
    "Cache-Control": "no-store",
}


_TLS_ONLY = "max-age=31536000"


class SecurityHeaders:
    """Adds ``SECURITY`` where an answer does not say otherwise itself.

    Where browsers come over TLS (``tls``, or the request says so) they are told to keep to it.
    """

    def __init__(self, app: ASGIApp, *, tls: bool = False) -> None:
        self._app = app
        self._tls = tls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        over_tls = self._tls or scope.get("scheme") == "https"

        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY.items():
                    headers.setdefault(name, value)
                if over_tls:
                    headers.setdefault("Strict-Transport-Security", _TLS_ONLY)
            await send(message)

        await self._app(scope, receive, secured)
