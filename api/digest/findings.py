"""What a digest says of the tools and the money: verdicts, leaks, what was tried, budgets, gaps."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta

from api.digest.content import Line, Section, Span, line
from api.pages import formats
from api.pages.arrived import DECISIONS
from api.pages.leaks import STATES, about
from api.pages.overview import Missing
from api.pages.quality import WHAT_HELPS
from api.pages.tools import in_words
from domain.budgets import Budget, RunsOut, ScopeKind, Standing, Unit
from domain.effects import Effect, EffectState
from domain.judgement import By, Given, moves
from domain.leaks import LeakAction, LeakEvidence, LeakFound, LeakReport, Money
from domain.unlinked import Unlinked
from domain.usage import NANOUSD

MOST = 3
"""Lines of a section: a digest is read in a minute."""
_SESSIONS = 3
_MOVES = 2
_TRIED_WITHIN = timedelta(weeks=12)


def verdicts(changed: Sequence[tuple[Given, Given | None]]) -> Section | None:
    """Verdicts on tools that were given in the week told, each with the one before; None: none."""
    lines = tuple(_verdict(now, before) for now, before in changed if now.by is By.TOOL)
    if not lines:
        return None
    return Section(title="Verdicts that changed", path="/tools", lines=lines[:MOST])


def _verdict(now: Given, before: Given | None) -> Line:
    was = f"{DECISIONS[before.decision]} before" if before else "the first one"
    moved = moves(before.grounds, now.grounds)[:_MOVES] if before else ()
    why = in_words(moved)
    return line(
        f"{now.tool}: ",
        Span(DECISIONS[now.decision], f"/tools/{now.tool}", strong=True),
        f" ({was}). {now.reason}",
        below=(line(f"What moved: {why}."),) if why else (),
    )


def leaks(report: LeakReport, teams: Sequence[str], until: date) -> Section | None:
    """The costliest leaks of these teams (of none: of the company); None where there are none.

    They are of the weeks that were measured last: where these go beyond ``until``, of another time
    than the week told.
    """
    found = [each for each in report.found if not teams or each.group.team in teams]
    if not found or report.measured is None or report.measured.until > until:
        return None
    weeks = (report.measured.until - report.measured.since).days // 7
    found.sort(key=lambda each: (-each.lost.estimate, each.group.id))
    fixes = {each.name: each.fix for each in report.detectors}
    lines = tuple(_leak(each, fixes) for each in found[:MOST])
    return Section(title=f"The costliest leaks of {weeks} weeks", path="/leaks", lines=lines)


def _leak(each: LeakFound, fixes: Mapping[str, str]) -> Line:
    group, lost = each.group, each.lost
    below = [line(f"To try: {_unmarked(fixes[group.detector])}")]
    if each.evidence:
        below.append(line("Behind it: ", *_behind(each.evidence[:_SESSIONS])))
    return line(
        f"{formats.capital(formats.words(group.detector))} ({about(group)}): ",
        Span(f"{formats.money(lost.estimate)} lost", f"/leaks#{group.id}", strong=True),
        f"{_between(lost)} in {formats.number(each.sessions)}"
        f" session{'' if each.sessions == 1 else 's'}.",
        below=tuple(below),
    )


def _between(lost: Money) -> str:
    """The bounds of an estimate; none where it is the sum of what was spent."""
    if lost.low == lost.high:
        return ""
    return f" ({formats.money(lost.low)} to {formats.money(lost.high)}, an estimate)"


def _behind(evidence: Sequence[LeakEvidence]) -> Iterator[Span | str]:
    for place, each in enumerate(evidence):
        yield ", " if place else ""
        path = formats.session_path(each.tool, each.session_id)
        yield Span(f"a session of {formats.money(each.lost.estimate)}", path)


def tried(report: LeakReport, teams: Sequence[str], until: date) -> Section | None:
    """What was tried lately and what it did; None where nothing was."""
    actions = [
        each
        for each in report.actions
        if until - _TRIED_WITHIN <= each.tried_on < until
        and (not teams or each.group.team in (None, *teams))
    ]
    if not actions:
        return None
    actions.sort(key=lambda each: (each.tried_on, each.group.id), reverse=True)
    lines = tuple(map(_tried, actions[:MOST]))
    return Section(title="What was tried, and what it did", path="/leaks#tried", lines=lines)


def _tried(action: LeakAction) -> Line:
    group, day = action.group, action.tried_on
    what = f"{formats.capital(formats.words(group.detector))} ({about(group)}), tried"
    return line(
        f"{what} {day.day} {day:%b}: ",
        Span(_did(action.effect), f"/leaks#{group.id}", strong=True),
        ".",
    )


def _did(effect: Effect | None) -> str:
    if effect is None:
        return "not measured yet"
    change, saved = effect.change, effect.saved_nanousd
    if effect.state is not EffectState.MEASURED or change is None:
        return STATES.get(effect.state, "cannot say")
    if change.low <= 0 <= change.high:
        return "no clear change"
    told = "less is lost" if change.high < 0 else "more is lost"
    if saved is None:
        return told
    least, most = sorted((abs(round(saved.low)), abs(round(saved.high))))
    a_week = formats.money(abs(round(saved.estimate)))
    between = f"{formats.money(least)} to {formats.money(most)}"
    return f"{told}, {a_week} a week ({between})"


def budgets(
    standings: Sequence[Standing], teams: Sequence[str], withheld: Sequence[Budget] = ()
) -> Section | None:
    """Budgets that are or will be used up before their period ends; None where none will.

    ``withheld`` are those that too few people are behind: it is said that they are not told.
    """
    short = [
        each
        for each in standings
        if each.runs_out in (RunsOut.ALREADY, RunsOut.ON_DAY) and _concerns(each.budget, teams)
    ]
    untold = sum(_concerns(each, teams) for each in withheld)
    if not short and not untold:
        return None
    short.sort(key=lambda each: (each.runs_out_on or each.span.first, each.budget.name))
    lines = tuple(map(_budget, short[:MOST]))
    if untold:
        of = "budget stands is" if untold == 1 else "budgets stand is"
        lines += (line(f"How {untold} {of} not told: too few people are behind, or beside."),)
    return Section(title="Budgets that run out", path="/budgets", lines=lines)


def _concerns(budget: Budget, teams: Sequence[str]) -> bool:
    part = budget.part
    if teams:
        return part.kind is ScopeKind.TEAM and part.value in teams
    return part.kind is not ScopeKind.PERSON


def _budget(standing: Standing) -> Line:
    budget, on = standing.budget, standing.runs_out_on
    end = standing.span.after - timedelta(days=1)
    when = "is used up" if standing.runs_out is RunsOut.ALREADY else "will be used up"
    day = f" on {on.day} {on:%b}" if on else ""
    spans: list[Span | str] = [
        f"{budget.name} ",
        Span(f"{when}{day}", "/budgets", strong=True),
        f": {_amount(standing.used, budget.unit)} of {_amount(budget.amount, budget.unit)} used,"
        f" and it lasts until {end.day} {end:%b}",
    ]
    if standing.end is not None:
        spans.append(f"; forecast {_amount(round(standing.end.expected), budget.unit)}")
    return line(*spans, ".")


def _amount(told: int, unit: Unit) -> str:
    return formats.money(told) if unit is Unit.USD else f"{formats.number(told)} tokens"


def coverage(missing: Missing, sentences: Mapping[str, str], waiting: int) -> Section | None:
    """What keeps the numbers from saying more, the dearest first, and what would help.

    ``waiting`` is how many requests are acknowledged and not yet counted.
    """
    lines = [
        *_waiting(waiting),
        *_unpriced(missing),
        *_too_low(missing),
        *_silent(missing),
        *_unlinked(missing),
    ]
    lines += _unknown(missing, sentences)
    if not lines:
        return None
    return Section(title="What would make this surer", path="/quality", lines=tuple(lines[:MOST]))


def _waiting(waiting: int) -> Iterator[Line]:
    if waiting:
        were = "request was" if waiting == 1 else "requests were"
        yield line(
            Span(f"{formats.number(waiting)} {were} not counted yet", "/quality"),
            " when this was written.",
        )


def _unpriced(missing: Missing) -> Iterator[Line]:
    many = missing.unpriced_sessions
    if many:
        cost = "1 session is" if many == 1 else f"{formats.number(many)} sessions are"
        yield line(
            Span(f"{cost} of unknown cost", "/quality"),
            ": no sum of spend has them, so the true one is higher.",
        )


def _too_low(missing: Missing) -> Iterator[Line]:
    for many, how in (
        (missing.lower_bound_sessions, "in part of unknown cost"),
        (missing.incomplete_sessions, "incomplete: some of the telemetry is missing"),
    ):
        if many:
            those = "1 session is" if many == 1 else f"{formats.number(many)} sessions are"
            yield line(
                Span(f"{those} {how}", "/quality"), ", so sums of spend are lower than what it was."
            )


def _silent(missing: Missing) -> Iterator[Line]:
    for tool, at in missing.silent:
        yield line(Span(f"{tool} has been silent since {formats.day(at)}", "/quality"), ".")


def _unlinked(missing: Missing) -> Iterator[Line]:
    for each in missing.unlinked:
        help_with = WHAT_HELPS.get(each.reason)
        if help_with and each.cost_nanousd:
            why = formats.words(Unlinked(each.reason).value)
            yield line(
                Span(f"{formats.money(each.cost_nanousd)} is tied to no work", "/quality"),
                f": {why}. What helps: {help_with}.",
            )


def _unknown(missing: Missing, sentences: Mapping[str, str]) -> Iterator[Line]:
    for rule, cost in missing.unknown:
        if cost >= NANOUSD:
            yield line(
                Span(f"{formats.money(cost)} is unknown", "/quality"),
                f": {_unmarked(sentences.get(rule, formats.words(rule)))}",
            )


def _unmarked(sentence: str) -> str:
    """Without the marks of code, which only the docs show."""
    return sentence.replace("`", "")
