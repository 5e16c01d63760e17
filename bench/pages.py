"""How long every page takes with many sessions behind it: ``python -m bench.pages``.

A company is made up in the database (``bench.pages_data``), and each page, and some answers of the
API that look at much, are asked for through the application as it is served but for the socket.
Each is asked once to begin with, then so many times; the running week is written to before every
tenth one. The aim is 300 ms at p99 with 1,000,000 sessions.
"""

import argparse
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import text
from starlette.testclient import TestClient

from assay import cycles
from bench import rollups
from bench.pages_data import fill
from domain.weeks import week_of
from store import access, outcomes, schema
from store.access import Role
from store.engine import Database
from tests.api.answering import NOW, client

_PAGES = (
    *("/", "/?weeks=52", "/?tool=tool-1", "/?team=team-1", "/?model=model-0-1"),
    *("/tools", "/tools/codex", "/teams", "/routing", "/leaks", "/budgets"),
    *("/alerts", "/alerts?state=resolved", "/quality", "/quality?weeks=104", "/connect", "/me"),
    *("/sessions", "/sessions?weeks=104", "/sessions?label=inefficient", "/sessions?team=team-1"),
    *("/sessions?repo=acme/repo-7", "/sessions?model=model-4-1", "/sessions?model=nothing"),
    *("/sessions?tool=tool-4&label=unknown", "{session}"),
    *("/changes", "/changes?repo=acme/repo-7", "/changes?state=open", "{change}"),
    *("/tickets", "/tickets?project=PAY", "/tickets?project=NONE", "{ticket}"),
)
_ANSWERS = (
    *("/v1/rules", "/v1/budgets", "/v1/alerts", "/v1/unlinked", "/v1/status", "/v1/me"),
    "/v1/links",
    *(f"/v1/usage?from={(NOW - timedelta(days=days)).date()}" for days in (1, 30)),
)


def main() -> None:
    """Fill, ask, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    rollups.company(parser)
    parser.add_argument("--asked", type=int, default=30, help="times each page")
    parser.add_argument("--only", default="", help="pages whose address holds this")
    parser.add_argument("--keep", type=Path, help="folder to keep the database in, and use again")
    told = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        path = (told.keep or Path(folder)) / "pages.db"
        there = path.exists()
        database = Database(f"sqlite:///{path}")
        schema.migrate(database, NOW)
        if not there:
            begun = time.perf_counter()
            fill(database, told)
            console.print(f"made {time.perf_counter() - begun:.0f} s")
        console.print(f"{path.stat().st_size >> 20} MB")
        cycles.look_rarely(cycles.ANSWERING)
        console.print(_measured(database, told.asked, told.only))
        database.close()


def _measured(database: Database, times: int, only: str) -> Table:
    table = Table(title=f"milliseconds, of {times} each; cpu: of the processor")
    for column in ("page", "first", "p50", "p99", "cpu p50", "cpu p99", "kB"):
        table.add_column(column, justify="left" if column == "page" else "right")
    http = _somebody(database)
    for page in (*_PAGES, *_ANSWERS):
        path = _named(database, page)
        if only not in path:
            continue
        waits, worked = [], []
        length = 0
        for number in range(times + 1):
            if number % 10 == 1:
                with database.writing() as connection:
                    outcomes.stamp(connection, [week_of(NOW)])
            begun, cpu = time.perf_counter(), time.process_time()
            answer = http.get(path)
            waits.append((time.perf_counter() - begun) * 1000)
            worked.append((time.process_time() - cpu) * 1000)
            length = len(answer.content)
            if answer.status_code != 200:
                raise SystemExit(f"{path}: {answer.text}")
        cells = (waits[0], *_spread(waits[1:]), *_spread(worked[1:]))
        table.add_row(page, *(f"{ms:.0f}" for ms in cells), f"{length / 1000:.0f}")
    return table


def _somebody(database: Database) -> TestClient:
    """A client of an admin who has sessions, as ``/me`` is about somebody."""
    with database.writing() as connection:
        person = connection.execute(text("SELECT min(person) FROM outcome_people")).scalar_one()
        _, secret = access.create(connection, "bench", Role.ADMIN, NOW, person=person)
    http = client(database, open_without=False, host="assay.example.com")
    http.headers["Authorization"] = f"Bearer {secret}"
    return http


def _named(database: Database, page: str) -> str:
    """The address of one that there is, where a page is about one."""
    queries = {
        "{session}": "SELECT '/sessions/' || tool || '/' || session_id FROM sessions"
        " WHERE pk IN (SELECT session_pk FROM links) LIMIT 1",
        "{change}": "SELECT '/changes/' || repo || '/' || number FROM changes LIMIT 1",
        "{ticket}": "SELECT '/tickets/' || key FROM tickets LIMIT 1",
    }
    if page not in queries:
        return page
    with database.reading() as connection:
        return str(connection.execute(text(queries[page])).scalar_one())


def _spread(told: list[float]) -> tuple[float, float]:
    """The median, and what 99 of 100 stay below."""
    ordered = sorted(told)
    return ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]


if __name__ == "__main__":
    main()
