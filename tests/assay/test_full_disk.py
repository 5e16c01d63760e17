"""Files that can't grow any more, as on a full disk: refused, then taken, and nothing lost."""

import resource
import time
from pathlib import Path
from typing import Any

import grpc
import httpx

from bench.telemetry import bodies
from tests.serving import Server, serving

LOGS_METHOD = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
PROTOBUF = {"content-type": "application/x-protobuf"}
RECORDS = 200


def bound_files(server: Server, size: int) -> None:
    """Let no file of the server grow beyond this size; of the processes it starts neither."""
    for pid in (server.process.pid, *server.children()):
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))


def post(server: Server, body: bytes) -> bool:
    """Whether a body was taken; anything but a proper refusal for now is a failure."""
    answer = httpx.post(f"{server.otlp_http}/v1/logs", content=body, headers=PROTOBUF, timeout=60)
    assert answer.status_code in (200, 503), answer.content
    assert answer.status_code == 200 or int(answer.headers["retry-after"]) >= 1
    return answer.status_code == 200


def call(server: Server, body: bytes) -> bool:
    with grpc.insecure_channel(server.otlp_grpc) as channel:
        sending: Any = channel.unary_unary(LOGS_METHOD)
        try:
            sending(body, timeout=60)
        except grpc.RpcError as error:
            refusal: Any = error
            assert refusal.code() is grpc.StatusCode.UNAVAILABLE
            return False
    return True


def test_a_disk_that_is_full_for_a_while_costs_nothing(tmp_path: Path) -> None:
    made = bodies(400, RECORDS)
    refused: list[bytes] = []
    sent = 0
    with serving(tmp_path) as server:
        assert post(server, next(made))
        largest = max(path.stat().st_size for path in tmp_path.iterdir())
        # The folder gets stuck first, then the requests that wait fill what is left.
        bound_files(server, largest + 50_000)
        while len(refused) < 6:
            body = next(made)
            sent += 1
            if not (call if sent % 2 else post)(server, body):
                refused.append(body)
            assert sent < 399, "the disk did not get full"
        assert server.get("/v1/status")["status"] == "ok"
        bound_files(server, resource.RLIM_INFINITY)
        deadline = time.monotonic() + 30
        for body in refused:
            while not post(server, body):
                assert time.monotonic() < deadline, "it did not recover"
                time.sleep(0.1)
        total = server.usage()
        assert sum(counts["requests"] or 0 for counts in total.values()) == (sent + 1) * RECORDS / 2
        assert server.interrupt() == 0
