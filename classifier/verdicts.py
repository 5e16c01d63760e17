"""Keep, scope, cut or insufficient evidence, for every tool of a company.

The number judged is the productive share of settled spend, as it would be over the company's mix of
work (``classifier.posterior``): of what the tool's productive, inefficient and wasteful sessions
with a final label cost, how much went to productive ones. Beside it stands what a surviving change
costs (``classifier.cost_per_change``), which decides nothing. Before either is looked at, every
requirement must be met (``classifier.cohort``); what is missing is the answer otherwise.

A verdict given before stands as long as it is more likely right than not, so that it does not flip
with the week. Predictions of open sessions never enter.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import floor
from types import MappingProxyType

from classifier.cohort import Cohort, cohorts, measure, pieces, spend, weights
from classifier.cost_per_change import Company, company, costs
from classifier.posterior import Piece, Posterior, chance, interval, mean, posterior
from classifier.thresholds import VerdictThresholds
from domain.labels import (
    CostPerChange,
    Decision,
    JudgedSession,
    Label,
    Requirement,
    Sensitivity,
    Tier,
    Use,
    Verdict,
    WorkTypeShare,
)

_NOTHING_BEFORE: Mapping[str, Decision] = MappingProxyType({})
# How far the bars are moved to see whether the verdict hangs on where exactly they stand.
_OTHER_BARS = (-0.1, 0.1)


def judge_tools(
    sessions: Sequence[JudgedSession],
    thresholds: VerdictThresholds,
    as_of: datetime,
    before: Mapping[str, Decision] = _NOTHING_BEFORE,
    *,
    sensitive: bool = True,
) -> list[Verdict]:
    """Judge every tool, by name. Labels must be those of ``as_of``.

    ``before`` holds the verdicts that stood until then. Never keep, scope or cut while a
    requirement is unmet. Without ``sensitive`` other assumptions are not tried, which takes a third
    of the time.
    """
    held = cohorts(sessions, thresholds, as_of)
    work = work_of(held)
    costs_of_all = company(work.values())
    return [
        _judge(
            _Tool(
                name=tool,
                cohort=held[tool],
                work=work,
                company=costs_of_all,
                before=before.get(tool),
            ),
            thresholds,
            as_of,
            sensitive=sensitive,
        )
        for tool in sorted(held)
    ]


def work_of(held: Mapping[str, Cohort]) -> dict[str, list[Piece]]:
    """The pieces of work of every tool; of a change that several worked on each has its part."""
    whole = weights(session for cohort in held.values() for session in cohort.counted)
    return {tool: pieces(cohort.counted, whole) for tool, cohort in held.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tool:
    """A tool with its cohort, all tools' pieces of work, and the verdict that stood before."""

    name: str
    cohort: Cohort
    work: Mapping[str, Sequence[Piece]]
    company: Company | None
    before: Decision | None


def _judge(
    tool: _Tool, thresholds: VerdictThresholds, as_of: datetime, *, sensitive: bool
) -> Verdict:
    requirements = measure(tool.cohort, thresholds)
    missing = [requirement for requirement in requirements if not requirement.met]
    verdict = Verdict(
        tool=tool.name,
        decision=Decision.INSUFFICIENT_EVIDENCE,
        reason=_what_is_missing(missing),
        requirements=requirements,
        productive_share=None,
        interval=None,
        as_of=as_of,
    )
    if missing:
        return verdict
    counted = tool.cohort.counted
    spent = spend(counted)
    if not spent:
        return replace(verdict, reason="The settled sessions cost nothing.")
    found = posterior(tool.name, _all(tool.work))
    by_type = _by_type(found, thresholds)
    decision = decide(found, by_type, thresholds, tool.before)
    return replace(
        verdict,
        decision=decision,
        reason=_reason(decision, found, by_type, thresholds),
        productive_share=spend(e for e in counted if e.label is Label.PRODUCTIVE) / spent,
        standardised_share=mean(found.overall),
        interval=interval(found.overall),
        baseline=found.baseline,
        good=chance(found.overall, thresholds.keep_from),
        bad=_bad(found, thresholds),
        by_work_type=by_type,
        per_change=_per_change(tool, thresholds),
        sensitivity=tuple(_sensitivity(tool, found, thresholds)) if sensitive else (),
    )


def _per_change(tool: _Tool, thresholds: VerdictThresholds) -> CostPerChange | None:
    found = costs(tool.name, tool.work[tool.name], tool.company, thresholds.spend_known)
    over = found.over() if found else None
    if found is None or over is None:
        return None
    low, high = over.interval
    return CostPerChange(
        actual_nanousd=round(found.own.spend / found.own.survived),
        standardised_nanousd=round(over.nanousd),
        interval_nanousd=(round(low), round(high)),
        surviving=found.own.survived,
    )


def decide(
    found: Posterior,
    by_type: Sequence[WorkTypeShare],
    thresholds: VerdictThresholds,
    before: Decision | None = None,
) -> Decision:
    """The decision that these probabilities allow, or the one before while it still stands."""
    new = _decision(found, by_type, thresholds)
    if new is Decision.INSUFFICIENT_EVIDENCE and before is not None:
        sure = thresholds.sure_to_stay
        lenient = replace(thresholds, sure_to_keep=sure, sure_to_cut=sure)
        if _decision(found, _by_type(found, lenient), lenient) is before:
            return before
    return new


def _decision(
    found: Posterior, by_type: Sequence[WorkTypeShare], thresholds: VerdictThresholds
) -> Decision:
    good = chance(found.overall, thresholds.keep_from)
    uses = {each.use for each in by_type}
    if Use.STOP not in uses and good >= thresholds.sure_to_keep:
        return Decision.KEEP
    if uses >= {Use.KEEP, Use.STOP}:
        return Decision.SCOPE
    if Use.KEEP not in uses and _bad(found, thresholds) >= thresholds.sure_to_cut:
        return Decision.CUT
    return Decision.INSUFFICIENT_EVIDENCE


def _bad(found: Posterior, thresholds: VerdictThresholds) -> float:
    """The probability of being below the bar for cutting and clearly below the other tools."""
    beside = found.others - thresholds.cut_margin
    return 1 - chance(found.overall, min(thresholds.cut_below, beside))


def _by_type(found: Posterior, thresholds: VerdictThresholds) -> tuple[WorkTypeShare, ...]:
    """The types of work that the tool was used for, by name."""
    return tuple(
        WorkTypeShare(
            work_type=kind,
            share=mean(draws),
            interval=interval(draws),
            good=chance(draws, thresholds.keep_from),
            pieces=found.pieces[kind],
            weight=found.weight[kind],
            use=_use(draws, found.pieces[kind], thresholds),
        )
        for kind, draws in sorted(found.by_type.items(), key=lambda item: item[0] or "")
        if kind is not None and found.pieces[kind]
    )


def _use(draws: Sequence[float], number: float, thresholds: VerdictThresholds) -> Use:
    good = chance(draws, thresholds.keep_from)
    if number < thresholds.type_pieces:
        return Use.UNCLEAR
    if good >= thresholds.sure_to_keep:
        return Use.KEEP
    bad = 1 - chance(draws, thresholds.stop_below)
    return Use.STOP if bad >= thresholds.sure_to_cut else Use.UNCLEAR


def _sensitivity(
    tool: _Tool, as_it_is: Posterior, thresholds: VerdictThresholds
) -> Iterator[Sensitivity]:
    """What the decision would be with other bars, surer links, and without the largest piece."""

    def said(changed: str, found: Posterior, bars: VerdictThresholds) -> Sensitivity:
        decision = _decision(found, _by_type(found, bars), bars)
        return Sensitivity(changed=changed, decision=decision, share=mean(found.overall))

    def told(changed: str, own: Sequence[Piece]) -> Sensitivity:
        if not sum(piece.spend for piece in own):
            return Sensitivity(changed=changed, decision=Decision.INSUFFICIENT_EVIDENCE, share=None)
        found = posterior(tool.name, _all({**tool.work, tool.name: own}))
        return said(changed, found, thresholds)

    own = tool.work[tool.name]
    for moved in _OTHER_BARS:
        keep, cut = thresholds.keep_from + moved, thresholds.cut_below + moved
        stop = thresholds.stop_below + moved
        bars = replace(thresholds, keep_from=keep, stop_below=stop, cut_below=cut)
        yield said(f"bars at {keep:.1f} and {cut:.1f}", as_it_is, bars)
    largest = max(own, key=lambda piece: (piece.spend, -piece.productive))
    without = [piece for piece in own if piece is not largest]
    yield told("without the largest piece of work", without)
    surest = [
        each
        for each in tool.cohort.counted
        if not each.changes or any(change.tier is Tier.A for change in each.changes)
    ]
    yield told("only links by tier A evidence", pieces(surest))


def _all(work: Mapping[str, Sequence[Piece]]) -> list[Piece]:
    return [piece for held in work.values() for piece in held]


def _what_is_missing(missing: Iterable[Requirement]) -> str:
    return f"Not enough to judge by: {'; '.join(map(_in_words, missing))}."


_COUNTED = {
    "settled_sessions": "settled sessions",
    "distinct_changes": "different changes",
    "people": "people",
    "history_days": "days of history",
    "other_tools": "other tools to compare with",
}
_SHARES = {
    "coverage": "of spend has a final label",
    "spend_known": "of its sessions are of known cost",
    "work_types_known": "of changes are of known type",
}
"""What a requirement counts, or is a share of; the name of one stands in ``requirements``."""


def _in_words(short: Requirement) -> str:
    if short.name in _SHARES:
        have = _floor(short.have * 100)
        return f"{have} % {_SHARES[short.name]}, {short.need * 100:g} % are needed"
    return f"{_floor(short.have)} of {short.need:g} {_COUNTED[short.name]}"


def _floor(have: float) -> str:
    # Rounded down: what is short of the need must not read as if it were met.
    return f"{floor(have + 1e-9)}"


def _reason(
    decision: Decision,
    found: Posterior,
    by_type: Sequence[WorkTypeShare],
    thresholds: VerdictThresholds,
) -> str:
    low, high = interval(found.overall)
    share = (
        f"Over the company's mix of work its productive share would lie between"
        f" {_percent(low)} and {_percent(high)} (95 %), the company's is {_percent(found.baseline)}"
    )
    keep, cut = f"{thresholds.keep_from * 100:g} %", f"{thresholds.cut_below * 100:g} %"
    if decision is Decision.KEEP:
        return f"{share}; it reaches the bar for keeping, {keep}."
    if decision is Decision.CUT:
        return f"{share}; it is below the bar for cutting, {cut}, and below the other tools'."
    if decision is Decision.SCOPE:
        good = ", ".join(each.work_type for each in by_type if each.use is Use.KEEP)
        bad = ", ".join(each.work_type for each in by_type if each.use is Use.STOP)
        return f"{share}. Keep it for {good}; stop using it for {bad}."
    return f"{share}; that neither reaches {keep} (keep) nor stays below {cut} (cut) for sure."


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %"
