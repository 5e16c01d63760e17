"""The parts as processes of their own, several of each, against one PostgreSQL."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.capturing import Counts, expected, scenarios
from tests.postgres import Postgres
from tests.serving import Server, command, free_ports, requests_of, send

SCENARIOS = [*scenarios("claude-code"), *scenarios("gemini-cli"), *scenarios("copilot")]


@pytest.fixture
def url(postgres: Postgres) -> Iterator[str]:
    with postgres.database() as address:
        yield address


def all_expected() -> dict[str, Counts]:
    total: dict[str, Counts] = {}
    for scenario in SCENARIOS:
        for model, counts in expected(scenario).items():
            into = total.setdefault(model, dict.fromkeys(counts, 0))
            for key, value in counts.items():
                into[key] = (into[key] or 0) + (value or 0)
    return total


def test_two_collectors_four_workers_and_one_of_them_killed(url: str, tmp_path: Path) -> None:
    first_http, first_grpc, second_http, second_grpc, http = free_ports(5)
    with ExitStack() as ended:

        def run(*arguments: str) -> "subprocess.Popen[str]":
            process = command(*arguments, "--database-url", url, ASSAY_DATA=str(tmp_path))
            ended.callback(process.wait)
            ended.callback(process.kill)
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    ended.callback(stream.close)
            return process

        api_process = run("api", "--http", f"127.0.0.1:{http}")
        ports = [(first_http, first_grpc), (second_http, second_grpc)]
        for otlp_http, otlp_grpc in ports:
            run(
                "collect",
                *("--otlp-http", f"127.0.0.1:{otlp_http}"),
                *("--otlp-grpc", f"127.0.0.1:{otlp_grpc}"),
            )
        workers = [run("work") for _ in range(4)]
        with httpx.Client(base_url=f"http://127.0.0.1:{http}", timeout=30) as api:
            servers = [
                Server(api_process, f"http://127.0.0.1:{a}", f"127.0.0.1:{b}", api)
                for a, b in ports
            ]
            _await(api, [first_http, second_http])
            requests = [each for scenario in SCENARIOS for each in requests_of(scenario)]
            # Every request goes to both collectors: the same bytes twice, by two ways at once.
            for number, (note, body) in enumerate(requests):
                for server in servers:
                    send(server, note, body)
                if number == len(requests) // 2:
                    workers[0].send_signal(signal.SIGKILL)
            # Some of these tools never tell cache writes: null there, and 0 in what was noted.
            counted = {
                model: {key: value or 0 for key, value in row.items()}
                for model, row in servers[0].usage().items()
            }
            assert counted == all_expected()
        for worker in workers[1:]:
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(30) == 0


def _await(api: httpx.Client, ports: list[int]) -> None:
    deadline = time.monotonic() + 240
    waiting = [str(api.base_url.join("/healthz")), *(f"http://127.0.0.1:{p}/" for p in ports)]
    while waiting:
        try:
            httpx.get(waiting[0])
        except httpx.TransportError:
            assert time.monotonic() < deadline, f"{waiting[0]} does not answer"
            time.sleep(0.1)
        else:
            waiting.pop(0)
