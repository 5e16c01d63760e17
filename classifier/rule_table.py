"""The rules in their order: the first that matches gives a session its label."""

from dataclasses import dataclass

from classifier import conditions
from classifier.conditions import Condition
from domain.labels import Label

# Goes up with every change that can give any session another label or maturity.
RULE_SET = "6"


AUTHOR_UNKNOWN = "author_unknown"
"""The rule of sessions whose people have no commit: the first one has them labelled anew."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One reason for a label. ``sentence`` and ``final`` may name thresholds in braces.

    ``final`` says when the label becomes final.
    """

    name: str
    label: Label
    sentence: str
    final: str
    test: Condition


RULES: tuple[Rule, ...] = (
    Rule(
        "no_session",
        Label.UNKNOWN,
        "The telemetry names no session for this usage, so nothing can be tied to it.",
        "at once",
        conditions.no_session,
    ),
    Rule(
        "not_begun",
        Label.PENDING,
        "At that time the session had not begun.",
        "never: it begins",
        conditions.not_begun,
    ),
    Rule(
        "evaluation",
        Label.NEUTRAL,
        "It did a past task again for an evaluation: nobody waited for its work.",
        "at once",
        conditions.evaluation,
    ),
    Rule(
        "endless_review",
        Label.INEFFICIENT,
        "Its work landed and stands, but all of it took endless review: {endless_rounds} rounds or "
        "more, and no fewer than the most that changes of that size take in the company.",
        "{revert_window_days} days after the first of it landed",
        conditions.endless_review,
    ),
    Rule(
        "disproportionate_cost",
        Label.INEFFICIENT,
        "Its work landed and stands, but all of it cost {costly_times} times or more what "
        "comparable changes of that size cost in the company, and more than nearly all of them do.",
        "{revert_window_days} days after the first of it landed",
        conditions.disproportionate_cost,
    ),
    Rule(
        "human_takeover",
        Label.INEFFICIENT,
        "Its work landed and stands, but of all of it, which an agent opened, people made half of "
        "the commits or more without one.",
        "{revert_window_days} days after the first of it landed",
        conditions.human_takeover,
    ),
    Rule(
        "heavy_rework",
        Label.INEFFICIENT,
        "Its work landed and stands, but all of it was heavily reworked within {rework_days} days.",
        "{revert_window_days} days after the first of it landed",
        conditions.heavy_rework,
    ),
    Rule(
        "laboured",
        Label.INEFFICIENT,
        "Its work landed and stands, but each piece of it took endless review, disproportionate "
        "cost, a takeover by people or heavy rework.",
        "{revert_window_days} days after the first of it landed",
        conditions.laboured,
    ),
    Rule(
        "landed_without_task",
        Label.UNKNOWN,
        "Its work landed and stands and nothing speaks against it, but nothing ties it to a task, "
        "as nearly all work in its repository is: what it was for can't be told.",
        "{revert_window_days} days after the first of it landed",
        conditions.landed_without_task,
    ),
    Rule(
        "landed_and_stands",
        Label.PRODUCTIVE,
        "Work of this session landed on the default or a release branch and is not reverted, "
        "without endless review, disproportionate cost, takeover or heavy rework, and tied to a "
        "task where its repository works with tasks. Other work of it that failed does not count "
        "against it.",
        "{revert_window_days} days after the first of it landed",
        conditions.landed_and_stands,
    ),
    Rule(
        "open_change",
        Label.PENDING,
        "Nothing of it stands yet, but a change is open and its author was active within the last "
        "{abandoned_provisional_days} days.",
        "never: it waits for the change",
        conditions.open_change,
    ),
    Rule(
        "merged_elsewhere",
        Label.PENDING,
        "A change was merged into a branch that is neither the default one nor for releases within "
        "the last {elsewhere_days} days; that branch may still land.",
        "never: it waits for the branch",
        conditions.merged_elsewhere,
    ),
    Rule(
        "lost_elsewhere",
        Label.UNKNOWN,
        "A change was merged into a branch that is neither the default one nor for releases; "
        "whether that branch ever landed can't be told.",
        "at once",
        conditions.lost_elsewhere,
    ),
    Rule(
        "reverted",
        Label.WASTEFUL,
        "Everything of it that landed was reverted and has not landed again.",
        "{reland_days} days after the last revert",
        conditions.reverted,
    ),
    Rule(
        "abandoned",
        Label.WASTEFUL,
        "Nothing landed, and no open change of it saw its author for {abandoned_provisional_days} "
        "days or more.",
        "{abandoned_final_days} days after the author's last activity",
        conditions.abandoned,
    ),
    Rule(
        "beside_the_point",
        Label.NEUTRAL,
        "All its changes were closed without landing, as superseded, duplicate, out of scope or an "
        "experiment: that says nothing of the work.",
        "{superseded_days} days after the last was closed",
        conditions.beside_the_point,
    ),
    Rule(
        "closed_as_failed",
        Label.WASTEFUL,
        "All its changes were closed without landing, with changes requested, failing checks or an "
        "error of the agent.",
        "{superseded_days} days after the last was closed",
        conditions.closed_as_failed,
    ),
    Rule(
        "closed_unmerged",
        Label.UNKNOWN,
        "All its changes were closed without landing, and why can't be told of each: of 353 such "
        "changes labelled by hand 36 % failed because of the tool, 31 % were superseded or the "
        "like, and the rest could not be told.",
        "{superseded_days} days after the last was closed",
        conditions.closed_unmerged,
    ),
    Rule(
        "no_tools_used",
        Label.NEUTRAL,
        "It used no tools, so it was a question or a conversation.",
        "at once",
        conditions.no_tools_used,
    ),
    Rule(
        "weak_links",
        Label.UNKNOWN,
        "There is work that may be its own, but only by weak evidence (tier C or D).",
        "at once",
        conditions.weak_links,
    ),
    Rule(
        "no_forge",
        Label.UNKNOWN,
        "It edited or committed, but no forge is connected that tells all of its repository, so "
        "what came of it can't be seen.",
        "at once",
        conditions.no_forge,
    ),
    Rule(
        "work_may_come",
        Label.PENDING,
        "It edited or committed and ended less than {unlinked_provisional_days} days ago: its work "
        "may still turn up.",
        "never: it waits for work",
        conditions.work_may_come,
    ),
    Rule(
        AUTHOR_UNKNOWN,
        Label.UNKNOWN,
        "It edited or committed, but nobody whom its telemetry names has a commit under any "
        "identity: what came of it can't be found.",
        "{unlinked_final_days} days after its end",
        conditions.author_unknown,
    ),
    Rule(
        "nothing_came_of_it",
        Label.WASTEFUL,
        "It edited or committed, but {unlinked_provisional_days} days after its end no change and "
        "no landed commit of it is known.",
        "{unlinked_final_days} days after its end",
        conditions.nothing_came_of_it,
    ),
    Rule(
        "no_edits",
        Label.NEUTRAL,
        "It edited nothing: a question, an exploration or a review.",
        "at once",
        conditions.no_edits,
    ),
    Rule(
        "not_told",
        Label.UNKNOWN,
        "The tool does not tell whether anything was edited, and no work is linked.",
        "at once",
        conditions.not_told,
    ),
)
