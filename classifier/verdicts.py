"""Keep, cut or insufficient evidence, for one tool among the others of the company.

The number judged is the productive share of settled spend: of what the tool's productive,
inefficient and wasteful sessions with a final label cost, how much went to productive ones. Before
it is looked at, every requirement must be met; what is missing is the answer otherwise.

*Scope* (keep it for some kinds of work) is not given by this version: it takes the same share for
each kind of work, and sessions are not sorted into kinds yet. For the same reason the share is not
standardised, so a tool that is given easier work looks better than it is.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import floor, sqrt

from classifier.thresholds import VerdictThresholds
from domain.labels import (
    Decision,
    JudgedChange,
    JudgedSession,
    Label,
    Maturity,
    Requirement,
    Verdict,
)

_SETTLED = frozenset({Label.PRODUCTIVE, Label.INEFFICIENT, Label.WASTEFUL, Label.NEUTRAL})
# The 97.5 % quantile of the normal distribution: a two-sided 95 % interval.
_Z = 1.959964
_CONVENTIONAL = re.compile(
    r"(?:build|chore|ci|docs|feat|fix|perf|refactor|revert|style|test)(?:\([^)]*\))?!?: ",
    re.IGNORECASE,
)


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


def work_type_known(title: str) -> bool:
    """Tell whether a title says what type of work it is, as a conventional commit (``fix: …``)."""
    return _CONVENTIONAL.match(title) is not None


def _people(cohort: Cohort) -> float:
    return len({session.person for session in cohort.counted if session.person})


def _coverage(cohort: Cohort) -> float:
    return _ratio(_spend(filter(_is_settled, cohort.sessions)), _spend(cohort.sessions))


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
    titles = _titles(cohort.counted)
    return _ratio(sum(map(work_type_known, titles.values())), len(titles))


REQUIREMENTS: tuple[Need, ...] = (
    Need(
        "settled_sessions",
        "Sessions with a final label other than neutral.",
        lambda cohort: len(cohort.counted),
    ),
    Need(
        "distinct_changes",
        "Different changes that these sessions are linked to.",
        lambda cohort: len(_titles(cohort.counted)),
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
        "Share of the changes whose title says what type of work they are.",
        _work_types_known,
    ),
)


def judge_tool(
    tool: str, sessions: Sequence[JudgedSession], thresholds: VerdictThresholds, as_of: datetime
) -> Verdict:
    """Judge one tool by its own sessions and, for comparison, those of all others.

    Labels must be those of ``as_of``. Never keep or cut while a requirement is unmet.
    """
    cohort = _cohort(tool, sessions, thresholds, as_of)
    requirements = tuple(_measure(need, cohort, thresholds) for need in REQUIREMENTS)
    missing = [requirement for requirement in requirements if not requirement.met]
    share = interval = None
    if missing:
        decision, reason = Decision.INSUFFICIENT_EVIDENCE, _what_is_missing(missing)
    elif not _spend(cohort.counted):
        decision, reason = Decision.INSUFFICIENT_EVIDENCE, "The settled sessions cost nothing."
    else:
        share = _productive_share(cohort.counted)
        interval = wilson(share, effective_sample(cohort.counted))
        decision, reason = _decide(interval, thresholds)
    return Verdict(
        tool=tool,
        decision=decision,
        reason=reason,
        requirements=requirements,
        productive_share=share,
        interval=interval,
        as_of=as_of,
    )


def wilson(share: float, sample: float) -> tuple[float, float]:
    """Give the 95 % Wilson score interval of a share seen in a sample, which may be fractional.

    Of an empty sample everything is possible: 0 to 1.
    """
    if not sample:
        return 0.0, 1.0
    squared = _Z * _Z
    centre = (share + squared / (2 * sample)) / (1 + squared / sample)
    spread = _Z * sqrt(share * (1 - share) / sample + squared / (4 * sample * sample))
    half = spread / (1 + squared / sample)
    return max(0.0, centre - half), min(1.0, centre + half)


def effective_sample(sessions: Sequence[JudgedSession]) -> float:
    """Tell how many equally expensive, independent pieces of work these sessions amount to.

    Sessions that share a change are one piece. Spend is very uneven, and a share of spend rests on
    the expensive pieces, so Kish's formula reduces their number; it never exceeds the number of
    distinct changes.
    """
    pieces = _spend_by_piece(sessions)
    squares = sum(spend * spend for spend in pieces)
    kish = sum(pieces) ** 2 / squares if squares else 0.0
    return min(kish, float(len(_titles(sessions))))


def _cohort(
    tool: str, sessions: Sequence[JudgedSession], thresholds: VerdictThresholds, as_of: datetime
) -> Cohort:
    youngest = as_of - timedelta(days=thresholds.settling_days)
    old_enough = [session for session in sessions if session.ended_at <= youngest]
    counted: dict[str, list[JudgedSession]] = defaultdict(list)
    for session in old_enough:
        if _is_settled(session) and session.label is not Label.NEUTRAL:
            counted[session.tool].append(session)
    others = sum(
        name != tool and len(theirs) >= thresholds.settled_sessions
        for name, theirs in counted.items()
    )
    return Cohort(
        sessions=[session for session in old_enough if session.tool == tool],
        counted=counted[tool],
        others=others,
    )


def _is_settled(session: JudgedSession) -> bool:
    return session.maturity is Maturity.FINAL and session.label in _SETTLED


def _measure(need: Need, cohort: Cohort, thresholds: VerdictThresholds) -> Requirement:
    return Requirement(
        name=need.name,
        sentence=need.sentence,
        have=float(need.have(cohort)),
        need=float(getattr(thresholds, need.name)),
    )


def _what_is_missing(missing: Iterable[Requirement]) -> str:
    parts = (f"{r.name} {_floor(r.have)} of {r.need:g}" for r in missing)
    return f"Not enough to judge by: {', '.join(parts)}."


def _floor(have: float) -> str:
    # Rounded down: what is short of the need must not read as if it were met.
    return f"{floor(have * 100 + 1e-9) / 100:g}"


def _decide(interval: tuple[float, float], thresholds: VerdictThresholds) -> tuple[Decision, str]:
    low, high = interval
    found = (
        f"The productive share of settled spend lies between {low:.2f} and {high:.2f} (95 %), "
        "not adjusted for the type of work;"
    )
    keep, cut = thresholds.keep_from, thresholds.cut_below
    if low >= keep:
        return Decision.KEEP, f"{found} all of it is at or above the bar for keeping, {keep:g}."
    if high < cut:
        return Decision.CUT, f"{found} all of it is below the bar for cutting, {cut:g}."
    if low < cut and high >= keep:
        why = f"it spans both bars, {cut:g} and {keep:g}."
    else:
        why = f"it is neither all at or above {keep:g} (keep) nor all below {cut:g} (cut)."
    return Decision.INSUFFICIENT_EVIDENCE, f"{found} {why}"


def _productive_share(counted: Sequence[JudgedSession]) -> float:
    productive = (session for session in counted if session.label is Label.PRODUCTIVE)
    return _ratio(_spend(productive), _spend(counted))


def _spend(sessions: Iterable[JudgedSession]) -> int:
    return sum(session.cost_nanousd or 0 for session in sessions)


def _titles(sessions: Iterable[JudgedSession]) -> Mapping[tuple[str, int], str]:
    return {_key(change): change.title for session in sessions for change in session.changes}


def _spend_by_piece(sessions: Sequence[JudgedSession]) -> list[int]:
    """Add up the spend of sessions that hang together by shared changes."""
    leads = list(range(len(sessions)))

    def lead(i: int) -> int:
        while leads[i] != i:
            leads[i] = leads[leads[i]]
            i = leads[i]
        return i

    first_on: dict[tuple[str, int], int] = {}
    for i, session in enumerate(sessions):
        for change in session.changes:
            leads[lead(i)] = lead(first_on.setdefault(_key(change), i))
    pieces: dict[int, int] = defaultdict(int)
    for i, session in enumerate(sessions):
        pieces[lead(i)] += session.cost_nanousd or 0
    return list(pieces.values())


def _key(change: JudgedChange) -> tuple[str, int]:
    return change.repo, change.number


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
