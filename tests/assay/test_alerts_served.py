"""From a record to a message: the real server, a real receiver."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx

from tests.serving import serving

# Only so that a test ends that would not: how long it takes is measured elsewhere.
_PATIENCE_SECONDS = 120


def told_now(session: str, number: int) -> dict[str, Any]:
    """What Claude Code sends of one request of this moment."""
    attributes = {
        "session.id": session,
        "model": "claude-sonnet-4-5",
        "event.name": "api_request",
        "request_id": f"{session} {number}",
        "input_tokens": "100000",
        "output_tokens": "0",
    }
    record = {"timeUnixNano": str(time.time_ns()), "attributes": pairs(attributes)}
    logs = [{"scope": {"name": "com.anthropic.claude_code.events"}, "logRecords": [record]}]
    resource = {"attributes": pairs({"service.name": "claude-code"})}
    return {"resourceLogs": [{"resource": resource, "scopeLogs": logs}]}


def pairs(told: dict[str, str]) -> list[dict[str, Any]]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in told.items()]


def test_a_record_becomes_a_message(tmp_path: Path) -> None:
    received: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    receiver = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=receiver.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{receiver.server_port}"
    try:
        with serving(tmp_path, ASSAY_ALERT_SLACK_URL=url, ASSAY_PRIVACY_FLOOR="1") as server:
            budget = {"name": "tiny", "amount": 0.5, "thresholds": [100]}
            server.api.post("/v1/budgets", json=budget).raise_for_status()
            for number in range(2):
                body = told_now("s1", number)
                httpx.post(f"{server.otlp_http}/v1/logs", json=body).raise_for_status()
            deadline = time.monotonic() + _PATIENCE_SECONDS
            while not received and time.monotonic() < deadline:
                time.sleep(0.1)
            server.settle()
            # What was sent is noted in a transaction of its own, right after.
            while [told["state"] for told in told_of(server.get("/v1/alerts"))] != ["sent"]:
                assert time.monotonic() < deadline
                time.sleep(0.1)
    finally:
        receiver.shutdown()
        receiver.server_close()
        thread.join()
    [message] = received
    assert "$0.60 of $0.50 used (120%)" in json.dumps(message)


def told_of(answer: dict[str, Any]) -> list[dict[str, Any]]:
    [alert] = answer["rows"]
    told: list[dict[str, Any]] = alert["told"]
    return told
