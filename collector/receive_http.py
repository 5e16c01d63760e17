"""OTLP over HTTP: bare ASGI, since this path is paid per request.

Answers as the OTLP specification asks: 200 once the body is durable, with ``partial_success`` where
some of its records were refused; 400 for what can never succeed; 401 and 403 for tokens; 404, 405,
413 and 415; 503 with Retry-After for what may succeed later. Refusals carry a ``google.rpc.Status``
in the request's own encoding.
"""

import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from time import perf_counter
from typing import Any

from google.rpc.code_pb2 import Code
from google.rpc.status_pb2 import Status

from collector.answers import answer
from collector.budget import Holding
from collector.decode import Encoding
from collector.errors import (
    CollectorError,
    Forbidden,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Undecodable,
    UnknownPath,
    Unsupported,
)
from collector.inflate import CODINGS
from collector.intake import Intake
from collector.limits import DEFAULT, Limits
from collector.meters import Receiving
from collector.patience import Patience
from collector.spool import Spool
from domain.record import Signal
from store.access import Gate

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_ENCODINGS = {
    b"application/x-protobuf": Encoding.PROTOBUF,
    b"application/protobuf": Encoding.PROTOBUF,
    b"application/json": Encoding.JSON,
}
_CONTENT_TYPE = {
    Encoding.PROTOBUF: b"application/x-protobuf",
    Encoding.JSON: b"application/json",
}
_SIGNALS = {signal.value: signal for signal in Signal}
# A sender that takes longer for a body may be one that wants to keep a place occupied.
_BODY_SECONDS = 30
_ALLOWED = (b"allow", b"POST, OPTIONS")
_REFUSALS: dict[type[CollectorError], tuple[int, int]] = {
    Undecodable: (400, Code.INVALID_ARGUMENT),
    Unauthenticated: (401, Code.UNAUTHENTICATED),
    Forbidden: (403, Code.PERMISSION_DENIED),
    UnknownPath: (404, Code.NOT_FOUND),
    TooLarge: (413, Code.INVALID_ARGUMENT),
    Unsupported: (415, Code.INVALID_ARGUMENT),
    Unavailable: (503, Code.UNAVAILABLE),
}


class _HungUpError(Exception):
    """The sender has gone before its body was here: there is nobody to answer."""


class HttpReceiver:
    """The ASGI application behind ``:4318``."""

    def __init__(
        self,
        spool: Spool,
        gate: Gate,
        limits: Limits = DEFAULT,
        meter: Receiving | None = None,
    ) -> None:
        self._intake = Intake(spool, gate, limits)
        self._meter = meter or Receiving()
        self._patience = Patience(_BODY_SECONDS)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        if scope["method"] != "POST":
            await _answer_other(scope["method"], send)
            return
        began = perf_counter()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        encoding = _encoding(headers.get(b"content-type", b""))
        try:
            status, body = 200, await self._take(scope, headers, encoding, receive)
            extra: Headers = []
        except CollectorError as error:
            self._meter.refused[error.code] += 1
            status, body, extra = _refusal(error, encoding)
        except _HungUpError:
            return
        await _answer(send, status, _CONTENT_TYPE[encoding or Encoding.JSON], body, extra)
        if status == 200:  # noqa: PLR2004
            self._meter.acknowledged.add(perf_counter() - began)

    async def _take(
        self,
        scope: Message,
        headers: dict[bytes, bytes],
        encoding: Encoding | None,
        receive: Receive,
    ) -> bytes:
        """The answer to a request that is durable now."""
        intake = self._intake
        key_id = intake.authorise(headers)
        if encoding is None:
            raise Unsupported("content-type must be application/x-protobuf or application/json")
        intake.check_room()
        told = _signal(scope["path"])
        coding = headers.get(b"content-encoding", b"").decode("latin-1")
        with intake.memory.holding() as held:
            # Nothing here keeps the body itself: it is gone while its row waits for the disk.
            taken = await intake.take(
                told, encoding, coding, await self._body(headers, receive, held), key_id
            )
        return answer(taken.signal, encoding, taken.refused, intake.limits.told())

    async def _body(self, headers: dict[bytes, bytes], receive: Receive, held: Holding) -> bytes:
        limit = self._intake.limits.body
        declared = headers.get(b"content-length", b"")
        if declared.isdigit() and int(declared) > limit:
            raise TooLarge(f"the body is larger than {limit} bytes")
        chunks: list[bytes] = []
        try:
            with self._patience:
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise _HungUpError
                    chunk = message.get("body", b"")
                    held.grow(len(chunk))
                    if held.size > limit:
                        raise TooLarge(f"the body is larger than {limit} bytes")
                    chunks.append(chunk)
                    if not message.get("more_body"):
                        break
        except TimeoutError as error:
            seconds = self._patience.seconds
            raise Unavailable(f"the body has not arrived in {seconds} seconds") from error
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _encoding(content_type: bytes) -> Encoding | None:
    # Nearly all send one of these as it stands here.
    known = _ENCODINGS.get(content_type)
    return known or _ENCODINGS.get(content_type.partition(b";")[0].strip().lower())


def _signal(path: str) -> Signal | None:
    """Exporters may put any prefix before the signal; some post to the bare address."""
    return _SIGNALS.get(path.rstrip("/").rpartition("/")[2])


def _refusal(error: CollectorError, encoding: Encoding | None) -> tuple[int, bytes, Headers]:
    status, code = _REFUSALS[type(error)]
    extra: Headers = []
    if isinstance(error, Unavailable):
        extra.append((b"retry-after", str(error.retry_after).encode()))
    elif isinstance(error, Unauthenticated):
        extra.append((b"www-authenticate", b"Bearer"))
    elif isinstance(error, Unsupported):
        extra.append((b"accept-encoding", ", ".join(CODINGS).encode()))
    return status, _status(code, str(error), encoding), extra


def _status(code: int, message: str, encoding: Encoding | None) -> bytes:
    if encoding is Encoding.PROTOBUF:
        told: bytes = Status(code=code, message=message).SerializeToString()
        return told
    return json.dumps({"code": code, "message": message}).encode()


async def _answer_other(method: str, send: Send) -> None:
    """Whoever looks what is here, or asks what may be done, learns what to post."""
    if method == "OPTIONS":
        await send({"type": "http.response.start", "status": 204, "headers": [_ALLOWED]})
        await send({"type": "http.response.body", "body": b""})
        return
    message = "use POST: OTLP is received here at /v1/logs, /v1/metrics and /v1/traces"
    body = _status(Code.UNIMPLEMENTED, message, None)
    await _answer(send, 405, _CONTENT_TYPE[Encoding.JSON], body, [_ALLOWED])


async def _answer(
    send: Send, status: int, content_type: bytes, body: bytes, extra: Iterable[tuple[bytes, bytes]]
) -> None:
    headers = [
        (b"content-type", content_type),
        (b"content-length", str(len(body)).encode()),
        *extra,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
