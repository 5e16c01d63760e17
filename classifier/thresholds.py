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
    """The numbers in the rules and in the outcomes they look at; days where the name ends so."""

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
    release_branches: tuple[str, ...] = field(
        default=("release", "release/*", "release-*", "releases/*", "stable", "stable/*"),
        metadata={"why": "Patterns of branches beside the default one on which work has landed."},
    )
    superseded_days: int = _number(
        14,
        "After a change was closed: time for another to be merged in its stead, and so for the "
        "reason of its closing to be known.",
    )
    rework_days: int = _number(
        21,
        "After landing. The longer of the two public yardsticks for rewritten code (two weeks and "
        "21 days).",
    )
    rework_base_days: int = _number(
        90, "Before landing: how often a file was touched then says what is usual for it."
    )
    rework_files: float = _number(
        0.5,
        "Share of a change's files touched again beyond what is usual, from which rework is heavy. "
        "A judgement: the means of public yardsticks for seven days are 0.06 to 0.14.",
    )
    rework_lines: float = _number(
        0.2,
        "Share of its added lines that can have been rewritten; with no more than that rework is "
        "never heavy. A fifth is where attribution of lines is given up elsewhere.",
    )
    rework_min_lines: int = _number(
        20, "Lines that can have been rewritten; with fewer rework is never heavy."
    )
    revert_title_days: int = _number(
        90, "Between landing and a revert that names a change by nothing but its title."
    )
    ticket_done_days: int = _number(14, "After landing: a ticket done later was done by more.")
    ticket_reopened_days: int = _number(
        30, "After it was done: a ticket reopened later is mostly another problem."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningThresholds:
    """What a model of titles takes before it may say what kind of work a change is."""

    titles: int = _number(
        300, "Changes whose kind of work is told: with fewer a model learns single words."
    )
    titles_of_a_kind: int = _number(
        25, "Of them of one kind: rarer kinds are left to those who know."
    )
    most_titles: int = _number(
        20_000, "The latest changes; older titles say less of today's words and cost time."
    )
    title_confidence: float = _number(
        0.7, "Probability below which the model says nothing about a change."
    )
    title_accuracy: float = _number(
        0.7,
        "Share of right answers about later changes below which it is not used at all: comparing "
        "tools by kind of work with more wrong ones would mislead.",
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
        0.5,
        "Keep where the standardised share is surely at least this: half of what the tool costs "
        "ends in work that stays. A default bar: set your own.",
    )
    cut_below: float = _number(
        0.3,
        "Cut where the standardised share is surely below this and clearly below the other "
        "tools'. A default bar: set your own.",
    )
    stop_below: float = _number(
        0.4,
        "Of one type of work: stop where the share is surely below this. Between it and the bar "
        "for keeping nothing is said: the noise of one type's pieces is worth a tenth.",
    )
    cut_margin: float = _number(
        0.05,
        "How far below the other tools' share over the same work a tool must be for a cut: where "
        "all do badly, no tool is the reason.",
    )
    sure_to_keep: float = _number(
        0.9, "Probability at which a share counts as reaching the bar for keeping, or not."
    )
    sure_to_cut: float = _number(
        0.95, "Probability that a cut takes: it costs people their tool, so it takes more."
    )
    sure_to_stay: float = _number(
        0.6,
        "Probability at which a verdict given before still stands, so that it does not flip with "
        "the week.",
    )
    type_pieces: int = _number(
        8,
        "Equal pieces of work of one type before anything is said of that type: with fewer the "
        "answer is mostly what was expected beforehand.",
    )
