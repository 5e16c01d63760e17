"""What is worth an alert: pure rules over the ledger, heavy sessions and the state of syncs.

Each says what it saw in a sentence and as facts. False alarms cost an alert its readers, so each
compares with the installation's own past where it has one, and says nothing where it has none.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from classifier.alert_thresholds import AlertThresholds
from classifier.ledger import HOURS, Ledger
from domain.alerts import AlertKind, Finding
from domain.budgets import Budget, Part, ScopeKind, Span, Unit
from domain.record import EPOCH
from domain.usage import NANOUSD
from store.alerts import of_budget, of_part
from store.heavy import HeavySession
from store.sync import SyncState

_WEEKS = 8
_WEEK_HOURS = 7 * HOURS
_HOUR = timedelta(hours=1)
_MAD_TO_SIGMA, _LEAST_SPREAD = 1.4826, 0.25


def budget(of: Budget, span: Span, used: int) -> Finding | None:
    """A budget of which a threshold is reached, given spent and committed."""
    passed = of.passed(used)
    if passed is None:
        return None
    share = used / of.amount
    private = of.part.kind is ScopeKind.PERSON
    return Finding(
        kind=AlertKind.BUDGET,
        subject=of_budget(of.id, span.first),
        level=passed,
        sentence=f"Budget {of.name}: {_amount(used, of.unit)} of {_amount(of.amount, of.unit)}"
        f" used ({share:.0%}), {passed} % reached. The period ends on"
        f" {span.after - timedelta(days=1)}.",
        facts={
            "budget": of.id,
            "name": of.name,
            "scope": of.part.kind.value,
            "value": of.part.value,
            "from": span.first.isoformat(),
            "to": span.after.isoformat(),
            "used_share": share,
            "threshold_percent": passed,
        },
        private=private,
    )


def runaway(session: HeavySession, thresholds: AlertThresholds) -> Finding | None:
    """A session that goes on and on."""
    reasons = []
    if session.repeats > thresholds.runaway_repeats:
        reasons.append(f"the same call failed again {session.repeats:,} times")
    if session.requests > thresholds.runaway_requests:
        reasons.append(f"{session.requests:,} requests")
    if session.tokens > thresholds.runaway_tokens:
        reasons.append(f"{session.tokens:,} tokens")
    if not reasons:
        return None
    cost = "" if session.nanousd is None else f" ({_usd(session.nanousd)} at list price so far)"
    return Finding(
        kind=AlertKind.RUNAWAY_SESSION,
        subject=f"{session.tool}/{session.session_id}",
        session_pk=session.pk,
        sentence=f"A session of {session.tool} may have run away: {', '.join(reasons)}{cost}.",
        facts={
            "tool": session.tool,
            "session_id": session.session_id,
            "tokens": session.tokens,
            "requests": session.requests,
            "repeated_failures": session.repeats,
            "list_usd": None if session.nanousd is None else session.nanousd / NANOUSD,
        },
    )


def anomaly(
    ledger: Ledger, part: Part, now: datetime, thresholds: AlertThresholds
) -> Finding | None:
    """A team, tool or model that spent far more in 24 hours than in the same of earlier weeks."""
    begun = ledger.begun(part)
    if begun is None:
        return None
    spent = ledger.window(part, now, HOURS)
    # The first window must lie wholly within what the part has been there for.
    weeks = min(((now.date() - begun).days - 1) // 7, _WEEKS)
    if weeks < thresholds.anomaly_weeks or spent < thresholds.anomaly_usd * NANOUSD:
        return None
    before = [ledger.window(part, now - timedelta(weeks=week + 1), HOURS) for week in range(weeks)]
    usual = median(before)
    spread = _MAD_TO_SIGMA * median(abs(each - usual) for each in before)
    spread = max(spread, _LEAST_SPREAD * usual)
    bars = (
        usual + thresholds.anomaly_usd * NANOUSD,
        usual + thresholds.anomaly_spreads * spread,
        max(before) * thresholds.anomaly_percent / 100,
    )
    if spent < max(bars):
        return None
    times = f", {spent / usual:.1f} times as much" if usual else ""
    return Finding(
        kind=AlertKind.SPEND_ANOMALY,
        subject=of_part(part.kind, part.value),
        sentence=f"The {part.kind.value} {part.value} spent {_usd(spent)} in 24 hours{times}. In"
        f" the same hours of {weeks} weeks before it was {_usd(usual)} in the middle and"
        f" {_usd(max(before))} at most.",
        facts={
            "scope": part.kind.value,
            "value": part.value,
            "spent_usd": spent / NANOUSD,
            "usual_usd": usual / NANOUSD,
            "most_usd": max(before) / NANOUSD,
            "weeks": weeks,
        },
    )


def without_echoes(anomalies: Sequence[Finding]) -> list[Finding]:
    """The same without models that spent to the cent what a tool did: it is one story, not two."""
    tools = {
        each.facts["spent_usd"] for each in anomalies if each.facts["scope"] == ScopeKind.TOOL.value
    }
    return [
        each
        for each in anomalies
        if each.facts["scope"] != ScopeKind.MODEL.value or each.facts["spent_usd"] not in tools
    ]


def silent(
    used: Sequence[int], tool: str, now: datetime, thresholds: AlertThresholds
) -> Finding | None:
    """A tool without any record for longer than ever, counted in hours in which it is usual.

    ``used`` are the hours since the epoch in which it had records, rising.
    """
    current = (now - EPOCH) // _HOUR
    # A sender's clock may be ahead of ours.
    used = [hour for hour in used if hour <= current]
    if not used:
        return None
    usual = _usual_hours(used, current, thresholds)
    if not usual:
        return None
    # The present hour is not over yet.
    quiet = _count(usual, used[-1] + 1, current)
    longest = max((_count(usual, one + 1, other) for one, other in pairwise(used)), default=0)
    least = max(thresholds.silent_hours, longest * thresholds.silent_percent / 100)
    if quiet <= least:
        return None
    last = EPOCH + used[-1] * _HOUR
    return Finding(
        kind=AlertKind.TOOL_SILENT,
        subject=tool,
        sentence=f"No telemetry of {tool} since {last:%Y-%m-%d %H:%M} UTC: {quiet} hours in which"
        f" it is used most weeks; the longest such silence before was {longest}.",
        facts={
            "tool": tool,
            "last_hour_at": last.isoformat(),
            "quiet_hours": quiet,
            "longest_hours": longest,
        },
    )


def sync_failing(
    states: Iterable[SyncState], now: datetime, thresholds: AlertThresholds
) -> list[Finding]:
    """Providers that can't be read (any more)."""
    failing: dict[str, list[SyncState]] = {}
    latest = timedelta(hours=thresholds.sync_hours)
    for each in states:
        old = each.succeeded_at is None or now - each.succeeded_at >= latest
        if each.error_code is not None and old:
            failing.setdefault(each.provider, []).append(each)
    return [_unread(provider, of) for provider, of in sorted(failing.items())]


def _unread(provider: str, of: Sequence[SyncState]) -> Finding:
    codes = Counter(each.error_code or "" for each in of)
    worst, _ = codes.most_common(1)[0]
    read = [each.succeeded_at for each in of if each.succeeded_at is not None]
    since = f"since {max(read):%Y-%m-%d %H:%M} UTC" if read else "so far"
    return Finding(
        kind=AlertKind.SYNC_FAILING,
        subject=provider,
        sentence=f"{provider} could not be read {since}: {worst}, {len(of)} of its lists.",
        facts={
            "provider": provider,
            "lists": len(of),
            "error_code": worst,
            "last_read_at": max(read).isoformat() if read else None,
        },
    )


def _usual_hours(used: Sequence[int], current: int, thresholds: AlertThresholds) -> frozenset[int]:
    """The hours of the week (0 to 167; the epoch was a Thursday) in which it is mostly used."""
    weeks = min((current - used[0]) // _WEEK_HOURS, _WEEKS)
    if weeks < thresholds.anomaly_weeks:
        return frozenset()
    # The week at hand is left out: a tool that falls silent must not unlearn its hours by that.
    first = current - (weeks + 1) * _WEEK_HOURS
    seen = Counter(hour % _WEEK_HOURS for hour in used if first <= hour < current - _WEEK_HOURS)
    return frozenset(
        hour for hour, times in seen.items() if times >= thresholds.silent_share * weeks
    )


def _count(usual: frozenset[int], start: int, end: int) -> int:
    """How many of the hours from ``start`` up to, not including, ``end`` are usual ones."""
    whole, rest = divmod(max(end - start, 0), _WEEK_HOURS)
    return whole * len(usual) + sum(
        (start + number) % _WEEK_HOURS in usual for number in range(rest)
    )


def _amount(amount: float, unit: Unit) -> str:
    return _usd(amount) if unit is Unit.USD else f"{round(amount):,} tokens"


def _usd(nanousd: float) -> str:
    return f"${nanousd / NANOUSD:,.2f}"
