"""``python -m bench``: measure our own server. ``python -m bench.others`` sets others beside it."""

import argparse
import json
import tempfile
from functools import partial
from pathlib import Path

from rich.console import Console

from bench import ours
from bench.measured import as_json, machine, median, table
from bench.process import end_when_asked, running


def main() -> None:
    """Run all measurements of the way of a record."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--requests", type=int, default=4_000, help="of 50 records, a step")
    parser.add_argument("--repeat", type=int, default=1, help="times a step; the median is told")
    parser.add_argument("--quiet", type=float, default=0, help="seconds to wait for quiet, a step")
    parser.add_argument("--json", action="store_true", help="print JSON, no table")
    told = parser.parse_args()
    end_when_asked()
    about = {**machine(), "requests": told.requests, "repeat": told.repeat}
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as server:
        steps = (ours.accepted_http, ours.accepted_grpc, ours.sustained, ours.paced)
        rows = [
            median(partial(step, server, told.requests), told.repeat, told.quiet) for step in steps
        ]
        waits = ours.visible_ms(server)
        about["visible_p50_ms"], about["visible_p99_ms"] = waits[len(waits) // 2], waits[-1]
        about["disk_bytes_a_record"] = ours.disk_bytes(server, told.requests)
    if told.json:
        print(json.dumps({"about": about, "rows": as_json(rows)}, indent=1))
        return
    console = Console()
    console.print(table(rows))
    console.print(about)


if __name__ == "__main__":
    main()
