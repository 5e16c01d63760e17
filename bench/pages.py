"""How long every page takes with many sessions behind it: ``python -m bench.pages``.

A company is made up in the database (``bench.pages_data``), and a server is asked for each page
and for some answers of the API that look at much: once to begin with, then so many times; a session
of the running week is concluded anew before every tenth. The aim is 300 ms at p99 with 1,000,000
sessions.
"""

import argparse
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from bench import rollups
from bench.pages_data import fill
from bench.served import Served, served
from store import access, migrating
from store.access import Role
from store.engine import Database
from tests.api.answering import NOW

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
        migrating.migrate(database, NOW)
        if not there:
            begun = time.perf_counter()
            fill(database, told)
            console.print(f"made {time.perf_counter() - begun:.0f} s")
        console.print(f"{path.stat().st_size >> 20} MB")
        with served(database, token=_somebody(database)) as server:
            console.print(_measured(database, server, told.asked, told.only))
        database.close()


def _measured(database: Database, server: Served, times: int, only: str) -> Table:
    table = Table(title=f"milliseconds, of {times} each; cpu: of the server's processor")
    for column in ("page", "first", "p50", "p99", "cpu p50", "cpu p99", "kB"):
        table.add_column(column, justify="left" if column == "page" else "right")
    for page in (*_PAGES, *_ANSWERS):
        path = _named(database, page)
        if only in path:
            told, answer = server.timed(path, times)
            table.add_row(page, *told.cells(), f"{len(answer.content) / 1000:.0f}")
    return table


def _somebody(database: Database) -> str:
    """The token of an admin who has sessions, as ``/me`` is about somebody."""
    with database.writing() as connection:
        person = connection.execute(text("SELECT min(person) FROM outcome_people")).scalar_one()
        _, secret = access.create(connection, "bench", Role.ADMIN, NOW, person=person)
    return secret


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


if __name__ == "__main__":
    main()
