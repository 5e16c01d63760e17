"""What a verdict rests on: the sessions of a tool that are old enough, and whether they are enough.

Sessions are put together into pieces of work: those that hang together by shared changes succeed or
fail together, and count once.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from classifier.posterior import Piece, Stratum
from classifier.thresholds import VerdictThresholds
from domain.labels import JudgedChange, JudgedSession, Label, Maturity, Requirement

ChangeKey: TypeAlias = tuple[str, int]
"""A change by its repository and number."""

_SETTLED = frozenset({Label.PRODUCTIVE, Label.INEFFICIENT, Label.WASTEFUL, Label.NEUTRAL})
# Changed lines up to which a change is small, medium or large: thirds of what agents' changes
# were in one public repository, rounded.
_SMALL, _MEDIUM = 50, 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """The sessions of one tool that are old enough to be judged.

    ``counted`` are those with a final label other than neutral; ``others`` is how many other tools
    have as many of them as a verdict needs.
    """

    sessions: Sequence[JudgedSession]
    counted: Sequence[JudgedSession]
    others: int


@dataclass(frozen=True, slots=True)
class Need:
    """A requirement before it is measured; ``VerdictThresholds`` says how much, by its name."""

    name: str
    sentence: str
    have: Callable[[Cohort], float]


def cohorts(
    sessions: Sequence[JudgedSession], thresholds: VerdictThresholds, as_of: datetime
) -> dict[str, Cohort]:
    """The cohort of every tool. Labels must be those of ``as_of``."""
    youngest = as_of - timedelta(days=thresholds.settling_days)
    oldest = as_of - timedelta(days=thresholds.window_days)
    mature: dict[str, list[JudgedSession]] = {session.tool: [] for session in sessions}
    for session in sessions:
        if oldest <= session.ended_at <= youngest:
            mature[session.tool].append(session)
    counted = {tool: list(filter(_counts, theirs)) for tool, theirs in mature.items()}
    enough = {t for t, theirs in counted.items() if len(theirs) >= thresholds.settled_sessions}
    return {
        tool: Cohort(sessions=mature[tool], counted=counted[tool], others=len(enough - {tool}))
        for tool in mature
    }


def weights(sessions: Iterable[JudgedSession]) -> dict[ChangeKey, float]:
    """What was spent on each change, by all of these sessions; of several each takes an even part.

    A free session weighs a nano-dollar, so that what was made for nothing is somebody's, too.
    """
    spent: defaultdict[ChangeKey, float] = defaultdict(float)
    for session in sessions:
        for change in session.changes:
            spent[_key(change)] += _part(session)
    return spent


def pieces(
    sessions: Sequence[JudgedSession], whole: Mapping[ChangeKey, float] | None = None
) -> list[Piece]:
    """The pieces of work of one tool's counted sessions.

    ``whole`` tells what all tools spent on each change (``weights``): of a change that several
    worked on, each has its part only. Without it, all of it is this tool's.
    """
    own = weights(sessions)
    found: list[Piece] = []
    for held in _together(sessions):
        changes = sorted({_key(change): change for each in held for change in each.changes}.items())
        found.append(
            Piece(
                tool=held[0].tool,
                stratum=_stratum([change for _, change in changes]),
                spend=spend(held),
                productive=spend(each for each in held if each.label is Label.PRODUCTIVE),
                survived=_survived(changes, own, whole or own),
            )
        )
    return found


def _survived(
    changes: Iterable[tuple[ChangeKey, JudgedChange]],
    own: Mapping[ChangeKey, float],
    whole: Mapping[ChangeKey, float],
) -> float | None:
    told = 0.0
    for key, change in changes:
        if change.survives is None:
            return None
        told += change.survives * own[key] / whole[key]
    # What order sums were taken in must not show.
    return round(told, 9)


def _part(session: JudgedSession) -> float:
    return max(session.cost_nanousd or 0, 1) / len(session.changes)


def size_of(lines: int | None) -> str | None:
    """The size of a change with so many lines added and deleted."""
    if lines is None:
        return None
    return "small" if lines < _SMALL else "medium" if lines < _MEDIUM else "large"


def spend(sessions: Iterable[JudgedSession]) -> int:
    """What these sessions cost, in nano-dollars; an unknown cost has no weight."""
    return sum(session.cost_nanousd or 0 for session in sessions)


def measure(cohort: Cohort, thresholds: VerdictThresholds) -> tuple[Requirement, ...]:
    """Everything that a verdict takes, with how much of it there is."""
    return tuple(
        Requirement(
            name=need.name,
            sentence=need.sentence,
            have=float(need.have(cohort)),
            need=float(getattr(thresholds, need.name)),
        )
        for need in REQUIREMENTS
    )


def _counts(session: JudgedSession) -> bool:
    return _is_settled(session) and session.label is not Label.NEUTRAL


def _is_settled(session: JudgedSession) -> bool:
    return session.maturity is Maturity.FINAL and session.label in _SETTLED


def _stratum(changes: Sequence[JudgedChange]) -> Stratum:
    """By the first change that tells what it was; the size is that of all of them."""
    kinds = (change.work_type for change in changes if change.work_type)
    told = [change.lines for change in changes if change.lines is not None]
    return Stratum(next(kinds, None), size_of(sum(told)) if told else None)


def _together(sessions: Sequence[JudgedSession]) -> list[list[JudgedSession]]:
    """Sessions that hang together by shared changes."""
    leads = list(range(len(sessions)))

    def lead(i: int) -> int:
        while leads[i] != i:
            leads[i] = leads[leads[i]]
            i = leads[i]
        return i

    first_on: dict[ChangeKey, int] = {}
    for i, session in enumerate(sessions):
        for change in session.changes:
            leads[lead(i)] = lead(first_on.setdefault(_key(change), i))
    held: dict[int, list[JudgedSession]] = defaultdict(list)
    for i, session in enumerate(sessions):
        held[lead(i)].append(session)
    return list(held.values())


def _changes(sessions: Iterable[JudgedSession]) -> Mapping[ChangeKey, JudgedChange]:
    return {_key(change): change for session in sessions for change in session.changes}


def _key(change: JudgedChange) -> ChangeKey:
    return change.repo, change.number


def _people(cohort: Cohort) -> float:
    return len({session.person for session in cohort.counted if session.person})


def _coverage(cohort: Cohort) -> float:
    return _ratio(spend(filter(_is_settled, cohort.sessions)), spend(cohort.sessions))


def _spend_known(cohort: Cohort) -> float:
    known = sum(session.cost_nanousd is not None for session in cohort.sessions)
    return _ratio(known, len(cohort.sessions))


def _history_days(cohort: Cohort) -> float:
    if not cohort.sessions:
        return 0.0
    first = min(session.started_at for session in cohort.sessions)
    last = max(session.ended_at for session in cohort.sessions)
    return (last - first) / timedelta(days=1)


def _work_types_known(cohort: Cohort) -> float:
    changes = _changes(cohort.counted).values()
    return _ratio(sum(change.work_type is not None for change in changes), len(changes))


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


REQUIREMENTS: tuple[Need, ...] = (
    Need(
        "settled_sessions",
        "Sessions with a final label other than neutral.",
        lambda cohort: len(cohort.counted),
    ),
    Need(
        "distinct_changes",
        "Different changes that these sessions are linked to.",
        lambda cohort: len(_changes(cohort.counted)),
    ),
    Need("people", "Different people behind these sessions.", _people),
    Need("coverage", "Share of the tool's spend that has a final label.", _coverage),
    Need("spend_known", "Share of its sessions whose cost is known.", _spend_known),
    Need("history_days", "Days between its first and its last session.", _history_days),
    Need(
        "other_tools",
        "Other tools with as many settled sessions, to compare with.",
        lambda cohort: cohort.others,
    ),
    Need(
        "work_types_known",
        "Share of the changes whose type of work is known.",
        _work_types_known,
    ),
)
