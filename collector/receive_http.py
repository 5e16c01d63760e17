"""OTLP over HTTP: bare ASGI, since this path is paid per request.

Answers as the OTLP specification asks: 200 once the body is durable; 400 for what can never
succeed; 401 and 403 for tokens; 404, 405, 413 and 415; 503 with Retry-After for what may succeed
later. Refusals carry a ``google.rpc.Status`` in the request's own encoding.
"""

import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any

from google.rpc.code_pb2 import Code
from google.rpc.status_pb2 import Status

from collector.decode import Encoding, check
from collector.errors import Unavailable, Undecodable
from collector.inflate import TooLarge, inflate
from collector.spool import Spool
from domain.record import Signal
from store.access import MAY_SEND, Access, Gate
from store.engine import StoreError

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_ENCODINGS = {
    b"application/x-protobuf": Encoding.PROTOBUF,
    b"application/protobuf": Encoding.PROTOBUF,
    b"application/json": Encoding.JSON,
}
_CONTENT_TYPE = {
    Encoding.PROTOBUF: b"application/x-protobuf",
    Encoding.JSON: b"application/json",
}
_RETRY_AFTER_SECONDS = b"1"


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes: of a body as sent, and of what it unpacks to."""

    body: int = 16 * 1024 * 1024
    unpacked: int = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Refusal(Exception):
    status: int
    code: int
    message: str


class _HungUpError(Exception):
    """The sender has gone before its body was here: there is nobody to answer."""


class HttpReceiver:
    """The ASGI application behind ``:4318``."""

    def __init__(self, spool: Spool, gate: Gate, limits: Limits = Limits()) -> None:
        self._spool = spool
        self._gate = gate
        self._limits = limits

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        headers = dict(scope["headers"])
        content_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        encoding = _ENCODINGS.get(content_type)
        try:
            signal = _signal(scope)
            self._authorise(headers)
            if encoding is None:
                raise _Refusal(
                    415,
                    Code.INVALID_ARGUMENT,
                    "content-type must be application/x-protobuf or application/json",
                )
            body = await self._body(headers, receive)
            check(signal, encoding, body)
            await self._spool.put(signal, encoding, body)
        except _Refusal as refusal:
            await _refuse(send, encoding, refusal)
        except TooLarge as error:
            await _refuse(send, encoding, _Refusal(413, Code.INVALID_ARGUMENT, str(error)))
        except Undecodable as error:
            await _refuse(send, encoding, _Refusal(400, Code.INVALID_ARGUMENT, str(error)))
        except Unavailable as error:
            await _refuse(send, encoding, _Refusal(503, Code.UNAVAILABLE, str(error)))
        except StoreError:
            message = "the access tokens can't be read now"
            await _refuse(send, encoding, _Refusal(503, Code.UNAVAILABLE, message))
        except _HungUpError:
            pass
        else:
            # An empty export response: everything was accepted.
            answer = b"{}" if encoding is Encoding.JSON else b""
            await _answer(send, 200, _CONTENT_TYPE[encoding], answer)

    def _authorise(self, headers: dict[bytes, bytes]) -> None:
        access = self._gate.check(bearer(headers.get(b"authorization")), MAY_SEND)
        if access is Access.UNAUTHENTICATED:
            raise _Refusal(401, Code.UNAUTHENTICATED, "send 'Authorization: Bearer <ingest token>'")
        if access is Access.FORBIDDEN:
            raise _Refusal(403, Code.PERMISSION_DENIED, "this token may not send telemetry")

    async def _body(self, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        limit = self._limits.body
        declared = headers.get(b"content-length", b"")
        if declared.isdigit() and int(declared) > limit:
            raise TooLarge(f"the body is larger than {limit} bytes")
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _HungUpError
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > limit:
                raise TooLarge(f"the body is larger than {limit} bytes")
            chunks.append(chunk)
            if not message.get("more_body"):
                break
        coding = headers.get(b"content-encoding", b"").strip().lower().decode("latin-1")
        return inflate(coding, b"".join(chunks), self._limits.unpacked)


def bearer(header: bytes | None) -> str | None:
    """The token of an ``Authorization: Bearer`` header."""
    scheme, _, token = (header or b"").decode("latin-1").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _signal(scope: Message) -> Signal:
    """The signal is the last part of the path: exporters may put any prefix before ``/v1``."""
    last = str(scope["path"]).rstrip("/").rpartition("/")[2]
    try:
        signal = Signal(last)
    except ValueError:
        raise _Refusal(404, Code.NOT_FOUND, "post to /v1/logs, /v1/metrics or /v1/traces") from None
    if scope["method"] != "POST":
        raise _Refusal(405, Code.UNIMPLEMENTED, "use POST")
    return signal


async def _refuse(send: Send, encoding: Encoding | None, refusal: _Refusal) -> None:
    if encoding is Encoding.PROTOBUF:
        body = Status(code=refusal.code, message=refusal.message).SerializeToString()
    else:
        body = json.dumps({"code": refusal.code, "message": refusal.message}).encode()
    content_type = _CONTENT_TYPE[encoding or Encoding.JSON]
    extra: list[tuple[bytes, bytes]] = []
    if refusal.status == 503:  # noqa: PLR2004
        extra.append((b"retry-after", _RETRY_AFTER_SECONDS))
    elif refusal.status == 401:  # noqa: PLR2004
        extra.append((b"www-authenticate", b"Bearer"))
    elif refusal.status == 405:  # noqa: PLR2004
        extra.append((b"allow", b"POST"))
    await _answer(send, refusal.status, content_type, body, extra)


async def _answer(
    send: Send,
    status: int,
    content_type: bytes,
    body: bytes,
    extra: Iterable[tuple[bytes, bytes]] = (),
) -> None:
    headers = [
        (b"content-type", content_type),
        (b"content-length", str(len(body)).encode()),
        *extra,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
