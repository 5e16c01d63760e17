"""What was judged on one day, and what moved between two verdicts on one tool.

A judgement is frozen as it was given, with the numbers that it was judged by, so that the answer of
last month can be given again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.labels import Decision, Verdict

# What a share must differ by to be said to have moved: less is noise.
_LEAST_SHARE = 0.005


class By(StrEnum):
    """What one verdict is on: a tool with all its models, or with each of them apart."""

    TOOL = "tool"
    TOOL_MODEL = "tool_model"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """All verdicts of one day. ``judged_at`` is None where none had been given by then."""

    by: By
    judged_at: datetime | None
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """The numbers that a verdict was given on, to be compared with the next one's.

    ``have`` and ``need`` are by requirement, ``bars`` by the name of the threshold, ``uses`` what
    to do by type of work. Shares and probabilities are None while a requirement is unmet.
    """

    share: float | None = None
    good: float | None = None
    bad: float | None = None
    have: Mapping[str, float] = field(default_factory=dict)
    need: Mapping[str, float] = field(default_factory=dict)
    bars: Mapping[str, float] = field(default_factory=dict)
    uses: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A verdict from the moment it was given.

    By tool and model, a ``model`` of None is one that was not told.
    """

    tool: str
    by: By
    model: str | None
    given_at: datetime
    judged_at: datetime
    decision: Decision
    reason: str
    grounds: Grounds


class Moved(StrEnum):
    """What kind of thing moved."""

    SHARE = "share"
    CERTAINTY = "certainty"
    EVIDENCE = "evidence"
    REQUIREMENT = "requirement"
    THRESHOLD = "threshold"
    WORK_TYPE = "work_type"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One thing that differs between two verdicts, as it is shown; "" where there was none."""

    what: Moved
    name: str
    before: str
    after: str


def grounds_of(verdict: Verdict, bars: Mapping[str, float]) -> Grounds:
    """What this verdict was given on."""
    return Grounds(
        share=verdict.standardised_share,
        good=verdict.good,
        bad=verdict.bad,
        have={each.name: each.have for each in verdict.requirements},
        need={each.name: each.need for each in verdict.requirements},
        bars=dict(bars),
        uses={each.work_type: each.use.value for each in verdict.by_work_type},
    )


def moves(before: Grounds, after: Grounds) -> tuple[Move, ...]:
    """Everything that moved from one verdict to the next: what can have changed it comes first."""
    return (
        *_thresholds(before, after),
        *_requirements(before, after),
        *_shares(before, after),
        *_uses(before, after),
        *_evidence(before, after),
    )


def _thresholds(before: Grounds, after: Grounds) -> Iterator[Move]:
    for told, since in ((before.bars, after.bars), (before.need, after.need)):
        for name in sorted(told.keys() & since.keys()):
            if told[name] != since[name]:
                yield _move(Moved.THRESHOLD, name, f"{told[name]:g}", f"{since[name]:g}")


def _requirements(before: Grounds, after: Grounds) -> Iterator[Move]:
    for name in sorted(before.have.keys() & after.have.keys()):
        was, now = (grounds.have[name] >= grounds.need[name] for grounds in (before, after))
        if was is not now:
            yield _move(Moved.REQUIREMENT, name, _met(was), _met(now))


def _met(met: bool) -> str:
    return "met" if met else "unmet"


def _shares(before: Grounds, after: Grounds) -> Iterator[Move]:
    for what, name, was, now in (
        (Moved.SHARE, "standardised_share", before.share, after.share),
        (Moved.CERTAINTY, "good", before.good, after.good),
        (Moved.CERTAINTY, "bad", before.bad, after.bad),
    ):
        apart = was is not None and now is not None and abs(was - now) < _LEAST_SHARE
        if was != now and not apart:
            yield _move(what, name, _two(was), _two(now))


def _uses(before: Grounds, after: Grounds) -> Iterator[Move]:
    for name in sorted(before.uses.keys() | after.uses.keys()):
        was, now = before.uses.get(name, ""), after.uses.get(name, "")
        if was != now:
            yield _move(Moved.WORK_TYPE, name, was, now)


def _evidence(before: Grounds, after: Grounds) -> Iterator[Move]:
    for name in sorted(before.have.keys() & after.have.keys()):
        was, now = before.have[name], after.have[name]
        # Counts only: of shares the verdict's own says more.
        if was != now and max(was, now) > 1:
            yield _move(Moved.EVIDENCE, name, f"{was:.4g}", f"{now:.4g}")


def _two(share: float | None) -> str:
    return "" if share is None else f"{share:.2f}"


def _move(what: Moved, name: str, before: str, after: str) -> Move:
    return Move(what=what, name=name, before=before, after=after)
