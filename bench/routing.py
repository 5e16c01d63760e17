"""Routing policies against the truth: simulated companies, and which route is used for what.

``python -m bench.routing --seeds 20``. The truth of a route is its productive share and the cost of
a surviving change at a type of work over all companies together. A rule is right where its route is
truly at the bar (or at most a twentieth below it, which nobody could tell), and the cheapest where
none such costs less than a seventh less.
"""

import argparse
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from classifier.routing import Bars, policy
from classifier.thresholds import RoutingThresholds, VerdictThresholds
from domain.labels import JudgedSession, Label
from domain.routing import Outcome
from simulation.company import USUAL_TOOLS
from simulation.history import History
from tests.classifier.judging import judged, using

_BARS = Bars(verdicts=VerdictThresholds(), routing=RoutingThresholds())
_UNTIL = datetime(2026, 11, 20, 12, tzinfo=UTC)
_ROOM, _DEARER = 0.05, 1.15

Truth = Mapping[tuple[str, str], tuple[float, float]]


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    seeds = range(parser.parse_args().seeds)
    histories = [using(seed, USUAL_TOOLS) for seed in seeds]
    sessions = [judged(history) for history in histories]
    truth = true_routes(zip(histories, sessions, strict=True))
    counted: Counter[str] = Counter()
    for of in sessions:
        for rule in policy(of, _BARS, _UNTIL).rules:
            if rule.match.size is not None:
                counted[f"rules for a size: {rule.outcome.value}"] += 1
                continue
            counted[rule.outcome.value] += 1
            if rule.outcome is Outcome.USE and rule.use is not None:
                kind = rule.match.work_type
                counted.update(said(truth, rule.use.tool, kind))
    tell(counted, len(seeds))


def true_routes(companies: "zip[tuple[History, list[JudgedSession]]]") -> Truth:
    """Productive share and cost of a surviving change by tool and type of work."""
    spent: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for history, sessions in companies:
        told = {each.session_id: each for each in sessions}
        for piece in history.pieces:
            own = [told[each.id] for each in piece.sessions]
            if piece.ticket is not None and all(s.label is not Label.NEUTRAL for s in own):
                _count(spent[piece.tool, piece.work_type.value], own)
    return {
        key: (of["good"] / of["all"], of["all"] / max(of["left"], 1)) for key, of in spent.items()
    }


def _count(spent: Counter[str], sessions: Sequence[JudgedSession]) -> None:
    spent["all"] += sum(each.cost_nanousd or 0 for each in sessions)
    good = (each for each in sessions if each.label is Label.PRODUCTIVE)
    spent["good"] += sum(each.cost_nanousd or 0 for each in good)
    changes = {(c.repo, c.number): c.survives for each in sessions for c in each.changes}
    spent["left"] += sum(bool(survives) for survives in changes.values())


def said(truth: Truth, tool: str, kind: str) -> list[str]:
    """What is true of a route that is used for this type of work."""
    share, cost = truth[tool, kind]
    bar = _BARS.verdicts.keep_from
    good = [each for (_, of), (true, each) in truth.items() if of == kind and true >= bar - _ROOM]
    found = ["truly at the bar" if share >= bar - _ROOM else "truly below the bar"]
    if good and cost <= _DEARER * min(good):
        found.append("truly the cheapest")
    if share < _BARS.verdicts.cut_below:
        found.append("truly far below the bar")
    return found


def tell(counted: Counter[str], seeds: int) -> None:
    """Print what was counted."""
    table = Table("", "rules", title=f"routing policies of {seeds} simulated companies")
    for name, number in sorted(counted.items()):
        table.add_row(name, str(number))
    Console().print(table)


if __name__ == "__main__":
    main()
