"""Which tool and model is the cheapest that is good enough here, by type of work and by size.

A route is a tool with one of its models. It is good enough for a kind of work where enough is known
(the requirements of a verdict, and pieces of work and people of that kind) and its productive share
there reaches the bar with the probability that a verdict takes. Of those the cheapest by the cost
of a surviving change over the company's mix is used. A route chosen before stays while it still
clears, and none is surely cheaper. Where none clears, that is the answer.

The same sessions give the same policy: draws have fixed seeds.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from classifier.cohort import Cohort, cohorts, measure, size_of
from classifier.cost_per_change import Costs, Estimate, company, costs
from classifier.posterior import (
    UNTOLD,
    Piece,
    Posterior,
    Stratum,
    cells,
    chance,
    interval,
    mean,
    posterior,
)
from classifier.review_risk import risky_repositories
from classifier.scopes import parts_of, scoped
from classifier.thresholds import RoutingThresholds, VerdictThresholds
from classifier.verdicts import work_of
from domain.judgement import By
from domain.labels import JudgedSession
from domain.routing import (
    SCHEMA_VERSION,
    Condition,
    Escalate,
    Evidence,
    Match,
    Outcome,
    Policy,
    Route,
    Rule,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """What a route must reach, and when to escalate."""

    verdicts: VerdictThresholds
    routing: RoutingThresholds


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    """A route with all that is known of it. ``found`` is None while a requirement is unmet."""

    route: Route
    found: Posterior | None
    costs: Costs | None
    pieces: Mapping[Stratum, float]
    people: Mapping[Match, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """A route at one kind of work: its evidence, with the draws behind that."""

    evidence: Evidence
    draws: Sequence[float]
    cost: Estimate | None


def policy(
    sessions: Sequence[JudgedSession], bars: Bars, as_of: datetime, before: Policy | None = None
) -> Policy:
    """The routing policy, given the one before. Labels must be those of ``as_of``."""
    held = cohorts(scoped(sessions, By.TOOL_MODEL), bars.verdicts, as_of)
    counted = [session for cohort in held.values() for session in cohort.counted]
    candidates = _candidates(held, bars.verdicts)
    risky = risky_repositories(counted, bars.routing)
    rules = tuple(
        _since(rule, before, as_of)
        for kind in sorted({s.work_type or "" for each in candidates for s in each.pieces} - {""})
        for rule in _rules(kind, candidates, bars, risky, before, as_of)
    )
    same = before is not None and set(map(_essence, before.rules)) == set(map(_essence, rules))
    valid_from = before.valid_from if before is not None and same else as_of
    return Policy(
        schema_version=SCHEMA_VERSION,
        as_of=as_of,
        valid_from=valid_from,
        reviewed_at=valid_from,
        bar=bars.verdicts.keep_from,
        sure=bars.verdicts.sure_to_keep,
        evidence_from=min((each.started_at for each in counted), default=None),
        evidence_to=max((each.ended_at for each in counted), default=None),
        rules=rules,
    )


def _candidates(held: Mapping[str, Cohort], thresholds: VerdictThresholds) -> list[_Candidate]:
    work = work_of(held)
    every = [piece for of in work.values() for piece in of]
    all_costs = company(work.values())
    return [
        _Candidate(
            route=Route(tool=tool, model=model),
            found=posterior(name, every) if _judged(held[name], work[name], thresholds) else None,
            costs=costs(name, work[name], all_costs, thresholds.spend_known),
            pieces={s: cell.pieces for s, cell in cells(work[name]).items() if s != UNTOLD},
            people=_people(held[name]),
        )
        for name in sorted(held)
        for tool, model in [parts_of(name)]
    ]


def _judged(cohort: Cohort, work: Sequence[Piece], thresholds: VerdictThresholds) -> bool:
    met = all(requirement.met for requirement in measure(cohort, thresholds))
    return met and any(piece.spend for piece in work)


def _people(cohort: Cohort) -> Mapping[Match, int]:
    """How many people did each kind of work, with and without its size."""
    found: defaultdict[Match, set[str]] = defaultdict(set)
    for session in cohort.counted:
        for change in session.changes:
            if session.person and change.work_type:
                found[Match(work_type=change.work_type)].add(session.person)
                sized = Match(work_type=change.work_type, size=size_of(change.lines))
                found[sized].add(session.person)
    return {match: len(people) for match, people in found.items()}


def _rules(
    kind: str,
    candidates: Sequence[_Candidate],
    bars: Bars,
    risky: tuple[str, ...],
    before: Policy | None,
    as_of: datetime,
) -> Iterator[Rule]:
    """First those for sizes that differ from the one for the whole type, then that."""

    def rule(match: Match, usual: Route | None = None) -> tuple[Rule, list[_Shown]]:
        shown = [_shown(each, match, bars) for each in candidates]
        known = [each for each in shown if each is not None]
        return _rule(match, known, bars, risky, _used(before, match) or usual, as_of), known

    whole, _ = rule(Match(work_type=kind))
    large_is_proven = False
    for size in ("large", "medium", "small"):
        # What the whole type takes is taken for a size, too, as if it had been chosen before.
        sized, shown = rule(Match(work_type=kind, size=size), whole.use)
        own = next((each for each in shown if each.evidence.route == whole.use), None)
        large_is_proven |= size == "large" and own is not None and _clears(own, bars)
        other = sized.outcome is Outcome.USE and sized.use != whole.use
        if other or (own is not None and _fails(own, bars)):
            yield sized
    if whole.outcome is Outcome.USE and not large_is_proven:
        whole = replace(whole, escalate=(_lines(bars.routing), *whole.escalate))
    yield whole


def _shown(candidate: _Candidate, match: Match, bars: Bars) -> _Shown | None:
    """What is known of a route at this kind of work; None where it never did any."""
    strata = [
        stratum
        for stratum in candidate.pieces
        if stratum.work_type == match.work_type and match.size in (None, stratum.size)
    ]
    pieces = sum(candidate.pieces[stratum] for stratum in strata)
    if not pieces:
        return None
    people = candidate.people.get(match, 0)
    enough = pieces >= bars.verdicts.type_pieces and people >= bars.routing.type_people
    evidence = Evidence(route=candidate.route, pieces=pieces, people=people, enough=False)
    if candidate.found is None or not enough:
        return _Shown(evidence=evidence, draws=(), cost=None)
    draws = (
        candidate.found.by_type[match.work_type]
        if match.size is None
        else candidate.found.by_stratum[Stratum(match.work_type, match.size)]
    )
    cost = _cost(candidate.costs, match)
    shown = replace(
        evidence,
        enough=True,
        share=mean(draws),
        interval=interval(draws),
        clears=chance(draws, bars.verdicts.keep_from),
        cost_nanousd=None if cost is None else round(cost.nanousd),
        cost_interval_nanousd=None if cost is None else _whole(cost.interval),
    )
    return _Shown(evidence=shown, draws=draws, cost=cost)


def _cost(found: Costs | None, match: Match) -> Estimate | None:
    if found is None:
        return None
    strata = {s for s in found.mix if s.work_type == match.work_type}
    return found.over({s for s in strata if match.size in (None, s.size)})


def _whole(span: tuple[float, float]) -> tuple[int, int]:
    return round(span[0]), round(span[1])


def _rule(
    match: Match,
    shown: Sequence[_Shown],
    bars: Bars,
    risky: tuple[str, ...],
    before: Route | None,
    as_of: datetime,
) -> Rule:
    enough = [each for each in shown if each.evidence.enough]
    chosen, next_best = _choice(enough, bars, before)
    best = max(enough, key=_clearing, default=None) if chosen is None else None
    better = _better(chosen, enough, bars) if chosen is not None else None
    if chosen is not None:
        outcome = Outcome.USE
    else:
        outcome = Outcome.NONE_CLEARS if enough else Outcome.CANNOT_SAY
    return Rule(
        match=match,
        outcome=outcome,
        use=chosen.evidence.route if chosen else None,
        best=best.evidence.route if best else None,
        escalate_to=better.evidence.route if better else None,
        escalate=tuple(_escalate(bars.routing, risky)) if chosen else (),
        reason=_reason(chosen, best, shown, bars),
        cheapest=_cheaper(chosen, next_best) if chosen and next_best else None,
        evidence=tuple(each.evidence for each in sorted(shown, key=_by_route)),
        since=as_of,
    )


def _choice(
    enough: Iterable[_Shown], bars: Bars, before: Route | None
) -> tuple[_Shown | None, _Shown | None]:
    """The route to use and the one that would be next; None where none clears."""
    clearing = sorted((each for each in enough if _clears(each, bars, before)), key=_price)
    if not clearing:
        return None, None
    cheapest = clearing[0]
    for each in clearing:
        stays = each.evidence.route == before and each is not cheapest
        surely = _cheaper(cheapest, each) if stays else None
        if surely is not None and surely < bars.routing.sure_to_switch:
            return each, cheapest
    return cheapest, clearing[1] if len(clearing) > 1 else None


def _clears(shown: _Shown, bars: Bars, before: Route | None = None) -> bool:
    stood = before is not None and shown.evidence.route == before
    sure = bars.verdicts.sure_to_stay if stood else bars.verdicts.sure_to_keep
    return shown.evidence.clears is not None and shown.evidence.clears >= sure


def _fails(shown: _Shown, bars: Bars) -> bool:
    """Whether its share is surely below where a verdict says to stop."""
    bad = 1 - chance(shown.draws, bars.verdicts.stop_below) if shown.draws else 0.0
    return bad >= bars.verdicts.sure_to_cut


def _price(shown: _Shown) -> tuple[float, float, tuple[str, str]]:
    """Cheapest first; those of unknown cost last, the better one before the other."""
    cost = float("inf") if shown.cost is None else shown.cost.nanousd
    return cost, -_clearing(shown)[0], _by_route(shown)


def _clearing(shown: _Shown) -> tuple[float, float]:
    return shown.evidence.clears or 0.0, shown.evidence.share or 0.0


def _by_route(shown: _Shown) -> tuple[str, str]:
    return shown.evidence.route.tool, shown.evidence.route.model or ""


def _cheaper(one: _Shown, other: _Shown) -> float | None:
    """The probability that one costs less than the other; None where a cost is not known."""
    if one.cost is None or other.cost is None:
        return None
    pairs = list(zip(one.cost.draws, other.cost.draws, strict=False))
    return sum(a < b for a, b in pairs) / len(pairs) if pairs else None


def _better(chosen: _Shown, enough: Iterable[_Shown], bars: Bars) -> _Shown | None:
    """The route that most likely does better and clears, too."""
    others = [each for each in enough if each is not chosen and _clears(each, bars)]
    better = [each for each in others if _beats(each, chosen)]
    return max(better, key=lambda each: mean(each.draws), default=None)


def _beats(one: _Shown, other: _Shown) -> bool:
    pairs = list(zip(one.draws, other.draws, strict=True))
    return sum(a > b for a, b in pairs) > len(pairs) / 2


def _lines(thresholds: RoutingThresholds) -> Escalate:
    return Escalate(
        condition=Condition.CHANGED_LINES,
        at_least=thresholds.escalate_lines,
        why="At large work of this type the route is not proven.",
    )


def _escalate(thresholds: RoutingThresholds, risky: tuple[str, ...]) -> Iterator[Escalate]:
    yield Escalate(
        condition=Condition.FILES_TOUCHED,
        at_least=thresholds.escalate_files,
        why="Much is touched at once.",
    )
    yield Escalate(
        condition=Condition.HOT_FILES,
        at_least=1,
        why=f"A file that {thresholds.hot_file_changes} landed changes or more touched within 90"
        " days.",
    )
    if risky:
        yield Escalate(
            condition=Condition.REVIEW_ROUNDS,
            at_least=thresholds.escalate_rounds,
            why=f"At least {thresholds.escalate_rounds_share:.0%} of the changes of these"
            " repositories took so many review rounds.",
            repositories=risky,
        )
    yield Escalate(
        condition=Condition.FAILED_ATTEMPTS,
        at_least=thresholds.escalate_failures,
        why="The route has failed at this very task.",
    )


def _reason(chosen: _Shown | None, best: _Shown | None, shown: Sequence[_Shown], bars: Bars) -> str:
    bar = f"{bars.verdicts.keep_from * 100:g} %"
    if chosen is not None:
        priced = "the cheapest of those that reach" if chosen.cost else "its cost is not known; of"
        low, high = chosen.evidence.interval or (0.0, 0.0)
        how = f"{priced} the bar, {bar}" if chosen.cost else f"{priced} those at the bar, {bar}"
        return f"Productive share here {low * 100:.0f} % to {high * 100:.0f} % (95 %); {how}."
    if best is not None:
        likely = best.evidence.clears or 0.0
        return (
            f"No route surely reaches the bar, {bar}; the nearest does so with a probability of"
            f" {likely * 100:.0f} %."
        )
    most = max((each.evidence.pieces for each in shown), default=0.0)
    return (
        f"Too little to say: at most {most:.0f} pieces of work with one route of"
        f" {bars.verdicts.type_pieces} by {bars.routing.type_people} people, or a requirement of a"
        " verdict is unmet."
    )


def _used(before: Policy | None, match: Match) -> Route | None:
    rules = before.rules if before else ()
    return next((rule.use for rule in rules if rule.match == match), None)


def _essence(rule: Rule) -> tuple[Match, Outcome, Route | None, Route | None]:
    return rule.match, rule.outcome, rule.use, rule.escalate_to


def _since(rule: Rule, before: Policy | None, as_of: datetime) -> Rule:
    rules = before.rules if before else ()
    same = (each.since for each in rules if _essence(each) == _essence(rule))
    return replace(rule, since=next(same, as_of))
