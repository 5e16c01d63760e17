"""The truth: what each session really bought, and how good each tool really is."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from simulation.history import Ending, History, Piece, Session

# Written by hand from what the words mean, not taken from the rules that are to be checked.
LABELS: Mapping[Ending, str] = MappingProxyType(
    {
        Ending.SHIPPED: "productive",
        Ending.RELANDED: "productive",
        Ending.ENDLESS: "inefficient",
        Ending.COSTLY: "inefficient",
        Ending.REVERTED: "wasteful",
        Ending.REJECTED: "wasteful",
        Ending.STALLED: "wasteful",
        Ending.UNPUSHED: "wasteful",
        Ending.SUPERSEDED: "neutral",
        Ending.EXPERIMENT: "neutral",
        Ending.QUESTION: "neutral",
    }
)
# What is younger may still turn out otherwise, for all that anybody could know.
SETTLING = timedelta(days=31)


def truth(history: History) -> dict[str, Any]:
    """Sessions with their labels, tools with their shares, as JSON."""
    sessions = [
        _session(piece, session, settled=_settled(history, piece, session))
        for piece in history.pieces
        for session in piece.sessions
    ]
    return {
        "simulated": True,
        "seed": history.company.seed,
        "since": history.since.isoformat(),
        "until": history.until.isoformat(),
        "sessions": sessions,
        "tools": _tools(history),
    }


def label_of(piece: Piece, session: Session) -> str:
    """What this session really bought; of superseded work the part that shipped is productive."""
    if piece.ending is Ending.SUPERSEDED and session is piece.sessions[-1]:
        return "productive"
    return LABELS[piece.ending]


def _settled(history: History, piece: Piece, session: Session) -> bool:
    last = max(piece.settled_at or session.ended_at, session.ended_at)
    return last + SETTLING <= history.until


def _session(piece: Piece, session: Session, *, settled: bool) -> dict[str, Any]:
    return {
        "tool": session.tool,
        "session_id": session.id,
        "label": label_of(piece, session),
        "settled": settled,
        "ending": piece.ending.value,
        "developer": session.developer,
        "team": piece.team,
        "work_type": piece.work_type.value,
        "ticket": piece.ticket,
        "tokens": sum(_tokens(session)),
        "commits": [each.sha for each in session.commits],
        "changes": [f"{each.repository}#{each.number}" for each in piece.changes],
        "shapes": list(piece.shapes),
    }


def _tokens(session: Session) -> list[int]:
    return [
        each.input + each.cache_read + each.cache_write + each.output for each in session.requests
    ]


def _tools(history: History) -> dict[str, Any]:
    """Of each tool the share of sessions' tokens with each label, over what has settled."""
    spent: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for piece in history.pieces:
        for session in piece.sessions:
            if _settled(history, piece, session):
                spent[session.tool][label_of(piece, session)] += sum(_tokens(session))
    return {
        tool: {
            "tokens_by_label": dict(sorted(by_label.items())),
            "quality": {
                kind.value: share for kind, share in history.company.tools[tool].quality.items()
            },
        }
        for tool, by_label in sorted(spent.items())
    }
