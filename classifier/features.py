"""What a session looks like to the model that tells how it may end: numbers by name.

Pure, and of nothing but what was known soon after its end (``store.features``). None means that
nobody told it; a model sees that as such. Who worked is no feature, nor is anything that reviews,
merges or later changes tell. Names of tools, models and types of work are features of their own
(``tool=codex``), those of repositories are not: of them only the past is told.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import log1p
from types import MappingProxyType
from typing import TypeAlias

from classifier.link import link_at
from classifier.past_rates import Key, PastRates
from classifier.work_types import of_branch
from domain.events import Purpose, Quantity
from domain.labels import TargetKind, Tier
from domain.predictions import OUTCOMES
from domain.spent import spent
from store.features import KnownSession, OpenedChange

Vector: TypeAlias = Mapping[str, float | None]

_DECIDING = (Tier.A, Tier.B)
_NANO = 1e9
# Tools name their calls as they like; the first word that occurs in a name says of what sort it is.
_SORTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "edit": ("edit", "patch", "write", "replace", "create_file", "insert", "notebook"),
        "shell": ("bash", "shell", "exec", "command", "terminal", "run"),
        "search": ("grep", "glob", "search", "find", "list"),
        "read": ("read", "view", "open"),
        "web": ("web", "fetch", "browser", "http"),
        "agent": ("agent", "task", "delegate"),
    }
)
_OTHER = "other"
_NEW_DAYS = 30.0
_DATED = re.compile(r"latest|[0-9]{6,}")
_TOLD_AS_TOTALS = {
    "prompts": Quantity.PROMPTS,
    "compactions": Quantity.COMPACTIONS,
    "loops_detected": Quantity.LOOPS_DETECTED,
    "subagents": Quantity.SUBAGENTS,
    "retries": Quantity.RETRIES,
    "repeated_failures": Quantity.REPEATED_FAILURES,
    "edits_accepted": Quantity.EDITS_ACCEPTED,
    "lines_added": Quantity.LINES_ADDED,
    "lines_removed": Quantity.LINES_REMOVED,
    "changes_opened": Quantity.CHANGES_OPENED,
    "tool_calls": Quantity.TOOL_CALLS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A session as a case of something: where it worked, at what, and with what.

    None where nobody told it. ``change`` is the first that it is linked to by proof or near proof
    and that was open by then: sessions of one change succeed or fail together.
    """

    tool: str
    model: str | None
    repo: str | None
    work_type: str | None
    change: OpenedChange | None

    @property
    def keys(self) -> frozenset[Key]:
        """What the past is told of: the tool, the repository, the work type, and tool by type."""
        told: list[Key] = [("tool", self.tool)]
        if self.repo is not None:
            told.append(("repo", self.repo))
        if self.work_type is not None:
            told += [("work_type", self.work_type), ("tool_type", self.tool, self.work_type)]
        return frozenset(told)


def case_of(known: KnownSession) -> Case:
    """What a session was a case of, as known then."""
    changes = _changes(known, _DECIDING)
    first = min(changes, key=lambda each: (each.opened_at, each.repo, each.number), default=None)
    spent: dict[str, int] = {}
    for used in known.used:
        if used.model and used.purpose != Purpose.AUXILIARY.value:
            tokens = sum(count or 0 for count in used.tokens.values())
            spent[used.model] = spent.get(used.model, 0) + tokens
    return Case(
        tool=known.tool,
        model=family(min(spent, key=lambda name: (-spent[name], name))) if spent else None,
        repo=_repo(known, first),
        work_type=_work_type(known, first),
        change=first,
    )


def was_open(known: KnownSession, landed_at: datetime | None) -> bool:
    """Whether its outcome was open then: work of it waited, or might have come.

    ``landed_at`` is when the first work of it landed, wherever its label knows.
    """
    if landed_at is not None and landed_at <= known.known_at:
        return False
    changes = _changes(known, _DECIDING)
    if any(each.merged_at is not None for each in changes):
        return False
    if changes:
        return any(each.closed_at is None for each in changes)
    tried = (Quantity.EDITS_ACCEPTED, Quantity.LINES_ADDED, Quantity.LINES_REMOVED)
    counts = [_total(known, each) for each in (*tried, Quantity.COMMITS)]
    return not _changes(known, tuple(Tier)) and (known.commits > 0 or any(counts))


def vector(known: KnownSession, case: Case, past: PastRates) -> dict[str, float | None]:
    """All features of a session; ``past`` may hold more than was known when it ended."""
    told = {
        **_usage(known),
        **_calls(known),
        **{name: _log(_total(known, of)) for name, of in _TOLD_AS_TOTALS.items()},
        **_context(known),
        **_time(known),
        **_work(known, case),
    }
    told[f"tool={case.tool}"] = 1.0
    told[f"model={case.model}"] = 1.0
    told[f"work_type={case.work_type}"] = 1.0
    return told | _past(known, case, past)


def family(model: str) -> str:
    """A model's name without date and provider: ``claude-sonnet-4-5-20250929`` and the like."""
    name = model.rpartition("/")[2].casefold()
    parts = name.split("-")
    while len(parts) > 1 and _DATED.fullmatch(parts[-1]):
        parts.pop()
    return "-".join(parts)


def _changes(known: KnownSession, tiers: Iterable[Tier]) -> list[OpenedChange]:
    """The changes that were open by then and linked by evidence of that time of such a tier."""
    wanted = frozenset(tiers)
    found = []
    for link in known.links:
        if link.target.kind == TargetKind.CHANGE:
            change = known.changes.get((link.target.repo, int(link.target.id)))
            then = link_at(link, known.known_at) if change is not None else None
            if change is not None and then is not None and then.tier in wanted:
                found.append(change)
    return found


def _repo(known: KnownSession, change: OpenedChange | None) -> str | None:
    if change is not None:
        return change.repo
    if known.repositories:
        return known.repositories[0]
    for link in known.links:
        if link.target.kind == TargetKind.COMMIT:
            then = link_at(link, known.known_at)
            if then is not None and then.tier in _DECIDING:
                return link.target.repo
    return None


def _work_type(known: KnownSession, change: OpenedChange | None) -> str | None:
    """By branches only: titles, labels and tickets may say today what they did not say then."""
    branches = [change.head_ref] if change is not None else []
    told = (of_branch(branch) for branch in (*branches, *known.branches))
    return next((kind.value for kind in told if kind is not None), None)


def _usage(known: KnownSession) -> dict[str, float | None]:
    used = known.used
    buckets = {
        f"tokens_{name}": _log(_sum(each.tokens[name] for each in used))
        for name in ("input", "cache_read", "cache_write", "output")
    }
    requests = _sum(each.requests for each in used)
    reported = _sum(each.reported_nanousd for each in used)
    listed = _sum(each.list_nanousd for each in used)
    cost = spent(reported, listed, sum(each.unreported_tokens for each in used))
    by_subagents = _sum(
        count
        for each in used
        if each.purpose == Purpose.SUBAGENT.value
        for count in each.tokens.values()
    )
    tokens = _sum(count for each in used for count in each.tokens.values())
    return {
        **buckets,
        "cost": None if cost is None else log1p(100 * cost / _NANO),
        "requests": _log(requests),
        "failed_requests_share": _share(_sum(each.failed_requests for each in used), requests),
        "models": float(len({each.model for each in used if each.model})),
        "subagent_tokens_share": _share(by_subagents, tokens),
        "tokens_per_request": _log(_ratio(tokens, requests)),
    }


def _calls(known: KnownSession) -> dict[str, float | None]:
    calls = known.counts.get(Quantity.TOOL_CALLS.value)
    total = None if calls is None else sum(calls.values())
    sorts: dict[str, int] = dict.fromkeys((*_SORTS, _OTHER), 0)
    for name, amount in (calls or {}).items():
        sorts[_sort(name)] += amount
    rejected = _total(known, Quantity.EDITS_REJECTED)
    accepted = _total(known, Quantity.EDITS_ACCEPTED)
    decided = None if rejected is None and accepted is None else (rejected or 0) + (accepted or 0)
    return {
        **{f"calls_{sort}_share": _share(amount, total) for sort, amount in sorts.items()},
        "failures_share": _share(_total(known, Quantity.TOOL_FAILURES), total),
        "denials_share": _share(_total(known, Quantity.TOOL_DENIALS), total),
        "edits_rejected_share": _share(rejected, decided),
    }


def _sort(name: str) -> str:
    plain = name.casefold()
    for sort, words in _SORTS.items():
        if any(word in plain for word in words):
            return sort
    return _OTHER


def _context(known: KnownSession) -> dict[str, float | None]:
    sizes = known.context
    if sizes is None:
        return dict.fromkeys(("context_first", "context_largest", "context_growth", "context_long"))
    return {
        "context_first": _log(sizes.first_tokens),
        "context_largest": _log(sizes.largest_tokens),
        "context_growth": log1p(sizes.largest_tokens) - log1p(sizes.first_tokens),
        "context_long": _share(sizes.over_100k, sizes.requests),
    }


def _time(known: KnownSession) -> dict[str, float | None]:
    lasted = (known.ended_at - known.started_at).total_seconds()
    active = _total(known, Quantity.ACTIVE_MS)
    since = [at for at in known.versions.values() if at <= known.ended_at]
    days = (known.ended_at - max(since)).total_seconds() / 86_400 if since else None
    if days is not None:
        # Beyond, it would only tell how long we have been there.
        days = min(days, _NEW_DAYS)
    return {
        "duration": log1p(max(lasted, 0.0)),
        "active": None if active is None else log1p(active / 1000),
        "hour": known.ended_at.hour + known.ended_at.minute / 60,
        "weekday": float(known.ended_at.weekday()),
        "version_age_days": days,
        "versions": float(len(known.versions)),
    }


def _work(known: KnownSession, case: Case) -> dict[str, float | None]:
    counted = _total(known, Quantity.COMMITS)
    told = max(counted or 0, known.commits) if known.commits else counted
    change = case.change
    ahead = None
    if change is not None:
        ahead = (known.ended_at - change.opened_at).total_seconds() / 3600
    return {
        "commits": _log(told),
        "files_edited": _log(known.files_edited),
        "tickets": float(known.tickets),
        "branches": float(len(known.branches)),
        "change_open": float(change is not None),
        "change_by_bot": float(change.author_is_bot) if change is not None else None,
        "change_commits": _log(change.commits) if change is not None else None,
        "change_files": _log(change.files) if change is not None else None,
        "change_open_hours": ahead,
    }


def _past(known: KnownSession, case: Case, past: PastRates) -> dict[str, float | None]:
    keys: dict[str, Key | None] = {
        "tool": ("tool", case.tool),
        "repo": ("repo", case.repo) if case.repo is not None else None,
        "work_type": ("work_type", case.work_type) if case.work_type is not None else None,
    }
    keys["tool_type"] = (
        ("tool_type", case.tool, case.work_type) if case.work_type is not None else None
    )
    told: dict[str, float | None] = {}
    for name, key in keys.items():
        rates = past.rates(key, known.ended_at) if key is not None else (None,) * len(OUTCOMES)
        for label, rate in zip(OUTCOMES, rates, strict=True):
            told[f"past_{name}_{label.value}"] = rate
    return told


def _total(known: KnownSession, quantity: Quantity) -> int | None:
    told = known.counts.get(quantity.value)
    return None if told is None else sum(told.values())


def _sum(told: Iterable[int | None]) -> int | None:
    known = [value for value in told if value is not None]
    return sum(known) if known else None


def _log(value: float | None) -> float | None:
    return None if value is None else log1p(max(value, 0))


def _ratio(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else part / whole


def _share(part: float | None, whole: float | None) -> float | None:
    told = _ratio(part, whole)
    return None if told is None else min(told, 1.0)
