"""Which methods an address takes, and ``HEAD`` wherever there is ``GET`` (RFC 9110, 9.1)."""

from fastapi import Request
from starlette.routing import Match, Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class HeadAsGet:
    """Answers ``HEAD`` with what ``GET`` would, without the body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def bodiless(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._app({**scope, "method": "GET"}, receive, bodiless)


def allowed(request: Request) -> list[str]:
    """The methods that the address of a request takes; several routes may share it."""
    # Not the scope itself: routes note in it what they found, and a mount that it is their root.
    root = request.scope.get("app_root_path", request.scope.get("root_path", ""))
    place = {"type": "http", "path": request.scope["path"], "root_path": root}
    found = [
        method
        for method in _METHODS
        if any(
            route.matches({**place, "method": method, "headers": []})[0] is Match.FULL
            for route in request.app.routes
            # What is mounted takes every method for its own and is but read.
            if not isinstance(route, Mount) or method == "GET"
        )
    ]
    return ["GET", "HEAD", *found[1:]] if found[:1] == ["GET"] else found
