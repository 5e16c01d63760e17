"""``assay demo``: a simulated company to try everything on, sent through the front doors.

It has a folder of its own, marked by ``simulated.json``, so that simulated and real sessions never
share a database. What really happened stands in ``truth.json`` beside it.
"""

import contextlib
import csv
import hashlib
import hmac
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from assay.console import Http, OtlpGrpc, OtlpHttp, end, settings_from
from assay.settings import Settings
from simulation.company import Company, found
from simulation.deliveries import Delivery, deliveries
from simulation.history import History
from simulation.living import live
from simulation.telemetry import Body, told
from simulation.truth import truth

_MARK, _TRUTH, _RULES = "simulated.json", "truth.json", "thresholds.toml"
# A change takes 170 thousand tokens there; of real ones that were measured the median took 12.8
# million. What is too little money to look at is as much less.
_THRESHOLDS = """\
# The work of this company is a seventy-fifth the size of real work, and so is its money.
[rules]
costly_cents = 7
"""
_SENDERS = 4
_START_SECONDS = 60
_TRIES = 50
_PAUSE = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Doors:
    """Where the server listens, and what its webhooks are signed with."""

    otlp: str
    api: str
    secret: str


def demo(
    data: Annotated[Path, typer.Option(help="Folder of the simulated company's database.")] = Path(
        "demo"
    ),
    seed: Annotated[int, typer.Option(help="Another seed is another company.")] = 1,
    weeks: Annotated[int, typer.Option(min=1, max=104, help="How much of its past.")] = 39,
    otlp_http: OtlpHttp = None,
    otlp_grpc: OtlpGrpc = None,
    http: Http = None,
) -> None:
    """Serve a simulated company: sessions, changes and tickets of nine months, with the truth."""
    settings = settings_from(
        data=data, otlp_http=otlp_http, otlp_grpc=otlp_grpc, http=http, database_url=None
    )
    if settings.database_url is not None:
        end("A simulated company has a folder of its own: unset ASSAY_DATABASE_URL.")
    until = _marked(data, seed, weeks)
    history = live(found(seed), until, weeks)
    (data / _TRUTH).write_text(json.dumps(truth(history)))
    if settings.thresholds is None:
        (data / _RULES).write_text(_THRESHOLDS)
        settings = settings.model_copy(update={"thresholds": data / _RULES})
    doors = _Doors(
        otlp=f"http://{settings.otlp_http}",
        api=f"http://{settings.http}",
        secret=secrets.token_hex(16),
    )
    with _serving(settings, doors) as server:
        if not _complete(data):
            _organise(data, history.company)
            _send_all(history, doors)
            _mark(data, seed, weeks, until, complete=True)
        typer.echo(
            f"A simulated company, seed {seed}: {doors.api}\n"
            f"What really happened: {data / _TRUTH}. Ctrl-C stops it."
        )
        server.wait()


def _marked(data: Path, seed: int, weeks: int) -> datetime:
    """The end of the company's history: now, or what a former start has written down."""
    if data.exists() and any(data.iterdir()) and not (data / _MARK).exists():
        end(f"{data} holds something that is not simulated. Choose another folder with --data.")
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (data / _MARK).exists():
        # Whole seconds: the history must be the same one when it is sent again.
        _mark(data, seed, weeks, datetime.now(UTC).replace(microsecond=0), complete=False)
    known = json.loads((data / _MARK).read_text())
    if (known["seed"], known["weeks"]) != (seed, weeks):
        end(
            f"{data} holds the company of seed {known['seed']} over {known['weeks']} weeks."
            " Choose another folder with --data, or delete this one."
        )
    return datetime.fromisoformat(known["until"])


def _mark(data: Path, seed: int, weeks: int, until: datetime, *, complete: bool) -> None:
    known = {"seed": seed, "weeks": weeks, "until": until.isoformat(), "complete": complete}
    (data / _MARK).write_text(json.dumps(known))


def _complete(data: Path) -> bool:
    complete: bool = json.loads((data / _MARK).read_text())["complete"]
    return complete


@contextlib.contextmanager
def _serving(settings: Settings, doors: _Doors) -> "Iterator[subprocess.Popen[bytes]]":
    """The server as a process of its own, as ``assay serve`` starts it; stopped with this one."""
    command = [sys.executable, "-m", "assay", "serve", "--data", str(settings.data)]
    command += ["--otlp-http", str(settings.otlp_http), "--otlp-grpc", str(settings.otlp_grpc)]
    command += ["--http", str(settings.http)]
    own = {
        "ASSAY_GITHUB_WEBHOOK_SECRET": doors.secret,
        "ASSAY_JIRA_WEBHOOK_SECRET": doors.secret,
        "ASSAY_SYNC_MINUTES": "0",
        "ASSAY_THRESHOLDS": str(settings.thresholds),
    }
    server = subprocess.Popen(command, env=os.environ | own, stdout=subprocess.DEVNULL)
    # Whoever stops this process stops the server with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        _await_start(server, doors)
        yield server
    except KeyboardInterrupt:
        pass  # Ctrl-C has reached the server too.
    finally:
        if server.poll() is None:
            server.send_signal(signal.SIGTERM)
        server.wait()


def _await_start(server: "subprocess.Popen[bytes]", doors: _Doors) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{doors.api}/healthz", timeout=5).is_success:
                return
        time.sleep(_PAUSE)
    end("The server has not started; what it says stands above.")


def _organise(data: Path, company: Company) -> None:
    """Who is who and in which team, by the files that a company would write."""
    developers = company.developers
    leads = {each.team: each for each in reversed(developers)}
    people = [("person", "kind", "value")]
    people += [(each.name, "email", each.email) for each in developers]
    people += [(each.name, "github_login", each.login) for each in developers]
    teams = [("team", "person", "from", "to", "role")]
    teams += [(each.team, each.name, "", "", "") for each in developers]
    teams += [(team, lead.name, "", "", "lead") for team, lead in sorted(leads.items())]
    for command, rows in (("people", people), ("teams", teams)):
        file = data / f"{command}.csv"
        with file.open("w", newline="") as text:
            csv.writer(text).writerows(rows)
        told = [sys.executable, "-m", "assay", command, "import", str(file), "--data", str(data)]
        subprocess.run(told, check=True, stdout=subprocess.DEVNULL)


def _send_all(history: History, doors: _Doors) -> None:
    """Everything through the front doors, and wait until all of it is in the answers."""
    company = history.company
    people = {each.login: each for each in company.developers}
    sessions = [
        session
        for piece in history.pieces
        for session in piece.sessions
        if session.ended_at <= history.until
    ]
    work = deliveries(history)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with (
        Progress(*columns, TimeElapsedColumn()) as progress,
        httpx.Client(timeout=60) as client,
    ):
        door = _Door(client, doors)
        _each(
            progress,
            "telemetry of sessions",
            sessions,
            lambda session: door.telemetry(
                told(session, company.tools[session.tool], people[session.developer])
            ),
        )
        _each(progress, "webhooks of changes and tickets", work, door.webhook)
        _settle(progress, door)


def _each(progress: Progress, what: str, items: Sequence[Any], send: Callable[[Any], None]) -> None:
    task = progress.add_task(what, total=len(items))
    with ThreadPoolExecutor(_SENDERS) as senders:
        for _ in _in_turn(senders, send, items):
            progress.advance(task)


def _in_turn(
    senders: ThreadPoolExecutor, send: Callable[[Any], None], items: Sequence[Any]
) -> Iterable[None]:
    """Some hundred at once: a future for each of fifty thousand bodies would hold them all."""
    step = 200
    for start in range(0, len(items), step):
        yield from senders.map(send, items[start : start + step])


def _settle(progress: Progress, door: "_Door") -> None:
    task = progress.add_task("folding, linking and labelling", total=None)
    most = 0
    while pending := door.pending():
        most = max(most, pending)
        progress.update(task, total=most, completed=most - pending)
        time.sleep(_PAUSE)
    progress.update(task, total=most or 1, completed=most or 1)


class _Door:
    """Sends one thing at a time, again where the server asks to wait."""

    def __init__(self, client: httpx.Client, doors: _Doors) -> None:
        self._client = client
        self._doors = doors

    def telemetry(self, body: Body) -> None:
        path, content = body
        self._send(f"{self._doors.otlp}{path}", content, {"content-type": "application/x-protobuf"})

    def webhook(self, delivery: Delivery) -> None:
        content = json.dumps(delivery.body).encode()
        signed = hmac.digest(self._doors.secret.encode(), content, "sha256").hex()
        name = hashlib.blake2b(content, digest_size=16).hexdigest()
        headers = {
            "content-type": "application/json",
            "x-github-event": delivery.event,
            "x-github-delivery": name,
            "x-hub-signature-256": f"sha256={signed}",
            "x-hub-signature": f"sha256={signed}",
            "x-atlassian-webhook-identifier": name,
        }
        self._send(f"{self._doors.api}/webhooks/{delivery.provider}", content, headers)

    def pending(self) -> int:
        """What is acknowledged and not yet in every answer."""
        pending: int = self._client.get(f"{self._doors.api}/v1/status").json()["pending"]
        return pending

    def _send(self, url: str, content: bytes, headers: dict[str, str]) -> None:
        for _ in range(_TRIES):
            answer = self._client.post(url, content=content, headers=headers)
            if answer.status_code not in (429, 503):
                answer.raise_for_status()
                return
            time.sleep(float(answer.headers.get("retry-after", 1)))
        answer.raise_for_status()
