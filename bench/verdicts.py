"""Verdicts against the truth: simulated companies, and what is said of each of their tools.

``python -m bench.verdicts --seeds 20``. What is right follows from the tools' qualities over very
many pieces of work, not from the company at hand: ``keep`` where the tool's share over the
company's mix is above the bar, ``scope`` where it is so for some types of work and far below for
others, ``cut`` where it is far below for all. Between the bars no answer is wrong but a ``cut``.
"""

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from rich.console import Console
from rich.table import Table

from classifier.thresholds import VerdictThresholds
from classifier.verdicts import judge_tools
from domain.labels import Decision, JudgedSession, Label, Verdict
from simulation.company import USUAL_TOOLS
from tests.classifier.judging import judged, using

_BARS = VerdictThresholds()
_UNTIL = datetime(2026, 11, 20, 12, tzinfo=UTC)
_WEEKS = 8


@dataclass
class Score:
    """What was counted over all companies."""

    decisions: Counter[tuple[str, Decision]]
    right: int = 0
    wrong: int = 0
    unsaid: int = 0
    cut_wrongly: int = 0
    twins: int = 0
    twins_apart: int = 0
    weeks: int = 0
    flips: int = 0


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    seeds = range(parser.parse_args().seeds)
    companies = {seed: judged(using(seed, USUAL_TOOLS)) for seed in seeds}
    truth = true_shares([session for held in companies.values() for session in held])
    score = Score(decisions=Counter())
    for seed, sessions in companies.items():
        for verdict in judge_tools(sessions, _BARS, _UNTIL, sensitive=False):
            score.decisions[verdict.tool, verdict.decision] += 1
            count(score, verdict, truth, _mix(sessions))
        count_flips(score, sessions)
        count_twins(score, seed)
    tell(score, len(seeds))


def true_shares(sessions: Sequence[JudgedSession]) -> Mapping[tuple[str, str], float]:
    """The productive share of each tool at each type of work, over all companies together."""
    spent: defaultdict[tuple[str, str], Counter[bool]] = defaultdict(Counter)
    for session, kind in _typed(sessions):
        spent[session.tool, kind][session.label is Label.PRODUCTIVE] += session.cost_nanousd or 0
    return {key: held[True] / held.total() for key, held in spent.items()}


def count(
    score: Score,
    verdict: Verdict,
    truth: Mapping[tuple[str, str], float],
    mix: Mapping[str, float],
) -> None:
    """Whether this verdict is right, wrong or none."""
    kinds = {kind: truth[verdict.tool, kind] for kind in mix}
    share = sum(mix[kind] * kinds[kind] for kind in mix)
    tools = {tool for tool, _ in truth}
    company = sum(sum(mix[kind] * truth[tool, kind] for kind in mix) for tool in tools) / len(tools)
    good = any(each >= _BARS.keep_from for each in kinds.values())
    bad = any(each < _BARS.stop_below for each in kinds.values())
    right = {
        Decision.KEEP: share >= _BARS.stop_below and not (bad and share < _BARS.keep_from),
        Decision.SCOPE: good and bad,
        Decision.CUT: share < _BARS.stop_below and share < company and not good,
    }
    if verdict.decision is Decision.INSUFFICIENT_EVIDENCE:
        score.unsaid += 1
    elif right[verdict.decision]:
        score.right += 1
    else:
        score.wrong += 1
    score.cut_wrongly += verdict.decision is Decision.CUT and share >= company


def count_flips(score: Score, sessions: Sequence[JudgedSession]) -> None:
    """How often a verdict changes from one week to the next, each given the one before."""
    before: dict[str, Decision] = {}
    told: list[dict[str, Decision]] = []
    for week in range(_WEEKS, -1, -1):
        at = _UNTIL - timedelta(weeks=week)
        known = [session for session in sessions if session.ended_at <= at]
        verdicts = judge_tools(known, _BARS, at, before, sensitive=False)
        before = {verdict.tool: verdict.decision for verdict in verdicts}
        told.append(before)
    for one, other in pairwise(told):
        score.weeks += len(other)
        score.flips += sum(
            one.get(tool, decision) is not decision for tool, decision in other.items()
        )


def count_twins(score: Score, seed: int) -> None:
    """Whether two tools of one quality get different verdicts; no verdict differs from none."""
    codex = USUAL_TOOLS[1]
    tools = (replace(codex, name="one"), replace(codex, name="other"), *USUAL_TOOLS[2:])
    found = {
        verdict.tool: verdict.decision
        for verdict in judge_tools(judged(using(seed, tools)), _BARS, _UNTIL, sensitive=False)
    }
    said = {found["one"], found["other"]} - {Decision.INSUFFICIENT_EVIDENCE}
    score.twins += 1
    score.twins_apart += len(said) > 1


def _typed(sessions: Sequence[JudgedSession]) -> Iterator[tuple[JudgedSession, str]]:
    for session in sessions:
        kind = session.changes[0].work_type if session.changes else None
        if kind and session.label is not Label.NEUTRAL:
            yield session, kind


def _mix(sessions: Sequence[JudgedSession]) -> Mapping[str, float]:
    spent: Counter[str] = Counter()
    for session, kind in _typed(sessions):
        spent[kind] += session.cost_nanousd or 0
    return {kind: amount / spent.total() for kind, amount in spent.items()}


def tell(score: Score, seeds: int) -> None:
    """Print what was counted."""
    table = Table(title=f"verdicts on {seeds} simulated companies")
    table.add_column("tool")
    for decision in Decision:
        table.add_column(decision.value, justify="right")
    for tool in USUAL_TOOLS:
        told = [score.decisions[tool.name, decision] for decision in Decision]
        table.add_row(tool.name, *map(str, told))
    console = Console()
    console.print(table)
    said = score.right + score.wrong
    console.print(
        f"right {score.right} of {said} ({score.right / max(said, 1):.1%}), unsaid {score.unsaid}"
    )
    console.print(f"cut at or above the company: {score.cut_wrongly}")
    console.print(f"twins told apart: {score.twins_apart} of {score.twins}")
    console.print(f"flips: {score.flips} of {score.weeks} weeks ({score.flips / score.weeks:.1%})")


if __name__ == "__main__":
    main()
