"""OTLP over gRPC: the three services on raw bytes; gRPC itself undoes gzip and limits sizes."""

from collections.abc import Awaitable, Callable
from time import perf_counter

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc.code_pb2 import Code
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from collector.answers import answer
from collector.decode import Encoding
from collector.errors import (
    CollectorError,
    Forbidden,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Undecodable,
)
from collector.intake import Intake
from collector.limits import Limits
from collector.meters import Receiving
from collector.spool import Spool
from domain.record import Signal
from store.access import Gate

SERVICES = {
    Signal.LOGS: "opentelemetry.proto.collector.logs.v1.LogsService",
    Signal.METRICS: "opentelemetry.proto.collector.metrics.v1.MetricsService",
    Signal.TRACES: "opentelemetry.proto.collector.trace.v1.TraceService",
}
# More calls than these of one connection wait at their sender.
_CALLS_A_CONNECTION = 128
_CODES: dict[type[CollectorError], grpc.StatusCode] = {
    Undecodable: grpc.StatusCode.INVALID_ARGUMENT,
    TooLarge: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    Forbidden: grpc.StatusCode.PERMISSION_DENIED,
}

Context = grpc.aio.ServicerContext[bytes, bytes]
Export = Callable[[bytes, Context], Awaitable[bytes]]


def grpc_server(
    address: str, spool: Spool, gate: Gate, limits: Limits, meter: Receiving | None = None
) -> grpc.aio.Server:
    """A server bound to ``host:port``; raises RuntimeError where the port is taken."""
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", limits.unpacked),
            ("grpc.max_concurrent_streams", _CALLS_A_CONNECTION),
            # Two servers on one port would share the connections between them in silence.
            ("grpc.so_reuseport", 0),
        ]
    )
    intake = Intake(spool, gate, limits)
    counting = meter or Receiving()
    for signal, service in SERVICES.items():
        handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(
            _export(signal, intake, counting)
        )
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service, {"Export": handler}),)
        )
    if not server.add_insecure_port(address):
        raise RuntimeError(f"{address} is taken")
    return server


def _export(signal: Signal, intake: Intake, meter: Receiving) -> Export:
    async def export(body: bytes, context: Context) -> bytes:
        began = perf_counter()
        try:
            key_id = intake.authorise(_headers(context))
            intake.check_room()
            with intake.memory.holding() as held:
                held.grow(len(body))
                taken = await intake.take(signal, Encoding.PROTOBUF, "", body, key_id)
        except Unavailable as error:
            meter.refused[error.code] += 1
            return await _retry_later(context, error)
        except CollectorError as error:
            meter.refused[error.code] += 1
            return await context.abort(_CODES[type(error)], str(error))
        told = answer(taken.signal, Encoding.PROTOBUF, taken.refused, intake.limits.told())
        meter.acknowledged.add(perf_counter() - began)
        return told

    return export


def _headers(context: Context) -> dict[bytes, bytes]:
    """The call's metadata as the headers that they are on the wire."""
    told = context.invocation_metadata() or ()
    return {
        name.encode(): value.encode() if isinstance(value, str) else bytes(value)
        for name, value in told
    }


async def _retry_later(context: Context, error: Unavailable) -> bytes:
    """UNAVAILABLE with RetryInfo: OTLP exporters keep the batch and send it again."""
    status = Status(code=Code.UNAVAILABLE, message=str(error))
    delay = Duration(seconds=error.retry_after)
    status.details.add().Pack(RetryInfo(retry_delay=delay))
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    return await context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
