"""How long the digests of one week take: one for each of 200 teams, and the company's.

``python -m bench.digests --sessions 1000000``. What sessions add is made up as in
``bench.rollups``; every digest is written in every form, pictures too, as ``assay digest send``
writes them. Nothing is sent.
"""

import argparse
import statistics as of_numbers
import tempfile
import time
from pathlib import Path

from rich.console import Console

from api.digest.edition import Audience
from api.digest.writing import Press, press
from assay import cycles
from bench import rollups
from domain.weeks import monday, week_of
from store import migrating, statistics
from store.engine import Database
from store.outcomes_anew import rebuild
from tests.api.answering import NOW, client

_SLOWEST = -1


def main() -> None:
    """Fill, write them all, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    rollups.company(parser, teams=200, repositories=400)
    told = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'digests.db'}")
        migrating.migrate(database, NOW)
        rollups.fill(database, told)
        rebuild(database)
        statistics.refresh(database)
        wiring = client(database).app.state.wiring  # type: ignore[attr-defined]
        cycles.look_rarely(cycles.ANSWERING)
        began, spent = time.perf_counter(), time.process_time()
        made = press(wiring, monday(week_of(NOW)).date(), "https://assay.example")
        took = _each(made, told.teams)
        whole, processor = time.perf_counter() - began, time.process_time() - spent
        console.print(
            f"{len(took)} digests with {told.sessions:,} sessions: {whole:.1f} s,"
            f" {processor:.1f} s of the processor; one {of_numbers.median(took) * 1000:.0f} ms"
            f" at the median, {took[_SLOWEST] * 1000:.0f} ms at most"
        )


def _each(made: Press, teams: int) -> list[float]:
    """The seconds that each took, the slowest last."""
    took = []
    for audience in (Audience(), *(Audience(teams=(f"team-{n}",)) for n in range(teams))):
        began = time.perf_counter()
        edition = made.edition(audience)
        took.append(time.perf_counter() - began)
        if not edition.text:
            raise SystemExit("a digest is empty")
    return sorted(took)


if __name__ == "__main__":
    main()
