"""Load over real connections: as fast as answers come, or at a given pace."""

import asyncio
import re
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass

import grpc
import uvloop

CONNECTIONS = 8
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sent:
    """What one load came to. ``acks_ms`` are the waits for each answer, sorted.

    ``cpu_seconds`` is what sending cost this process: it runs on the server's own machine.
    """

    seconds: float
    requests: int
    acks_ms: tuple[float, ...]
    cpu_seconds: float

    def percentile(self, share: float) -> float:
        """The wait in milliseconds that this share of the answers stayed under."""
        return self.acks_ms[min(int(len(self.acks_ms) * share), len(self.acks_ms) - 1)]


def http_requests(
    bodies: Sequence[bytes], path: str = "/v1/logs", headers: Mapping[str, str] | None = None
) -> list[bytes]:
    """Whole HTTP requests, ready to be written."""
    told = {"Host": "127.0.0.1", "Content-Type": "application/x-protobuf", **(headers or {})}
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    head = f"POST {path} HTTP/1.1\r\n{lines}"
    return [f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body for body in bodies]


def over_http(
    port: int, requests: Sequence[bytes], per_second: float | None = None, limit: float = 300
) -> Sent:
    """Send all over eight connections; ``per_second`` paces them, otherwise full speed.

    Raises RuntimeError for an answer other than 200, TimeoutError after ``limit`` seconds.
    """
    waits: list[float] = []

    async def connection(index: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in range(index, len(requests), CONNECTIONS):
            if per_second is not None:
                await asyncio.sleep(start + number / per_second - time.perf_counter())
            sent_at = time.perf_counter()
            writer.write(requests[number])
            await _answer(reader)
            waits.append((time.perf_counter() - sent_at) * 1000)
        writer.close()

    start = time.perf_counter()
    return _run(lambda: _all(connection, limit), waits)


async def _answer(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    body = await reader.readexactly(int(length[1])) if length and length[1] != b"0" else b""
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError((head.split(b"\r\n")[0] + b" " + body[:200]).decode(errors="replace"))


def over_grpc(port: int, bodies: Sequence[bytes], limit: float = 300) -> Sent:
    """Send all bodies over eight streams of one channel, at full speed.

    Raises grpc.RpcError for a refusal, TimeoutError after ``limit`` seconds.
    """
    waits: list[float] = []
    path = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"

    async def channel() -> None:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as opened:
            call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = opened.unary_unary(path)

            async def stream(index: int) -> None:
                for number in range(index, len(bodies), CONNECTIONS):
                    sent_at = time.perf_counter()
                    await call(bodies[number])
                    waits.append((time.perf_counter() - sent_at) * 1000)

            await _all(stream, limit)

    return _run(channel, waits)


async def _all(one: Callable[[int], Coroutine[None, None, None]], limit: float) -> None:
    async with asyncio.timeout(limit), asyncio.TaskGroup() as group:
        for index in range(CONNECTIONS):
            group.create_task(one(index))


def _run(load: Callable[[], Coroutine[None, None, None]], waits: list[float]) -> Sent:
    start, cpu = time.perf_counter(), time.process_time()
    # The client has the server's cores: on uvloop it takes the least of them.
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(load())
    seconds = time.perf_counter() - start
    return Sent(seconds, len(waits), tuple(sorted(waits)), time.process_time() - cpu)
