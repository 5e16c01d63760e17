"""``python -m bench.join``: how good and how fast sessions are tied to commits.

``--data DIR`` tells a folder of real sessions with known commits to our own server through its
front door, once with the branch that each session worked on and once without any, and compares the
links with the truth. ``--scale N`` makes up N thousand sessions with two hundred commits for each
thousand, joins them from nothing, and lets single webhooks arrive.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from urllib.parse import urlencode

from rich.console import Console
from rich.table import Table

from bench import join_data
from bench.join_data import Truth
from bench.join_scale import join
from bench.process import Running, end_when_asked, fetch, running
from classifier.measure import Quality, Said, quality

_PAGE = 500


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench.join", description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of sessions with known commits")
    parser.add_argument("--scale", type=int, help="thousands of sessions to make up and join")
    told = parser.parse_args()
    end_when_asked()
    console = Console()
    if told.data:
        console.print(_accuracy(join_data.read(told.data)))
    if told.scale:
        with tempfile.TemporaryDirectory() as folder:
            console.print(asdict(join(Path(folder), told.scale)))


def _accuracy(truth: Truth) -> Table:
    table = Table("branch", "precision", "recall", "calibration error", "precision, lower bound")
    for with_branch in (True, False):
        known, all_of_them = accuracy(truth, with_branch=with_branch)
        cells = (known.precision, known.recall, known.calibration_error, all_of_them.precision)
        name = "told" if with_branch else "not told"
        table.add_row(name, *("" if cell is None else f"{cell:.3f}" for cell in cells))
    return table


def accuracy(truth: Truth, *, with_branch: bool) -> tuple[Quality, Quality]:
    """How good the links are: over commits whose session is known, and over all."""
    os.environ["ASSAY_GITHUB_WEBHOOK_SECRET"] = join_data.SECRET
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as server:
        _tell(server, truth, with_branch=with_branch)
        links = _links(server)
    known = join_data.known_commits(truth.pairs)
    said = [(sha, Said(p, (session, sha) in truth.pairs)) for session, sha, p in links]
    total = len(truth.pairs)
    return (
        quality([each for sha, each in said if sha in known], total),
        quality([each for _, each in said], total),
    )


def _tell(server: Running, truth: Truth, *, with_branch: bool) -> None:
    """Tell everything the way that tools, GitHub and an operator do."""
    headers = {"Content-Type": "application/json"}
    for body in join_data.telemetry(truth, with_branch=with_branch):
        fetch(f"http://127.0.0.1:{server.http}/v1/logs", body, headers)
    for number, (event, payload) in enumerate(join_data.deliveries(truth)):
        raw, signed = join_data.signed(event, payload, f"delivery-{number}")
        fetch(f"http://127.0.0.1:{server.api}/webhooks/github", raw, signed)
    people = server.data / "people.csv"
    people.write_text(join_data.people_file(truth), encoding="utf-8")
    command = [sys.executable, "-m", "assay", "people", "import", str(people)]
    subprocess.run([*command, "--data", str(server.data)], check=True, stdout=subprocess.DEVNULL)
    server.drain()


def _links(server: Running) -> list[tuple[str, str, float]]:
    """(session, SHA, probability) of all links to commits."""
    found: list[tuple[str, str, float]] = []
    asked = {"kind": "commit", "limit": _PAGE}
    while True:
        answer = server.answer(f"/v1/links?{urlencode(asked)}")
        found += [
            (row["session_id"], row["target"]["id"], row["probability"]) for row in answer["rows"]
        ]
        if not answer["next_cursor"]:
            return found
        asked["cursor"] = answer["next_cursor"]


if __name__ == "__main__":
    main()
