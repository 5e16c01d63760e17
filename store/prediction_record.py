"""How past early warnings came out, as sums: the warnings themselves are gone by then."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, select

from domain.labels import Label
from domain.predictions import OUTCOMES, Bin, Prediction, Tally, TrackRecord
from store import tables as t
from store.upsert import added, merge_into

_DECILES = 10
_SCORED = ("predictions", "probability_sum", "came_true")
_TALLIED = ("settled", "answered", "answered_right", "squared_error_sum", "otherwise")


def add(connection: Connection, came: Iterable[tuple[str, Label, Prediction]]) -> None:
    """Count these: (tool, label that became final, what was foretold)."""
    scores: dict[tuple[str, str, int], dict[str, Any]] = {}
    tallies: dict[str, dict[str, Any]] = defaultdict(lambda: dict.fromkeys(_TALLIED, 0))
    for tool, label, said in came:
        tally = tallies[tool]
        if label not in OUTCOMES:
            tally["otherwise"] += 1
            continue
        tally["settled"] += 1
        tally["answered"] += said.answer is not None
        tally["answered_right"] += said.answer is label
        for each, chance in zip(OUTCOMES, said.chances.each, strict=True):
            tally["squared_error_sum"] += (chance - (each is label)) ** 2
            decile = min(int(chance * _DECILES), _DECILES - 1)
            score = scores.setdefault((tool, each.value, decile), dict.fromkeys(_SCORED, 0))
            score["predictions"] += 1
            score["probability_sum"] += chance
            score["came_true"] += each is label
    rows = [
        {"tool": tool, "label": label, "decile": decile, **score}
        for (tool, label, decile), score in sorted(scores.items())
    ]
    merge_into(connection, t.prediction_scores, rows, dict.fromkeys(_SCORED, added))
    counted = [{"tool": tool, **tally} for tool, tally in sorted(tallies.items())]
    merge_into(connection, t.prediction_tallies, counted, dict.fromkeys(_TALLIED, added))


def record(connection: Connection) -> TrackRecord:
    """All that was ever counted."""
    tallies = connection.execute(select(t.prediction_tallies).order_by("tool")).all()
    sums: dict[tuple[str, int], list[float]] = defaultdict(lambda: [0, 0.0, 0])
    for row in connection.execute(select(t.prediction_scores)):
        of = sums[row.label, row.decile]
        told = (row.predictions, row.probability_sum, row.came_true)
        sums[row.label, row.decile] = [a + b for a, b in zip(of, told, strict=True)]
    return TrackRecord(
        tools=tuple(
            Tally(
                tool=row.tool,
                settled=row.settled,
                answered=row.answered,
                answered_right=row.answered_right,
                brier=row.squared_error_sum / row.settled if row.settled else None,
                otherwise=row.otherwise,
            )
            for row in tallies
        ),
        reliability={
            label.value: tuple(
                Bin(said=said / count, came_true=true / count, sessions=int(count))
                for (of, _), (count, said, true) in sorted(sums.items())
                if of == label.value
            )
            for label in OUTCOMES
        },
    )
