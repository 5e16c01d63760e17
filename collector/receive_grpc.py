"""OTLP over gRPC: the three services on raw bytes; gRPC itself undoes gzip and limits sizes."""

from collections.abc import Awaitable, Callable

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc.code_pb2 import Code
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from collector.decode import Encoding, check
from collector.errors import Unavailable, Undecodable
from collector.receive_http import Limits, bearer
from collector.spool import Spool
from domain.record import Signal
from store.access import MAY_SEND, Access, Gate
from store.engine import StoreError

_SERVICES = {
    Signal.LOGS: "opentelemetry.proto.collector.logs.v1.LogsService",
    Signal.METRICS: "opentelemetry.proto.collector.metrics.v1.MetricsService",
    Signal.TRACES: "opentelemetry.proto.collector.trace.v1.TraceService",
}

Context = grpc.aio.ServicerContext[bytes, bytes]
Export = Callable[[bytes, Context], Awaitable[bytes]]


def grpc_server(address: str, spool: Spool, gate: Gate, limits: Limits) -> grpc.aio.Server:
    """A server bound to ``host:port``; raises RuntimeError where the port is taken."""
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", limits.unpacked),
            # Two servers on one port would share the connections between them in silence.
            ("grpc.so_reuseport", 0),
        ]
    )
    for signal, service in _SERVICES.items():
        handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(
            _export(signal, spool, gate)
        )
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service, {"Export": handler}),)
        )
    if not server.add_insecure_port(address):
        raise RuntimeError(f"{address} is taken")
    return server


def _export(signal: Signal, spool: Spool, gate: Gate) -> Export:
    async def export(body: bytes, context: Context) -> bytes:
        try:
            await _authorise(context, gate)
            check(signal, Encoding.PROTOBUF, body)
            await spool.put(signal, Encoding.PROTOBUF, body)
        except Undecodable as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        except Unavailable as error:
            await _retry_later(context, str(error))
        except StoreError:
            await _retry_later(context, "the access tokens can't be read now")
        return b""

    return export


async def _authorise(context: Context, gate: Gate) -> None:
    metadata = dict(context.invocation_metadata() or ())
    header = metadata.get("authorization")
    token = bearer(header.encode() if isinstance(header, str) else header)
    access = gate.check(token, MAY_SEND)
    if access is Access.UNAUTHENTICATED:
        await context.abort(
            grpc.StatusCode.UNAUTHENTICATED, "send 'authorization: Bearer <ingest token>'"
        )
    if access is Access.FORBIDDEN:
        await context.abort(grpc.StatusCode.PERMISSION_DENIED, "this token may not send telemetry")


async def _retry_later(context: Context, message: str) -> None:
    """UNAVAILABLE with RetryInfo: OTLP exporters keep the batch and send it again."""
    status = Status(code=Code.UNAVAILABLE, message=message)
    status.details.add().Pack(RetryInfo(retry_delay=Duration(seconds=1)))
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    await context.abort(grpc.StatusCode.UNAVAILABLE, message)
