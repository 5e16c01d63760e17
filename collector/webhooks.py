"""Webhooks of forges and trackers: verify the raw body, keep it durably once, answer; then parse.

The order of refusals: signature first (401 with nothing stored, not even that it came), then what
the delivery is. A delivery seen before is answered 200 and changes nothing.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from collector.budget import Budget
from collector.deliveries import Deliveries
from collector.errors import CollectorError, TooLarge, Unavailable
from collector.forges import FORGES
from collector.provider import Provider
from collector.spool import WEBHOOK
from collector.trackers import TRACKERS
from domain.pseudonym import Pseudonyms
from store.engine import Database, StoreError
from store.inbox import DeliveryKey, Incoming

# GitHub itself sends no larger payload.
_BODY_BYTES = 25 * 1024 * 1024
# Whoever finds the address may send bodies; their signature is known only at their end.
_HELD_BYTES = 4 * _BODY_BYTES
_BODY_SECONDS = 30
_EVENT = re.compile(r"^[a-z0-9_.:-]{1,48}$", re.IGNORECASE)
_DELIVERY_LENGTH = 128
_FORM = "application/x-www-form-urlencoded"


class _Refused(CollectorError):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def webhook_router(
    database: Database,
    pseudonyms: Pseudonyms,
    secrets: Mapping[str, str],
    clock: Callable[[], datetime],
) -> APIRouter:
    """Routes ``/webhooks/<provider>``; ``secrets`` by its name, absent where not configured."""
    router = APIRouter(tags=["webhooks"])
    deliveries = Deliveries(database)
    for provider in (*FORGES, *TRACKERS):
        handler = _handler(provider, deliveries, pseudonyms, secrets.get(provider.name), clock)
        router.add_api_route(
            f"/webhooks/{provider.name}",
            handler,
            methods=["POST"],
            summary=f"Deliveries of {provider.name}",
            description=handler.__doc__,
            response_class=JSONResponse,
        )
    return router


def _handler(
    provider: Provider,
    deliveries: Deliveries,
    pseudonyms: Pseudonyms,
    secret: str | None,
    clock: Callable[[], datetime],
) -> Callable[[Request], Any]:
    memory = Budget(_HELD_BYTES)

    async def receive(request: Request) -> Response:
        """Verify and keep one delivery. 200 once it is durable, also when it was seen before."""
        try:
            raw = await _body(request, memory)
            headers = {name.lower(): value for name, value in request.headers.items()}
            now = clock()
            _verify(provider, secret, raw, headers, now)
            row, key = _read(provider, raw, headers, pseudonyms, now)
            first = await deliveries.keep(row, key)
        except CollectorError as error:
            return _refusal(error)
        except StoreError:
            return _refusal(Unavailable("the database can't take it now; send it again"))
        except ClientDisconnect:
            # Nobody is there to read it.
            return Response(status_code=400)
        return JSONResponse({"accepted": True, "duplicate": not first})

    return receive


async def _body(request: Request, memory: Budget) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > _BODY_BYTES:
        raise TooLarge(f"the body is larger than {_BODY_BYTES} bytes")
    chunks: list[bytes] = []
    try:
        with memory.holding() as held:
            async with asyncio.timeout(_BODY_SECONDS):
                async for chunk in request.stream():
                    held.grow(len(chunk))
                    if held.size > _BODY_BYTES:
                        raise TooLarge(f"the body is larger than {_BODY_BYTES} bytes")
                    chunks.append(chunk)
    except TimeoutError as error:
        raise Unavailable(f"the body has not arrived in {_BODY_SECONDS} seconds") from error
    return b"".join(chunks)


def _verify(
    provider: Provider,
    secret: str | None,
    raw: bytes,
    headers: Mapping[str, str],
    now: datetime,
) -> None:
    if secret and provider.verify(secret, raw, headers, now):
        return
    variable = f"ASSAY_{provider.name.upper().replace('-', '_')}_WEBHOOK_SECRET"
    raise _Refused(
        401,
        "bad_signature",
        f"the signature is missing or does not fit the body: {variable} must be set and be the"
        " secret of the webhook (and both clocks right, where the provider signs the time)",
    )


def _read(
    provider: Provider,
    raw: bytes,
    headers: Mapping[str, str],
    pseudonyms: Pseudonyms,
    received_at: datetime,
) -> tuple[Incoming, DeliveryKey | None]:
    body = _json_of(raw, headers)
    try:
        payload = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _Refused(400, "not_json", "the body is not a JSON object") from error
    event = provider.event(headers, payload)
    if event is None or not _EVENT.match(event):
        raise _Refused(400, "no_event", "the delivery does not name its event")
    if event in provider.events_used:
        # Refuses what can't be read while the forge still shows the answer to somebody.
        provider.parse(event, payload, pseudonyms, received_at)
    else:
        body = b"{}"
    delivery_id = provider.delivery_id(headers, payload)
    row = Incoming(
        received_at=received_at, kind=WEBHOOK, name=f"{provider.name}:{event}", body=body
    )
    if not delivery_id:
        return row, None
    # PostgreSQL keeps no NUL.
    known_by = delivery_id.replace("\0", "\ufffd")[:_DELIVERY_LENGTH]
    return row, DeliveryKey(provider.name, known_by)


def _json_of(raw: bytes, headers: Mapping[str, str]) -> bytes:
    """The JSON itself, also where the webhook is set to send a form."""
    if not headers.get("content-type", "").startswith(_FORM):
        return raw
    try:
        fields = parse_qs(raw.decode())
    except (UnicodeDecodeError, ValueError) as error:
        raise _Refused(400, "not_json", "the form can't be read") from error
    return fields.get("payload", [""])[0].encode()


def _refusal(error: CollectorError) -> JSONResponse:
    if isinstance(error, Unavailable):
        answer = _problem(503, error.code, str(error))
        answer.headers["Retry-After"] = str(error.retry_after)
        return answer
    if isinstance(error, _Refused):
        return _problem(error.status, error.code, str(error))
    return _problem(413 if isinstance(error, TooLarge) else 400, error.code, str(error))


def _problem(status: int, code: str, detail: str) -> JSONResponse:
    body = {"type": "about:blank", "status": status, "code": code, "detail": detail}
    return JSONResponse(body, status_code=status, media_type="application/problem+json")
