"""Leaks of a made-up company: what came to nothing in the last quarter, by tool and team."""

from tests.api.answering import NOW

_SECOND = 1_000_000
_WEEK = 7 * 24 * 3600 * _SECOND
_NOW = int(NOW.timestamp()) * _SECOND

LEAKS = (
    "INSERT INTO leaks SELECT printf('%016x', row_number() OVER ()), 'no_commit', tool, team, NULL,"
    " NULL, NULL, sum(cost) / 2, sum(cost), sum(cost), sum(cost) * 2, count(*), '2026-11-16',"
    f" 'As it says.' FROM drawn WHERE label = 'wasteful' AND begun > {_NOW} - {13 * _WEEK}"
    " GROUP BY tool, team",
    "INSERT INTO leak_people SELECT DISTINCT l.leak_id, p.person FROM leaks l JOIN drawn d"
    " ON d.tool = l.tool AND d.team = l.team JOIN outcome_people p ON p.number = d.person",
    "INSERT INTO leak_evidence SELECT l.leak_id, (SELECT d.pk FROM drawn d WHERE d.tool = l.tool"
    " AND d.team = l.team LIMIT 1), 1, 1, 1 FROM leaks l",
    "INSERT INTO leak_measurements SELECT max(begun), '2026-08-24', '2026-11-23', sum(cost) / 9,"
    " sum(cost) / 8, sum(cost) / 7, sum(cost), count(*), 2000, '{}' FROM drawn",
)
"""Statements that make them of a table ``drawn``: pk, tool, team, person, label, cost and begun."""
