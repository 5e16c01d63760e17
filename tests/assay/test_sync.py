"""``assay sync``, what runs it on schedule, and ``assay connect`` of forges and trackers."""

import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from assay.connecting_providers import provider_connections, webhook_state
from assay.console import settings_from
from assay.main import app
from assay.opening import CannotStart
from assay.provider_settings import (
    PROVIDER_KINDS,
    BadProviderSetting,
    ProviderSettings,
    provider_settings,
    variable,
)
from assay.reading import client_of, source_named
from store.engine import Database
from store.report_status import Covered
from tests.collector.forges.github_story import REPO, GitHubStory
from tests.collector.sync_server import NOW, TOKEN, Request, Response, SyncServer
from tests.filling import rows
from tests.serving import command, serving

ROOT = Path(__file__).parents[2]


def github(server: SyncServer, **more: str) -> dict[str, str]:
    return {"ASSAY_GITHUB_URL": server.url, "ASSAY_GITHUB_TOKEN": TOKEN, "COLUMNS": "200"} | more


def run(*arguments: str, data: Path, **environment: str) -> tuple[int, str, str]:
    """``assay``: (exit status, output, error)."""
    with command(*arguments, ASSAY_DATA=str(data), **environment) as process:
        output, error = process.communicate(timeout=120)
    return process.returncode, output, error


def counted(data: Path, table: str) -> int:
    database = Database(f"sqlite:///{data / 'assay.db'}")
    try:
        return len(rows(database, table))
    finally:
        database.close()


# assay sync


def test_it_shows_what_came_and_the_next_one_reads_on(tmp_path: Path) -> None:
    with SyncServer(GitHubStory().respond) as server:
        status, output, error = run("sync", data=tmp_path, **github(server))
        assert (status, error) == (0, "")
        [told] = [line for line in output.splitlines() if REPO in line]
        assert re.findall(r"[0-9]+", told) == ["5", "14", "8", "2", "8", "2", "20"]
        server.requests.clear()
        assert run("sync", "github", data=tmp_path, **github(server))[0] == 0
        assert len(server.requests) == 9
    assert counted(tmp_path, "changes") == 5


def test_one_that_fails_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    story = GitHubStory()

    def respond(request: Request) -> Response:
        refused = request.path.endswith("/deployments")
        return Response({}, 403) if refused else story.respond(request)

    with SyncServer(respond) as server:
        named = ("--repository", "acme/gone", "--repository", REPO)
        arguments = ("sync", "github", *named, "--since", "2026-11-15")
        status, output, error = run(*arguments, data=tmp_path, **github(server))
        assert "/user/repos" not in [request.path for request, _ in server.requests]
    assert status == 1
    assert error.splitlines() == [
        "github acme/gone changes failed: /repos/acme/gone/pulls: there is none, or the token may"
        " not know of it (404)"
    ]
    assert "github acme/payments deployments is not read: " in output
    assert counted(tmp_path, "changes") == 2


def test_without_anything_to_read_with_it_says_where_to_begin(tmp_path: Path) -> None:
    status, _, error = run("sync", data=tmp_path)
    assert (status, error) == (1, "There is nothing to read with. See: assay connect github\n")


@pytest.mark.parametrize(
    ("provider", "environment", "said"),
    [
        ("github", {}, "Nothing to read github with: set ASSAY_GITHUB_TOKEN."),
        ("sourcehut", {}, "There is no provider 'sourcehut' to read. There are: github"),
        ("jira", {"ASSAY_JIRA_TOKEN": "t"}, "The address of jira is not known: set ASSAY_JIRA_URL"),
        ("github", {"ASSAY_GITHUB_APP_ID": "1"}, "The App 1 has no key: set ASSAY_GITHUB_APP_KEY"),
        (
            "github",
            {"ASSAY_GITHUB_APP_ID": "1", "ASSAY_GITHUB_APP_KEY": "missing.pem"},
            "Cannot read the App's key missing.pem",
        ),
    ],
)
def test_what_is_missing_is_said(
    provider: str, environment: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = settings_from()

    def connect() -> None:
        with client_of(source_named(provider, settings), settings.providers[provider]):
            raise AssertionError("there is nothing to connect with")

    with pytest.raises(CannotStart, match=re.escape(said)):
        connect()


def test_wrong_credentials_are_said(tmp_path: Path) -> None:
    with SyncServer(lambda _: Response({}, 401)) as server:
        status, _, error = run("sync", data=tmp_path, **github(server))
    assert (status, error) == (1, "github failed: /user/repos: the token is not accepted (401)\n")
    assert TOKEN not in error


def test_it_ends_with_whoever_started_it(tmp_path: Path) -> None:
    """Ctrl-C, or the end of the command itself, ends the process that reads."""
    asked: list[Request] = []

    def respond(request: Request) -> Response:
        asked.append(request)
        time.sleep(60)
        return Response([])

    with SyncServer(respond) as server:
        process = command("sync", ASSAY_DATA=str(tmp_path), **github(server))
        until(lambda: bool(asked))
        [child] = children(process)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        until(lambda: not Path(f"/proc/{child}").exists())


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def children(process: "subprocess.Popen[Any]") -> list[int]:
    told = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(pid) for pid in told]


# On schedule


def test_a_server_reads_what_is_connected(tmp_path: Path) -> None:
    with (
        SyncServer(GitHubStory().respond) as forge,
        serving(tmp_path, None, None, **github(forge)) as server,
    ):

        def read() -> bool:
            told = server.get("/v1/coverage")["rows"]
            return ("github", "commits") in [(row["tool"], row["name"]) for row in told]

        until(read)
        assert server.interrupt() == 0
    assert counted(tmp_path, "changes") == 5


def test_a_schedule_of_zero_reads_nothing(tmp_path: Path) -> None:
    never = {"ASSAY_SYNC_MINUTES": "0"}
    with SyncServer(GitHubStory().respond) as forge:
        with serving(tmp_path, None, None, **github(forge, **never)) as server:
            server.settle()
            assert len(server.children()) == 1
        assert forge.requests == []


# assay connect


@pytest.mark.parametrize("name", [kind.name for kind in PROVIDER_KINDS])
def test_connecting_says_what_to_set(name: str, tmp_path: Path) -> None:
    environment = {"ASSAY_HTTP": "assay.test:8000", "ASSAY_DATA": str(tmp_path)}
    told = CliRunner().invoke(app, ["connect", name], env=environment)
    assert told.exit_code == 1
    assert told.stdout.startswith(provider_connections()[name].title)
    assert f"- Address: http://assay.test:8000/webhooks/{name}" in told.stdout
    secret = variable(name, "webhook_secret")
    assert f"NO   Webhooks are refused until {secret} is set." in told.stdout
    assert f"  {variable(name, 'token')} " in told.stdout
    explained = set(provider_connections()[name].variables)
    assert explained <= ProviderSettings.model_fields.keys()
    assert {"token", "webhook_secret"} <= explained


def test_connecting_tests_what_is_set(tmp_path: Path) -> None:
    story = GitHubStory()

    def respond(request: Request) -> Response:
        return Response({"login": "ada"}) if request.path == "/user" else story.respond(request)

    with SyncServer(respond) as server:
        told = github(server, ASSAY_GITHUB_WEBHOOK_SECRET="0123456789abcdef")
        status, output, error = run("connect", "github", data=tmp_path, **told)
    assert (status, error) == (0, "")
    assert output.split("What is set now:\n")[1].splitlines() == [
        "  yes  The webhook's secret is set.",
        "  NO   No delivery with this secret has arrived yet.",
        "  yes  The token is ada's.",
        f"  yes  It sees {REPO}.",
    ]


def test_connecting_says_when_the_last_delivery_came() -> None:
    covered = [
        Covered(
            tool="github",
            signal=signal,
            name=name,
            outcome="understood",
            records=count,
            first_at=NOW,
            last_at=NOW,
        )
        for signal, name, count in (("webhook", "push", 3), ("sync", "changes", 9))
    ]
    told = ProviderSettings.model_validate({"webhook_secret": "short"})
    assert webhook_state("github", told, covered) == [
        "NO   The webhook's secret is shorter than 16 characters.",
        "yes  3 deliveries have arrived, the last at 2026-11-22 12:00 UTC.",
    ]


# Settings


def test_settings_of_a_provider_come_from_its_variables() -> None:
    told = provider_settings(
        {
            "ASSAY_BITBUCKET_CLOUD_TOKEN": "t",
            "ASSAY_BITBUCKET_CLOUD_REPOSITORIES": "acme/a, acme/b  acme/c",
            "ASSAY_GITLAB_URL": "https://git.example.com/",
            "ASSAY_GITHUB_URL": "",
        }
    )
    assert told["bitbucket-cloud"].repositories == ("acme/a", "acme/b", "acme/c")
    assert told["gitlab"].url == "https://git.example.com"
    assert told["github"].url == "https://api.github.com"
    assert [name for name, each in told.items() if each.readable] == ["bitbucket-cloud"]


@pytest.mark.parametrize(
    "url", ["ftp://x", "git.example.com", "https://", "https://me:secret@x", "https://x?a=1"]
)
def test_an_address_that_is_none_is_refused_by_the_name_of_its_variable(url: str) -> None:
    with pytest.raises(BadProviderSetting, match="ASSAY_GITEA_URL: write a URL") as told:
        provider_settings({"ASSAY_GITEA_URL": url})
    assert "secret@" not in str(told.value)


def test_every_variable_is_documented() -> None:
    told = (ROOT / "docs" / "settings.md").read_text()
    missing = [
        kind.name
        for kind in PROVIDER_KINDS
        if f"`{kind.name.upper().replace('-', '_')}`" not in told
    ]
    assert missing == []
