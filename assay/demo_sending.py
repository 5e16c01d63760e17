"""What the simulated company's tools, forge and tracker send, through the front doors of a server.

Fifty thousand requests, on the machine that answers them too: so by connections that are kept, of
a client that does nothing else.
"""

import hashlib
import hmac
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from itertools import islice
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

import httpx
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from simulation.company import Company
from simulation.deliveries import Delivery, deliveries
from simulation.history import History, Session
from simulation.telemetry import told as body_of

_SENDERS = 64
_AT_ONCE = 10
_TRIES = 50
_LATER = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_PAUSE = 0.2
_NICE = 10
_TIMEOUT = 60


Past: TypeAlias = Sequence[Session | Delivery]


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """Where the server listens (host and port), and what its webhooks are signed with."""

    otlp: str
    api: str
    secret: str


def send_all(past: Past, company: Company, doors: Doors) -> None:
    """Everything through the front doors; wait until all of it is in the answers."""
    # Who sends waits for who answers, and both for who folds: that is what takes longest.
    os.nice(_NICE)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn()) as progress:
        sender = _Sender(doors, company)
        _each(progress, "telemetry and webhooks", past, sender.send)
        _settle(progress, doors)


def in_order(history: History) -> Past:
    """What is sent, as it came to pass: sessions, each told when it ended, and deliveries."""
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


def _settle(progress: Progress, doors: Doors) -> None:
    task = progress.add_task("folding, linking and labelling", total=None)
    most = 0
    while pending := _pending(doors):
        most = max(most, pending)
        progress.update(task, total=most, completed=most - pending)
        time.sleep(_PAUSE)
    progress.update(task, total=most or 1, completed=most or 1)


def _pending(doors: Doors) -> int:
    """What is acknowledged and not yet in every answer."""
    answer = httpx.get(f"http://{doors.api}/v1/status", timeout=_TIMEOUT)
    pending: int = answer.raise_for_status().json()["pending"]
    return pending


class _Answer(NamedTuple):
    """A status, and after how many seconds to come again where it asks for that."""

    status: int
    retry_after: float


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
        headers = {"content-type": "application/json", **_named(delivery, name, signed)}
        self._send(self._doors.api, f"/webhooks/{delivery.provider}", content, headers)

    def _send(self, door: str, path: str, content: bytes, headers: dict[str, str]) -> None:
        status, wait = 0, 0.0
        for _ in range(_TRIES):
            time.sleep(wait)
            status, wait = self._ask(door, path, content, headers)
            if status not in _LATER:
                break
        if status != HTTPStatus.OK:
            raise RuntimeError(f"{path} was refused with {status}")

    def _ask(self, door: str, path: str, content: bytes, headers: Mapping[str, str]) -> _Answer:
        kept: dict[str, _Connection] = self._own.__dict__.setdefault("connections", {})
        try:
            if door in kept:
                return kept[door].post(path, content, headers)
        except OSError:
            # A server may end a connection between two requests: once more by a new one.
            pass
        kept[door] = _Connection(door)
        return kept[door].post(path, content, headers)


def _named(delivery: Delivery, name: str, signed: str) -> dict[str, str]:
    if delivery.provider == "github":
        return {
            "x-github-event": delivery.event,
            "x-github-delivery": name,
            "x-hub-signature-256": f"sha256={signed}",
        }
    return {"x-hub-signature": f"sha256={signed}", "x-atlassian-webhook-identifier": name}


class _Connection:
    """One that is kept. A client for the web takes as long for a request as the server does."""

    def __init__(self, door: str) -> None:
        host, _, port = door.rpartition(":")
        self._door = door
        self._socket = socket.create_connection((host.strip("[]"), int(port)), _TIMEOUT)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._answers = self._socket.makefile("rb")

    def post(self, path: str, content: bytes, headers: Mapping[str, str]) -> _Answer:
        told = {"host": self._door, "content-length": len(content), **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        self._socket.sendall(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + content)
        first = self._answers.readline().split(maxsplit=2)
        if not first:
            raise ConnectionResetError
        answered = {}
        while line := self._answers.readline().strip():
            name, _, value = line.partition(b":")
            answered[name.lower()] = value.strip()
        self._answers.read(int(answered.get(b"content-length", 0)))
        return _Answer(int(first[1]), float(answered.get(b"retry-after", 1)))
