"""Sessions made by hand to measure leaks on, written into the tables they are read from."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from zlib import crc32

from sqlalchemy import insert

from domain.events import Quantity
from domain.labels import Label, Maturity
from domain.leaks import ModelTokens, Prompts, Watched
from store import tables as t
from store.engine import Database
from store.upsert import merge_into

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
# The Monday on which the last whole week before ``NOW`` ends.
UNTIL = datetime(2026, 11, 16, tzinfo=UTC)
SONNET = "claude-sonnet-4-5-20250929"
CENT = 10_000_000
_HOUR = timedelta(hours=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def tokens(**told: Any) -> ModelTokens:
    """Twenty requests with a working cache, as Claude Code tells them."""
    usual: dict[str, Any] = {
        "model": SONNET,
        "purpose": "main",
        "requests": 20,
        "input": 2_000,
        "cache_read": 500_000,
        "cache_write": 40_000,
        "cache_write_1h": 0,
        "output": 8_000,
        "reasoning": None,
        "cost_nanousd": 50 * CENT,
    }
    return ModelTokens(**usual | told)


def prompts(**told: int) -> Prompts:
    """A conversation that grew to 45,000 tokens."""
    usual = {
        "first": 15_000,
        "last": 45_000,
        "largest": 45_000,
        "requests": 20,
        "over_100k": 0,
        "over_200k": 0,
    }
    return Prompts(**usual | told)


def session(number: int, *, weeks_ago: int = 1, **told: Any) -> Watched:
    """A session without any leak, of one of ten people, in the week so many weeks before."""
    rows = told.pop("tokens", (tokens(),))
    costs = [row.cost_nanousd for row in rows if row.cost_nanousd is not None]
    usual: dict[str, Any] = {
        "pk": number,
        "tool": "claude-code",
        "session_id": f"s{number}",
        "ended_at": UNTIL - timedelta(weeks=weeks_ago) + timedelta(days=1, minutes=number % 600),
        "person": f"p_{number % 10}",
        "team": "payments",
        "repo": "acme/payments",
        "cost_nanousd": sum(costs) if costs else None,
        "tokens": rows,
        "tool_calls": 30,
        "repeats": 0,
        "again": 0,
        "compactions": 0,
        "prompts": prompts(),
        "label": Label.PRODUCTIVE.value,
        "rule": "landed_and_stands",
        "final": True,
    }
    return Watched(**usual | told)


def put(
    database: Database, sessions: Iterable[Watched], *, horizon: datetime | None = None
) -> None:
    """Write sessions as folding and concluding them would have; each is told by one signal."""
    told = list(sessions)
    with database.writing() as connection:
        if horizon is not None:
            connection.execute(t.installation.update().values(horizon=horizon))
        contexts = {_context(each): each for each in told}
        rows = [
            {"pk": pk, "user": each.person, "team": each.team, "repo": each.repo}
            for pk, each in sorted(contexts.items())
        ]
        merge_into(connection, t.contexts, rows, {})
        for table, some in (
            (t.sessions, [_session(each) for each in told]),
            (t.usage, [row for each in told for row in _usage(each)]),
            (t.session_counts, [row for each in told for row in _counts(each)]),
            (t.context_sizes, [_sizes(each) for each in told if each.prompts is not None]),
            (t.labels, [_label(each) for each in told if each.label is not None]),
        ):
            if some:
                connection.execute(insert(table), some)
        for each in told:
            for number, change in enumerate(each.changes):
                lines = (each.lines or 0) if number == 0 else 0
                connection.execute(insert(t.links), link(each.pk, *change, f"{each.pk}-{number}"))
                connection.execute(insert(t.changes), opened(*change, lines))
            if each.work_type is not None:
                connection.execute(insert(t.session_outcomes), _outcome(each))


def link(pk: int, repo: str, number: int, name: str, tier: str = "A") -> dict[str, Any]:
    """A row that ties a session to a change."""
    target = {"kind": "change", "repo": repo, "target_id": f"{number}"}
    return {"id": name, "session_pk": pk, **target, "tier": tier, "probability": 0.9}


def opened(repo: str, number: int, lines: int) -> dict[str, Any]:
    """A row of a change that adds so many lines."""
    empty: dict[str, Any] = {c.name: "" for c in t.changes.c if not c.nullable}
    return empty | {
        "repo": repo,
        "number": number,
        "version": b"",
        "draft": False,
        "author_is_bot": False,
        "created_at": NOW,
        "updated_at": NOW,
        "additions": lines,
        "deletions": 0,
    }


def _context(of: Watched) -> int:
    return crc32(repr((of.person, of.team, of.repo)).encode())


def _session(of: Watched) -> dict[str, Any]:
    return {
        "pk": of.pk,
        "tool": of.tool,
        "session_id": of.session_id,
        "installation": "i_",
        "first_at": of.ended_at - _HOUR,
        "last_at": of.ended_at,
        "usage_rank": 0,
        "active": True,
    }


def _usage(of: Watched) -> list[dict[str, Any]]:
    counters = ("requests", "input", "cache_read", "cache_write", "cache_write_1h", "output")
    return [
        {
            "session_pk": of.pk,
            "rank": 0,
            "hour": (of.ended_at - _EPOCH) // _HOUR,
            "model": row.model or "",
            "purpose": row.purpose or "",
            "context_pk": _context(of),
            "prompt_over": -1,
            "prompt_upto": 2**31 - 1,
            "source": "log",
            **{name: getattr(row, name) for name in (*counters, "reasoning")},
            "reported_nanousd": row.cost_nanousd,
            "list_rest_picousd": 0,
            "effective_rest_picousd": 0,
        }
        for row in of.tokens
    ]


def _counts(of: Watched) -> list[dict[str, Any]]:
    """Of failing calls one that failed most, and as many that failed twice as it takes."""
    told: list[tuple[Quantity, str, int]] = []
    if of.tool_calls is not None:
        told.append((Quantity.TOOL_CALLS, "Bash", of.tool_calls))
    if of.compactions:
        told.append((Quantity.COMPACTIONS, "", of.compactions))
    if of.repeats:
        told.append((Quantity.REPEATED_FAILURES, "most", of.repeats))
        twice = of.again - (of.repeats - 1)
        told += [(Quantity.REPEATED_FAILURES, f"c{number}", 2) for number in range(twice)]
    row = {"session_pk": of.pk, "rank": 0}
    return [row | {"quantity": q.value, "item": item, "amount": n} for q, item, n in told]


def _sizes(of: Watched) -> dict[str, Any]:
    sizes = of.prompts
    assert sizes is not None
    return {
        "session_pk": of.pk,
        "rank": 0,
        "first_at": of.ended_at - _HOUR,
        "last_at": of.ended_at,
        "first_tokens": sizes.first,
        "last_tokens": sizes.last,
        "largest_tokens": sizes.largest,
        "requests": sizes.requests,
        "over_100k": sizes.over_100k,
        "over_200k": sizes.over_200k,
    }


def _label(of: Watched) -> dict[str, Any]:
    return {
        "session_pk": of.pk,
        "labelled_at": of.ended_at,
        "label": of.label,
        "maturity": (Maturity.FINAL if of.final else Maturity.PROVISIONAL).value,
        "rule": of.rule,
        "reason": "",
        "facts": "{}",
        "rule_set": "2",
        "due_at": None,
        "current": True,
    }


def _outcome(of: Watched) -> dict[str, Any]:
    table = t.session_outcomes
    empty: dict[str, Any] = {c.name: 0 for c in table.columns if not c.nullable}
    return empty | {
        "session_pk": of.pk,
        "tool": of.tool,
        "team": "",
        "repo": "",
        "work_type": of.work_type,
        "label": of.label or "",
        "maturity": (Maturity.FINAL if of.final else Maturity.PROVISIONAL).value,
        "rule": of.rule or "",
        "lead_bins": "",
    }
