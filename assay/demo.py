"""``assay demo``: a simulated company to try everything on, sent through the front doors.

It has a folder of its own, marked by ``simulated.json``, so that simulated and real sessions never
share a database. What really happened stands in ``truth.json`` beside it.
"""

import contextlib
import csv
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import httpx
import typer

from assay.console import Http, OtlpGrpc, OtlpHttp, end, settings_from
from assay.demo_sending import Doors, in_order, send_all
from assay.people import import_people
from assay.settings import Settings
from assay.teams import import_teams
from simulation.company import Company, found
from simulation.living import live
from simulation.truth import truth

_MARK, _TRUTH, _RULES = "simulated.json", "truth.json", "thresholds.toml"
# A change takes 170 thousand tokens there; of real ones that were measured the median took 12.8
# million. What is too little money to look at is as much less.
_THRESHOLDS = """\
# The work of this company is a seventy-fifth the size of real work, and so is its money.
[rules]
costly_cents = 7
"""
_START_SECONDS = 60
_PAUSE = 0.2


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
    if settings.thresholds is None:
        (data / _RULES).write_text(_THRESHOLDS)
        settings = settings.model_copy(update={"thresholds": data / _RULES})
    doors = Doors(
        otlp=str(settings.otlp_http), api=str(settings.http), secret=secrets.token_hex(16)
    )
    with _serving(settings, doors) as server:
        # While the server starts.
        history = live(found(seed), until, weeks)
        (data / _TRUTH).write_text(json.dumps(truth(history)))
        past = in_order(history)
        _await_start(server, doors)
        if not _complete(data):
            _organise(data, history.company)
            send_all(past, history.company, doors)
            _mark(data, seed, weeks, until, complete=True)
        typer.echo(
            f"A simulated company, seed {seed}: http://{doors.api}\n"
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
def _serving(settings: Settings, doors: Doors) -> "Iterator[subprocess.Popen[bytes]]":
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
        yield server
    except KeyboardInterrupt:
        pass  # Ctrl-C has reached the server too.
    finally:
        if server.poll() is None:
            server.send_signal(signal.SIGTERM)
        server.wait()


def _await_start(server: "subprocess.Popen[bytes]", doors: Doors) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"http://{doors.api}/healthz", timeout=5).is_success:
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
    for into, name, rows in (
        (import_people, "people.csv", people),
        (import_teams, "teams.csv", teams),
    ):
        with (data / name).open("w", newline="") as file:
            csv.writer(file).writerows(rows)
        into(data / name, data=data)
