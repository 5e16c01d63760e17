"""Alerts over simulated companies: how many are false, and whether the runaway agent is found.

``python -m bench.alerts --seeds 5``. Each company lives through its weeks: what was done by a time
is in the database, and what is worth an alert is looked for then, every three hours. No tool of a
simulated company falls silent and nothing of its spend is out of order but one agent that runs
away one night; each alert that is not about that session counts as false.
"""

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from classifier.alert_thresholds import AlertThresholds
from classifier.watch import Watch
from collector.dialects import tells
from collector.fold import fold
from domain.alerts import Alert, AlertKind
from domain.events import Context, Counted, Fact, Observation, Quantity, RequestAnswered, Source
from domain.usage import Tokens
from simulation.company import found
from simulation.history import Ending, History, Session
from simulation.living import live
from store import alerts, migrating, sessions
from store.alerts import AlertFilter
from store.engine import Database
from tests.telling import observation

_UNTIL = datetime(2026, 11, 20, 12, tzinfo=UTC)
_STEP = timedelta(hours=3)
# Until then nothing is usual yet.
_LEARNING_WEEKS = 5


@dataclass
class Score:
    """What was counted over all companies."""

    weeks: int = 0
    runaways: int = 0
    found: int = 0
    false: Counter[AlertKind] = field(default_factory=Counter)
    costly: int = 0
    looks_ms: list[float] = field(default_factory=list)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--weeks", type=int, default=26)
    parser.add_argument("--usd", type=int, default=AlertThresholds().anomaly_usd)
    parser.add_argument("--percent", type=int, default=AlertThresholds().anomaly_percent)
    told = parser.parse_args()
    score = Score()
    thresholds = AlertThresholds(anomaly_usd=told.usd, anomaly_percent=told.percent)
    for seed in range(told.seeds):
        history = live(found(seed), _UNTIL, told.weeks)
        with tempfile.TemporaryDirectory() as folder:
            _run(score, history, Path(folder), thresholds)
    _tell(score, told.seeds)


def _run(score: Score, history: History, folder: Path, thresholds: AlertThresholds) -> None:
    with closing(Database(f"sqlite:///{folder}/assay.db")) as database:
        migrating.migrate(database, history.since)
        watch = Watch(None, thresholds, reading_seconds=60)
        for now, ended in _lived(history):
            with database.writing() as connection:
                sessions.apply(connection, fold(ended, [], tells))
            began = time.perf_counter()
            watch.look(database, now)
            score.looks_ms.append((time.perf_counter() - began) * 1000)
        with database.reading() as connection:
            told = alerts.find(connection, AlertFilter(private=True), 10_000)
    wild = _runaway(history)
    learned = history.since + timedelta(weeks=_LEARNING_WEEKS)
    score.weeks += (history.until - learned).days // 7
    score.runaways += wild is not None
    score.found += any(_about(each, wild) for each in told)
    for each in told:
        if each.opened_at < learned or _about(each, wild):
            continue
        if each.kind is AlertKind.SPEND_ANOMALY and _costly(each, history):
            score.costly += 1
        else:
            score.false[each.kind] += 1


def _lived(history: History) -> Iterator[tuple[datetime, list[Observation]]]:
    """Time after time, and what ended since the one before."""
    everything = sorted(
        (each for piece in history.pieces for each in piece.sessions),
        key=lambda each: each.ended_at,
    )
    teams = {each.login: each.team for each in history.company.developers}
    models = {name: tool.model for name, tool in history.company.tools.items()}
    place, now = 0, history.since
    while now < history.until:
        now += _STEP
        ended = []
        while place < len(everything) and everything[place].ended_at <= now:
            each = everything[place]
            ended += list(_observed(each, models[each.tool], teams[each.developer]))
            place += 1
        yield now, ended


def _observed(session: Session, model: str, team: str) -> Iterator[Observation]:
    for number, request in enumerate(session.requests):
        tokens = Tokens(
            input=request.input,
            cache_read=request.cache_read,
            cache_write=request.cache_write,
            output=request.output,
        )
        facts: list[Fact] = [RequestAnswered(model=model, tokens=tokens)]
        if number == 0 and session.failures > 1:
            again = Quantity.REPEATED_FAILURES
            facts.append(Counted(quantity=again, amount=session.failures - 1, item="call"))
        yield observation(
            tool=session.tool,
            session_id=session.id,
            installation=session.developer,
            key=f"{session.id[:12]}{number:04d}".encode(),
            at=session.started_at + timedelta(seconds=request.after_s),
            source=Source.LOG,
            rank=0,
            context=Context(user=session.developer, team=team, repo=session.repository),
            facts=tuple(facts),
        )


def _runaway(history: History) -> Session | None:
    """The session that ran away: the one whose same call failed hundreds of times."""
    everything = (each for piece in history.pieces for each in piece.sessions)
    return next((each for each in everything if each.failures > 100), None)


def _about(alert: Alert, wild: Session | None) -> bool:
    """Whether an alert is about the runaway: the session itself, or its day's spend."""
    if wild is None:
        return False
    if alert.kind is AlertKind.RUNAWAY_SESSION:
        return alert.facts["session_id"] == wild.id
    near = abs(alert.opened_at - wild.ended_at) < timedelta(hours=24)
    return alert.kind is AlertKind.SPEND_ANOMALY and near


def _costly(alert: Alert, history: History) -> bool:
    """Whether a costly session of the same tool, team or model ended in the day before."""
    teams = {each.login: each.team for each in history.company.developers}
    models = {name: tool.model for name, tool in history.company.tools.items()}
    return any(
        alert.facts["value"] in (each.tool, teams[each.developer], models[each.tool])
        for piece in history.pieces
        if piece.ending is Ending.COSTLY
        for each in piece.sessions
        if timedelta() <= alert.opened_at - each.ended_at < timedelta(hours=24)
    )


def _tell(score: Score, seeds: int) -> None:
    table = Table(title=f"alerts over {seeds} simulated companies, {score.weeks} weeks together")
    for column in ("kind", "false", "false a week"):
        table.add_column(column)
    for kind in AlertKind:
        false = score.false[kind]
        table.add_row(kind.value, str(false), f"{false / max(score.weeks, 1):.3f}")
    console = Console()
    console.print(table)
    console.print(f"unusual spend with a costly session behind it: {score.costly}")
    console.print(f"runaway agents found: {score.found} of {score.runaways}")
    looks = sorted(score.looks_ms)
    console.print(f"a look: {looks[len(looks) // 2]:.1f} ms median, {looks[-1]:.0f} ms at most")


if __name__ == "__main__":
    main()
