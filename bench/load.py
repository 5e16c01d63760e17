"""Load over real connections: as fast as answers come, or at a given pace."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import grpc

CONNECTIONS = 8


@dataclass(frozen=True, slots=True)
class Sent:
    """What one load came to. ``acks_ms`` are the waits for each answer, sorted."""

    seconds: float
    requests: int
    acks_ms: tuple[float, ...]

    def percentile(self, share: float) -> float:
        """The wait in milliseconds that this share of the answers stayed under."""
        return self.acks_ms[min(int(len(self.acks_ms) * share), len(self.acks_ms) - 1)]


def http_requests(bodies: Sequence[bytes]) -> list[bytes]:
    """Whole HTTP requests, ready to be written."""
    head = "POST /v1/logs HTTP/1.1\r\nHost: bench\r\nContent-Type: application/x-protobuf\r\n"
    return [f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body for body in bodies]


async def over_http(port: int, requests: Sequence[bytes], per_second: float | None = None) -> Sent:
    """Send all requests over eight connections; ``per_second`` paces them, otherwise full speed."""
    waits: list[float] = []
    start = time.perf_counter()

    async def connection(index: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in range(index, len(requests), CONNECTIONS):
            if per_second is not None:
                await asyncio.sleep(start + number / per_second - time.perf_counter())
            sent_at = time.perf_counter()
            writer.write(requests[number])
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(head.split(b"\r\n")[0].decode())
            waits.append((time.perf_counter() - sent_at) * 1000)
        writer.close()

    await asyncio.gather(*(connection(index) for index in range(CONNECTIONS)))
    return Sent(time.perf_counter() - start, len(requests), tuple(sorted(waits)))


async def over_grpc(port: int, bodies: Sequence[bytes]) -> Sent:
    """Send all bodies over eight streams of one channel, at full speed."""
    waits: list[float] = []
    path = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(path)
        start = time.perf_counter()

        async def stream(index: int) -> None:
            for number in range(index, len(bodies), CONNECTIONS):
                sent_at = time.perf_counter()
                await call(bodies[number])
                waits.append((time.perf_counter() - sent_at) * 1000)

        await asyncio.gather(*(stream(index) for index in range(CONNECTIONS)))
        return Sent(time.perf_counter() - start, len(bodies), tuple(sorted(waits)))
