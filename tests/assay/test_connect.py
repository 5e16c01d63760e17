"""What ``assay connect`` prints can be pasted, and what it verifies is what arrived."""

import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from assay.connecting import Check, Setting, connections, rendered
from assay.connecting_providers import provider_connections
from assay.main import app
from collector.dialects import DIALECTS
from tests.capturing import CAPTURES
from tests.serving import Server, command, free_ports, requests_of, send, serving

PAGES = Path(__file__).parents[2] / "docs" / "tools"
ENDPOINT, KEY = "https://assay.example:4318", "assay_a-key_of-43-letters"
SETTINGS = [(tool, each) for tool, told in connections().items() for each in told.settings]
IDS = [f"{tool}-{setting.syntax}" for tool, setting in SETTINGS]


def run(*arguments: str, **environment: str) -> tuple[int, str, str]:
    """``assay connect``: (exit status, output, error)."""
    told = CliRunner().invoke(app, ["connect", *arguments], env=environment)
    return told.exit_code, told.stdout, told.stderr


def read(setting: Setting) -> Any:
    """The setting as the tool reads it; raises where it is not of its syntax."""
    text = rendered(setting, ENDPOINT, KEY)
    if setting.syntax == "json":
        return json.loads(text)
    if setting.syntax == "toml":
        return tomllib.loads(text)
    if setting.syntax == "environment":
        return dict(exported(text) - exported(""))
    return text


def exported(script: str) -> set[tuple[str, str]]:
    """The variables that are set where a shell has read this."""
    words = ["/bin/sh", "-c", f"{script}\nenv -0"]
    told = subprocess.run(words, capture_output=True, env={}, check=True).stdout.decode()
    pairs = (pair.partition("=") for pair in told.split("\0") if pair)
    return {(name, value) for name, _, value in pairs}


def leaves(told: Any) -> Iterator[tuple[str, str]]:
    """Names and values at the ends of what was read."""
    for name, value in told.items():
        if isinstance(value, dict):
            yield from leaves(value)
        else:
            yield name, str(value)


def test_every_tool_of_the_dialects_and_every_page_can_be_connected() -> None:
    assert {dialect.tool for dialect in DIALECTS} <= connections().keys()
    assert {page.stem for page in PAGES.glob("*.md")} == connections().keys()


@pytest.mark.parametrize(("tool", "setting"), SETTINGS, ids=IDS)
def test_a_setting_is_of_its_syntax_and_of_its_tools_page(tool: str, setting: Setting) -> None:
    told = read(setting)
    page = re.sub(r"\s+", " ", (PAGES / f"{tool}.md").read_text())
    if setting.syntax == "form":
        return
    for name, value in leaves(told):
        assert name in page
        # What is not of this server stands on the page as it is printed.
        if ENDPOINT not in value and KEY not in value:
            spelled = json.dumps(value) if setting.syntax == "json" else value
            assert spelled.strip('"') in page or value in ("True", "False")


@pytest.mark.parametrize("tool", connections())
def test_server_and_key_are_in_it(tool: str) -> None:
    texts = [rendered(each, ENDPOINT, KEY) for each in connections()[tool].settings]
    assert any(ENDPOINT in text for text in texts)
    assert any(re.search(rf"Bearer( |%20){KEY}\b", text) for text in texts)
    assert not any("$" in text or "<key>" in text for text in texts)


@pytest.mark.parametrize("tool", connections())
def test_what_it_tells_and_why_something_is_missing_belong_together(tool: str) -> None:
    told = connections()[tool]
    signals = {Check.LOGS, Check.METRICS, Check.TRACES}
    assert signals.intersection(told.tells)
    who = {Check.USER, Check.TEAM, Check.REPOSITORY}
    assert who.isdisjoint(told.tells)
    assert set(told.missing) <= {*told.tells, *who}
    assert all(told.reason(check).endswith(".") for check in Check)


def test_it_prints_the_settings_ready_to_paste() -> None:
    status, out, error = run("claude-code", "--endpoint", f"{ENDPOINT}/", "--key", KEY)
    assert (status, error) == (0, "")
    env = json.loads(out[out.index("{") : out.rindex("}") + 1])["env"]
    assert env["OTEL_EXPORTER_OTLP_ENDPOINT"] == ENDPOINT
    assert env["OTEL_EXPORTER_OTLP_HEADERS"] == f"Authorization=Bearer {KEY}"
    assert "/etc/claude-code/" in out
    assert "assay connect claude-code --verify" in out


def test_codex_reads_it_as_one_exporter_a_signal() -> None:
    [setting] = connections()["codex"].settings
    header = {"Authorization": f"Bearer {KEY}"}
    assert read(setting)["otel"] == {
        "environment": "prod",
        "log_user_prompt": False,
        **{
            name: {
                "otlp-http": {
                    "endpoint": f"{ENDPOINT}/v1/{signal}",
                    "protocol": "binary",
                    "headers": header,
                }
            }
            for name, signal in (
                ("exporter", "logs"),
                ("trace_exporter", "traces"),
                ("metrics_exporter", "metrics"),
            )
        },
    }


def test_without_options_it_is_for_the_server_of_the_settings() -> None:
    out = run("goose")[1]
    assert "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318" in out
    assert "127.0.0.1 is this machine only" in out
    assert "assay keys create --team TEAM" in out
    out = run("goose", ASSAY_OTLP_HTTP="0.0.0.0:9999")[1]
    assert re.search(r"OTEL_EXPORTER_OTLP_ENDPOINT=http://(?!0\.0\.0\.0)[^:]+:9999", out)
    out = run("goose", ASSAY_ENDPOINT=ENDPOINT, ASSAY_KEY=KEY)[1]
    assert f"OTEL_EXPORTER_OTLP_ENDPOINT={ENDPOINT}\n" in out
    assert KEY in out
    assert "this machine only" not in out


def test_a_vendors_server_needs_a_public_address() -> None:
    assert "public HTTPS only" in run("cursor")[1]
    assert "public HTTPS only" not in run("cursor", "--endpoint", ENDPOINT)[1]


def test_tools_forges_and_trackers_are_listed() -> None:
    status, out, _ = run("--list")
    assert status == 0
    known = [*sorted(connections()), *provider_connections()]
    assert [line.split()[0] for line in out.splitlines()] == known
    assert run() == (0, out, "")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["emacs"], "There is no tool 'emacs' here. There are: claude-code, cline, codex,"),
        (["goose", "--endpoint", "assay.example"], "write a URL"),
        (["goose", "--endpoint", "https://x.example/v1/logs"], "give the base address"),
        (["goose", "--endpoint", 'https://x.example/"'], "write a URL"),
        (["goose", "--key", "two words"], "none that 'assay keys create' printed"),
        (["goose", "--verify", "--api", "x.example"], "write a URL"),
    ],
)
def test_what_cannot_be_pasted_is_not_printed(arguments: list[str], sentence: str) -> None:
    status, out, error = run(*arguments)
    assert (status, out) == (1, "")
    assert sentence in error


# Against a running server


Answer = tuple[int, str]
# What arrives ends a verification by itself; the others wait for all of it.
SECONDS = {"claude-code": 60, "continue-cli": 60, "opencode": 20, "codex": 20}
WATCHED = {
    "claude-code": "claude-code/24-commit-variants-tool-details",
    "continue-cli": "continue-cli/s2_edit_shell-http",
    "opencode": "opencode/s1_simple-http+noexp",
    "codex": None,
}


def begin(server: Server, *tools: str, **environment: str) -> "list[subprocess.Popen[str]]":
    """Verifications that wait: whatever is sent from now on is new to them."""
    options = ("--verify", "--api", str(server.api.base_url))
    processes = [
        command("connect", tool, *options, "--timeout", str(SECONDS[tool]), **environment)
        for tool in tools
    ]
    for tool, process in zip(tools, processes, strict=True):
        assert process.stdout is not None
        told = process.stdout.readline()
        assert f"Waiting up to {SECONDS[tool]} s for {connections()[tool].title}" in told
    return processes


def answer(process: "subprocess.Popen[str]") -> Answer:
    """How it ends: (exit status, output)."""
    out, error = process.communicate(timeout=60)
    assert error == ""
    return process.returncode, out


def send_all(server: Server, capture: str, token: str | None = None) -> None:
    for note, body in requests_of(CAPTURES / capture):
        send(server, note, body, token)


@pytest.fixture(scope="module")
def verified(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answer]:
    """What is said of each tool while all of them send; one has sent another session before."""
    with serving(tmp_path_factory.mktemp("connect")) as server:
        send_all(server, "claude-code/17-oauth-identity")
        server.settle()
        processes = begin(server, *WATCHED)
        for capture in WATCHED.values():
            if capture:
                send_all(server, capture)
        return dict(zip(WATCHED, map(answer, processes), strict=True))


def lines(out: str) -> dict[str, str]:
    """The lines of the report by their names."""
    return dict(re.findall(r"^  (\S+) +(.+)$", out, re.MULTILINE))


def lacking(out: str) -> list[str]:
    """What is missing, by the first words of each line."""
    return re.findall(r"^- ([^.]+)\.", out, re.MULTILINE)


def test_it_says_what_arrived_since_and_what_is_missing(verified: dict[str, Answer]) -> None:
    status, out = verified["claude-code"]
    assert status == 0, out
    assert lines(out) == {
        "records": "35 logs, 9 metrics",
        "sessions": "1",
        "requests": "10",
        "tokens": "33,146 input, 1,000 read from cache, 210 written to cache, 3,566 output",
        "models": "claude-sonnet-4-5-20250929",
        "users": "only machines",
        "teams": "not told",
        "repositories": "not told",
        "commits": "3 by their SHA",
    }
    # The metrics counted four commits; the one made with -q left no SHA.
    assert lacking(out) == [
        "the SHA of 1 of the counted commits",
        "the person",
        "team",
        "repository",
    ]
    assert "OTEL_LOG_TOOL_DETAILS=1 is not set" in out


def test_usage_without_sessions_is_what_such_a_tool_tells(verified: dict[str, Answer]) -> None:
    status, out = verified["continue-cli"]
    assert status == 0, out
    told = lines(out)
    assert (told["sessions"], told["requests"]) == ("0", "not told")
    assert told["tokens"] == "5,110 input, 360 output"
    assert lacking(out) == ["the person", "team", "repository"]


def test_records_that_tell_no_usage_are_not_enough(verified: dict[str, Answer]) -> None:
    status, out = verified["opencode"]
    assert status == 1
    assert "OpenCode: records arrived within 20 s, but none that tells any requests" in out
    assert '"openTelemetry": true is not set in opencode.json' in out


def test_in_silence_it_says_what_to_look_at_and_who_else_was_heard(
    verified: dict[str, Answer],
) -> None:
    status, out = verified["codex"]
    assert status == 1
    assert "Nothing of OpenAI Codex arrived within 20 s. Is it set up where it runs" in out
    assert "Meanwhile others sent: claude-code, continue-cli, opencode." in out


def test_a_server_that_does_not_answer_is_named() -> None:
    address = f"http://127.0.0.1:{free_ports(1)[0]}"
    status, out, error = run("goose", "--verify", "--api", address)
    assert (status, out) == (1, "")
    assert f"No answer from {address}/v1/usage" in error
    assert "Is 'assay serve' running there?" in error


def make(data: Path, *arguments: str) -> str:
    """A new token or key."""
    told = CliRunner().invoke(app, [*arguments, "--data", str(data)])
    assert told.exit_code == 0
    return told.stdout.strip()


def test_with_a_key_that_says_the_rest_nothing_is_missing(tmp_path: Path) -> None:
    said = ("--user", "alice@acme.example", "--team", "web", "--attribute", "repo=acme/web")
    key = make(tmp_path, "keys", "create", *said)
    token = make(tmp_path, "tokens", "create", "--role", "admin")
    with serving(tmp_path) as server:
        options = ("--verify", "--timeout", "0", "--api", str(server.api.base_url))
        status, _, error = run("claude-code", *options)
        assert status == 1
        assert "refuses: Send 'Authorization: Bearer <token>'" in error
        [process] = begin(server, "claude-code", ASSAY_TOKEN=token)
        send_all(server, "claude-code/01-simple-http-protobuf", key)
        status, out = answer(process)
    assert status == 0, out
    assert out.endswith("\nNothing is missing.\n")
    told = lines(out)
    assert (told["teams"], told["repositories"]) == ("web", "acme/web")
    assert told["users"].startswith("p_")
