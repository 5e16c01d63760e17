"""How long the answers about groups take with many sessions behind them.

``python -m bench.rollups --sessions 1000000``. What sessions add is made up in the database itself,
all sums follow from it as in ``store.outcomes_anew``, and a server is asked over them; leaks follow
too, verdicts and routing are those of ``bench.kept``, which depend on no session. Each question is
asked once to begin with, then so many times; before every tenth a session of the running week is
concluded anew, so that what is remembered of that is worked out again.
"""

import argparse
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from bench import kept
from bench.leaks_data import LEAKS
from bench.served import Served, served
from domain.contributions import COUNTS
from domain.weeks import week_of
from store import migrating, statistics
from store.engine import Database
from store.outcomes_anew import rebuild
from store.tables.outcomes import LATER_COUNTS
from tests.api.answering import NOW

_WEEKS, _JUDGED_DAYS = 104, 30
_LAST = week_of(NOW)


def _since(weeks: int) -> str:
    return str((NOW - timedelta(weeks=weeks)).date())


_QUESTIONS: tuple[tuple[str, dict[str, str]], ...] = (
    ("/v1/efficiency", {}),
    ("/v1/efficiency", {"group_by": "repo"}),
    ("/v1/efficiency", {"group_by": "model"}),
    ("/v1/efficiency", {"group_by": "tool", "interval": "four_weeks"}),
    ("/v1/efficiency", {"group_by": "tool", "interval": "week", "from": _since(13)}),
    ("/v1/efficiency", {"group_by": "tool", "interval": "week"}),
    ("/v1/efficiency", {"group_by": "work_type", "tool": "tool-1"}),
    ("/v1/efficiency", {"group_by": "repo", "team": "team-7"}),
    ("/v1/efficiency", {"group_by": "team", "from": _since(13)}),
    ("/v1/kpis", {}),
    ("/v1/kpis", {"group_by": "team"}),
    ("/v1/kpis", {"group_by": "repo"}),
    ("/v1/kpis", {"group_by": "model", "interval": "four_weeks"}),
    ("/v1/leaks", {}),
    ("/v1/leaks", {"team": "team-7"}),
    ("/v1/verdicts", {}),
    ("/v1/verdicts", {"by": "tool_model"}),
    ("/v1/verdicts/codex", {}),
    ("/v1/routing", {}),
)
_DRAWN = f"""
    CREATE TEMP TABLE drawn AS SELECT session_pk AS pk, tool, team, person, label,
        cost_nanousd AS cost,
        ((week * 7 - 3) * 86400 + session_pk * 7919 % 590000) * 1000000 AS begun
    FROM session_outcomes WHERE week > {_LAST - 14}
"""
_SESSIONS = """
    INSERT INTO sessions SELECT pk, tool, printf('%x', pk), 'i_' || person, begun, begun, 0, 1, 0
    FROM drawn WHERE pk IN (SELECT session_pk FROM leak_evidence)
"""


def main() -> None:
    """Fill, ask, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    company(parser)
    parser.add_argument("--asked", type=int, default=60, help="times each question")
    parser.add_argument("--keep", type=Path, help="folder to keep the database in, and use again")
    told = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        path = (told.keep or Path(folder)) / "rollups.db"
        there = path.exists()
        database = Database(f"sqlite:///{path}")
        if not there:
            migrating.migrate(database, NOW)
            begun = time.perf_counter()
            fill(database, told)
            filled = time.perf_counter()
            rebuild(database)
            _fill_leaks(database)
            kept.fill(database, _JUDGED_DAYS)
            statistics.refresh(database)
            console.print(
                f"made {filled - begun:.0f} s, summed {time.perf_counter() - filled:.0f} s"
            )
        for table in ("session_outcomes", "outcome_rollups", "outcome_presence", "outcome_bins"):
            with database.reading() as connection:
                rows = connection.execute(text(f"SELECT COUNT(*) FROM {table}")).scalar_one()
            console.print(f"{table}: {rows:,} rows")
        with served(database) as server:
            console.print(_asked(server, told.asked))


def company(parser: argparse.ArgumentParser, *, teams: int = 40, repositories: int = 200) -> None:
    """Let a command be told how large a company is made up."""
    for name, usual in (
        ("sessions", 1_000_000),
        ("people", 2_000),
        ("teams", teams),
        ("repositories", repositories),
    ):
        parser.add_argument(f"--{name}", type=int, default=usual)


def fill(database: Database, told: argparse.Namespace) -> None:
    """Sessions by chance: a person has a team, a team its repositories, and liked tools."""
    shares = ", ".join(_drawn(name) for name in COUNTS if name not in LATER_COUNTS)
    later = ", ".join(_drawn(name) for name in LATER_COUNTS)
    query = f"""
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :sessions),
        drawn AS MATERIALIZED (
            SELECT i, abs(random()) % :people + 1 AS person, abs(random()) % 1000 AS a,
                abs(random()) % 1000 AS b, abs(random()) % 1000 AS c, abs(random()) % {_WEEKS} AS w
            FROM n),
        placed AS MATERIALIZED (
            SELECT *, person % :teams AS team, {_LAST} - w AS week,
                CASE WHEN a < 550 THEN 0 WHEN a < 800 THEN 1 WHEN a < 920 THEN 2
                    WHEN a < 980 THEN 3 ELSE 4 END AS tool,
                CASE WHEN c < 500 THEN 'productive' WHEN c < 580 THEN 'inefficient'
                    WHEN c < 800 THEN 'wasteful' WHEN c < 900 THEN 'neutral'
                    ELSE 'unknown' END AS label
            FROM drawn)
        INSERT INTO session_outcomes
        SELECT i, week, 'tool-' || tool, 'team-' || team,
            'acme/repo-' || ((team * 5 + b % 5) % :repositories),
            CASE WHEN label = 'wasteful' AND b % 2 THEN '' ELSE
                json_extract('["bug","feature","docs","test","refactor","maintenance"]',
                    '$[' || (b % 6) || ']') END,
            person, CASE WHEN w < 4 AND a % 2 THEN 'pending' ELSE label END,
            CASE WHEN w < 5 THEN 'provisional' ELSE 'final' END, label || '_' || (c % 3),
            {shares}, c % 20 - 8, CASE WHEN c % 4 THEN '[]' ELSE '[' || (b % 30) || ']' END,
            {later}
        FROM placed
    """
    with database.writing() as connection:
        people = [{"person": f"p_{number:020x}"} for number in range(told.people)]
        connection.execute(text("INSERT INTO outcome_people (person) VALUES (:person)"), people)
        connection.execute(text(query), vars(told))
        connection.execute(
            text(
                "INSERT INTO session_model_outcomes SELECT session_pk, 'model-' || substr(tool, 6)"
                f" || '-' || (session_pk % 3), {', '.join(COUNTS)} FROM session_outcomes"
            )
        )


def _fill_leaks(database: Database) -> None:
    with database.writing() as connection:
        for statement in (_DRAWN, *LEAKS, _SESSIONS, "DROP TABLE drawn"):
            connection.execute(text(statement))


def _drawn(name: str) -> str:
    return {
        "sessions": "1",
        "priced": "1",
        "cost_nanousd": "c * c * 3000",
        "cost_squares": "c * c * c * c * 9 / 10000",
        "input": "a * 100",
        "cache_read": "c * 1000",
        "cache_write": "b * 100",
        "output": "c * 20",
        "prompts_told": "a * 100 + c * 1000 + b * 100",
        "requests_tried": "a / 10 + 2",
        "failed_requests": "a % 2",
        "looping": "c % 100 = 0",
        "escalated": "c % 50 = 0",
        "tasks": "c < 300",
        "changes_landed": "c < 400",
        "changes_standing": "c < 350",
        "changes_reviewed": "c < 300",
        "changes_first_pass": "c < 200",
        "incomplete": "b % 20 = 0",
        "lower_bounds": "b % 50 = 0",
    }.get(name, "1")


def _asked(server: Served, times: int) -> Table:
    table = Table(title=f"milliseconds, of {times} each; cpu: of the server's processor")
    for column in ("question", "first", "p50", "p99", "cpu p50", "cpu p99", "rows", "kB"):
        table.add_column(column, justify="left" if column == "question" else "right")
    for path, parameters in _QUESTIONS:
        told, answer = server.timed(f"{path}?{urlencode(parameters)}", times)
        named = " ".join(f"{name}={value}" for name, value in parameters.items())
        rows = len(answer.json().get("rows", ()))
        size = f"{len(answer.content) / 1000:.0f}"
        table.add_row(f"{path} {named}", *told.cells(), str(rows), size)
    return table


if __name__ == "__main__":
    main()
