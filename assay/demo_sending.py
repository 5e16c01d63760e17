"""What the simulated company's tools, forge and tracker send, through the front doors of a server.

Fifty thousand requests, on the machine that answers them too: so by connections that are kept, of
a client that does nothing else.
"""

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from itertools import islice
from operator import itemgetter
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from simulation.company import Company
from simulation.deliveries import Delivery, deliveries
from simulation.history import History, Session
from simulation.telemetry import told as body_of

_SENDERS = 32
_AT_ONCE = 10
_TRIES = 50
_LATER = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_PAUSE = 0.2
_TIMEOUT = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """Where the server listens (host and port), and what its webhooks are signed with."""

    otlp: str
    api: str
    secret: str


def send_all(history: History, doors: Doors) -> None:
    """Everything through the front doors, as it came to pass; wait until all of it is answered."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn()) as progress:
        sender = _Sender(doors, history.company)
        _each(progress, "telemetry and webhooks", _in_order(history), sender.send)
        _settle(progress, sender)


def _in_order(history: History) -> list[Session | Delivery]:
    """Sessions, each told when it ended, and deliveries."""
    ended = [
        (session.ended_at, session)
        for piece in history.pieces
        for session in piece.sessions
        if session.ended_at <= history.until
    ]
    told: list[tuple[datetime, Session | Delivery]] = [*ended]
    told += ((delivery.at, delivery) for delivery in deliveries(history))
    return [each for _, each in sorted(told, key=itemgetter(0))]


def _each(progress: Progress, what: str, items: Sequence[Any], send: Callable[[Any], None]) -> None:
    task = progress.add_task(what, total=len(items))
    # Each thread takes the next when it is done with one.
    left = iter(items)
    taking = threading.Lock()

    def take() -> list[Any]:
        with taking:
            return list(islice(left, _AT_ONCE))

    def send_some() -> None:
        while some := take():
            for each in some:
                send(each)
            progress.advance(task, len(some))

    with ThreadPoolExecutor(_SENDERS) as senders:
        for sending in [senders.submit(send_some) for _ in range(_SENDERS)]:
            sending.result()


def _settle(progress: Progress, sender: "_Sender") -> None:
    task = progress.add_task("folding, linking and labelling", total=None)
    most = 0
    while pending := sender.pending():
        most = max(most, pending)
        progress.update(task, total=most, completed=most - pending)
        time.sleep(_PAUSE)
    progress.update(task, total=most or 1, completed=most or 1)


class _Sender:
    """Sends one thing at a time and thread, again where the server asks to wait."""

    def __init__(self, doors: Doors, company: Company) -> None:
        self._doors = doors
        self._tools = company.tools
        self._people = {each.login: each for each in company.developers}
        self._own = threading.local()

    def send(self, told: Session | Delivery) -> None:
        if isinstance(told, Delivery):
            self._webhook(told)
        else:
            self._telemetry(told)

    def _telemetry(self, session: Session) -> None:
        path, content = body_of(session, self._tools[session.tool], self._people[session.developer])
        self._send(self._doors.otlp, path, content, {"content-type": "application/x-protobuf"})

    def _webhook(self, delivery: Delivery) -> None:
        content = json.dumps(delivery.body).encode()
        signed = hmac.digest(self._doors.secret.encode(), content, "sha256").hex()
        name = hashlib.blake2b(content, digest_size=16).hexdigest()
        headers = {
            "content-type": "application/json",
            "x-github-event": delivery.event,
            "x-github-delivery": name,
            "x-hub-signature-256": f"sha256={signed}",
            "x-hub-signature": f"sha256={signed}",
            "x-atlassian-webhook-identifier": name,
        }
        self._send(self._doors.api, f"/webhooks/{delivery.provider}", content, headers)

    def pending(self) -> int:
        """What is acknowledged and not yet in every answer."""
        _, _, answer = self._ask("GET", self._doors.api, "/v1/status", None, {})
        pending: int = json.loads(answer)["pending"]
        return pending

    def _send(self, door: str, path: str, content: bytes, headers: dict[str, str]) -> None:
        status, wait = 0, 0.0
        for _ in range(_TRIES):
            time.sleep(wait)
            status, wait, _ = self._ask("POST", door, path, content, headers)
            if status not in _LATER:
                break
        if status != HTTPStatus.OK:
            raise RuntimeError(f"{path} was refused with {status}")

    def _ask(
        self, method: str, door: str, path: str, content: bytes | None, headers: dict[str, str]
    ) -> tuple[int, float, bytes]:
        """The status of an answer, after how many seconds to come again, and its body."""
        connection = self._connection(door)
        try:
            return _asked(connection, method, path, content, headers)
        except (HTTPException, ConnectionError):
            # A server may end a connection between two requests: once more by a new one.
            connection.close()
            return _asked(connection, method, path, content, headers)

    def _connection(self, door: str) -> HTTPConnection:
        kept: dict[str, HTTPConnection] = self._own.__dict__.setdefault("connections", {})
        if door not in kept:
            kept[door] = HTTPConnection(door, timeout=_TIMEOUT)
        return kept[door]


def _asked(
    connection: HTTPConnection,
    method: str,
    path: str,
    content: bytes | None,
    headers: dict[str, str],
) -> tuple[int, float, bytes]:
    connection.request(method, path, content, headers)
    answer = connection.getresponse()
    return answer.status, float(answer.headers.get("retry-after", 1)), answer.read()
