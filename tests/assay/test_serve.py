"""The real command as a process: what it receives, keeps, answers, and how it ends."""

import os
import signal
import socket
import stat
import time
from pathlib import Path

import httpx
import pytest

from assay import forking
from tests.capturing import Counts, expected, scenarios
from tests.serving import command, free_ports, requests_of, send, serving

SCENARIOS = scenarios("claude-code")


def all_expected() -> dict[str, Counts]:
    """What all captures of Claude Code together must come to."""
    total: dict[str, Counts] = {}
    for scenario in SCENARIOS:
        for model, counts in expected(scenario).items():
            into = total.setdefault(model, dict.fromkeys(counts, 0))
            for key, value in counts.items():
                into[key] = (into[key] or 0) + (value or 0)
    return total


def test_every_capture_is_exact_over_its_own_transport(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        for scenario in SCENARIOS:
            before = server.usage()
            for note, body in requests_of(scenario):
                send(server, note, body)
            after = server.usage()
            zero = dict.fromkeys(("requests", "input", "cache_read", "cache_write", "output"), 0)
            grown = {
                model: {k: (v or 0) - (before.get(model, zero)[k] or 0) for k, v in row.items()}
                for model, row in after.items()
            }
            assert {m: row for m, row in grown.items() if any(row.values())} == expected(scenario)


def test_twice_and_backwards_is_once(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        requests = [each for scenario in SCENARIOS for each in requests_of(scenario)]
        for note, body in [*reversed(requests), *requests]:
            send(server, note, body)
        assert server.usage() == all_expected()


def test_killed_at_any_moment_it_loses_and_repeats_nothing(tmp_path: Path) -> None:
    ports = free_ports(3)
    requests = [each for scenario in SCENARIOS for each in requests_of(scenario)]
    third = len(requests) // 3
    for part in range(3):
        with serving(tmp_path, ports) as server:
            # Each life ends without warning right after its last acknowledgement; the next begins
            # by sending that request again, as an exporter does that missed the answer.
            start = max(part * third - 1, 0)
            for note, body in requests[start : (part + 1) * third if part < 2 else None]:
                send(server, note, body)
            server.kill()
    with serving(tmp_path, ports) as server:
        assert server.usage() == all_expected()


def test_ctrl_c_finishes_what_was_accepted(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        for note, body in requests_of(SCENARIOS[0]):
            send(server, note, body)
        assert server.interrupt() == 0
        log = tmp_path / "assay.db-wal"
        assert not log.exists() or log.stat().st_size == 0
    with serving(tmp_path) as server:
        assert server.get("/v1/status")["pending"] == 0
        assert server.usage() == expected(SCENARIOS[0])


def test_a_worker_that_dies_is_replaced_and_ctrl_c_still_ends_it(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        (worker,) = server.children()
        os.kill(worker, signal.SIGKILL)
        for note, body in requests_of(SCENARIOS[0]):
            send(server, note, body)
        assert server.usage() == expected(SCENARIOS[0])
        (worker,) = server.children()
        os.kill(worker, signal.SIGKILL)
        assert server.interrupt() == 0


def test_a_signal_to_all_of_a_service_ends_it_in_order(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        (worker,) = server.children()
        for note, body in requests_of(SCENARIOS[0]):
            send(server, note, body)
        for pid in (worker, server.process.pid):
            os.kill(pid, signal.SIGTERM)
        _, said = server.process.communicate(timeout=60)
        assert (server.process.returncode, said) == (0, "")
    with serving(tmp_path) as server:
        assert server.get("/v1/status")["pending"] == 0


def test_a_worker_ends_with_a_server_that_is_killed(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        (forked,) = server.children()
        os.kill(forked, signal.SIGKILL)
        deadline = time.monotonic() + 30
        while (begun := server.children()) in ([], [forked]):
            assert time.monotonic() < deadline, "no other worker"
            time.sleep(0.05)
        server.kill()
        await_end(begun[0])
    with serving(tmp_path) as server:
        (forked,) = server.children()
        server.kill()
        await_end(forked)


def await_end(pid: int) -> None:
    deadline = time.monotonic() + 30
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline, "it goes on"
        time.sleep(0.05)


@pytest.mark.skipif(not forking.POSSIBLE, reason="nothing is forked here")
def test_the_worker_and_the_server_hold_one_copy_of_what_both_have_read(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        (worker,) = server.children()
        told = Path(f"/proc/{worker}/smaps_rollup").read_text()
    [shared] = [line.split()[1] for line in told.splitlines() if line.startswith("Shared_Dirty:")]
    assert int(shared) > 10_000  # kilobytes; of a process that was not forked it is next to nothing


def test_the_data_folder_is_for_its_owner_only(tmp_path: Path) -> None:
    with serving(tmp_path / "var"):
        assert stat.S_IMODE((tmp_path / "var").stat().st_mode) == 0o700


def test_it_says_what_to_set(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        server.process.send_signal(signal.SIGINT)
        told, _ = server.process.communicate(timeout=60)
    assert f"export OTEL_EXPORTER_OTLP_ENDPOINT={server.otlp_http}" in told
    assert "CLAUDE_CODE_ENABLE_TELEMETRY=1" in told
    assert f"webhooks come to {server.api.base_url}/webhooks/" in told


@pytest.mark.parametrize("option", ["--otlp-http", "--otlp-grpc", "--http"])
def test_a_taken_port_is_named(tmp_path: Path, option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        others = free_ports(3)
        options = dict(zip(("--otlp-http", "--otlp-grpc", "--http"), others, strict=True))
        options[option] = port
        listen = [word for o, p in options.items() for word in (o, f"127.0.0.1:{p}")]
        process = command("serve", "--data", str(tmp_path), *listen)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{port}" in told
    assert option in told


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_not_writable_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    process = command("serve", "--data", str(tmp_path))
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "not writable" in told


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    process = command("serve", "--data", str(tmp_path / "file" / "var"))
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Cannot make the data folder" in told


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "assay.db").write_bytes(b"this is a letter" * 1000)
    process = command("serve", "--data", str(tmp_path))
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Cannot use the database" in told
    assert "Traceback" not in told


def test_an_address_that_is_none_is_named() -> None:
    process = command("serve", "--http", "8000")
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "--http: '8000' is not HOST:PORT" in told


def test_it_does_not_listen_beyond_loopback_without_tokens(tmp_path: Path) -> None:
    port, otlp, grpc_port = free_ports(3)
    data = ["--data", str(tmp_path)]
    local = ["--otlp-http", f"127.0.0.1:{otlp}", "--otlp-grpc", f"127.0.0.1:{grpc_port}"]
    process = command("serve", *data, *local, "--http", f"0.0.0.0:{port}")
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "assay tokens create --role viewer" in told
    process = command("serve", *data, "--otlp-http", f"0.0.0.0:{otlp}")
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "assay tokens create --role ingest" in told


def test_tokens_guard_what_they_are_for(tmp_path: Path) -> None:
    made = {}
    for role in ("ingest", "viewer"):
        process = command("tokens", "create", "--role", role, "--data", str(tmp_path))
        secret, _ = process.communicate(timeout=60)
        made[role] = secret.strip()
    note, body = requests_of(SCENARIOS[0])[0]
    reading = {"Authorization": f"Bearer {made['viewer']}"}
    with serving(tmp_path, headers=reading) as server:
        with pytest.raises(httpx.HTTPStatusError, match="401"):
            send(server, note, body)
        with pytest.raises(httpx.HTTPStatusError, match="403"):
            send(server, note, body, made["viewer"])
        send(server, note, body, made["ingest"])
        server.settle()
        sent = {"Authorization": f"Bearer {made['ingest']}"}
        assert server.api.get("/v1/usage", headers=sent).status_code == 403
        assert httpx.get(server.api.base_url.join("/v1/usage")).status_code == 401
