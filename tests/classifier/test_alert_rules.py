"""What is worth an alert, and what is not."""

from datetime import UTC, datetime, timedelta

import pytest

from classifier import alert_rules
from classifier.alert_thresholds import AlertThresholds
from domain.record import EPOCH
from store.heavy import HeavySession
from store.sync import SyncState

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)  # a Monday
LIMITS = AlertThresholds()
CURRENT = (NOW - EPOCH) // timedelta(hours=1)


def session(tokens: int = 0, requests: int = 0, repeats: int = 0) -> HeavySession:
    return HeavySession(
        pk=7,
        tool="codex",
        session_id="s",
        last_at=NOW,
        tokens=tokens,
        requests=requests,
        repeats=repeats,
        nanousd=None,
    )


@pytest.mark.parametrize(
    ("heavy", "reason"),
    [
        (session(tokens=LIMITS.runaway_tokens + 1), "tokens"),
        (session(requests=LIMITS.runaway_requests + 1), "requests"),
        (session(repeats=LIMITS.runaway_repeats + 1), "failed again"),
    ],
)
def test_each_limit_is_a_reason(heavy: HeavySession, reason: str) -> None:
    told = alert_rules.runaway(heavy, LIMITS)
    assert told is not None
    assert reason in told.sentence
    assert (told.subject, told.session_pk) == ("codex/s", 7)


def test_at_every_limit_a_session_has_not_run_away() -> None:
    most = session(LIMITS.runaway_tokens, LIMITS.runaway_requests, LIMITS.runaway_repeats)
    assert alert_rules.runaway(most, LIMITS) is None


def working_hours(weeks: int, until: datetime) -> list[int]:
    """The hours from 9 to 17 of the workdays of so many weeks up to a time."""
    start = until - timedelta(weeks=weeks)
    hours = []
    at = start.replace(minute=0)
    while at <= until:
        if at.weekday() < 5 and 9 <= at.hour < 17:
            hours.append((at - EPOCH) // timedelta(hours=1))
        at += timedelta(hours=1)
    return hours


def test_a_tool_that_is_quiet_over_night_and_the_weekend_is_not_silent() -> None:
    friday = NOW - timedelta(days=3)
    used = working_hours(10, friday.replace(hour=17))
    for hours in range(70):
        at = friday.replace(hour=17) + timedelta(hours=hours)
        if at < NOW.replace(hour=17):
            assert alert_rules.silent(used, "codex", at, LIMITS) is None


def test_a_tool_without_a_record_for_more_than_a_working_day_is_silent() -> None:
    friday = (NOW - timedelta(days=3)).replace(hour=17)
    used = working_hours(10, friday)
    tuesday = NOW + timedelta(days=1)
    assert alert_rules.silent(used, "codex", tuesday.replace(hour=9), LIMITS) is None
    told = alert_rules.silent(used, "codex", tuesday.replace(hour=10), LIMITS)
    assert told is not None
    assert told.facts["quiet_hours"] == 9
    assert told.facts["longest_hours"] == 0


def test_a_silence_as_long_as_one_before_is_no_news() -> None:
    friday = (NOW - timedelta(days=3)).replace(hour=17)
    used = working_hours(10, friday)
    # A week off, a month ago.
    monday = (NOW - timedelta(weeks=4)).replace(hour=0)
    off = (monday - EPOCH) // timedelta(hours=1)
    used = [hour for hour in used if not off <= hour < off + 7 * 24]
    assert alert_rules.silent(used, "codex", NOW + timedelta(days=4), LIMITS) is None
    assert alert_rules.silent(used, "codex", NOW + timedelta(days=11), LIMITS) is not None


@pytest.mark.parametrize("used", [[], working_hours(2, NOW - timedelta(days=5)), [CURRENT - 1000]])
def test_with_little_past_nothing_is_usual(used: list[int]) -> None:
    assert alert_rules.silent(used, "codex", NOW, LIMITS) is None


def test_a_sender_s_clock_that_is_ahead_hides_no_silence() -> None:
    friday = (NOW - timedelta(days=3)).replace(hour=17)
    used = [*working_hours(10, friday), CURRENT + 500]
    assert alert_rules.silent(used, "codex", NOW + timedelta(days=2), LIMITS) is not None


def state(provider: str, hours_ago: float | None, code: str | None) -> SyncState:
    return SyncState(
        provider=provider,
        scope="acme/x",
        stream="changes",
        succeeded_at=None if hours_ago is None else NOW - timedelta(hours=hours_ago),
        failed_at=NOW,
        error_code=code,
        error="no",
    )


@pytest.mark.parametrize(
    ("of", "failing"),
    [
        (state("github", 1, "forbidden"), False),
        (state("github", 3, "forbidden"), True),
        (state("github", None, "forbidden"), True),
        (state("github", 100, None), False),
    ],
)
def test_a_provider_that_fails_for_hours(of: SyncState, *, failing: bool) -> None:
    assert bool(alert_rules.sync_failing([of], NOW, LIMITS)) is failing


def test_a_provider_is_one_alert_whatever_fails_of_it() -> None:
    states = [
        state("github", 3, "forbidden"),
        state("github", 4, "forbidden"),
        state("github", 5, "rate_limited"),
        state("jira", None, "unauthorized"),
    ]
    github, jira = alert_rules.sync_failing(states, NOW, LIMITS)
    assert (github.subject, github.facts["lists"], github.facts["error_code"]) == (
        "github",
        3,
        "forbidden",
    )
    assert jira.facts["last_read_at"] is None
