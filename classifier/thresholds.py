"""Every number that a label or a verdict turns on, with its source.

They are defaults: a company that knows its own figures sets its own. Reasons are kept as data
beside the numbers, so that the documentation prints them and can't drift.
"""

from dataclasses import dataclass, field
from typing import TypeVar

Number = TypeVar("Number", int, float)


def _number(default: Number, why: str) -> Number:
    # ``field`` is typed as its default, so a dataclass field can be declared through it.
    declared: Number = field(default=default, metadata={"why": why})
    return declared


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """The numbers in the rules; days where the name ends so."""

    revert_window_days: int = _number(
        30,
        "After landing. Half of all reverts come within 1 to 35 days, by codebase (six systems, "
        "ICSME 2016); set it to 35 or more where your own reverts come later.",
    )
    reland_days: int = _number(
        14,
        "After a revert. Work that comes back mostly does so within days: a judgement, not "
        "measured.",
    )
    abandoned_provisional_days: int = _number(
        14,
        "Without activity by the author's side. Of 1,701 merges by coding agents 96.7 % came "
        "within 14 days of opening.",
    )
    abandoned_final_days: int = _number(
        30,
        "Without activity by the author's side. 98.9 % of the same merges came within 30 days; "
        "where reviews are slow, 30 and 60 fit better.",
    )
    unlinked_provisional_days: int = _number(
        14, "After the session's end, as for an abandoned change: its work may still turn up."
    )
    unlinked_final_days: int = _number(30, "After the session's end, as for an abandoned change.")
    elsewhere_days: int = _number(
        30,
        "After a merge into a branch other than the default one: time for that branch to land. "
        "A judgement, not measured.",
    )
    endless_rounds: int = _number(
        4,
        "Review rounds. 1.2 % of the reviewed changes of coding agents had three or more formal "
        "requests for changes; comments count here too, hence four.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictThresholds:
    """What a verdict takes. Fields named like a requirement say how much of it is needed."""

    settled_sessions: int = _number(
        30, "Below 30 even an unweighted share is known to no better than plus or minus 0.17."
    )
    distinct_changes: int = _number(
        20,
        "Sessions on one change succeed or fail together (2.2 sessions a change where measured), "
        "so changes are counted, too.",
    )
    people: int = _number(5, "Below five, a verdict on a tool is one on the few people who use it.")
    coverage: float = _number(
        0.5, "With less than half of the spend settled, what is unknown outweighs what is known."
    )
    spend_known: float = _number(
        0.9, "Shares are of spend; a session of unknown cost has no weight and must be rare."
    )
    history_days: int = _number(
        28, "Four whole weeks, so that weekends, releases and holidays do not decide."
    )
    other_tools: int = _number(
        1,
        "The same tool merges 52 % or 84 % depending on where it is used, so a share means "
        "something only beside another tool's in the same company.",
    )
    work_types_known: float = _number(
        0.8,
        "What kind of work a tool is given moves its success more than the tool does (43 % for "
        "performance work, 82 % for documentation); unknown, it can't be ruled out as the cause.",
    )
    settling_days: int = _number(
        30,
        "Sessions that ended later are left out: bad ends settle sooner than good ones, so young "
        "sessions would look worse than they are.",
    )
    keep_from: float = _number(
        0.6, "Keep where the whole interval is at or above it. A default bar: set your own."
    )
    cut_below: float = _number(
        0.3, "Cut where the whole interval is below it. A default bar: set your own."
    )
