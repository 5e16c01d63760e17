"""What leaves: whom an answer may name, and a note of who saw or changed what.

Every pseudonym of a person, or of a machine, has the same form. Here, on the way out, those that
whoever asks may not see become ``hidden``, whichever route or page made the answer. So a route
can't forget it, and one that is new is held by it as well. Hidden is not null: null means *not
told*.

Written down is every request that would change something, and every answer that names people other
than whoever asks. Where all is open to this machine nobody can be told apart, and only changes are
written down. A note is kept before the answer goes out; where it can't be, the log says so and the
answer goes out all the same.
"""

import logging
import re
from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.asker import Asker, How, known
from api.wiring import Wiring
from store import audit
from store.audit import Noted
from store.engine import StoreError

HIDDEN = "hidden"
_PSEUDONYM = re.compile(rb"(?<![0-9A-Za-z])[pi]_[0-9a-f]{20}(?![0-9A-Za-z])")
_TEXT = ("application/json", "application/problem+json", "text/")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

_log = logging.getLogger(__name__)


class Screen:
    """Stands between the application and whoever asks."""

    def __init__(self, app: ASGIApp, wiring: Wiring) -> None:
        self._app = app
        self._wiring = wiring

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})
        await self._app(scope, receive, _Answer(self._wiring, Request(scope), send))


class _Answer:
    """One answer on its way out; a text is held back until all of it is there."""

    def __init__(self, wiring: Wiring, request: Request, send: Send) -> None:
        self._wiring = wiring
        self._request = request
        self._send = send
        self._start: Message | None = None
        self._body: list[bytes] = []

    async def __call__(self, message: Message) -> None:
        """Take one message of the application."""
        asking = known(self._request)
        if message["type"] == "http.response.start":
            kind = MutableHeaders(scope=message).get("content-type", "")
            if _is_open(asking) or not kind.startswith(_TEXT):
                await self._note(asking, message["status"], 0)
                await self._send(message)
            else:
                self._start = message
            return
        if self._start is None or message["type"] != "http.response.body":
            await self._send(message)
            return
        self._body.append(message.get("body", b""))
        if not message.get("more_body", False):
            await self._finish(asking, self._start)

    async def _finish(self, asking: Asker | None, start: Message) -> None:
        body, shown = screened(b"".join(self._body), asking.sees if asking else _nobody)
        others = shown - (asking.mine if asking else frozenset())
        await self._note(asking, start["status"], len(others))
        headers = MutableHeaders(scope=start)
        if "content-length" in headers:
            headers["content-length"] = str(len(body))
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})

    async def _note(self, asking: Asker | None, status: int, people: int) -> None:
        changes = self._request.method not in _SAFE
        route: Any = self._request.scope.get("route")
        if asking is None or route is None or not (changes or people):
            return
        noted = Noted(
            at=self._wiring.clock(),
            actor=asking.actor,
            person=asking.person,
            action=f"{self._request.method} {route.path}",
            object="/".join(str(each) for each in self._request.path_params.values()),
            status=status,
            people=None if changes and not people else people,
            address=self._wiring.doors.address(
                self._request.client.host if self._request.client else None
            ),
        )
        await run_in_threadpool(write, self._wiring, noted)


def screened(body: bytes, sees: Callable[[str], bool]) -> tuple[bytes, frozenset[str]]:
    """An answer without the pseudonyms that may not be seen, and those that are left."""
    shown: set[str] = set()

    def decided(found: re.Match[bytes]) -> bytes:
        pseudonym = found[0].decode()
        if not sees(pseudonym):
            return HIDDEN.encode()
        shown.add(pseudonym)
        return found[0]

    return _PSEUDONYM.sub(decided, body), frozenset(shown)


def write(wiring: Wiring, noted: Noted) -> None:
    """Keep a note; where that can't be, the log says so."""
    try:
        with wiring.database.writing() as connection:
            audit.note(connection, noted)
    except StoreError as error:
        _log.error("not in the audit log: %s by %s: %s", noted.action, noted.actor, error)


def _is_open(asking: Asker | None) -> bool:
    return asking is not None and asking.how is How.OPEN


def _nobody(_: str) -> bool:
    return False
