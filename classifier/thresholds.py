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
    endless_percentile: float = _number(
        0.95,
        "Of the review rounds of changes of that size in the company: fewer than so many of them "
        "take are not endless there.",
    )
    takeover_share: float = _number(
        0.5,
        "Share of the commits of a change opened by an agent that people made without one, from "
        "which people did the work. A judgement.",
    )
    costly_percentile: float = _number(
        0.9,
        "Share of comparable changes that exceed their own expectation by at most as much. Of 80 "
        "changes with known tokens this alone was 5.6 times the expectation.",
    )
    costly_times: int = _number(
        3,
        "Times what comparable changes of that size cost. The same task done again by the same "
        "agent costs up to thirty times as much, so less says little.",
    )
    costly_cents: int = _number(
        500, "US cents that a change must have cost: what is less is not worth a look."
    )
    minor_share: float = _number(
        0.1,
        "Share of the lines of the largest change of a session: one with fewer decides nothing "
        "about the session. Beside a feature that was reverted, a corrected word is no success. A "
        "judgement.",
    )
    peer_changes: int = _number(
        30, "Comparable changes before anything is said of what is usual among them."
    )
    peer_days: int = _number(
        90, "Before the week of landing: changes that landed then are what one is compared with."
    )
    tasks_share: float = _number(
        0.6,
        "Share of the changes by people in a repository that are tied to a task, from which the "
        "repository works with tasks.",
    )
    tasks_changes: int = _number(
        20, "Changes by people in a repository before it is said to work with tasks."
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
    loop_repeats: int = _number(
        5,
        "Failures of the very same call in one session, from which on it counts as looping "
        "([KPIs](kpis.md)). A judgement, not measured.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningThresholds:
    """What a model takes before it may say anything: of titles, and of how sessions may end."""

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
    warning_sessions: int = _number(
        300,
        "Settled sessions that were open when they would have been foretold: with fewer the "
        "company's own rates say as much.",
    )
    warning_sessions_of_a_label: int = _number(
        30, "Of them of the rarest label: what was seen less often can't be known again."
    )
    most_warning_sessions: int = _number(
        20_000, "The latest settled sessions; older ones are of other tools and models."
    )
    warning_after_hours: int = _number(
        24,
        "After a session's end, with nothing more from it: by then most work that will be "
        "proposed is, and what is left open is worth a warning.",
    )
    warning_until_days: int = _number(
        14,
        "After a session's end, as until an abandoned change is one: later the rules say more, "
        "and before hardly any has settled, so that none is picked for how it went.",
    )
    warning_settling_days: int = _number(
        45,
        "After a session's end, before it is learned from or tested on: bad ends settle sooner "
        "than good ones. As long lies between what is learned from and what is asked in the test.",
    )
    warning_calibration_error: float = _number(
        0.05,
        "Mean gap between what was said and what came true, in the test: with more, the "
        "probabilities are not to be believed.",
    )
    warning_probability: float = _number(
        0.6, "Probability below which no answer is given, only the probabilities."
    )
    warning_coverage: float = _number(
        0.9,
        "How often the labels that are not ruled out hold the right one, of each label's own "
        "sessions. There is an answer only where one label is left.",
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
    window_days: int = _number(
        365,
        "Sessions that ended earlier are left out: tools and models of more than a year ago are "
        "other ones, whatever their name.",
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


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakThresholds:
    """When spend counts as leaking. Shares are from 0 to 1."""

    caching_requests: int = _number(
        5, "Requests of one model in a session: with fewer there is little to read again."
    )
    caching_share: float = _number(
        0.3,
        "Share of prompt tokens read from the cache below which caching counts as off. From five "
        "requests on a working cache serves well over half. A judgement.",
    )
    written_share: float = _number(
        0.3, "Share of prompt tokens written to the cache from which writing counts as meant."
    )
    read_back: float = _number(
        0.5,
        "Tokens read for each one written below which a cache counts as never read: a 5-minute "
        "write pays for itself once some 28 % of it is read.",
    )
    long_requests: int = _number(
        5, "Requests with prompts over 100,000 tokens before a session counts as grown."
    )
    repeats: int = _number(
        5, "Failures of the very same call, from which on nobody looked at the answer any more."
    )
    as_good: float = _number(
        0.8, "Probability that a cheaper model does at least as well, but for the margin."
    )
    as_good_margin: float = _number(
        0.05, "How much lower the cheaper model's productive share may be and still be as good."
    )
    model_pieces: int = _number(
        8, "Equal pieces of work of one type that both models must have done, as for a verdict."
    )
    cheaper_by: float = _number(
        0.2, "Share by which the same tokens must be cheaper: less does not pay for a change."
    )
    first_excess_share: float = _number(
        0.5,
        "By how much a repository's median first prompt must exceed what is usual for the tool in "
        "the company's other repositories.",
    )
    first_excess_tokens: int = _number(
        5_000, "And by how many tokens: instructions of a few pages are meant to be there."
    )
    first_sessions: int = _number(
        10, "Sessions in four weeks before a repository's median first prompt says anything."
    )
    other_repositories: int = _number(
        3, "Other repositories with as many sessions, to know what is usual."
    )
    fanout_share: float = _number(
        0.5,
        "Share of a session's cost that subagents take, below which they are no leak, whatever is "
        "usual: some session is always beyond the 95th percentile.",
    )
    fanout_sessions: int = _number(
        40,
        "Sessions of the tool with subagents in four weeks, before its 95th percentile (the second "
        "largest of them) says anything.",
    )
    fanout_settled: int = _number(
        10, "Labelled sessions on both sides before their outcomes are compared."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingThresholds:
    """What a routing policy takes, beside the bars of a verdict, and when it escalates."""

    type_people: int = _number(
        5, "People behind the work of one kind with one route: below five it is one on persons."
    )
    sure_to_switch: float = _number(
        0.8,
        "Probability at which another route counts as cheaper than the one chosen before: with "
        "less, a policy would change with the week.",
    )
    escalate_lines: int = _number(
        200,
        "Lines that work is expected to change, where the route is not proven for large work. "
        "Changes of 200 to 400 lines are what a reviewer can still take in (Cisco, 2006).",
    )
    escalate_files: int = _number(
        10,
        "Files that work touches, its blast radius. Changes of coding agents that were not merged "
        "touch more files than merged ones; where to draw the line is a judgement.",
    )
    hot_file_changes: int = _number(
        8,
        "Landed changes within 90 days that make a file hot: work there meets other work. A "
        "judgement: once in eleven days.",
    )
    escalate_rounds: int = _number(
        2, "Review rounds that make a change costly to review: most of coding agents take none."
    )
    escalate_rounds_share: float = _number(
        0.25,
        "Share of a repository's changes that took so many rounds, from which its reviews count as "
        "a risk. A judgement: one in four.",
    )
    rounds_changes: int = _number(
        20, "Changes of a repository before anything is said of its review rounds."
    )
    escalate_failures: int = _number(
        2,
        "Attempts that failed with the cheap route: a third one rarely ends better, and costs the "
        "same again. A judgement.",
    )
    mix_shift: float = _number(
        0.2,
        "Population stability index of the mix of work types, from which it counts as another mix "
        "(0.1 to 0.2 is a moderate shift, above 0.2 a large one, by convention).",
    )
    mix_changes: int = _number(
        30, "Changes before and after, before a shift of the mix can be said or denied."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EfficiencyThresholds:
    """When a ratio, or how it has moved, is taken to say anything. Shares are from 0 to 1."""

    settled_sessions: int = _number(
        30, "As for a verdict: with fewer even a share of sessions is known to no better than 0.17."
    )
    settled_share: float = _number(
        0.5,
        "Share of a time's spend whose label is final, below which it is not compared with the "
        "time before: bad ends settle sooner, so it would look worse than it is.",
    )
    trend_intervals: int = _number(
        4, "Intervals before it that a time is compared with: one alone is mostly chance."
    )
    spend_change: float = _number(
        0.2, "By which share spend must have risen to be called growth, or a problem. A judgement."
    )
    mix_known: float = _number(
        0.5,
        "Share of a group's settled spend whose type of work is known and may be told, below which "
        "it has no baseline of the same mix.",
    )
