"""What pages show, made up in the database itself: sessions with usage, labels, links and work.

It begins with what ``bench.rollups`` makes up of each session, and gives it the rows that telemetry
and forges would have left, so that lists, single sessions and sums are of the same company.
"""

import argparse
from dataclasses import replace
from datetime import date, timedelta

from sqlalchemy import text

from bench import kept, rollups
from bench.leaks_data import LEAKS
from classifier.watch import Watch
from domain.budgets import COMPANY, Budget, Part, PeriodKind, ScopeKind, Unit
from domain.unlinked import Unlinked
from store import budgets, statistics
from store.engine import Database
from store.outcomes_anew import rebuild
from tests.api.answering import NOW

_SECOND = 1_000_000
_HOUR = 3600 * _SECOND
_NOW = int(NOW.timestamp()) * _SECOND
_DEVELOPERS_A_CHANGE = 2

# A week's number tells its Monday; within the week a session lies by its own number.
_BEGUN = f"((week * 7 - 3) * 86400 + (session_pk * 7919) % 590000) * {_SECOND}"
_CONTEXT = "person * 1000 + CAST(substr(repo, 11) AS INTEGER)"
_LANDED = "label IN ('productive', 'inefficient')"
_CHANGE = f"session_pk / {_DEVELOPERS_A_CHANGE} + 1"

_STATEMENTS = (
    # Who, where, when.
    "CREATE TEMP TABLE drawn AS SELECT session_pk AS pk, week, tool, team, repo, person, label,"
    f" maturity, rule, cost_nanousd AS cost, {_BEGUN} AS begun, {_CONTEXT} AS context,"
    f" {_CHANGE} AS change FROM session_outcomes",
    f"UPDATE drawn SET begun = {_NOW} - (pk % 3600 + 3600) * {_SECOND}"
    f" WHERE begun > {_NOW} - {2 * _HOUR}",
    "INSERT INTO contexts SELECT DISTINCT d.context, '1.2.3', p.person, d.team, d.repo, NULL"
    " FROM drawn d JOIN outcome_people p ON p.number = d.person",
    "INSERT INTO sessions SELECT pk, tool, printf('%08x-0000-4000-8000-%012x', pk * 2654435761"
    f" % 4294967296, pk), 'i_' || person, begun, begun + (pk % 50 + 5) * {60 * _SECOND}, 0, 1, 0"
    " FROM drawn",
    # Two hours of usage from the signal that counts, and the same from another one.
    *(
        f"INSERT INTO usage SELECT d.pk, {rank}, d.begun / {_HOUR} + {hour},"
        f" 'model-' || substr(d.tool, 6) || '-' || (d.pk % 3), 'main', d.context, -1, -1,"
        f" '{source}', 12, d.pk % 2, 4000, 90000, 3000, NULL, NULL, 2000, NULL, d.cost / 2,"
        " d.cost / 2, 0, NULL, NULL, 0, 0 FROM drawn d"
        for rank, source in ((0, "log"), (1, "metric"))
        for hour in (0, 1)
    ),
    *(
        f"INSERT INTO session_counts SELECT pk, '{quantity}', 0, '{item}', pk % 40 + 1 FROM drawn"
        for quantity, item in (
            *(("prompts", ""), ("tool_calls", "Bash"), ("tool_calls", "Edit")),
            *(("tool_failures", "Bash"), ("edits_accepted", "Edit"), ("process_starts", "fresh")),
        )
    ),
    "INSERT INTO session_traces SELECT pk, 'repository', repo, begun, begun FROM drawn",
    "INSERT INTO session_traces SELECT pk, 'branch', 'work/' || change, begun, begun FROM drawn",
    "INSERT INTO coverage SELECT tool, 'log', tool || '.request', 'understood', count(*),"
    " min(begun), max(begun) FROM drawn GROUP BY tool",
    # What became of it.
    "INSERT INTO labels SELECT pk, begun, label, maturity, rule, 'As the rule says.', '{}', '1',"
    " NULL, 1 FROM drawn",
    "INSERT INTO unlinked SELECT pk, CASE pk % 11"
    + "".join(f" WHEN {number} THEN '{each.value}'" for number, each in enumerate(Unlinked))
    + f" END, cost, begun FROM drawn WHERE NOT {_LANDED}",
    "INSERT INTO links SELECT printf('%024x', pk * 2), pk, 'change', repo, CAST(change AS TEXT),"
    f" 'A', 0.99, cost FROM drawn WHERE {_LANDED}",
    "INSERT INTO links SELECT printf('%024x', pk * 2 + 1), pk, 'commit', repo,"
    f" printf('%040x', change), 'B', 0.9, NULL FROM drawn WHERE {_LANDED}",
    "INSERT INTO link_evidence SELECT l.id, 'commit_sha', printf('%040x', d.change), d.begun"
    " FROM links l JOIN drawn d ON d.pk = l.session_pk",
    # What forges and trackers told.
    "INSERT INTO repositories SELECT DISTINCT repo, 'github', 'main', NULL FROM drawn",
    "INSERT INTO changes (repo, number, version, state, draft, title, title_key, author,"
    " author_is_bot, head_ref, head_sha, base_ref, merge_sha, created_at, updated_at, merged_at,"
    " closed_at, additions, deletions, changed_files, tasks, tools, superseded_by)"
    " SELECT d.repo, d.change, x'00', CASE WHEN d.week % 9 THEN 'merged' ELSE 'open' END, 0,"
    " 'fix: PAY-' || (d.change / 3), printf('%016x', d.change), p.person, 0, 'work/' || d.change,"
    f" printf('%040x', d.change), 'main', printf('%040x', d.change), d.begun, d.begun + {_HOUR},"
    f" CASE WHEN d.week % 9 THEN d.begun + {_HOUR} END,"
    f" CASE WHEN d.week % 9 THEN d.begun + {_HOUR} END,"
    " 20, 5, 3, 'PAY-' || (d.change / 3), '', '' FROM drawn d"
    f" JOIN outcome_people p ON p.number = d.person WHERE {_LANDED} ON CONFLICT DO NOTHING",
    "INSERT INTO change_tasks SELECT repo, number, tasks FROM changes",
    "INSERT INTO change_commits SELECT repo, number, head_sha, created_at, created_at FROM changes",
    "INSERT INTO commits SELECT repo, head_sha, created_at, created_at, NULL, 0, 1, 1 FROM changes",
    "INSERT INTO commit_people SELECT repo, head_sha, author, created_at FROM changes",
    "INSERT INTO reviews SELECT repo, number, 'r' || number, x'00', 'approved', author, 0,"
    " updated_at FROM changes",
    "INSERT INTO tickets SELECT 'jira', tasks, x'00', 'PAY', 'Story', 'Pay', 'done', 'Done',"
    " min(created_at), max(updated_at), max(updated_at), NULL, '', min(author) FROM changes"
    " GROUP BY tasks",
    # What needed somebody, and what leaks.
    "INSERT INTO alerts SELECT printf('%012x', pk), 'runaway_session', tool || '/' || pk, pk,"
    " 'resolved', 0, 'It may have run away.', '{}', 0, 0, begun, begun, 1, begun, NULL, NULL,"
    " NULL, NULL FROM drawn WHERE pk % 200 = 1",
    "INSERT INTO alerts SELECT printf('%012x', pk), 'tool_silent', tool || pk, NULL, 'open', 0,"
    " 'Silent.', '{}', 0, 1, begun, begun, 1, NULL, NULL, NULL, NULL, NULL FROM drawn"
    " WHERE pk % 200 = 2 ORDER BY begun DESC LIMIT 20",
    *LEAKS,
    "DROP TABLE drawn",
)


def fill(database: Database, told: argparse.Namespace) -> None:
    """A company of so many ``sessions``, ``people``, ``teams`` and ``repositories``."""
    rollups.fill(database, told)
    with database.writing() as connection:
        for statement in _STATEMENTS:
            connection.execute(text(statement))
        for number in range(told.teams):
            part = Part(kind=ScopeKind.TEAM, value=f"team-{number}")
            budgets.add(connection, replace(_BUDGET, id=f"{number:012x}", part=part))
        budgets.add(connection, replace(_BUDGET, id="company"))
    rebuild(database)
    kept.fill(database, 1)
    statistics.refresh(database)
    # As the process that watches has it after its first minutes.
    Watch(reading_seconds=3600).look(database, NOW)


_BUDGET = Budget(
    id="",
    name="Tools",
    part=COMPANY,
    period=PeriodKind.MONTH,
    unit=Unit.USD,
    amount=10**15,
    thresholds=(80, 100),
    valid_from=date(2026, 1, 1),
    valid_to=None,
    created_by="local",
    created_at=NOW - timedelta(days=300),
    archived_at=None,
)
