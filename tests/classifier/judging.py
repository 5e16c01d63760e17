"""Sessions to judge, made by hand and taken from simulated companies."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

from domain.labels import JudgedChange, JudgedSession, Label, Maturity
from simulation.company import USUAL_TOOLS, Tool, found
from simulation.history import Change, Ending, History, Piece
from simulation.living import live
from simulation.truth import truth

DAY_0 = datetime(2026, 3, 2, tzinfo=UTC)
AS_OF = DAY_0 + timedelta(days=100)
UNTIL = datetime(2026, 11, 20, 12, tzinfo=UTC)

_TYPES = ("bug", "feature")


def session(number: int, tool: str = "codex", label: Label = Label.PRODUCTIVE) -> JudgedSession:
    """One that stands alone with its change; every second one is of another type of work."""
    at = DAY_0 + timedelta(days=number % 60)
    change = JudgedChange(
        repo="acme/shop",
        number=number,
        title=f"part {number}",
        work_type=_TYPES[number % len(_TYPES)],
        lines=80,
        survives=label is not Label.WASTEFUL,
    )
    return JudgedSession(
        tool=tool,
        session_id=f"{tool}-{number}",
        person=f"p_{number % 6}",
        started_at=at,
        ended_at=at + timedelta(hours=1),
        cost_nanousd=1_000,
        label=label,
        maturity=Maturity.FINAL,
        changes=(change,),
        model=f"{tool}-model",
    )


def enough(productive: int, of: int = 60) -> list[JudgedSession]:
    """Sessions of one tool of which so many were productive, and another tool to compare with."""
    mine = [
        session(n, label=Label.PRODUCTIVE if n < productive else Label.WASTEFUL) for n in range(of)
    ]
    return mine + [
        session(n, "gemini-cli", Label.PRODUCTIVE if n % 2 else Label.WASTEFUL) for n in range(40)
    ]


@cache
def company(seed: int) -> History:
    """Nine months of a simulated company."""
    return using(seed, USUAL_TOOLS)


def using(seed: int, tools: Sequence[Tool]) -> History:
    """Nine months of a company with these tools."""
    return live(found(seed, tools), UNTIL)


def judged(history: History) -> list[JudgedSession]:
    """Its sessions with their true labels; what they cost is their tokens."""
    told = {each["session_id"]: each for each in truth(history)["sessions"]}
    return [
        JudgedSession(
            tool=each.tool,
            session_id=each.id,
            person=each.developer,
            started_at=each.started_at,
            ended_at=each.ended_at,
            cost_nanousd=told[each.id]["tokens"],
            label=Label(told[each.id]["label"]),
            maturity=Maturity.FINAL if told[each.id]["settled"] else Maturity.PROVISIONAL,
            changes=tuple(
                JudgedChange(
                    repo=change.repository,
                    number=change.number,
                    title=change.title,
                    work_type=piece.work_type.value,
                    lines=change.lines,
                    survives=change is survivor(piece),
                    review_rounds=len([r for r in change.reviews if r.state != "approved"]),
                )
                for change in piece.changes
            ),
            model=history.company.tools[each.tool].model,
        )
        for piece in history.pieces
        for each in piece.sessions
    ]


_SURVIVING = (Ending.SHIPPED, Ending.RELANDED, Ending.ENDLESS, Ending.COSTLY, Ending.SUPERSEDED)


def survivor(piece: Piece) -> Change | None:
    """The change of a piece of work that is still there at the end: of several the last merged."""
    merged = [change for change in piece.changes if change.merged_at is not None]
    return merged[-1] if merged and piece.ending in _SURVIVING else None
