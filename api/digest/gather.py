"""Reading what a digest tells: once for all digests of a week, and then for each audience."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from api.digest import findings, group
from api.digest.content import Digest, Line, Section, Span, line
from api.digest.edition import Audience
from api.digest.group import Group
from api.floor import reader_of_budgets
from api.pages import formats, ratios
from api.pages.filters import PageParameters
from api.pages.overview import Missing, missing
from api.wiring import Wiring
from domain.budgets import Budget, ScopeKind, Standing
from domain.contributions import Facet
from domain.efficiency import Asked, EfficiencyReport, Interval, Kind, Reading, TooFewPeople
from domain.judgement import By, Given
from domain.leaks import LeakReport
from domain.weeks import WEEK, block_of, monday, week_of
from store import budgets as kept_budgets
from store import report_status
from store import verdicts as kept_verdicts
from store.engine import Connection

_WEEKS = 13
_MOST_TEAMS = 3
# A week that is long over is told as it looked on the day after it.
_DAY = timedelta(days=1)
_WORTH_TELLING = (Reading.PROBLEM, Reading.FALLING, Reading.RISING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """What is the same in all digests of the seven days before ``until``, a Monday (UTC).

    ``now`` is the moment as of which everything is told, ``changed`` the verdicts given in these
    days, each with the one before. ``sentences`` are those of the rules by name, ``waiting`` the
    requests that were not counted yet. ``standings`` are of budgets that people enough are behind,
    as a digest may go to anybody; ``withheld`` are the others.
    """

    until: datetime
    now: datetime
    sentences: Mapping[str, str]
    changed: Sequence[tuple[Given, Given | None]]
    leaks: LeakReport
    standings: Sequence[Standing]
    withheld: Sequence[Budget]
    waiting: int


def read_week(wiring: Wiring, connection: Connection, week: date) -> Week:
    """Read it. Raises ValueError where ``week`` is no Monday, or has not come yet."""
    until = datetime(week.year, week.month, week.day, tzinfo=UTC)
    if until.weekday() != 0:
        raise ValueError(f"{week} is no Monday")
    if until > wiring.clock():
        raise ValueError(f"the week before {week} is not over")
    now = min(wiring.clock(), until + _DAY)
    shown = [
        each for each in kept_budgets.standing(connection) if each.part.kind is not ScopeKind.PERSON
    ]
    of = reader_of_budgets(replace(wiring, clock=lambda: now), connection, None, shown)
    told = [each for each in shown if of.tells_budget(each)]
    return Week(
        until=until,
        now=now,
        sentences={rule.name: rule.sentence.replace("`", "") for rule in wiring.rules.rules},
        changed=_changed(wiring, connection, until, now),
        leaks=wiring.leaks(connection, wiring.privacy_floor),
        standings=wiring.planner.standings(connection, told, now, wiring.company),
        withheld=[each for each in shown if not of.tells_budget(each)],
        waiting=report_status.arrival(wiring.database).pending,
    )


def _changed(
    wiring: Wiring, connection: Connection, until: datetime, now: datetime
) -> list[tuple[Given, Given | None]]:
    """The last verdict on each tool that was given in the week, with the last before the week."""
    found = []
    for verdict in wiring.judge(connection, now, By.TOOL).verdicts:
        given = [
            each
            for each in kept_verdicts.history(connection, verdict.tool, until)
            if each.by is By.TOOL
        ]
        last = next((each for each in given if each.given_at >= until - WEEK), None)
        before = next((each for each in given if each.given_at < until - WEEK), None)
        if last is not None and (before is None or before.decision is not last.decision):
            found.append((last, before))
    return found


def read(wiring: Wiring, connection: Connection, week: Week, audience: Audience) -> Digest:
    """The digest of a week for an audience."""
    teams: Sequence[str | None] = audience.teams or (None,)
    groups = [Group(team=team, report=_report(wiring, connection, week, team)) for team in teams]
    first = week.until - WEEK
    title = f"Week of {formats.day(first)}"
    whom = ", ".join(audience.teams) or "the whole company"
    told = [group.section(each, week.until, week.sentences) for each in groups]
    told += filter(
        None,
        (
            None if audience.teams else _teams(wiring, connection, week),
            findings.verdicts(week.changed),
            findings.leaks(week.leaks, audience.teams, week.until.date()),
            findings.tried(week.leaks, audience.teams, week.until.date()),
            findings.budgets(week.standings, audience.teams, week.withheld),
            _surer(connection, week, groups),
        ),
    )
    return Digest(
        subject=f"What the tokens bought, {formats.day(first)}, {whom}{_shortly(groups)}",
        title=f"{title}, {whom}",
        lead=_lead(groups),
        sections=tuple(told),
    )


def _start(week: Week) -> datetime:
    """When the time told begins: with a block, which is what groups are told apart by."""
    return monday(block_of(week_of(week.until) - _WEEKS))


def _report(
    wiring: Wiring, connection: Connection, week: Week, team: str | None
) -> EfficiencyReport | None:
    only = None if team is None else (Facet.TEAM, team)
    asked = Asked(only=only, interval=Interval.WEEK, start=_start(week), end=week.until)
    try:
        return wiring.efficiency(connection, asked, week.now, wiring.privacy_floor)
    except TooFewPeople:
        return None


def _shortly(groups: Sequence[Group]) -> str:
    """The ratio in a few words, for a subject; none where several groups have their own."""
    moved = group.trend(groups[0]) if len(groups) == 1 else None
    if moved is None:
        return ""
    return f": {formats.share(moved.ratio)} productive, {formats.share(moved.before)} before"


def _lead(groups: Sequence[Group]) -> Line:
    """What follows from all of it, of each group that can be told."""
    spans: list[Span | str] = []
    for each in groups:
        total = each.report.total if each.report else None
        if total is None:
            continue
        name = "" if len(groups) == 1 else f"{each.title}: "
        when = ""
        if total.trend is not None:
            start = total.trend.start
            when = f"Up to the week of {start.day} {start:%b}, the newest that is settled: "
        spans.append(Span(f"{name}{when}{total.sentence} ", each.path))
    return line(*spans) if spans else line("There is nothing to tell yet.")


def _teams(wiring: Wiring, connection: Connection, week: Week) -> Section | None:
    """Teams whose ratio moved, the dearest first; None where none did."""
    asked = Asked(group_by=Facet.TEAM, start=_start(week), end=week.until)
    try:
        report = wiring.efficiency(connection, asked, week.now, wiring.privacy_floor)
    except TooFewPeople:
        return None
    moved = [
        row
        for row in report.rows
        if row.measured.kind is Kind.GROUP and row.measured.value and row.reading in _WORTH_TELLING
    ]
    if not moved:
        return None
    moved.sort(key=ratios.known_of, reverse=True)
    lines = tuple(
        line(
            Span(str(row.measured.value), Group(team=row.measured.value, report=None).path, True),
            f": {row.sentence}",
        )
        for row in moved[:_MOST_TEAMS]
    )
    return Section(title="Teams that moved", path="/teams", lines=lines)


def _surer(connection: Connection, week: Week, groups: Sequence[Group]) -> Section | None:
    """What is missing, of all that this is about together."""
    gaps = [
        missing(connection, each.report.total, PageParameters(team=each.team), week.now)
        for each in groups
        if each.report and each.report.total
    ]
    unknown: Counter[str] = Counter()
    for each in gaps:
        unknown.update(dict(each.unknown))
    together = Missing(
        unknown=unknown.most_common(),
        unpriced_sessions=sum(each.unpriced_sessions for each in gaps),
        lower_bound_sessions=sum(each.lower_bound_sessions for each in gaps),
        incomplete_sessions=sum(each.incomplete_sessions for each in gaps),
        unlinked=[each for gap in gaps for each in gap.unlinked],
        silent=gaps[0].silent if gaps else (),
    )
    return findings.coverage(together, week.sentences, week.waiting)
