"""The real server as a process, and real captures sent to it over their own transports."""

import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx

from tests.capturing import Counts
from tests.forging import SECRET

_CONTENT_TYPE = {".json": "application/json", ".pb": "application/x-protobuf"}


@dataclass
class Server:
    """A running ``assay serve``."""

    process: "subprocess.Popen[str]"
    otlp_http: str
    otlp_grpc: str
    api: httpx.Client

    def settle(self) -> None:
        """Wait until everything acknowledged is visible."""
        deadline = time.monotonic() + 30
        while self.get("/v1/status")["pending"]:
            assert time.monotonic() < deadline, "still pending"
            time.sleep(0.02)

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        """A JSON answer of the API."""
        answer: dict[str, Any] = self.api.get(path, params=params).raise_for_status().json()
        return answer

    def usage(self) -> dict[str, Counts]:
        """Requests and tokens by model."""
        self.settle()
        rows = self.get("/v1/usage", group_by="tool,model")["rows"]
        names = ("input", "cache_read", "cache_write", "output")
        return {
            row["model"]: {"requests": row["requests"], **{k: row["tokens"][k] for k in names}}
            for row in rows
        }

    def children(self) -> list[int]:
        """The processes it has started."""
        parent = self.process.pid
        told = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        return [int(pid) for pid in told]

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def interrupt(self) -> int:
        """Press Ctrl-C; the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=60)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on at this moment."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def command(*arguments: str, **environment: str) -> "subprocess.Popen[str]":
    """Run ``assay`` as a user would."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("ASSAY_", "OTEL_"))}
    return subprocess.Popen(
        [sys.executable, "-m", "assay", *arguments],
        env={**clean, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def serving(
    data: Path,
    ports: list[int] | None = None,
    headers: Mapping[str, str] | None = None,
    **environment: str,
) -> Iterator[Server]:
    """A server over this data folder; killed at the end if it still runs."""
    otlp_http, otlp_grpc, http = ports or free_ports(3)
    process = command(
        "serve",
        *("--data", str(data)),
        *("--otlp-http", f"127.0.0.1:{otlp_http}"),
        *("--otlp-grpc", f"127.0.0.1:{otlp_grpc}"),
        *("--http", f"127.0.0.1:{http}"),
        ASSAY_GITHUB_WEBHOOK_SECRET=SECRET,
        **environment,
    )
    with httpx.Client(base_url=f"http://127.0.0.1:{http}", timeout=30, headers=headers) as api:
        server = Server(process, f"http://127.0.0.1:{otlp_http}", f"127.0.0.1:{otlp_grpc}", api)
        try:
            _await_start(server)
            yield server
        finally:
            if process.poll() is None:
                server.kill()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()


def _await_start(server: Server) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            server.api.get("/healthz").raise_for_status()
        except httpx.HTTPError:
            assert server.process.poll() is None, server.process.communicate()
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.05)
        else:
            return


def requests_of(scenario: Path) -> list[tuple[dict[str, Any], Path]]:
    """A capture's requests in their order: (what was noted of it, its body)."""
    found = []
    for note in sorted(scenario.glob("*.meta.json")):
        number = note.name.split(".")[0]
        body = next(p for p in scenario.glob(f"{number}.*") if p != note)
        found.append((json.loads(note.read_text()), body))
    return found


def send(server: Server, note: Mapping[str, Any], body: Path, token: str | None = None) -> None:
    """Send one captured request over the transport it was captured on; raises if refused."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    if note["transport"] == "grpc":
        with grpc.insecure_channel(server.otlp_grpc) as channel:
            call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(note["path"])
            call(body.read_bytes(), timeout=30, metadata=tuple(headers.items()))
        return
    content = body.read_bytes()
    headers["content-type"] = _CONTENT_TYPE[body.suffix]
    if note.get("content_encoding") == "gzip":
        content, headers["content-encoding"] = gzip.compress(content), "gzip"
    url = f"{server.otlp_http}/v1/{body.name.split('.')[1]}"
    httpx.post(url, content=content, headers=headers, timeout=30).raise_for_status()
